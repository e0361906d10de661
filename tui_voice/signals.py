"""Ends a command on SIGINT, SIGTERM or SIGHUP by an exception, so that what is open is closed.

Only the first signal counts: the others must not interrupt the closing. A signal that was ignored
when the program started, as `nohup` does, stays ignored. Windows has no SIGHUP.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from tui_voice.errors import ExitStatus

ENDING = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""The signals that end a command."""


class EndedBySignal(KeyboardInterrupt):
    """Raised in the main thread when one of the `ENDING` signals arrives."""

    def __init__(self, signum: int) -> None:
        super().__init__(signal.Signals(signum).name)
        self.status = status_of(signum)


class _SignalState:
    """The handlers of a process are shared by the whole process, and so is this."""

    def __init__(self) -> None:
        self.arrived = False
        self.deferred = 0
        """Number of `deferred` blocks that are being run."""
        self.waiting: int | None = None
        """The signal that arrived in such a block."""


_state = _SignalState()


def status_of(signum: int) -> ExitStatus:
    """Returns the exit status of a command that this signal ended."""
    return ExitStatus(128 + signum)


def handled() -> list[int]:
    """Returns those of the `ENDING` signals that this process does not ignore."""
    return [one for one in ENDING if signal.getsignal(one) is not signal.SIG_IGN]


@contextmanager
def raised() -> Iterator[None]:
    """Raises `EndedBySignal` inside at the first signal. It does nothing outside the main thread,
    where Python handles no signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {one: signal.getsignal(one) for one in handled()}
    _state.arrived = False
    for one in before:
        signal.signal(one, _on_signal)
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler if handler is not None else signal.SIG_DFL)


@contextmanager
def deferred() -> Iterator[None]:
    """Lets a signal that arrives inside raise only at the end: for what must not be left half done,
    such as opening a session, which nobody could close otherwise.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _state.deferred += 1
    try:
        yield
    finally:
        _state.deferred -= 1
        if not _state.deferred and _state.waiting is not None:
            signum, _state.waiting = _state.waiting, None
            raise EndedBySignal(signum)


def _on_signal(signum: int, _frame: FrameType | None) -> None:
    if _state.arrived:
        return
    _state.arrived = True
    if _state.deferred:
        _state.waiting = signum
    else:
        raise EndedBySignal(signum)


@contextmanager
def ignored() -> Iterator[None]:
    """Ignores the `ENDING` signals inside: the program ends already, and what is open is closed."""
    before = {one: signal.signal(one, signal.SIG_IGN) for one in handled()}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler if handler is not None else signal.SIG_DFL)
