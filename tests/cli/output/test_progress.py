"""Progress bars: seen on a terminal, and nowhere else."""

from __future__ import annotations

import io
import sys

import pytest

from cli.output.progress import ProgressBar


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_nothing_is_shown_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressBar() as progress:
        for done in range(5):
            progress("reading", done, 5)
    assert capsys.readouterr() == ("", "")


def test_short_work_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with ProgressBar() as progress:
        progress("reading", 1, 2)
        progress("encoding", 1, 0)
    assert terminal.getvalue().strip() == ""


def test_long_work_shows_stage_share_and_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    import tqdm

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    plain = tqdm.tqdm
    monkeypatch.setattr(tqdm, "tqdm", lambda **options: plain(**{**options, "delay": 0, "mininterval": 0}))
    with ProgressBar("queries") as progress:
        progress("reading", 1, 4)
        progress("reading", 2, 4)
        progress("encoding", 3, 0)
    shown = terminal.getvalue()
    assert "reading:  50%" in shown
    assert "queries/s" in shown
    assert "encoding: 3 queries" in shown


def test_an_error_closes_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    with pytest.raises(KeyboardInterrupt), ProgressBar() as progress:
        progress("reading", 1, 2)
        raise KeyboardInterrupt
    assert progress._bar is None
