"""Progress: bars on a terminal, a line now and then elsewhere, nothing if it is not wanted."""

from __future__ import annotations

import io
import sys

import pytest

from cli.output.progress import ProgressBar


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_short_work_is_silent_in_a_log(capsys: pytest.CaptureFixture[str]) -> None:
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


def test_long_work_says_a_line_now_and_then_in_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    seconds = iter([0.0, 5.0, 31.0, 32.0, 60.0, 61.5, 100.0])
    with ProgressBar("files", clock=lambda: next(seconds)) as progress:
        for done in range(1000, 5000, 1000):
            progress("reading", done, 5000)
        progress("encoding", 7, 0)
        progress("learn", 0, 0)
    said = ["reading: 2,000 of 5,000 files", "encoding: 7 files", "learn"]
    assert capsys.readouterr() == ("", "\n".join([*said, ""]))


@pytest.mark.parametrize("is_terminal", [True, False])
def test_quiet_work_shows_nothing(is_terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal() if is_terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    seconds = iter(range(0, 1000, 100))
    with ProgressBar(is_quiet=True, clock=lambda: next(seconds)) as progress:
        progress("reading", 1, 2)
    assert stream.getvalue() == ""


def test_an_error_closes_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    import tqdm

    closed = []

    class Bar:
        """Stand in for a bar of tqdm."""

        total, n = 2, 0

        def __init__(self, desc: str, **options: object) -> None:
            self.desc = desc

        def update(self, more: int) -> None:
            self.n += more

        def close(self) -> None:
            closed.append(self.desc)

    monkeypatch.setattr(tqdm, "tqdm", Bar)
    monkeypatch.setattr(sys, "stderr", Terminal())
    with pytest.raises(KeyboardInterrupt), ProgressBar() as progress:
        progress("reading", 1, 2)
        raise KeyboardInterrupt
    assert closed == ["reading"]
