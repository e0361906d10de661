"""Effects: what the conversation asks the backend to do. The results come back as events.

Each docstring names the client event of the Realtime API that carries the effect out, if any.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tui_voice.conversation.events import Event, Role, TurnDetectionChosen
from tui_voice.conversation.memory import KeptFact


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Something for a backend to carry out."""


Output = Effect | Event
"""What an event leads to: effects, and events that record decisions of the conversation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconnect(Effect):
    """Connect now, without waiting for the next scheduled try: the user needs a connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disconnect(Effect):
    """Close the connection until the user needs one. `reason`: a sentence for the user."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenMicrophone(Effect):
    """Send captured audio (`input_audio_buffer.append`) until `CloseMicrophone`.

    `manual`: the audio is one turn, which `CommitInput` ends; no VAD.
    """

    manual: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseMicrophone(Effect):
    """Stop sending captured audio. A closed microphone is not muted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MuteMicrophone(Effect):
    """Send no captured audio while `muted`. The microphone stays open."""

    muted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitInput(Effect):
    """`input_audio_buffer.commit`: the audio sent so far is one whole turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearInput(Effect):
    """`input_audio_buffer.clear`: the audio sent so far is no turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateResponse(Effect):
    """`response.create` in the server's own conversation. `without_tools`: it calls no function."""

    without_tools: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelResponse(Effect):
    """`response.cancel`. What still arrives of the response is dropped.

    `keep_if_late`: a response that begins only after this is not dropped, since a late answer is
    better than none.
    """

    response_id: str = ""
    keep_if_late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InterruptPlayback(Effect):
    """Stop the loudspeaker at once, and drop audio that still arrives for the items it played."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PausePlayback(Effect):
    """Stop the loudspeaker and keep what waits (`paused`), or let it go on."""

    paused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeInterrupted(Effect):
    """Play the rest of items that `InterruptPlayback` stopped. `echo`: an echo had stopped them."""

    item_ids: tuple[str, ...]
    echo: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StepVolume(Effect):
    """Add `step` to the factor for the loudness of the replies; `to`: the factor itself."""

    step: float = 0.0
    to: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSpeed(Effect):
    """Add `step` to the factor of the speaking speed; `to`: the factor itself. The backend sends
    `SetSpeed`."""

    step: float = 0.0
    to: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSpeed(Effect):
    """`session.update`: the factor of the speaking speed, 0.25 to 1.5, from the next reply on."""

    speed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SetNames(Effect):
    """`session.update`: names that the transcription is to spell right from now on."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTurnDetection(Effect):
    """`session.update`: from now on the talk key ends the turns (`manual`), or the server does."""

    manual: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TuneTurnDetection(Effect):
    """`session.update`: how the server finds the end of a turn."""

    chosen: TurnDetectionChosen


@dataclass(frozen=True, slots=True, kw_only=True)
class UseDevice(Effect):
    """Use another microphone ("input") or loudspeaker; `device` "": the system's default."""

    direction: Literal["input", "output"]
    device: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TruncateItem(Effect):
    """`conversation.item.truncate`: the item keeps its first `audio_ms` milliseconds (above 0)."""

    item_id: str
    audio_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateItem(Effect):
    """`conversation.item.create` with text, or with an image.

    `previous_item_id`: the item in front of it; "root": it is placed first, None: last.
    """

    item_id: str
    role: Role
    text: str
    previous_item_id: str | None = None
    image: str = ""
    """SHA-256 of an image that the item holds in place of the text; on its way to the server, its
    data URI. "": it is a text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteItem(Effect):
    """`conversation.item.delete`."""

    item_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerTool(Effect):
    """Run the function, then put its output into the conversation (`conversation.item.create`).

    `arguments`: a JSON object as text. `refusal`: why the function is not run; the model gets this
    sentence at once, in place of an output.
    """

    call_id: str
    tool: str
    arguments: str
    refusal: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TellToolRuns(Effect):
    """Put an interim output of a function that still runs into the conversation
    (`conversation.item.create`), so that the model can go on without its result.
    """

    item_id: str
    call_id: str
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StopTools(Effect):
    """Stop the functions of these calls; the model gets a sentence that the user stopped them."""

    call_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTurn:
    """A turn as the model that writes the summary reads it."""

    item_id: str
    role: Role
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSummary(Effect):
    """Have a summary of `turns` written that also covers `memory`, the summary so far.

    The decision, `SummaryRequested`, is journaled before. The answer is `SummaryReady` or
    `SummaryFailed`. An out-of-band response (`response.create` with `conversation: "none"`) or
    another model writes it. `focus`: what it must not lose, in the user's words. `facts`: entries
    of the memory that it must keep word for word.
    """

    compaction_id: str
    turns: tuple[SourceTurn, ...]
    memory: str
    focus: str = ""
    facts: tuple[KeptFact, ...] = ()
