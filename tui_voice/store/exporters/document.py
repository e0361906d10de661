"""A session as what every export shows: its turns and compactions in order of time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tui_voice.conversation.events import Role
from tui_voice.conversation.ledger import Compaction, Ledger
from tui_voice.conversation.turns import Turn
from tui_voice.store.saved_session import start_time, title_of
from tui_voice.store.text_normalization import printable

SPEAKERS: dict[Role, str] = {
    "user": "You",
    "assistant": "Voice",
    "tool": "Tool",
    "system": "System",
}


@dataclass(frozen=True, slots=True)
class ExportTurn:
    """A turn as an export shows it."""

    role: Role
    name: str
    """Who speaks: `You`, `Voice`, `Tool recall`."""
    at: float
    """Seconds since the session was opened."""
    clock: str
    """Wall time, `12:41`; "" where it is not known."""
    text: str
    """The words that were heard."""
    unheard: str
    """The words of a reply that were not heard, because it was interrupted."""
    seconds: float
    """How long the turn was heard; 0 if it was typed."""
    remarks: tuple[str, ...]
    """What is special about it: `pinned`, `interrupted at 4.2 s`, `pruned`, `not transcribed`."""


@dataclass(frozen=True, slots=True)
class ExportCompaction:
    """A completed compaction: turns were taken out of the window, or restored to it."""

    at: float
    """Seconds since the session was opened."""
    clock: str
    """Wall time, `12:41`; "" where it is not known."""
    line: str
    """`14 turns summarised · 9 820 → 1 140 tokens · $0.0012`"""
    summary: str
    """The summary that the model got instead; "" if there is none."""


@dataclass(frozen=True, slots=True)
class ExportDocument:
    """A session, ready to be written in any format."""

    title: str
    about: tuple[str, ...]
    """Date, backend and model, number of turns, cost: a few words each."""
    parts: tuple[ExportTurn | ExportCompaction, ...]
    memory: str
    """The summary that the model has at the end."""
    minutes: str
    """Decisions, open questions and to-dos, if the caller had them written; else ""."""
    ledger: Ledger
    """The whole session, for formats that show more."""
    began: datetime | None


def document_of(ledger: Ledger, minutes: str = "") -> ExportDocument:
    """The document of a session. Turns without text and failed compactions are left out."""
    began = start_time(ledger.opened.started) if ledger.opened else None
    turns = [_turn(turn, began) for turn in ledger.turns if _is_shown(turn)]
    parts: list[ExportTurn | ExportCompaction] = [*turns]
    completed = [_compaction(c, began) for c in ledger.compactions if c.stage == "confirmed"]
    for compaction in reversed(completed):
        place = next((i for i, part in enumerate(parts) if part.at > compaction.at), len(parts))
        parts.insert(place, compaction)
    about = (
        f"{began:%Y-%m-%d %H:%M}" if began else "",
        " · ".join(word for word in (ledger.backend, ledger.model) if word),
        _count(len(turns)),
        f"${ledger.cost:.4f}" if ledger.cost else "",
    )
    return ExportDocument(
        title_of(ledger),
        tuple(word for word in about if word),
        tuple(parts),
        ledger.memory,
        printable(minutes.strip()),
        ledger,
        began,
    )


def _is_shown(turn: Turn) -> bool:
    return bool(turn.text.strip() or turn.note or turn.after_silence)


def _turn(turn: Turn, began: datetime | None) -> ExportTurn:
    heard = turn.heard_text
    remarks = []
    if turn.pinned:
        remarks.append("pinned")
    if turn.heard_ms is not None:
        remarks.append(f"interrupted at {turn.heard_ms / 1000:.1f} s")
    if turn.pruned_in:
        remarks.append("pruned")
    if turn.misheard:
        remarks.append("corrected")
    if turn.after_silence:
        remarks.append(turn.silence_remark)
    if turn.note:
        remarks.append(turn.note)
    ms = turn.audio_ms if turn.heard_ms is None else min(turn.heard_ms, turn.audio_ms)
    return ExportTurn(
        turn.role,
        f"Tool {turn.tool}" if turn.tool else SPEAKERS[turn.role],
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
    "restore": "restored",
    "voice": "turned into notes",
    "tools": "of tools removed",
}
"""What each kind of compaction did to its turns."""


def _compaction(done: Compaction, began: datetime | None) -> ExportCompaction:
    words = [f"{_count(len(done.turns))} {_VERBS.get(done.kind, done.kind)}"]
    if done.tokens_after is not None:
        words.append(f"{_spaced(done.tokens_before)} → {_spaced(done.tokens_after)} tokens")
    if done.usd:
        words.append(f"${done.usd:.4f}")
    line = " · ".join(words)
    return ExportCompaction(done.at, _clock(began, done.at), line, printable(done.summary))


def _count(turns: int) -> str:
    return f"{turns} turn{'' if turns == 1 else 's'}"


def _spaced(number: int) -> str:
    """The number with narrow spaces between thousands."""
    return f"{number:,}".replace(",", "\u202f")


def _clock(began: datetime | None, at: float) -> str:
    if began is None:
        return ""
    try:
        return f"{began + timedelta(seconds=at):%H:%M}"
    except OverflowError:  # a damaged time
        return ""
