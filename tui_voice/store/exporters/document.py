"""A talk as what is on a page: what was said, and what was pruned, in order of time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tui_voice.conversation.events import Role
from tui_voice.conversation.ledger import Compaction, Ledger
from tui_voice.conversation.turns import Turn
from tui_voice.store.saved_session import moment, title_of
from tui_voice.store.text_normalization import printable

NAMES: dict[Role, str] = {
    "user": "You",
    "assistant": "Voice",
    "tool": "Tool",
    "system": "System",
}


@dataclass(frozen=True, slots=True)
class Said:
    """A turn."""

    role: Role
    name: str
    at: float
    """Seconds since the talk was opened."""
    clock: str
    """Wall time `12:41`, where it is known."""
    text: str
    """What was heard of it."""
    unheard: str
    """What an interruption kept from being heard."""
    seconds: float
    """How long it was heard; 0: it was typed."""
    remarks: tuple[str, ...]
    """What is special about it: `pinned`, `interrupted at 4.2 s`, `pruned`, `not transcribed`."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """The place where old turns were taken from the model, or given back to it."""

    at: float
    clock: str
    line: str
    """`14 turns summarised · 9 820 → 1 140 tokens · $0.0012`"""
    summary: str


@dataclass(frozen=True, slots=True)
class Document:
    title: str
    about: tuple[str, ...]
    """Date, backend and model, number of turns, cost: a word or two each."""
    parts: tuple[Said | Pruned, ...]
    memory: str
    minutes: str
    """Decisions, open questions and to-dos, where the caller has had them written."""
    ledger: Ledger
    began: datetime | None


def document(ledger: Ledger, minutes: str = "") -> Document:
    """The page of a talk. Turns without words, and prunings that came to nothing, are left out."""
    began = moment(ledger.opened.started) if ledger.opened else None
    said: list[Said | Pruned] = [_said(turn, began) for turn in ledger.turns if _tells(turn)]
    prunings = [_pruned(c, began) for c in ledger.compactions if c.stage == "confirmed"]
    for pruning in reversed(prunings):
        place = next((i for i, part in enumerate(said) if part.at > pruning.at), len(said))
        said.insert(place, pruning)
    turns = sum(isinstance(part, Said) for part in said)
    about = (
        f"{began:%Y-%m-%d %H:%M}" if began else "",
        " · ".join(word for word in (ledger.backend, ledger.model) if word),
        f"{turns} turn{'' if turns == 1 else 's'}",
        f"${ledger.cost:.4f}" if ledger.cost else "",
    )
    return Document(
        title_of(ledger),
        tuple(word for word in about if word),
        tuple(said),
        ledger.memory,
        printable(minutes.strip()),
        ledger,
        began,
    )


def _tells(turn: Turn) -> bool:
    return bool(turn.text.strip() or turn.note)


def _said(turn: Turn, began: datetime | None) -> Said:
    heard = turn.heard_text
    remarks = []
    if turn.pinned:
        remarks.append("pinned")
    if turn.heard_ms is not None:
        remarks.append(f"interrupted at {turn.heard_ms / 1000:.1f} s")
    if turn.pruned_in:
        remarks.append("pruned")
    if turn.note:
        remarks.append(turn.note)
    name = f"Tool {turn.tool}" if turn.tool else NAMES[turn.role]
    ms = turn.audio_ms if turn.heard_ms is None else min(turn.heard_ms, turn.audio_ms)
    return Said(
        turn.role,
        name,
        turn.at,
        _clock(began, turn.at),
        printable(heard.strip()),
        printable(turn.text[len(heard) :].strip()),
        ms / 1000 if turn.spoken else 0.0,
        tuple(remarks),
    )


_VERBS = {
    "summary": "summarised",
    "textify": "turned into text",
    "restore": "put back",
    "voice": "turned into notes",
}


def _pruned(done: Compaction, began: datetime | None) -> Pruned:
    count = len(done.turns)
    words = [f"{count} turn{'' if count == 1 else 's'} {_VERBS.get(done.kind, done.kind)}"]
    if done.tokens_after is not None:
        words.append(f"{_spaced(done.tokens_before)} → {_spaced(done.tokens_after)} tokens")
    if done.usd:
        words.append(f"${done.usd:.4f}")
    return Pruned(done.at, _clock(began, done.at), " · ".join(words), printable(done.summary))


def _spaced(number: int) -> str:
    return f"{number:,}".replace(",", "\u202f")


def _clock(began: datetime | None, at: float) -> str:
    if began is None:
        return ""
    try:
        return f"{began + timedelta(seconds=at):%H:%M}"
    except OverflowError:  # a damaged time
        return ""
