"""Which turns stay audio under a policy that textifies the others."""

from __future__ import annotations

from collections.abc import Sequence

from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.payback import cache_hit_rate
from tui_voice.conversation.turns import Turn

RECENT_REPLIES = 6
"""Number of newest replies of whose seconds at most half stay audio."""
RELIABLE_HIT_RATE = 0.9
"""Below this share of cache hits (0–1) no audio is kept: it would be read at the full price."""
CACHE_BLOCK_TOKENS = 64
"""Tokens of one block of a prompt cache. The cached prefix is known to one block."""


def no_audio(_ledger: Ledger, _held: Sequence[Turn]) -> set[str]:
    """No ids: every turn becomes text."""
    return set()


def half_of_recent_replies(ledger: Ledger, held: Sequence[Turn]) -> set[str]:
    """Ids of the replies whose audio the prompt cache holds, and perhaps of the newest reply.

    The newest reply stays audio if then at most half of the seconds of the `RECENT_REPLIES` newest
    replies are audio. While the cache forgets, no audio is kept: audio that is read again at the
    full price is the most expensive part of a window.
    """
    if cache_hit_rate(ledger) < RELIABLE_HIT_RATE:
        return set()
    kept = set()
    end = ledger.fixed_tokens + ledger.memory_tokens
    for turn in held:
        end += turn.tokens
        cached = end <= ledger.cacheable_prefix_tokens + CACHE_BLOCK_TOKENS
        if turn.role == "assistant" and turn.modality == "audio" and cached:
            kept.add(turn.id)
    replies = [turn for turn in held if turn.role == "assistant" and turn.spoken]
    recent = replies[-RECENT_REPLIES:]
    if recent and recent[-1].modality == "audio":
        audio_ms = sum(turn.audio_ms for turn in recent if turn.modality == "audio")
        if len(recent) == 1 or audio_ms <= sum(turn.audio_ms for turn in recent) / 2:
            kept.add(recent[-1].id)
    return kept
