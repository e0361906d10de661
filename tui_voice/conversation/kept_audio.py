"""Which turns stay audio under a policy that textifies the others."""

from __future__ import annotations

from collections.abc import Sequence

from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.payback import cache_hit_rate
from tui_voice.conversation.turns import Turn

RECENT_REPLIES = 6
"""Of so many newest replies at most half of the seconds stay audio."""
RELIABLE_HIT_RATE = 0.9
"""Below this share of cache hits (0–1) no audio is kept: it would be read at the full price."""
CACHE_BLOCK_TOKENS = 64
"""Prompt caches work in blocks of so many tokens, so the cached prefix is known so far."""


def no_audio(_ledger: Ledger, _held: Sequence[Turn]) -> set[str]:
    """None: every turn becomes text."""
    return set()


def half_of_recent_replies(ledger: Ledger, held: Sequence[Turn]) -> set[str]:
    """Ids of the replies that the cache holds as audio, and of the newest reply.

    The newest one only as long as no more than half of the seconds of the newest replies are
    audio. Audio that must be read again at the full price is the most expensive part of a window,
    so none is kept while the cache forgets.
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
