"""The ledger: the sum of all events of a session, as a value.

It holds the turns in order, the tokens of the window, the memory, the compactions and the money.
`reducers.reduce` returns the next ledger after an event.

The values are msgspec structs, since nearly every event replaces a few of many fields:
`msgspec.structs.replace` takes 0.5 µs for a ledger, `dataclasses.replace` takes 7 µs.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from msgspec import Struct, field

from tui_voice.conversation.events import (
    Noticed,
    OutcomeWritten,
    PruningValued,
    SessionOpened,
    TriggerChecked,
    Usage,
)
from tui_voice.conversation.memory import KeptFact
from tui_voice.conversation.turns import ITEM_OVERHEAD, Turn, Turns
from tui_voice.languages.token_estimate import estimate_text_tokens

ConnectionStatus = Literal["offline", "connecting", "online", "reconnecting"]
MOST_REFUSED = 2
"""After so many compactions in a row of which the server refused every change, no other is begun on
the connection: each leaves a duplicate of a turn behind."""
MEMORY_STEM = "memory_"
"""Ids of items that hold the memory begin with this. Example: "memory_0003"."""


class Window(Struct, frozen=True):
    """Tokens that the model now carries: instructions, tools, memory and turns.

    The numbers come from `response.done` → `usage` (API reference, "Realtime server events"), and
    are estimated from one usage to the next by the rules of `turns`.
    """

    text: int = 0
    """Text tokens, and those of images."""
    audio: int = 0
    """Audio tokens."""
    cached: int = 0
    """How many of these tokens the last response read from the prompt cache."""
    exact: bool = True
    """The numbers are those of the last usage; nothing was estimated since."""

    @property
    def total(self) -> int:
        """Text and audio tokens together."""
        return self.text + self.audio


class PendingDelete(NamedTuple):
    """An item that was replaced and is still to be deleted on the server."""

    id: str
    tokens: int
    """Its weight on the server. The window no longer counts it."""


class UnreportedUsage(NamedTuple):
    """Tokens by which the usage of the response under way will exceed the window.

    A response reads the window as it is when it begins, so later changes are not in its usage.
    Example: a turn of 100 audio tokens is pruned while the response is made. The usage still
    counts them, so `audio` is 100, and 100 is subtracted from the usage. Below 0: items were added.
    """

    text: int = 0
    audio: int = 0


class Compaction(Struct, frozen=True):
    """One change of the window that we made, and how far it has come.

    Stages: `requested` (a summary is being written), `ready` (its text is known), `placed` (the
    server holds the summary), `confirmed` (every turn is pruned). `failed`: nothing was deleted
    for it. `broken`: the connection or the program ended before anything was deleted.
    """

    id: str
    """Also the beginning of the ids of the items that it creates on the server."""
    kind: Literal["summary", "textify", "restore", "voice", "tools"]
    """`summary`: turns are replaced by a summary. `textify`: audio by its transcript. `restore`:
    pruned turns return as text. `voice`: a reply without audio is withdrawn, and earlier replies
    move into system items, so that the model answers with audio again. `tools`: function calls and
    their outputs are pruned without a summary."""
    at: float
    """When it was decided. Seconds, as in `Event.at`."""
    turns: tuple[str, ...]
    """Ids of the turns that it changes."""
    tokens_before: int
    """Tokens of the window before it."""
    cause: str = ""
    """Why it was begun, in a few words."""
    stage: Literal["requested", "ready", "placed", "confirmed", "failed", "broken"] = "requested"
    tokens_after: int | None = None
    """Tokens of the window once it was confirmed."""
    done_at: float | None = None
    """When it was confirmed, failed or broke. Seconds, as in `Event.at`."""
    summary: str = ""
    based_on: str = ""
    """The memory that this summary updates."""
    source: str = ""
    """The model that wrote the summary."""
    usd: float | None = None
    """What the summary cost, in USD. None: unknown."""
    seconds: float = 0.0
    """How long the summary took to write."""
    details: int = 0
    """Number of sentences with a name, a number or a negation that were looked for in the summary.
    0: they were not looked for."""
    missing: tuple[str, ...] = ()
    """Those of them that the summary lacks."""
    topics: tuple[str, ...] = ()
    """What the turns were about, in a few of their own words."""
    asked: int = 0
    """Number of questions that a text model asked about the summarised turns."""
    unanswered: tuple[str, ...] = ()
    """Those that the summary does not answer."""
    worth: PruningValued | None = None
    """What it costs and saves. None: it is not known, or replies are free."""
    replies: int = 0
    """How many responses with a usage there were before it was confirmed."""
    error: str = ""
    """Why it failed or broke."""
    hint: str = ""
    """What to do about the error."""
    placed: tuple[str, ...] = ()
    """Ids of text items that the server holds while it still holds the audio they replace."""
    skipped: tuple[str, ...] = ()
    """Ids of turns that the server refused to change."""
    withdrawn: tuple[str, ...] = ()
    """`voice` only: ids of the replies without audio that are withdrawn."""

    @property
    def under_way(self) -> bool:
        return self.stage in ("requested", "ready", "placed")

    def item_id(self, turn_id: str) -> str:
        """Id of the text item that replaces a turn. Example: "text_0004_2" for the third turn."""
        return f"{self.id}_{self.turns.index(turn_id)}"

    def turn_of(self, item_id: str) -> str | None:
        """Id of the turn that a text item of this compaction replaces. None: not its item."""
        if not item_id.startswith(f"{self.id}_"):
            return None
        index = item_id[len(self.id) + 1 :]
        known = index.isdecimal() and int(index) < len(self.turns)
        return self.turns[int(index)] if known else None

    def left_to_do(self, turns: Turns) -> list[str]:
        """Ids of the turns that are still to be changed, in order. `turns`: those of the ledger."""
        left = []
        for turn_id in self.turns:
            turn = turns.get(turn_id)
            if turn is None or turn_id in self.skipped:
                continue
            if self.kind in ("summary", "tools"):
                open_ = turn.in_window and not turn.pinned
            elif self.kind == "restore":
                open_ = not turn.in_window
            else:  # once the text is placed a pin comes too late; no words are lost
                open_ = turn.in_window and turn.wire_id != self.item_id(turn_id)
            if open_:
                left.append(turn_id)
        return left


class Spent(Struct, frozen=True):
    """USD so far."""

    replies: float = 0.0
    transcription: float = 0.0
    summaries: float = 0.0
    unknown: bool = False
    """Something was used whose price is in no table, so the sums are too low."""
    estimated: bool = False
    """A usage was missing or contradicted itself, so the sums are estimates."""

    @property
    def total(self) -> float:
        return self.replies + self.transcription + self.summaries


class Reply(Struct, frozen=True):
    """One response with a usage."""

    at: float
    """When it was done. Seconds, as in `Event.at`."""
    usage: Usage
    usd: float | None
    """What it cost, in USD. None: the price of the model is unknown."""
    expected_cached: int = 0
    """Tokens that the prompt cache should have held: the prefix unchanged since the last reply."""
    response_id: str = ""


class ConnectionInfo(Struct, frozen=True):
    """The connection to the server."""

    status: ConnectionStatus = "offline"
    reason: str = ""
    """Why it was lost."""
    hint: str = ""
    """What to do about it."""
    retry_in: float | None = None
    """Seconds until the next try. None: no try is planned."""
    expires_at: float | None = None
    """When the server session ends, in Unix seconds."""
    server_session_id: str = ""
    released: bool = False
    """We closed it, because nobody spoke or the user said good-bye."""
    refused_compactions: int = 0
    """Number of compactions in a row of which the server refused every change."""


class Ledger(Struct, frozen=True):
    """All that the events of one session say about it."""

    opened: SessionOpened | None = None
    title: str = ""
    backend: str = ""
    held_with: tuple[str, ...] = ()
    """The servers that had turns of it, each as backend and host. Example: `local`, `ws a.org`."""
    private: bool = False
    """It is never found by `recall` of another session, and never sent to another machine."""
    model: str = ""
    voice: str = ""
    profile: str = ""
    """Name of the profile of settings, in the newest run of the program. "": none."""
    outcomes: tuple[OutcomeWritten, ...] = ()
    """What was written at the end: the newest of each kind."""
    turns: Turns = field(default_factory=Turns)
    window: Window = field(default_factory=Window)
    memory: str = ""
    """The summary that replaces all pruned turns. "": there is none."""
    facts: tuple[KeptFact, ...] = ()
    """Those entries of the memory that the user pinned or wrote."""
    memory_id: str = ""
    """Id of the item that holds the memory on the server. "": none does."""
    memory_edit: str = ""
    """Id of the item that is to hold the memory after the user edited it. "": it is placed."""
    pending_deletes: tuple[PendingDelete, ...] = ()
    sent_again: tuple[str, ...] = ()
    """Ids of empty turns whose audio was sent again. They go when the first new turn begins."""
    unreported_usage: UnreportedUsage | None = None
    """None: no response is under way."""
    compactions: tuple[Compaction, ...] = ()
    """All of them, oldest first. At most the newest is under way."""
    serial: int = 0
    """Number of the newest compaction or memory edit. Their ids are made from it."""
    usage: Usage = field(default_factory=Usage)
    """Tokens of all responses together."""
    spent: Spent = field(default_factory=Spent)
    replies: int = 0
    """How many responses had a usage."""
    recent_replies: tuple[Reply, ...] = ()
    """The newest responses, oldest first: the source of cost per hour and cache hit rate."""
    cacheable_prefix_tokens: int = 0
    """Tokens at the front of the window that the last response read and that did not change since:
    what the prompt cache can hold."""
    silent_replies: int = 0
    """Replies without audio in a row, although audio was asked for."""
    assistant_as_system: bool = False
    """The model once answered in text only. From then on the assistant's words are given back to
    it as system items."""
    connection: ConnectionInfo = field(default_factory=ConnectionInfo)
    notices: tuple[Noticed, ...] = ()
    """The newest notices, oldest first."""
    trigger_checks: tuple[TriggerChecked, ...] = ()
    """Results of checks of the user's trigger, oldest first. The newest is in force."""
    at: float = 0.0
    """When the last event happened. Seconds, as in `Event.at`."""
    away_s: float = 0.0
    """Seconds of `at` between two runs of the program, when the session was not open."""

    @property
    def compaction(self) -> Compaction | None:
        """The compaction under way; None: there is none. There are never two."""
        last = self.compactions[-1] if self.compactions else None
        return last if last is not None and last.under_way else None

    @property
    def cost(self) -> float:
        """USD so far."""
        return self.spent.total

    @property
    def last_usage(self) -> Usage | None:
        """Tokens of the last response. None: there was none yet."""
        return self.recent_replies[-1].usage if self.recent_replies else None

    @property
    def last_usd(self) -> float | None:
        """Cost of the last response in USD. None: there was none yet, or its price is unknown."""
        return self.recent_replies[-1].usd if self.recent_replies else None

    @property
    def fixed_tokens(self) -> int:
        """Tokens of the window that are neither turns nor memory: instructions and tools."""
        turns = sum(turn.tokens for turn in self.turns.held())
        return max(0, self.window.total - turns - self.memory_tokens)

    @property
    def memory_tokens(self) -> int:
        """Tokens of the memory in the window (estimate); 0: the server does not hold it."""
        return estimate_text_tokens(self.memory) + ITEM_OVERHEAD if self.memory_id else 0

    @property
    def uncounted_tokens(self) -> int:
        """Text tokens that the server holds, but the window does not count.

        They are items still to be deleted, and text items whose audio item is not deleted yet.
        """
        found = sum(item.tokens for item in self.pending_deletes)
        if (running := self.compaction) is None or not running.placed:
            return found
        for turn_id in running.turns:
            turn, text_id = self.turns.get(turn_id), running.item_id(turn_id)
            if turn is not None and text_id in running.placed and turn.wire_id != text_id:
                found += turn.as_text_tokens if turn.in_window else 0
        return found

    def outcome(self, kind: str) -> OutcomeWritten | None:
        """The newest outcome of a kind. None: there is none."""
        return next((one for one in self.outcomes if one.kind == kind), None)

    def is_pending_delete(self, item_id: str) -> bool:
        return any(item.id == item_id for item in self.pending_deletes)

    def held(self) -> list[Turn]:
        """The turns that the model has now, in order."""
        return list(self.turns.held())

    def unpruned(self) -> list[Turn]:
        """The turns that the model should have, in order. A new server session is sent these."""
        return [turn for turn in self.turns if not turn.pruned_in]
