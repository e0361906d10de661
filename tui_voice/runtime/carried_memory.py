"""What a new session begins with where its profile continues: the memory of the newest one."""

from __future__ import annotations

from pathlib import Path

from tui_voice.config import Settings
from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.memory import MemoryEntry, read_memory, render_memory
from tui_voice.errors import StoreError
from tui_voice.languages.token_estimate import estimate_text_tokens
from tui_voice.runtime.privacy import held_at
from tui_voice.store.catalog import list_sessions
from tui_voice.store.reading import load

MOST_TOKENS = 1_500
"""Text tokens of the newest turns that are carried word for word, where no memory covers them."""


def carried_memory(folder: Path, settings: Settings) -> str:
    """Returns the memory of the newest session of the profile in force, "" where there is none.

    As with `recall`, only sessions that the server in force has held are looked at, unless
    `privacy.recall_everywhere` is on, and no private ones.
    """
    if not (settings.session.continues and settings.profile):
        return ""
    here, everywhere = held_at(settings), settings.privacy.recall_everywhere
    for session in list_sessions(folder):
        reachable = everywhere or here in session.held_with.split("\n")
        if session.profile != settings.profile or session.private or not reachable:
            continue
        try:
            memory = memory_of(load(session.path).ledger)
        except StoreError:  # it was deleted a moment ago
            continue
        if memory:
            return memory
    return ""


def memory_of(ledger: Ledger) -> str:
    """Returns what is known from a session: the memory that was written at its end, or else the one
    of its last summary, and the newest turns that it does not cover, word for word.
    """
    written = ledger.outcome("memory")
    if written is None:
        memory, later = ledger.memory, ledger.unpruned()
    else:
        memory, later = written.text, list(ledger.turns.after(written.until))
    lines: list[str] = []
    tokens = 0
    for turn in reversed(later):
        if turn.role not in ("user", "assistant") or not turn.heard_text:
            continue
        line = f"{turn.role}: {turn.heard_text}"
        tokens += estimate_text_tokens(line)
        if tokens > MOST_TOKENS:
            break
        lines.append(line)
    if not lines:
        return memory
    said = [MemoryEntry("word_for_word", line) for line in reversed(lines)]
    return render_memory([*read_memory(memory), *said])
