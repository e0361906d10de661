"""Reads a source that blocks, so that whoever asked can leave at any time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from threading import Event, Thread
from time import monotonic
from typing import TypeVar

from tui_voice.errors import BackendError

Piece = TypeVar("Piece")
_LOOK = 0.02
"""Seconds between two looks at the stop event."""


class _Done:
    pass


def pumped(
    source: Callable[[Callable[[Piece], bool]], None],
    stop: Event,
    seconds: float,
    who: str,
    *,
    native: bool = False,
    whole: bool = False,
) -> Iterator[Piece]:
    """Runs `source(emit)` in a thread and yields what it emits.

    `emit` answers False once nobody listens any more: the source should return then. After
    `seconds` the iterator ends, or raises `BackendError` if nothing had come by then; where only
    the `whole` is of use, also if its end had not. What the source raises is raised here, unless
    `stop` was set. `native`: the source runs in a C library, which must not be torn away when the
    program ends: it is waited for then.
    """
    queue: SimpleQueue[Piece | _Done | BaseException] = SimpleQueue()
    left = Event()

    def emit(piece: Piece) -> bool:
        queue.put(piece)
        return not left.is_set()

    def run() -> None:
        try:
            source(emit)
        except BaseException as error:  # noqa: BLE001 - carried over to the thread that asked
            queue.put(error)
        else:
            queue.put(_Done())

    Thread(target=run, name=f"pump {who}", daemon=not native).start()
    end = monotonic() + seconds
    came = False
    late = BackendError(
        f"{who} gave no answer within {seconds:.0f} seconds.",
        "The machine may be busy; try again, or choose a smaller model.",
    )
    try:
        while not stop.is_set():
            try:
                piece = queue.get(timeout=_LOOK)
            except Empty:
                if monotonic() < end:
                    continue
                if came and not whole:
                    return
                raise late from None
            if isinstance(piece, _Done):
                return
            if isinstance(piece, BaseException):
                raise piece
            came = True
            yield piece
            if monotonic() >= end:
                if whole:
                    raise late
                return
    finally:
        left.set()
