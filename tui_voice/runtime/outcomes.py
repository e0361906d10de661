"""What a profile wants at the end of a session (`session.at_end`), written once it is closed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tui_voice.config import Settings
from tui_voice.conversation import events as e
from tui_voice.conversation.ledger import Ledger
from tui_voice.runtime.minutes import memory, minutes, ticket
from tui_voice.store import catalog
from tui_voice.store.reading import load

_Write = Callable[[Ledger, Settings, Callable[[e.WritingBilled], object]], tuple[str, str]]
WRITERS: dict[str, _Write] = {"memory": memory, "minutes": minutes, "ticket": ticket}
"""Value of `session.at_end` → what writes it."""


class Outcome(NamedTuple):
    """What was written at the end of a session."""

    kind: str
    text: str
    source: str
    """The model that wrote it; "": it quotes the user."""
    file: Path | None
    """The file beside the journal; None: the journal alone has it."""
    usd: float
    """What the session has cost, with this."""


def is_wanted(journal: Path, settings: Settings) -> bool:
    """Returns whether something is to be written: turns were said that no outcome covers yet."""
    kind = settings.session.at_end
    if kind not in WRITERS or not journal.is_file():
        return False
    ledger = load(journal).ledger
    written = ledger.outcome(kind)
    last = _last_turn(ledger)
    return bool(last) and (written is None or written.until != last)


def write_outcome(journal: Path, settings: Settings) -> Outcome:
    """Writes the outcome that the settings want into the journal, and into a file beside it.

    Blocks, perhaps for a minute. What the attempts cost is journaled, also where none could be
    used. Raises `TuiVoiceError`.
    """
    kind, ledger = settings.session.at_end, load(journal).ledger
    billed: list[e.Event] = []
    try:
        text, source = WRITERS[kind](ledger, settings, billed.append)
        written = e.OutcomeWritten(kind=kind, text=text, source=source, until=_last_turn(ledger))  # type: ignore[arg-type]  # a key of `WRITERS`
        billed.append(written)
    finally:
        if billed:
            catalog.append(journal, *billed)
    file = catalog.write_outcome(journal, kind, text) if kind in catalog.OUTCOME_FILES else None
    return Outcome(kind, text, source, file, load(journal).ledger.cost)


def _last_turn(ledger: Ledger) -> str:
    """Returns the id of the last turn that has words, "" where there is none."""
    said = (t.id for t in reversed(ledger.turns) if t.role in ("user", "assistant") and t.text)
    return next(said, "")
