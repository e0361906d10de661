"""Shows as complete only what is on disk.

A turn that the conversation holds for complete is published as still open until the events so far
are on disk; then it is published as it is. A program that is killed right after a turn was shown or
printed as complete has therefore not lost it. Where the disk refuses the data, a notice and the
number of unsaved events have said so before, and the turns are published nevertheless.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from msgspec.structs import replace

from tui_voice.conversation.events import Event
from tui_voice.conversation.turns import Chunk, Turn, Turns
from tui_voice.store.journal import is_synced


class SavedTurns:
    """Knows the turns that are on disk, and returns those that may be shown."""

    def __init__(self, saved: Turns) -> None:
        self.saved = saved
        """The turns as the events on disk tell them."""

    def published(self, turns: Turns) -> Turns:
        """Returns `turns`, of which those that are not saved are open.

        It is the same object if all are saved. Only chunks that changed since the last save are
        compared.
        """
        shown, saved = turns, self.saved
        if turns.chunks is saved.chunks:
            return turns
        for number, chunk in enumerate(turns.chunks):
            known = saved.chunks[number] if number < len(saved.chunks) else Chunk()
            if chunk is known:
                continue
            for index, turn in enumerate(chunk):
                same_place = index < len(known) and known[index].id == turn.id
                before = known[index] if same_place else saved.get(turn.id)
                if turn.words != "open" and not _is_saved(turn, before):
                    shown = shown.put((number, index), replace(turn, words="open"))
        return shown


def _is_saved(turn: Turn, saved: Turn | None) -> bool:
    return saved is turn or (
        saved is not None and saved.words != "open" and saved.text == turn.text
    )


class SavedEvents:
    """Hands events on in their order; one that completes something not before it is on disk."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[Event], None]] = []
        self._waiting: deque[Event] = deque()

    def __len__(self) -> int:
        """Number of events that wait for the disk."""
        return len(self._waiting)

    def listen(self, on_event: Callable[[Event], None]) -> None:
        self._listeners.append(on_event)

    def add(self, event: Event) -> None:
        """Takes an event that is in the journal's queue."""
        if not self._listeners:
            return
        self._waiting.append(event)
        if len(self._waiting) == 1 and not is_synced(event):
            self.release(1)

    def release(self, count: int) -> None:
        """Hands on the first `count` events, or those that are left of them: they are on disk."""
        for _ in range(min(count, len(self._waiting))):
            event = self._waiting.popleft()
            for on_event in self._listeners:
                on_event(event)
