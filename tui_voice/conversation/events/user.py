"""Events: what the user did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tui_voice.conversation.events.base import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkPressed(Event):
    """The user opened the microphone with the talk key.

    `manual`: no VAD; the turn ends when the user releases the key.
    """

    manual: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkReleased(Event):
    """The user closed the microphone. If it was opened with `manual`, the turn is complete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MuteChanged(Event):
    """The user muted the open microphone, or unmuted it. A closed one cannot be muted."""

    muted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSubmitted(Event):
    """The user typed a turn. `item_id`: an id of our own, at most 32 characters."""

    item_id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageAttached(Event):
    """The user attached an image. Its bytes are in a file beside the journal (`store.images`)."""

    item_id: str
    """An id of our own."""
    file: str
    """Name of the file that the user chose."""
    sha256: str
    size: int = 0
    """Bytes."""
    width: int = 0
    """Pixels."""
    height: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StopPressed(Event):
    """The user stopped the reply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PausePressed(Event):
    """The user paused the reply (`paused`), or lets it go on."""

    paused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeStepped(Event):
    """The user made the replies louder, or softer: `step` is added to the factor in force.

    `to`: the new factor, instead of a step.
    """

    step: float = 0.0
    to: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedStepped(Event):
    """The user made the model speak faster, or slower: `step` is added to the factor in force.

    `to`: the new factor, instead of a step.
    """

    step: float = 0.0
    to: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnModeChosen(Event):
    """The user chose who ends the turns.

    `hands-free`: the server's detection. `push-to-talk`: the talk key, held down. `manual`: the
    talk key, pressed twice.
    """

    mode: Literal["hands-free", "push-to-talk", "manual"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnDetectionChosen(Event):
    """The user changed how the server finds the end of a turn, and how long a pause may be.

    The fields are those of the settings group `backend`. With manual turns it counts once the
    server's detection is chosen again.
    """

    detection: Literal["server_vad", "semantic_vad"]
    silence_ms: int
    threshold: float
    prefix_padding_ms: int
    eagerness: str
    idle_timeout_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceChosen(Event):
    """The user chose another microphone or loudspeaker. `device`: its id or name, "": the system's
    default."""

    direction: Literal["input", "output"]
    device: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SummarisePressed(Event):
    """The user asked for a summary now. `focus`: what it must not lose, in the user's words."""

    focus: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestorePressed(Event):
    """The user asked to restore pruned turns. No ids: all turns of the last summary."""

    turn_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnPinned(Event):
    """The user pinned a turn, or unpinned it. A pinned turn is never pruned."""

    item_id: str
    pinned: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnCorrected(Event):
    """The user corrected the transcript of a spoken turn. `text`: all of its words."""

    item_id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryEdited(Event):
    """The user rewrote the memory. "": it is deleted."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FactChanged(Event):
    """The user added a fact to the memory, corrected, deleted, pinned or unpinned one.

    `before` "": it is added. `after` "": it is deleted. Both equal: it is pinned, unpinned, or
    moved to another kind.
    """

    kind: str = ""
    """Kind of the fact from now on, a key of `conversation.memory.HEADINGS`."""
    before: str = ""
    after: str = ""
    pinned: bool = False
    """No later summary may change or shorten it."""
