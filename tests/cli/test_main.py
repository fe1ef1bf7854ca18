"""The command's entry: help, exit codes, and errors in one line."""

from __future__ import annotations

import re
import subprocess
import sys
from types import SimpleNamespace

import click
import pytest

from cli import group
from cli.main import COMMANDS, main, parse
from cli.options.command import Command
from cli.options.parameters import Argument
from retrieval.errors import IndexFolderError, SettingError

HEAVY = (
    "numpy",
    "cv2",
    "numba",
    "pydicom",
    "PIL",
    "nibabel",
    "tifffile",
    "scipy",
    "sqlite3",
    "bovw",
    "torch",
)


def loaded_by(*arguments: str) -> set[str]:
    """Return the modules that a run of the command has imported."""
    code = "import sys; from cli.main import main; main(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    return set(done.stderr.split())


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["query", "--help"], ["info", "--help"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    assert not loaded_by(*arguments) & set(HEAVY)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    shown = capsys.readouterr().out
    assert f"example:\n  semblance {command}" in shown
    assert max(len(line) for line in shown.splitlines()) <= 110


def test_the_help_lists_every_command_under_the_job_that_it_is_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--help"]) == 0
    parts = re.split(r"^(\S[^\n]*):$", capsys.readouterr().out, flags=re.MULTILINE)
    for job, commands in group.JOBS.items():
        below = parts[parts.index(f"{job[0].upper()}{job[1:]}") + 1]
        assert re.findall(r"^  ([a-z-]+)  ", below, re.MULTILINE) == list(commands)


def test_help_of_locate_names_the_window_that_shows_lungs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["locate", "--help"]) == 0
    assert "--window lung" in capsys.readouterr().out


def test_version_is_that_of_the_distribution(capsys: pytest.CaptureFixture[str]) -> None:
    from importlib.metadata import version

    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"semblance {version('semblance')}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["unheard-of"],
        ["query"],
        ["query", "x.index"],
        ["query", "x.index", "a.png", "-k", "0"],
        ["query", "x.index", "a.png", "-k", "many"],
        ["query", "x.index", "a.png", "--region", "1,2,3"],
        ["query", "x.index", "a.png", "--region", "1,2,0,5"],
        ["query", "x.index", "a.png", "--region", "1,2,inf,5"],
        ["query", "x.index", "a.png", "--json", "--csv"],
        ["query", "x.index", "a.png", "--jso"],
        ["query", "x.index", "a.png", "--sheet", "sheet.txt"],
        ["info"],
        ["remove", "x.index"],
        ["index", "folder"],
        ["index", "folder", "-o", "x.index", "--by", "unheard-of"],
        ["index", "folder", "-o", "x.index", "--jobs", "-1"],
        ["points", "a.png"],
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("semblance: error: ")
    assert shown.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["quer", "x"], "query"),
        (["query", "x", "y", "--groop-by", "z"], "--group-by"),
        (["query", "x", "y", "--orientation", "2"], "--orientations"),
        (["index", "x", "-o", "y", "--by", "superpixl"], "superpixel"),
        (["index", "x", "-o", "y", "--by", "sift", "--word", "9"], "--words"),
        (["index", "x", "-o", "y", "--by", "sift", "--descriptor", "rotsift"], "rootsift"),
    ],
)
def test_what_is_mistyped_gets_a_suggestion(
    arguments: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert f"did you mean {meant}?" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["index", "x", "-o", "y", "--by", "thumbnail"], ["query", "x", "y"]])
def test_a_setting_of_another_representation_is_said_to_be_one(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--words", "20"]) == 2
    error = capsys.readouterr().err
    assert "unrecognized arguments: --words; it is a setting of " in error
    assert "superpixel" in error
    assert "did you mean" not in error


def test_a_number_that_is_none_is_called_that(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["index", "x", "-o", "y", "--by", "sift", "--verify", "many"]) == 2
    assert "--verify: 'many' is not a whole number" in capsys.readouterr().err
    assert main(["index", "x", "-o", "y", "--by", "sift", "--whitening", "much"]) == 2
    assert "--whitening: 'much' is not a number" in capsys.readouterr().err


def test_an_option_is_not_taken_for_the_value_of_another(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["index", "folder", "-o", "--by", "sift"]) == 2
    assert "argument -o/--output: expected one argument" in capsys.readouterr().err


def test_an_error_names_the_help_of_its_command(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["index"], ["index", "folder", "-o"], ["index", "folder", "--bogus"]):
        assert main(arguments) == 2
        assert capsys.readouterr().err.endswith("(see semblance index --help)\n")


@pytest.mark.parametrize(
    ("words", "erased"),
    [
        ([], None),
        (["--erased"], []),
        (["--erased", "a", "b"], ["a", "b"]),
        (["--erased", "a", "--erased=b"], ["a", "b"]),
    ],
)
def test_an_option_may_take_any_number_of_values(words: list[str], erased: list[str] | None) -> None:
    assert parse(["verify", "x", *words]).erased == erased


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (IndexFolderError("x: no index;\nmake one"), 1, "x: no index; make one"),
        (SettingError("words: 0 will not do"), 2, "words: 0 will not do"),
        (
            PermissionError(13, "Permission denied", "x/y"),
            1,
            "x/y: no permission; change the permissions, or run it as the owner",
        ),
        (
            OSError(28, "No space left on device"),
            1,
            "no space is left on the disk; free some space and run the same command again",
        ),
        (KeyboardInterrupt(), 1, "interrupted; nothing is lost, run the same command again"),
        (MemoryError(), 1, "out of memory; use fewer --jobs"),
        (ValueError("odd"), 1, "internal error, please report it (ValueError: odd); --debug shows where"),
    ],
)
def test_an_error_is_one_line_and_has_its_exit_code(
    error: BaseException,
    code: int,
    text: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("SEMBLANCE_DEBUG", raising=False)
    break_info(monkeypatch, error)
    assert main(["info", "x"]) == code
    assert capsys.readouterr().err == f"semblance: error: {text}\n"


def test_debug_shows_where_an_error_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    break_info(monkeypatch, IndexFolderError("no index"))
    with pytest.raises(IndexFolderError):
        main(["info", "x", "--debug"])
    monkeypatch.setenv("SEMBLANCE_DEBUG", "1")
    with pytest.raises(IndexFolderError):
        main(["info", "x"])


def test_a_reader_who_leaves_early_is_no_error() -> None:
    code = (
        "import sys, types, cli.group, cli.main as m\n"
        "from cli.options.command import Command\n"
        "def run(args):\n"
        "    for _ in range(100000): print('x' * 100)\n"
        "    return 0\n"
        "loaded = types.SimpleNamespace(run=Command(run, [], ''))\n"
        "cli.group.importlib.import_module = lambda *_: loaded\n"
        "sys.exit(m.main(['info']))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 1


def test_only_the_command_that_runs_is_loaded() -> None:
    loaded = loaded_by("info", "--help")
    assert "cli.commands.info" in loaded
    assert {f"cli.commands.{name.replace('-', '_')}" for name in COMMANDS} & loaded == {"cli.commands.info"}
    assert not [name for name in loaded_by("--help") if name.startswith("cli.commands")]


def test_a_line_is_parsed_without_being_run() -> None:
    assert parse(["info", "x"]).index.name == "x"
    with pytest.raises(click.UsageError):
        parse(["info"])


def break_info(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let ``semblance info`` raise an error."""

    def run(args: object) -> int:
        raise error

    broken = SimpleNamespace(run=Command(run, [Argument(["index"])], ""))
    monkeypatch.setattr(group.importlib, "import_module", lambda *_: broken)
