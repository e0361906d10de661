"""What the facts add up to: turns in order, the window, the memory, prunings, money.

Everything here is a value. `Ledger.record` (in `recording.py`) gives the next one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from tui_voice.conversation.events import Noticed, SessionOpened, TriggerChecked, Usage
from tui_voice.conversation.turns import ITEM_OVERHEAD, Turn, Turns, estimate_text_tokens

ConnectionStatus = Literal["offline", "connecting", "online", "reconnecting"]


@dataclass(frozen=True, slots=True)
class Window:
    """Tokens that the model now carries. `exact`: as the server's last usage said."""

    text: int = 0
    audio: int = 0
    cached: int = 0
    """Of these, read from the prompt cache by the last response."""
    exact: bool = True

    @property
    def total(self) -> int:
        return self.text + self.audio


class PendingDelete(NamedTuple):
    """An item that we have replaced and that is still to be deleted on the server."""

    id: str
    tokens: int
    """What it weighs there; the window counts it no more."""


class UnreportedUsage(NamedTuple):
    """What the usage of the response under way will not tell: text and audio tokens that it read
    (`response.created`) although the window does not count them, less what the window has gained
    by prunings since.
    """

    text: int = 0
    audio: int = 0


@dataclass(frozen=True, slots=True)
class Compaction:
    """One change of the window that we made: a summary, turns made text, turns put back."""

    id: str
    """Also the stem of the item ids it creates on the server."""
    kind: Literal["summary", "textify", "restore", "voice"]
    """`voice`: a reply came without sound; it is withdrawn, and what the assistant said before is
    moved into system items, so that the model finds its voice again."""
    at: float
    turns: tuple[str, ...]
    tokens_before: int
    cause: str = ""
    stage: Literal["requested", "ready", "placed", "confirmed", "failed", "broken"] = "requested"
    """`broken`: the line or the program ended in the middle, nothing was deleted for it."""
    tokens_after: int | None = None
    done_at: float | None = None
    summary: str = ""
    based_on: str = ""
    """The memory that this summary was asked to update."""
    source: str = ""
    usd: float | None = None
    seconds: float = 0.0
    error: str = ""
    hint: str = ""
    placed: tuple[str, ...] = ()
    """Text items that are on the server while the sound they replace still is, too."""
    skipped: tuple[str, ...] = ()
    """Turns that the server would not let us change."""
    withdrawn: tuple[str, ...] = ()
    """Of a `voice` compaction: the replies without sound that are taken back."""

    @property
    def under_way(self) -> bool:
        return self.stage in ("requested", "ready", "placed")

    def item_id(self, turn_id: str) -> str:
        """The id of the text item that stands for this turn from now on."""
        return f"{self.id}_{self.turns.index(turn_id)}"


@dataclass(frozen=True, slots=True)
class Spent:
    """USD so far. `unknown`: something was used whose price is in no table."""

    replies: float = 0.0
    transcription: float = 0.0
    summaries: float = 0.0
    unknown: bool = False

    @property
    def total(self) -> float:
        return self.replies + self.transcription + self.summaries


@dataclass(frozen=True, slots=True)
class Reply:
    """One response that was paid for."""

    at: float
    usage: Usage
    usd: float | None
    """None: unknown model."""
    expected: int = 0
    """Tokens that the cache should have held, had it forgotten nothing."""


@dataclass(frozen=True, slots=True)
class ConnectionInfo:
    """The line to the server."""

    status: ConnectionStatus = "offline"
    reason: str = ""
    hint: str = ""
    retry_in: float | None = None
    expires_at: float | None = None
    server_session_id: str = ""


@dataclass(frozen=True, slots=True)
class Ledger:
    """One talk, as far as it has been told."""

    opened: SessionOpened | None = None
    title: str = ""
    backend: str = ""
    model: str = ""
    voice: str = ""
    turns: Turns = field(default_factory=Turns)
    window: Window = field(default_factory=Window)
    memory: str = ""
    """The summary that stands for all pruned turns."""
    memory_id: str = ""
    """The item that holds it on the server now. "": none."""
    edit: str = ""
    """The item by which an edited memory is still to be placed. "": none."""
    stale: tuple[PendingDelete, ...] = ()
    reading: UnreportedUsage | None = None
    """None: no response is under way."""
    compactions: tuple[Compaction, ...] = ()
    serial: int = 0
    """How many compactions and memory edits there were: their ids are made from it."""
    usage: Usage = field(default_factory=Usage)
    last_usage: Usage | None = None
    last_usd: float | None = None
    spent: Spent = field(default_factory=Spent)
    replies: int = 0
    recent: tuple[Reply, ...] = ()
    """The newest replies, oldest first: what cost per hour and cache rate are told from."""
    intact: int = 0
    """Tokens at the front of the window that the last reply read and that are unchanged since:
    what the prompt cache can hold."""
    silent: int = 0
    """Replies without sound in a row, although sound was asked for."""
    voice_by_system: bool = False
    """The model once answered in text only: the assistant's words go into system items now."""
    connection: ConnectionInfo = field(default_factory=ConnectionInfo)
    notices: tuple[Noticed, ...] = ()
    judged: tuple[TriggerChecked, ...] = ()
    """What was found of the trigger that the user wants; the newest counts."""
    at: float = 0.0
    """When the last fact happened."""

    @property
    def compaction(self) -> Compaction | None:
        """The one under way, if any: there are never two."""
        last = self.compactions[-1] if self.compactions else None
        return last if last is not None and last.under_way else None

    @property
    def cost(self) -> float:
        return self.spent.total

    @property
    def fixed(self) -> int:
        """Tokens of the window that are no turn and no memory: instructions and tools."""
        turns = sum(turn.tokens for turn in self.turns.held())
        return max(0, self.window.total - turns - self.memory_tokens)

    @property
    def memory_tokens(self) -> int:
        return estimate_text_tokens(self.memory) + ITEM_OVERHEAD if self.memory_id else 0

    @property
    def beside(self) -> int:
        """Text tokens that are on the server, but not in the window: what is to be deleted, and
        words that stand beside the sound they replace.
        """
        found = sum(item.tokens for item in self.stale)
        if (running := self.compaction) is None or not running.placed:
            return found
        for turn_id in running.turns:
            turn, text_id = self.turns.get(turn_id), running.item_id(turn_id)
            if turn is not None and text_id in running.placed and turn.wire_id != text_id:
                found += turn.as_text_tokens if turn.in_window else 0
        return found

    def is_pending_delete(self, item_id: str) -> bool:
        return any(item.id == item_id for item in self.stale)

    def held(self) -> list[Turn]:
        """The turns that the model has now, in order."""
        return list(self.turns.held())

    def unpruned(self) -> list[Turn]:
        """The turns that the model should have: what a new server session is seeded with."""
        return [turn for turn in self.turns if not turn.pruned_in]
