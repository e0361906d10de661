"""The trigger in force: the user's, or one that replaces it.

A higher one replaces it if what stays after a pruning (instructions, summary, kept turns) already
reaches the user's trigger: otherwise every turn would be pruned. The event `TriggerChecked` records
that. A lower one is used while the prompt cache forgets, since re-reading then costs more.
"""

from __future__ import annotations

from collections.abc import Sequence

from tui_voice.conversation import payback
from tui_voice.conversation.estimates import FIXED_TOKENS
from tui_voice.conversation.events import TriggerChecked
from tui_voice.conversation.ledger import Compaction, Ledger
from tui_voice.conversation.limits import Limits
from tui_voice.conversation.prunable import droppable, split
from tui_voice.conversation.turns import Turn

MIN_FACTOR = 1.25
"""A trigger below this multiple of the tokens that stay is too low: a pruning would free little."""
REPLACEMENT_FACTOR = 1.5
"""A trigger that is too low is replaced by this multiple of the tokens that stay."""
MAX_FACTOR = 3.0
"""A replacement that is above this multiple of the tokens that stay is lowered again."""
GOOD_HIT_RATE = 0.95
"""Share of cache hits (0–1) from which the cache counts as reliable."""


def tokens_after_pruning(
    ledger: Ledger, limits: Limits, held: Sequence[Turn], window: float
) -> float:
    """Tokens of the window after a summary that is made when it has reached `window` (estimate)."""
    kept = {turn.id for turn in split(held, limits.keep)[1]}
    gone = {turn.id for turn in droppable(held, limits.keep)}
    weights = (
        turn.as_text_tokens if limits.spec.textifies and turn.id in kept else turn.tokens
        for turn in held
        if turn.id not in gone
    )
    # The fixed tokens of a new server session are not known before its first reply.
    stays = (ledger.fixed_tokens or FIXED_TOKENS) + sum(weights)
    return stays + payback.summary_tokens(ledger, round(max(0.0, window - stays)))


def effective_trigger(ledger: Ledger, limits: Limits) -> int:
    """The user's trigger, or the one that replaces it. Tokens."""
    for check in reversed(ledger.trigger_checks):
        if not check.usual:
            if (check.trigger, check.keep) == (limits.trigger, limits.keep):
                return check.instead
            break
    return min(limits.trigger, limits.ceiling)


def check_trigger(ledger: Ledger, limits: Limits, held: Sequence[Turn]) -> TriggerChecked | None:
    """The decision to use another trigger from now on. None: the present one stays.

    The present one stays while it works, so that small changes add no lines to the pruning log.
    """
    if not limits.spec.summarises or not ledger.fixed_tokens or not droppable(held, limits.keep):
        return None  # what stays is known only once some turn would go
    wanted, now = min(limits.trigger, limits.ceiling), effective_trigger(ledger, limits)
    stays = tokens_after_pruning(ledger, limits, held, now)
    fits = tokens_after_pruning(ledger, limits, held, wanted) * REPLACEMENT_FACTOR <= wanted
    too_high = fits or stays * MAX_FACTOR < now
    if stays * MIN_FACTOR <= now and (now == wanted or not too_high):
        return None
    instead = wanted
    if not fits:
        while (stays := tokens_after_pruning(ledger, limits, held, instead)) * MIN_FACTOR > instead:
            instead = _round_up(stays * REPLACEMENT_FACTOR)
    instead = min(instead, limits.ceiling)
    if instead == now:
        return None
    old, kept = split(held, limits.keep)
    return TriggerChecked(
        trigger=limits.trigger,
        keep=limits.keep,
        kept=sum(turn.role != "tool" for turn in kept),
        pinned=sum(turn.pinned for turn in old),
        weighs=round(stays),
        instead=instead,
    )


def _round_up(tokens: float) -> int:
    """To tens below 1,000 tokens, to hundreds above."""
    step = 10 if tokens < 1_000 else 100
    return -int(-tokens // step) * step


def cache_adjusted(ledger: Ledger, limits: Limits, trigger: int, stays: float) -> float:
    """The trigger, or a lower one if the cache holds less than it should. Tokens.

    `stays`: tokens that stay after a pruning.
    """
    hit_rate = payback.cache_hit_rate(ledger)
    reliable = hit_rate >= GOOD_HIT_RATE
    if not limits.spec.economises or reliable or stays * MIN_FACTOR >= trigger:
        return trigger
    growth = payback.tokens_per_exchange(ledger, limits.spec.textifies)
    usual = payback.cheapest_regrowth(limits.price, stays, growth)
    now = payback.cheapest_regrowth(limits.price, stays, growth, hit_rate)
    return max(stays * MIN_FACTOR, stays + (trigger - stays) * min(1.0, now / usual))


def regrowth_threshold(ledger: Ledger) -> float:
    """Tokens to which the window must regrow before the next pruning. 0: nothing was pruned yet.

    It is half of what the last pruning freed. Turns that the user restored are not pruned again
    before the window has grown by half.
    """
    last = last_pruning(ledger)
    if last is None or last.tokens_after is None:
        return 0.0
    if last.kind == "restore":
        return last.tokens_after * 1.5
    return last.tokens_after + max(0, last.tokens_before - last.tokens_after) / 2


def last_pruning(ledger: Ledger) -> Compaction | None:
    """The newest pruning that is done, or the newest restore."""
    for compaction in reversed(ledger.compactions):
        if compaction.kind in ("summary", "restore", "tools") and compaction.stage == "confirmed":
            return compaction
    return None
