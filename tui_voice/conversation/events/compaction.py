"""Events: the server acknowledges changes of items; the steps of a compaction."""

from __future__ import annotations

from dataclasses import dataclass

from tui_voice.conversation.events.base import Event, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemPlaced(Event):
    """`conversation.item.added` for an item that we created: the server holds it."""

    item_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRefused(Event):
    """`error`: the server refused our `conversation.item.create`. See also `UNANSWERED`."""

    item_id: str
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemDeleted(Event):
    """`conversation.item.deleted`."""

    item_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteRefused(Event):
    """`error`: the server refused our `conversation.item.delete`.

    `unknown`: it does not know the item, so the item counts as deleted. `unconfirmed`: it never
    answered. The item counts as deleted, since its words are kept elsewhere; it is deleted once
    more later.
    """

    item_id: str
    unknown: bool = False
    message: str = ""
    unconfirmed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemTruncated(Event):
    """`conversation.item.truncated`: the item has `audio_ms` milliseconds now."""

    item_id: str
    audio_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryRequested(Event):
    """Our decision: turns are to be summarised, then pruned."""

    compaction_id: str
    drop: tuple[str, ...]
    """Ids of the turns."""
    window: int
    """Tokens of the window before."""
    cause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryReady(Event):
    """A summary was written."""

    compaction_id: str
    text: str
    source: str = ""
    """The model that wrote it."""
    usage: Usage | None = None
    usd: float | None = None
    """What it cost, in USD. None: unknown."""
    seconds: float = 0.0
    """How long it took."""
    shortfall: str = ""
    """How it differs from the request. Example: "in English, though French was asked for"."""
    passed_over: str = ""
    """Which model the user wanted instead, and why that one did not write it."""
    unpriced: bool = False
    """The price of an attempt is not known, so `usd` is too low."""
    details: int = 0
    """Number of sentences with a name, a number or a negation that were looked for in it."""
    missing: tuple[str, ...] = ()
    """Those of them that it lacks, as they were said."""
    topics: tuple[str, ...] = ()
    """What the summarised turns were about, in a few of their own words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryFailed(Event):
    """No summary was written. The window stays as it is; the pruning log gets a line."""

    compaction_id: str
    reason: str
    hint: str = ""
    usd: float | None = None
    """What the attempts cost, in USD. None: nothing was paid, or all of it has no known price."""
    unpriced: bool = False
    """The price of an attempt is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PruningValued(Event):
    """Our decision: what a pruning that is about to begin costs and saves, by what is known now."""

    compaction_id: str
    freed: int
    """Tokens that later replies do not read again."""
    broken: int
    """Tokens that the next reply reads uncached because of it."""
    usd_once: float
    """What the next reply costs more, plus the summary, in USD. Below 0: it saves at once."""
    usd_per_reply: float
    """USD that every later reply costs less."""
    usd_per_hour: float
    """USD saved in an hour, at the number of replies in an hour until now."""

    @property
    def replies_to_pay_back(self) -> float | None:
        """Replies until the cost is saved again. None: never."""
        return max(0.0, self.usd_once / self.usd_per_reply) if self.usd_per_reply > 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryQuestioned(Event):
    """A text model asked questions about the pruned turns, and answered them from the summary."""

    compaction_id: str
    asked: int
    """Number of questions."""
    unanswered: tuple[str, ...] = ()
    """Those that the summary does not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WritingBilled(Event):
    """A model was paid for a text that no other event accounts for.

    Examples: a title that could not be used, a summary that came too late or was cancelled.
    """

    purpose: str
    """What was to be written: `summary`, `title`, `questions`, `memory`, `minutes` or `ticket`."""
    usd: float | None = None
    """None: the price of the model is not known."""
    usage: Usage | None = None
    """Tokens. None: not known."""
    estimated: bool = False
    """The server gave no usage; the tokens are estimated from the request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextifyRequested(Event):
    """Our decision: audio turns are to be replaced by their transcripts, as text items."""

    compaction_id: str
    turns: tuple[str, ...]
    """Ids of the turns."""
    window: int
    """Tokens of the window before."""
    cause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolPruningRequested(Event):
    """Our decision: function calls and their outputs are to be pruned, without a summary."""

    compaction_id: str
    turns: tuple[str, ...]
    """Ids of the turns."""
    window: int
    """Tokens of the window before."""
    cause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceRepairRequested(Event):
    """Our decision: a reply came without audio; it is withdrawn and asked for again.

    Before that, what the assistant said earlier moves into system items.
    """

    compaction_id: str
    turns: tuple[str, ...]
    """Ids of the turns that move or are withdrawn."""
    withdrawn: tuple[str, ...]
    """Ids of the turns without audio."""
    window: int
    """Tokens of the window before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreRequested(Event):
    """Our decision: pruned turns return to the model as text items."""

    compaction_id: str
    turns: tuple[str, ...]
    """Ids of the turns."""
    window: int
    """Tokens of the window before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerChecked(Event):
    """Our decision: another trigger replaces the user's, or the user's is in force again."""

    trigger: int
    """The user's trigger, in tokens."""
    keep: int
    """Turns that the user wants to keep."""
    weighs: int
    """Tokens left after a pruning: instructions, summary, kept turns and pinned turns."""
    instead: int
    """The trigger in force from now on, in tokens. Equal to `trigger`: the user's."""
    kept: int = 0
    """Number of kept turns that the window holds now."""
    pinned: int = 0
    """Number of older turns that stay because they are pinned."""
    usual: bool = False
    """A warning before the session: `weighs` is what usual turns weigh, not these turns."""

    @property
    def sentence(self) -> str:
        """The result for the user, with a remedy where one is needed."""
        counted = [f"{n} {what}" for n, what in ((self.kept, "kept"), (self.pinned, "pinned")) if n]
        turns = " and ".join(counted) + " turn" + "s" * (self.kept + self.pinned != 1)
        stays = f"the {turns}, summary and instructions" if counted else "summary and instructions"
        fewer = " or lower --keep" if self.keep else ""
        if self.usual:
            return (
                f"trigger {self.trigger:,} is below what {stays.removeprefix('the ')} usually "
                f"weigh (about {self.weighs:,}): once they do, pruning begins later; raise "
                f"--trigger{fewer}"
            )
        if self.instead == self.trigger:
            return f"trigger {self.trigger:,} fits again: {stays} weigh about {self.weighs:,}"
        place = "below" if self.trigger < self.weighs else "hardly above"
        return (
            f"trigger {self.trigger:,} is {place} what {stays} weigh (about {self.weighs:,}): "
            f"pruning from {self.instead:,} on; raise --trigger{fewer}"
        )
