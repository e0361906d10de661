"""When sound becomes its own words: where that breaks no cached beginning, or pays all the same."""

from __future__ import annotations

from collections.abc import Sequence

from tui_voice.conversation import payback
from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.limits import Limits, Plan
from tui_voice.conversation.prunable import answered, last_exchange, touchable
from tui_voice.conversation.trigger import in_force
from tui_voice.conversation.turns import Turn

RECENT_REPLIES = 6
"""Among so many newest replies `balanced` keeps at most half of the seconds as sound."""
TEXTIFY_HORIZON = 50.0
"""Replies within which a late textify must pay, where no summary will come."""
STARTS = 16
"""From so many of the newest turns on, at most, what is ripe may become text at once."""
SOON = 5.0
"""Replies that will at least read what is kept as sound, however near the next summary is."""


def textify(ledger: Ledger, limits: Limits, held: Sequence[Turn]) -> Plan | None:
    """The sound that is cheaper as words: what the last reply added, or more if that pays."""
    ripe = [
        turn
        for turn in held[: answered(held)]
        if turn.modality == "audio" and touchable(turn) and turn.heard_text
    ]
    if limits.policy == "balanced":
        kept = _kept_sound(ledger, held)
        ripe = [turn for turn in ripe if turn.id not in kept]
    if not ripe:
        return None
    left = _replies_left(ledger, limits)
    best: tuple[float, int] | None = None
    for start in range(len(ripe) - 1, max(-1, len(ripe) - 1 - STARTS), -1):
        worth = payback.weigh(
            ledger,
            Plan("textify", tuple(ripe[start:]), ""),
            limits.weights,
            payback.WRITER_PRICE,
        )
        gain = worth.usd_per_reply * left - worth.usd_once
        if gain > 0 and (best is None or gain > best[0]):
            best = gain, start
    if best is None:
        return None
    chosen = ripe[best[1] :]
    newest = last_exchange(held)
    late = any(turn.id not in newest for turn in chosen)
    cause = "late words, cheaper now" if late else "sound to words"
    return Plan("textify", tuple(chosen), cause)


def _kept_sound(ledger: Ledger, held: Sequence[Turn]) -> set[str]:
    """Replies that `balanced` leaves as sound: those the cache holds as such, and the newest one
    as long as no more than half of the newest replies' seconds stay sound.

    Sound that must be read anew at the full price is kept no longer: that is the most expensive
    thing in a window.
    """
    if payback.hit_rate(ledger) < 0.9:
        return set()
    replies = [t for t in held if t.role == "assistant" and t.spoken]
    recent = replies[-RECENT_REPLIES:]
    kept = set()
    place = ledger.fixed + ledger.memory_tokens
    for turn in held:
        place += turn.tokens
        if turn.role == "assistant" and turn.modality == "audio" and place <= ledger.intact + 64:
            kept.add(turn.id)
    if recent and recent[-1].modality == "audio":
        sound = sum(t.audio_ms for t in recent if t.modality == "audio")
        if len(recent) == 1 or sound <= sum(t.audio_ms for t in recent) / 2:
            kept.add(recent[-1].id)
    return kept


def _replies_left(ledger: Ledger, limits: Limits) -> float:
    """How many replies will probably read the window before the next summary."""
    if limits.policy == "textify":
        return TEXTIFY_HORIZON
    room = in_force(ledger, limits) - ledger.window.total
    return max(SOON, room / payback.growth(ledger, textified=True))
