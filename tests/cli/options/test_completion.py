"""Completion in a shell: commands, flags, representations, columns and ids, each as far as the line tells."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from cli.main import COMMANDS, main
from retrieval.registry import installed

Completed = Callable[..., list[str]]
ids = ["ct/0.png", "ct/1.png", "mr/2.png"]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Index three images with labels and a column of their own."""
    folder = tmp_path_factory.mktemp("completion")
    for number, name in enumerate(ids):
        path = folder / "scans" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(path), np.random.default_rng(number).integers(0, 255, (32, 32), np.uint8))
    lines = ["path,label,site", *(f"{name},x,here" for name in ids), ""]
    (folder / "labels.csv").write_text("\n".join(lines))
    place = str(folder / "my.index")
    given = ["--by", "thumbnail", "--labels", str(folder / "labels.csv"), "--jobs", "1"]
    assert main(["index", str(folder / "scans"), "-o", place, *given]) == 0
    return place


@pytest.fixture
def completed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Completed:
    """Return what completes the last of the words of a command line."""

    def complete(*words: str) -> list[str]:
        monkeypatch.setenv("_SEMBLANCE_COMPLETE", "bash_complete")
        monkeypatch.setenv("COMP_WORDS", " ".join(["semblance", *words]))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        capsys.readouterr()
        assert main([]) == 0
        return [line.partition(",")[2] for line in capsys.readouterr().out.splitlines()]

    return complete


def test_commands_are_completed_without_loading_any(completed: Completed) -> None:
    for name in [name for name in sys.modules if name.startswith("cli.commands.learn")]:
        del sys.modules[name]
    assert completed("learn") == ["learn-metric", "learn-profile", "learn-concept", "learn-fusion"]
    assert completed("") == list(COMMANDS)
    assert not [name for name in sys.modules if name.startswith("cli.commands.learn")]


@pytest.mark.parametrize(
    ("shell", "n", "expected"),
    [
        ("zsh", "2", ["plain", "learn-fusion", f"{COMMANDS['learn-fusion']}"]),
        ("fish", "learn-f", [f"plain,learn-fusion\t{COMMANDS['learn-fusion']}"]),
    ],
)
def test_zsh_and_fish_are_answered_in_their_own_forms(
    shell: str,
    n: str,
    expected: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("_SEMBLANCE_COMPLETE", f"{shell}_complete")
    monkeypatch.setenv("COMP_WORDS", "semblance learn-f")
    # The number of the word for zsh, the word itself for fish: what their scripts hand over.
    monkeypatch.setenv("COMP_CWORD", "1" if shell == "zsh" else n)
    assert main([]) == 0
    assert capsys.readouterr().out.splitlines() == expected


def test_flags_are_completed_and_so_are_settings_of_representations(completed: Completed) -> None:
    assert completed("query", "x", "y", "--no") == ["--not-same"]
    assert "--signature" in completed("index", "x", "--by", "sift", "--sig")


def test_choices_are_completed(completed: Completed) -> None:
    assert completed("query", "x", "y", "--fusion", "") == ["rrf", "z", "sum", "learnt"]
    assert completed("completion", "z") == ["zsh"]


def test_representations_are_those_of_the_index_or_all_installed(index: str, completed: Completed) -> None:
    assert completed("query", index, "x", "--by", "") == ["thumbnail"]
    assert completed("query", "nowhere", "x", "--by", "") == installed()
    assert completed("index", "x", "--by", "su") == ["superpixel"]


def test_columns_and_ids_are_those_of_the_index(index: str, completed: Completed) -> None:
    assert completed("query", index, "x", "--group-by", "s") == ["site"]
    assert completed("query", index, "ct/") == ids[:2]
    assert completed("query", index, "x", "--like", "m") == ids[2:]
    assert completed("remove", index, "") == ids


def test_ids_are_those_of_an_index_in_shards_too(index: str, tmp_path: Path, completed: Completed) -> None:
    assert main(["shard", index, "--into", "2", "-o", str(tmp_path / "split"), "--quiet"]) == 0
    assert completed("query", str(tmp_path / "split" / "shards.toml"), "ct/") == ids[:2]


def test_where_there_is_no_id_the_shell_completes_paths(index: str, completed: Completed) -> None:
    assert completed("query", index, "./pat") == ["./pat"]
    assert completed("query", "sca") == ["sca"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell_calls_the_command(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert f"_SEMBLANCE_COMPLETE={shell}_complete" in script
    assert "semblance" in script


def test_bash_takes_the_script(tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash")
    program = tmp_path / "semblance"
    program.write_text(
        f"#!{sys.executable}\nimport sys; from cli.main import main; sys.exit(main())\n", encoding="utf-8"
    )
    program.chmod(0o755)
    line = (
        f'PATH="{tmp_path}:$PATH"; eval "$(semblance completion bash)"; COMP_WORDS=(semblance que); '
        'COMP_CWORD=1; _semblance_completion semblance que semblance; echo "${COMPREPLY[@]}"'
    )
    done = subprocess.run([bash, "-c", line], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["query"]
