"""What the server says of items that we changed, and how a compaction goes."""

from __future__ import annotations

from dataclasses import dataclass

from tui_voice.conversation.events.base import Event, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemPlaced(Event):
    """An item that we created is in the server's conversation."""

    item_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRefused(Event):
    """An item that we wanted to create is not there."""

    item_id: str
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemDeleted(Event):
    item_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteRefused(Event):
    """`unknown`: the server does not know the item, so it is gone all the same."""

    item_id: str
    unknown: bool = False
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemTruncated(Event):
    item_id: str
    audio_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryRequested(Event):
    """The turns `drop` (ids) are to be summarised, then pruned. `window`: tokens before."""

    compaction_id: str
    drop: tuple[str, ...]
    window: int
    cause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryReady(Event):
    compaction_id: str
    text: str
    source: str = ""
    """Which model wrote it."""
    usage: Usage | None = None
    usd: float | None = None
    seconds: float = 0.0
    shortfall: str = ""
    """In what it is not as it was asked for: "in English, though French was asked for"."""
    passed_over: str = ""
    """Whom the user wanted to write it, and why somebody else did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryFailed(Event):
    """Nothing changes but a line in the pruning log."""

    compaction_id: str
    reason: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextifyRequested(Event):
    """Audio turns are to become their own words. `turns`: ids; each becomes `<n>` text items."""

    compaction_id: str
    turns: tuple[str, ...]
    window: int
    cause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceRepairRequested(Event):
    """A reply came without sound: `withdrawn` is taken back and asked for again, after what the
    assistant said before (`turns`, ids, those withdrawn included) has moved into system items.
    """

    compaction_id: str
    turns: tuple[str, ...]
    withdrawn: tuple[str, ...]
    window: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreRequested(Event):
    """Pruned turns are to go back to the model as text."""

    compaction_id: str
    turns: tuple[str, ...]
    window: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerChecked(Event):
    """The trigger that the user wants does not fit the talk, or fits (again). Tokens and turns."""

    trigger: int
    """What the user wants, with so many kept turns:"""
    keep: int
    weighs: int
    """What is left after a pruning: instructions, summary, kept turns, pinned ones."""
    instead: int
    """From so many tokens on the window is pruned now; equal to `trigger`: that one holds."""
    kept: int = 0
    """So many of the kept turns there are by now."""
    pinned: int = 0
    """So many older turns stay, too."""
    usual: bool = False
    """Judged by what a talk usually weighs, before this one has told: a word of caution."""

    @property
    def sentence(self) -> str:
        """Why, and the remedy where there is need of one."""
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
