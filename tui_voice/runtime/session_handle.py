"""The one way from a screen, or a command, into a running talk and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tui_voice.conversation.conversation import Snapshot
from tui_voice.conversation.events import Event
from tui_voice.conversation.limits import Limits


@dataclass(frozen=True, slots=True)
class Meters:
    """What moves too fast to be a fact: read it as often as it is drawn."""

    microphone: float = 0.0
    """Level of what goes to the server, 0–1."""
    speaker: float = 0.0
    """Level of what is being heard, 0–1."""
    hears: bool = True
    """There is a microphone, or it is not known yet."""
    playing: str = ""
    """Item that the speaker is playing, "" for silence."""
    played_ms: int = 0
    """How much of it has been heard."""
    unsaved: int = 0
    """Facts that are not on disk yet because it is full or read-only."""
    progress: str = ""
    """What the embedded server is loading just now, "" when it is ready."""
    engines: str = ""
    """Who hears, thinks and speaks in the embedded server, "" while that is not known."""
    retry_at: float | None = None
    """While there is no line: when (`time.monotonic()`, seconds) it is tried again. None: it is
    being tried just now, or not before the user does something, or the line stands."""
    held_turns: int = 0
    """Turns of the user that were typed while there is no line: they go out on the next one."""
    held_ms: int = 0
    """Of what the microphone heard while there is no line: it goes out on the next one."""


class SessionHandle(Protocol):
    """A talk, live or replayed, as a user interface sees it. All calls may come from any thread."""

    id: str
    path: Path
    """The journal."""

    @property
    def limits(self) -> Limits: ...

    def post(self, event: Event) -> None:
        """Something the user did. What it leads to comes back as a snapshot."""
        ...

    def subscribe(self, on_snapshot: Callable[[Snapshot], None]) -> Snapshot:
        """The snapshot of now; every later one is handed to `on_snapshot`, in the talk's own
        thread, so the callback must return at once (post a message, do not draw).
        """
        ...

    def meters(self) -> Meters: ...

    def set_limits(self, limits: Limits) -> None:
        """New limits from the next quiet moment on."""
        ...

    def close(self) -> None:
        """Ends the talk: the last facts are on disk and the line is closed when this returns."""
        ...
