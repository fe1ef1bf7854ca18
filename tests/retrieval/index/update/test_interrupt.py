"""Facts about delayed interrupts: a Ctrl-C means what it meant before, at the end of what must stay whole."""

import signal
import threading

import pytest

from retrieval.index.update.interrupt import held_back, interrupts


@pytest.fixture(autouse=True)
def raised():
    """Let SIGINT raise KeyboardInterrupt: a shell that starts tests in the background has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def handled():
    """Return the signals that a handler of SIGINT has got, for the time of a test."""
    numbers: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: numbers.append(number))
    yield numbers
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_is_raised_at_the_end_of_what_holds_it_back():
    done = []
    with pytest.raises(KeyboardInterrupt), held_back():
        signal.raise_signal(signal.SIGINT)
        done.append("block")
    with pytest.raises(KeyboardInterrupt), interrupts() as held:
        with held:
            done.append("without")
        with held:
            signal.raise_signal(signal.SIGINT)
            done.append("part")
        done.append("never")
    assert done == ["block", "without", "part"]
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_outside_of_its_parts_an_interrupt_is_raised_at_once():
    with interrupts() as held:
        with held:
            pass
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_an_interrupt_waits_for_the_end_of_the_outermost_part(handled):
    with interrupts() as held:
        with held:
            with held_back():
                signal.raise_signal(signal.SIGINT)
            assert handled == []
        assert handled == [signal.SIGINT]
    assert handled == [signal.SIGINT]


def test_the_error_of_a_block_is_raised_before_its_interrupt(handled):
    with pytest.raises(ValueError, match="broken"), held_back():
        signal.raise_signal(signal.SIGINT)
        raise ValueError("broken")
    assert handled == []


def test_where_interrupts_are_ignored_they_stay_so(handled):
    # As in what a script starts in the background.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with held_back():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_in_another_thread_nothing_is_delayed(handled):
    seen = []

    def work() -> None:
        own = signal.getsignal(signal.SIGINT)
        with held_back():
            seen.append(signal.getsignal(signal.SIGINT) is own)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [True]
