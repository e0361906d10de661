"""A title for a session: the first sentence of the user that says something, cut short."""

from __future__ import annotations

from collections.abc import Sequence

from tui_voice.languages.phrases import breaks_off, shortened
from tui_voice.languages.sentences import sentences
from tui_voice.realtime.wire.contract import MAX_TITLE_LENGTH
from tui_voice.server.interfaces import ContextTurn

_GREETING_WORDS = 2
"""A sentence of so few words (`Hello there.`) is a title only if there is no longer one."""


def title(turns: Sequence[ContextTurn]) -> str:
    """Returns at most `MAX_TITLE_LENGTH` characters; "" where the user said nothing.

    A sentence is broken off inside a phrase only where that would happen to every other one, too.
    """
    said = [part for turn in turns if turn.role == "user" for part in sentences(turn.text)]
    said = [part.rstrip(" .,;!?") for part in said]
    longer = [part for part in said if len(part.split()) > _GREETING_WORDS] or said[:1]
    whole = (part for part in longer if not breaks_off(part, MAX_TITLE_LENGTH))
    chosen = next(whole, longer[0] if longer else "")
    return shortened(chosen, MAX_TITLE_LENGTH)
