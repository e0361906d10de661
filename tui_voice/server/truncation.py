"""Which items no longer fit the model's window, and leave it."""

from __future__ import annotations

from collections.abc import Sequence

from tui_voice.realtime.wire.session import RetentionRatio, Truncation
from tui_voice.server.errors import RefusedError
from tui_voice.server.items import Entry
from tui_voice.server.usage import Count

WINDOW = 28_224
"""Input tokens that a model of 32k can use."""


def truncate(
    entries: Sequence[Entry], fixed: int, how: Truncation, count: Count, window: int = WINDOW
) -> list[Entry]:
    """The items that a response reads: the oldest go where they no longer fit.

    `fixed`: tokens of instructions and tools. Raises `RefusedError` where truncation is disabled
    and the prompt is too long, or where nothing can be dropped any more.
    """
    present = [entry for entry in entries if not entry.dropped]
    limit, keep = _limits(how, window - fixed)
    size = sum(entry.weight(count).total for entry in present)
    if size <= limit:
        return present
    if how == "disabled":
        raise RefusedError(
            "context_length_exceeded",
            f"The prompt has {fixed + size} tokens, but the model reads at most {window}, and "
            "truncation is disabled. Delete items, or set truncation to auto.",
        )
    for entry in list(present):
        if size <= keep:
            break
        size -= entry.weight(count).total
        present.remove(entry)
    return present


def _limits(how: Truncation, room: int) -> tuple[int, int]:
    """Tokens that the items may have, and that they are brought down to beyond it."""
    if not isinstance(how, RetentionRatio):
        return room, room
    asked = how.token_limits.post_instructions if how.token_limits else None
    limit = min(room, asked) if isinstance(asked, int) else room
    return limit, int(limit * how.retention_ratio)
