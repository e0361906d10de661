"""When audio becomes its transcript: as soon as that costs less than re-reading the audio."""

from __future__ import annotations

from collections.abc import Sequence

from tui_voice.conversation import payback
from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.limits import Limits
from tui_voice.conversation.plan import Plan
from tui_voice.conversation.prunable import answered, is_prunable, last_exchange
from tui_voice.conversation.trigger import effective_trigger
from tui_voice.conversation.turns import Turn

HORIZON_REPLIES = 50.0
"""Number of replies within which a textify must pay under a policy without summaries."""
MAX_STARTS = 16
"""Largest number of turns that are tried as the first one to become text."""
MIN_REPLIES_LEFT = 5.0
"""Smallest number of replies that are assumed to read the audio before the next summary."""


def textify(ledger: Ledger, limits: Limits, held: Sequence[Turn]) -> Plan | None:
    """The audio turns that are cheaper as text: those of the last reply, or more if that pays.

    Each start among the newest turns is tried, since a change breaks the cache behind it.
    """
    if limits.spec.kept_audio is None:
        return None
    kept = limits.spec.kept_audio(ledger, held)
    candidates = [
        turn
        for turn in held[: answered(held)]
        if turn.modality == "audio"
        and is_prunable(turn)
        and turn.heard_text
        and turn.id not in kept
    ]
    if not candidates:
        return None
    left = _replies_left(ledger, limits)
    best_gain, chosen = 0.0, candidates[:0]
    for start in range(len(candidates) - 1, max(-1, len(candidates) - 1 - MAX_STARTS), -1):
        plan = Plan("textify", tuple(candidates[start:]), "")
        worth = payback.payback_of(ledger, plan, limits.price, payback.SUMMARY_PRICE)
        gain = worth.usd_per_reply * left - worth.usd_once
        if gain > best_gain:
            best_gain, chosen = gain, candidates[start:]
    if not chosen:
        return None
    newest = last_exchange(held)
    late = any(turn.id not in newest for turn in chosen)
    return Plan(
        "textify", tuple(chosen), "late transcript, cheaper now" if late else "audio to text"
    )


def _replies_left(ledger: Ledger, limits: Limits) -> float:
    """How many replies will probably read the window before the next summary."""
    if not limits.spec.summarises:
        return HORIZON_REPLIES
    left = effective_trigger(ledger, limits) - ledger.window.total
    return max(MIN_REPLIES_LEFT, left / payback.tokens_per_exchange(ledger, textified=True))
