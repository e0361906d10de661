"""Chooses which items leave the model's window when a prompt is too long (`session.truncation`)."""

from __future__ import annotations

from collections.abc import Sequence

from tui_voice.realtime.wire.session import RetentionRatio, Truncation
from tui_voice.server.errors import RefusedError
from tui_voice.server.item_record import ItemRecord
from tui_voice.server.usage import CountTokens


def truncate(
    records: Sequence[ItemRecord],
    fixed_tokens: int,
    truncation: Truncation,
    count_tokens: CountTokens,
    window_tokens: int,
) -> list[ItemRecord]:
    """Returns the items that a response reads; the oldest are left out where all do not fit.

    `fixed_tokens`: of instructions and tools. Raises `RefusedError` where truncation is disabled
    and the prompt is too long.
    """
    present = [record for record in records if not record.is_dropped]
    limit, target = _item_limits(truncation, window_tokens - fixed_tokens)
    size = sum(record.tokens(count_tokens).total for record in present)
    if size <= limit:
        return present
    if truncation == "disabled":
        raise RefusedError(
            "context_length_exceeded",
            f"The prompt has {fixed_tokens + size} tokens, but the model reads at most "
            f"{window_tokens}, and truncation is disabled. Delete items, or set truncation to "
            "auto.",
        )
    while present and size > target:
        size -= present.pop(0).tokens(count_tokens).total
    return present


def _item_limits(truncation: Truncation, room: int) -> tuple[int, int]:
    """Returns the tokens that items may have, and the tokens to which a longer prompt is cut."""
    if not isinstance(truncation, RetentionRatio):
        return room, room
    requested = truncation.token_limits.post_instructions if truncation.token_limits else None
    limit = min(room, requested) if isinstance(requested, int) else room
    return limit, int(limit * truncation.retention_ratio)
