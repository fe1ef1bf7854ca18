"""The command warm: all kernels are compiled on demand, and once before the first index."""

from __future__ import annotations

import importlib.util
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bovw.detectors.slic import slic
from bovw.detectors.superpixel import Superpixel
from cli.commands import warm
from cli.main import main
from cli.output.progress import ProgressBar
from retrieval.kernel import KERNELS, Kernel
from retrieval.readers import read_pictures

SOURCE = """
from retrieval.kernel import kernel

@kernel()
def double(number):
    return 2 * number
"""


def test_all_kernels_are_compiled(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["warm"]) == 0
    assert capsys.readouterr().out.startswith("kernels compiled in ")
    assert len(KERNELS) > 100
    # What only other kernels call is part of their machine code; a cached caller does not compile it again.
    called = {name for one in KERNELS for name in one.py_func.__code__.co_names}
    product = ("bovw.", "retrieval.rankers", "retrieval.answers")
    entries = [one for one in KERNELS if one.__module__.startswith(product) and one.__name__ not in called]
    assert len(entries) > 30
    assert [one.__name__ for one in entries if not one.is_cached] == []


def test_its_images_have_few_superpixels_too_which_are_halved(tmp_path: Path) -> None:
    warm.write_images(tmp_path / "images")
    (picture,) = read_pictures(tmp_path / "images" / "stripes.png", "stripes.png")
    points = warm.SMALL["points"]
    # SLIC alone leaves fewer.
    assert slic(picture.pixels, points, 0.1, 10, np.ones(picture.shape, np.bool_)).max() + 1 < points
    assert Superpixel(points=points).regions(picture.pixels).max() + 1 == points


def test_the_bar_says_that_it_is_done_once_and_how_long_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[str, int, int]] = []
    monkeypatch.setattr(warm, "_steps", lambda folder: [lambda: None] * 3)
    warm.warm_up(lambda *now: shown.append(now))  # type: ignore[arg-type]
    assert shown == [(warm.STAGE, done, 3) for done in range(4)]
    assert warm.STAGE == "compiling kernels, once, about a minute"


def kernel_of(path: Path) -> tuple[Kernel, Any]:
    """Return the kernel of a module, which no other test meets, and the module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return KERNELS.pop(), module


def test_a_kernel_is_in_the_cache_until_its_source_changes(tmp_path: Path) -> None:
    path = tmp_path / "doubling.py"
    path.write_text(SOURCE)
    made, module = kernel_of(path)
    assert not made.is_cached
    assert module.double(4) == 8
    assert made.is_cached
    os.utime(path, (path.stat().st_mtime + 60,) * 2)
    assert not made.is_cached


def test_code_of_the_same_source_that_was_installed_again_is_confirmed(tmp_path: Path) -> None:
    path = tmp_path / "doubling.py"
    path.write_text(SOURCE)
    os.utime(path, (time.time() - 60,) * 2)
    made, module = kernel_of(path)
    assert module.double(4) == 8
    for index in tmp_path.rglob("*.nbi"):
        os.utime(index, (path.stat().st_mtime - 60,) * 2)
    assert not made.is_cached
    made.confirm()
    assert made.is_cached


def test_code_beside_its_source_is_seen_without_numba(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    path = tmp_path / "doubling.py"
    path.write_text(SOURCE)
    made, module = kernel_of(path)
    assert not made.is_cached_beside
    assert module.double(4) == 8
    assert made.is_cached_beside
    # Numba would not look there now.
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "elsewhere"))
    assert not made.is_cached_beside


def refuse_files(*_: Any, **__: Any) -> None:
    raise PermissionError(13, "Permission denied")


def test_kernels_run_where_no_folder_can_be_written_to(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # By this numba finds out whether it can write to a folder.
    monkeypatch.setattr(tempfile, "TemporaryFile", refuse_files)
    made = Kernel(lambda number: 3 * number, {})  # type: ignore[arg-type]
    monkeypatch.setattr("retrieval.kernel.KERNELS", [KERNELS.pop()])
    assert made(4) == 12
    assert not made.can_be_cached and not made.is_cached
    monkeypatch.setattr(warm, "warm_up", lambda progress: None)
    assert main(["warm"]) == 0
    assert "set NUMBA_CACHE_DIR" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("cached", "wish", "is_warmed"), [(False, "", True), (True, "", False), (False, "never", False)]
)
def test_the_first_index_compiles_all_kernels_unless_that_is_not_wanted(
    cached: bool, wish: str, is_warmed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    warmed: list[Any] = []
    monkeypatch.setenv("SEMBLANCE_WARM", wish)
    monkeypatch.setattr(Kernel, "is_cached", cached)
    monkeypatch.setattr(Kernel, "is_cached_beside", False)
    monkeypatch.setattr(Kernel, "can_be_cached", True)
    monkeypatch.setattr(warm, "warm_up", warmed.append)
    warm.warm_up_once(["superpixel"], ProgressBar())
    assert bool(warmed) == is_warmed
