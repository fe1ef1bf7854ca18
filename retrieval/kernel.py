"""The compiled kernels: one decorator for all of them, which keeps their types and loads numba late."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])

KERNELS: list[Kernel] = []
"""All kernels of the modules that were imported so far."""

_LOCK = threading.RLock()

_ENOUGH = 1e8
"""Work in numpy, in simple operations, that takes about a tenth of a second; numba loads in half a second."""


def kernel(**options: Any) -> Callable[[F], F]:
    """Compile a function by numba at its first call, and cache the machine code beside its source file.

    It runs without Python's global lock, so that threads run kernels side by side. Numba knows the types of
    arguments from the call; the annotations are for readers and for mypy, to which a kernel looks like the
    function that it is made of. Numba itself is imported at the first call of any kernel: it takes longer to
    load than a small query takes.

    Parameters
    ----------
    options : further options of ``numba.njit``, such as ``error_model="numpy"`` (a division by zero gives
        infinity or NaN as in numpy and costs no branch), ``inline="always"``, or ``fastmath`` flags.
    """

    def decorate(function: F) -> F:
        return cast(F, Kernel(cast(FunctionType, function), options))

    return decorate


@cache
def _load_numba() -> None:
    """Load what numba compiles arrays with, but for SciPy's linear algebra.

    Numba imports that only to see that it is there, an eighth of a second for each command; it does so again
    where a kernel multiplies matrices.
    """
    from numba.np import linalg

    check = getattr(linalg, "ensure_blas", None)
    if check is None:  # another version of numba
        return
    linalg.ensure_blas = lambda: None
    try:
        from numba.np import arraymath
    finally:
        linalg.ensure_blas = check
    arraymath.ensure_blas = check


def _jit(function: FunctionType, options: dict[str, Any]) -> Any:
    from numba import njit

    _load_numba()
    try:
        return njit(cache=True, nogil=True, **options)(function)
    except RuntimeError:
        # Neither the folder of the package nor that of the user can be written to, and NUMBA_CACHE_DIR names
        # no other: each process compiles for itself.
        return njit(nogil=True, **options)(function)


class Kernel:
    """A kernel that numba has not seen yet; it makes room for numba's own object when it is first needed.

    Attributes
    ----------
    py_func : the function, as numba calls it too.
    """

    def __init__(self, function: FunctionType, options: dict[str, Any]) -> None:
        self.py_func = function
        self.__doc__, self.__name__ = function.__doc__, function.__name__
        self.__module__, self.__wrapped__ = function.__module__, function
        self._options = options
        self._made: Any = None
        self._compiled: Any = None
        KERNELS.append(self)

    @property
    def can_be_cached(self) -> bool:
        """Tell whether there is a folder for its machine code that can be written to."""
        return self.compiled().stats.cache_path is not None

    @property
    def is_cached(self) -> bool:
        """Tell whether its machine code is on disk, and no older than its source."""
        return self._has_newer(self._indexes())

    @property
    def is_cached_beside(self) -> bool:
        """Tell the same without loading numba, of the folder that numba usually takes."""
        folder = Path(self.py_func.__code__.co_filename).with_name("__pycache__")
        is_taken = "NUMBA_CACHE_DIR" not in os.environ and os.access(folder, os.W_OK)
        return is_taken and self._has_newer(self._in(folder))

    def _has_newer(self, indexes: Iterable[Path]) -> bool:
        time = Path(self.py_func.__code__.co_filename).stat().st_mtime
        return any(index.stat().st_mtime >= time for index in indexes)

    def confirm(self) -> None:
        """Date the machine code on disk as of now if this process runs it, so that it counts as cached.

        Numba knows a source by its contents: after an installation of the same one it keeps the code, and
        its date.
        """
        if self.compiled().signatures:
            for index in self._indexes():
                with suppress(OSError):  # a cache that is only read
                    index.touch()

    def _indexes(self) -> list[Path]:
        return self._in(Path(self.compiled().stats.cache_path)) if self.can_be_cached else []

    def _in(self, folder: Path) -> list[Path]:
        """Return numba's index of its machine code, one a version of Python; none if there is none.

        They are named after the module, the function and the line of its source.
        """
        code = self.py_func.__code__
        name = f"{Path(code.co_filename).stem}.{self.py_func.__qualname__}-{code.co_firstlineno}.*.nbi"
        return list(folder.glob(name))

    def __call__(self, *arguments: Any) -> Any:
        """Run the kernel."""
        return (self._compiled or self.compiled())(*arguments)

    def compiled(self) -> Any:
        """Return numba's own object, which compiles for types of arguments when it meets them."""
        with _LOCK:
            # A kernel that calls itself, or is called by one that it calls, is met again before it is ready.
            if self._made is None:
                self._made = _jit(self.py_func, self._options)
                self._introduce()
                # Last: other threads may call it as soon as they see it.
                self._compiled = self._made
            return self._made

    def _introduce(self) -> None:
        """Put numba's objects in place of the kernels that this one calls, and of itself, in their modules.

        Numba looks up what a function calls among its globals, and knows its own objects alone.
        """
        names = self.py_func.__globals__
        for name in set(_names(self.py_func.__code__)):
            value = names.get(name)
            if isinstance(value, Kernel):
                names[name] = value.compiled()
            elif isinstance(value, ModuleType):
                _introduce_in(value, self.py_func.__code__)
        if names.get(self.__name__) is self:
            names[self.__name__] = self._made


def _introduce_in(module: ModuleType, code: CodeType) -> None:
    """Compile the kernels of a module that a kernel calls as ``module.name``."""
    for name in set(_names(code)):
        value = vars(module).get(name)
        if isinstance(value, Kernel):
            setattr(module, name, value.compiled())


def _names(code: CodeType) -> Iterator[str]:
    """Yield the names of globals and attributes in a function and in the functions inside it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


class _Spared:
    """The work that was done in numpy so far because numba was not loaded."""

    work = 0.0


def is_worth_loading(work: float) -> bool:
    """Tell whether kernels should do some work that numpy can do as well, to the last bit.

    They are faster, but to load numba takes longer than a small query. So they wait until numba is there, or
    until this process has done enough in numpy.

    Parameters
    ----------
    work : simple operations on elements of arrays; a call of numpy counts for some thousands.
    """
    if "numba" in sys.modules:
        return True
    _Spared.work += work
    return _Spared.work > _ENOUGH
