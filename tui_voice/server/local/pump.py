"""Reads a source that blocks in a thread of its own, so that its reader can leave at any time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from threading import Event, Thread
from time import monotonic
from typing import TypeVar

from tui_voice.errors import BackendError

Piece = TypeVar("Piece")
_POLL_S = 0.02
"""Seconds between two checks of the stop event."""


class _End:
    """Marks the end of the source in the queue."""


def pumped(
    source: Callable[[Callable[[Piece], bool]], None],
    stop: Event,
    seconds: float,
    who: str,
    *,
    native: bool = False,
    whole: bool = False,
) -> Iterator[Piece]:
    """Runs `source(emit)` in a thread and yields what it emits, until it ends or `stop` is set.

    `emit` returns False once the reader has left: the source should return then. What the source
    raises is raised here, unless `stop` is set.

    `seconds`: if nothing comes for so long, it raises `BackendError`. `whole`: only the complete
    output is of use, so the end must have come within `seconds`. `who`: names the source in that
    error. `native`: the source runs in a C library, so the program waits for it when it ends, and
    does not kill the thread inside the library.
    """
    queue: SimpleQueue[Piece | _End | BaseException] = SimpleQueue()
    reader_left = Event()

    def emit(piece: Piece) -> bool:
        queue.put(piece)
        return not reader_left.is_set()

    def run() -> None:
        try:
            source(emit)
        except BaseException as error:  # noqa: BLE001 - raised again in the thread of the reader
            queue.put(error)
        else:
            queue.put(_End())

    Thread(target=run, name=f"pump {who}", daemon=not native).start()
    deadline = monotonic() + seconds
    silent = BackendError(
        f"{who} gave no answer within {seconds:.0f} seconds.",
        "The machine may be busy; try again, or choose a smaller model.",
    )
    try:
        while not stop.is_set():
            try:
                piece = queue.get(timeout=_POLL_S)
            except Empty:
                if monotonic() < deadline:
                    continue
                raise silent from None
            if isinstance(piece, _End):
                return
            if isinstance(piece, BaseException):
                raise piece
            yield piece
            if not whole:
                deadline = monotonic() + seconds
            elif monotonic() >= deadline:
                raise silent
    finally:
        reader_left.set()
