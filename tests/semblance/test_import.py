"""To import the face costs little, and never gets another package of the same name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.structure import PRODUCT

import semblance
from retrieval.index import QueryOptions
from semblance.keywords import Marks, Options
from viewer.queries.marked_region import Mark

HEAVY = {"numpy", "numba", "scipy", "cv2", "PIL", "torch", "retrieval", "viewer", "bovw", "deep", "cli"}


def python(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, check=False
    )


def test_the_import_loads_nothing_else(tmp_path: Path) -> None:
    code = "import semblance, sys; print(*{name.split('.')[0] for name in sys.modules})"
    assert not set(python(code, tmp_path).stdout.split()) & HEAVY


def test_every_name_is_there_and_documented() -> None:
    assert len(semblance.__all__) <= 17
    assert dir(semblance) == semblance.__all__
    for name in semblance.__all__:
        assert getattr(semblance, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        semblance.nothing  # noqa: B018


@pytest.mark.parametrize("name", sorted({*PRODUCT} - {"semblance"}))
@pytest.mark.parametrize("form", ["{}/__init__.py", "{}.py"])
def test_a_folder_beside_a_notebook_that_hides_a_package_is_named(
    name: str, form: str, tmp_path: Path
) -> None:
    hiding = tmp_path / form.format(name)
    hiding.parent.mkdir(exist_ok=True)
    hiding.write_text("")
    done = python("import semblance", tmp_path)
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("ImportError: semblance: ")]
    place = hiding.parent if form.endswith("__init__.py") else hiding
    assert f"{place.resolve()} hides the package {name} of semblance" in line and "rename it" in line


def test_a_folder_without_code_hides_nothing(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    assert python("import semblance; semblance.SettingError", tmp_path).returncode == 0


def test_the_keywords_of_a_query_are_its_options_and_marks() -> None:
    options, marks = QueryOptions.__annotations__.keys(), Mark.__annotations__.keys()
    assert Marks.__annotations__.keys() == marks
    assert Options.__annotations__.keys() == options - {"region"}  # a box here, a Region there


def test_the_package_runs_as_the_command() -> None:
    asked = [sys.executable, "-m", "semblance", "query", "--no-such-option"]
    here = Path(str(semblance.__file__)).parents[1]
    done = subprocess.run(asked, capture_output=True, text=True, cwd=here, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("semblance: error: ") and done.stderr.count("\n") == 1
