"""A title for a session: the first sentence of the user that says something, cut short."""

from __future__ import annotations

from collections.abc import Sequence

from tui_voice.languages.phrases import shortened
from tui_voice.languages.sentences import sentences
from tui_voice.realtime.wire.contract import MAX_TITLE_LENGTH
from tui_voice.server.interfaces import ContextTurn

_GREETING_WORDS = 2
"""A sentence of so few words (`Hello there.`) is a title only if there is no longer one."""


def title(turns: Sequence[ContextTurn]) -> str:
    """Returns at most `MAX_TITLE_LENGTH` characters; "" where the user said nothing."""
    said = [part for turn in turns if turn.role == "user" for part in sentences(turn.text)]
    longer = (part for part in said if len(part.split()) > _GREETING_WORDS)
    chosen = next(longer, said[0] if said else "").rstrip(" .,;!?")
    return shortened(chosen, MAX_TITLE_LENGTH)
