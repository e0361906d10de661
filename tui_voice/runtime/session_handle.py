"""How a screen or a command controls a running session and observes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from tui_voice.conversation.conversation import Snapshot
from tui_voice.conversation.events import Event
from tui_voice.conversation.limits import Limits

Decision = Literal["once", "always", "refuse"]
"""What the user says to a function call: allowed now, allowed for good, or not."""


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """One call that waits for the user's decision."""

    number: int
    server: str
    """Name of the table `[tools.NAME]`."""
    function: str
    arguments: str
    """JSON text, as the model wrote it."""


@dataclass(frozen=True, slots=True)
class Meters:
    """Values that change too often to be events; a screen reads them whenever it draws."""

    microphone: float = 0.0
    """Level of the audio that goes to the server, 0–1."""
    speaker: float = 0.0
    """Level of the audio that is played, 0–1."""
    has_microphone: bool = True
    """There is a microphone, or that is not known yet."""
    has_loudspeaker: bool = True
    """There is a loudspeaker, or that is not known yet."""
    opening_sound: bool = False
    """The sound devices are being opened: what is said now is not heard yet."""
    input_level: float = 0.0
    """Level of what the microphone captures, 0–1, also while it is closed."""
    recording: bool = False
    """The sound of both sides is being recorded."""
    unsaved: int = 0
    """Number of events that are not on disk, because it is full or read-only."""
    progress: str = ""
    """What the embedded server is loading, "" when it is ready."""
    engines: str = ""
    """Names of the models in the embedded server, "" while they are not known."""
    retry_at: float | None = None
    """When the next attempt to connect is made (`time.monotonic()`, seconds). None: there is a
    connection, an attempt is being made, or none is made before the user does something."""
    held_turns: int = 0
    """Number of turns typed while there is no connection; they are sent on the next one."""
    held_ms: int = 0
    """Audio recorded while there is no connection, in ms; it is sent on the next one."""
    approval: ApprovalRequest | None = None
    """A function call for which the user has to decide, None where none waits."""


class SessionHandle(Protocol):
    """A session, live or replayed. All methods may be called from any thread."""

    id: str
    path: Path
    """The journal."""

    @property
    def limits(self) -> Limits: ...

    def post(self, event: Event) -> None:
        """Takes an event of the user. A later snapshot shows what it led to."""
        ...

    def subscribe(self, on_snapshot: Callable[[Snapshot], None]) -> Snapshot:
        """Returns the current snapshot, and hands every later one to `on_snapshot`.

        The callback runs in the session's thread, so it must return at once: post a message there,
        do not draw.
        """
        ...

    def attach(self, file: Path | None) -> str:
        """Sends an image (PNG or JPEG); None: the one in the clipboard. Returns the id of its turn.

        It is read in the caller's thread. Raises `UsageError` or `StoreError` with the reason where
        it cannot be sent.
        """
        ...

    def meters(self) -> Meters: ...

    def decide(self, number: int, decision: Decision) -> None:
        """Answers `Meters.approval`, given its number."""
        ...

    def set_limits(self, limits: Limits) -> None:
        """Applies new limits from the next quiet moment on."""
        ...

    def close(self) -> None:
        """Ends the session. On return all events are on disk and the connection is closed."""
        ...
