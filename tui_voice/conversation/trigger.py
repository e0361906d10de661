"""From how many tokens on the window is pruned: the user's figure where it makes sense, else
another one, and why.

Higher where what stays (instructions, summary, kept turns) reaches the user's figure, or every
turn would be pruned: that is refused, as an event (`TriggerChecked`), with the reason. Lower where
cache forgets, since re-reading is then dearer.
"""

from __future__ import annotations

from collections.abc import Sequence

from tui_voice.conversation import payback
from tui_voice.conversation.events import TriggerChecked
from tui_voice.conversation.ledger import Compaction, Ledger
from tui_voice.conversation.limits import FIXED_TOKENS, Limits, best_span
from tui_voice.conversation.prunable import droppable, split
from tui_voice.conversation.turns import Turn

SCARCE = 1.25
"""A trigger below so many times what stays would have hardly anything pruned, again and again."""
AMPLE = 1.5
"""So many times what stays is the trigger in place of one that is refused."""
TOO_MUCH = 3.0
"""Beyond so many times what stays, the trigger in place of another one comes down again."""


def remains(ledger: Ledger, limits: Limits, held: Sequence[Turn], window: float) -> float:
    """What the window will weigh after a summary that is made when it has come to `window`: an
    estimate. Tokens.
    """
    kept = {turn.id for turn in split(held, limits.keep)[1]}
    gone = {turn.id for turn in droppable(held, limits.keep)}
    weights = (
        turn.as_text_tokens if limits.textifies and turn.id in kept else turn.tokens
        for turn in held
        if turn.id not in gone
    )
    # Of a new server session nothing but the turns is known until its first reply.
    stays = (ledger.fixed or FIXED_TOKENS) + sum(weights)
    return stays + payback.summary_tokens(ledger, round(max(0.0, window - stays)))


def in_force(ledger: Ledger, limits: Limits) -> int:
    """The user's trigger, or the one that was set in its place."""
    for judged in reversed(ledger.judged):
        if not judged.usual:
            if (judged.trigger, judged.keep) == (limits.trigger, limits.keep):
                return judged.instead
            break
    return min(limits.trigger, limits.ceiling)


def judge_trigger(ledger: Ledger, limits: Limits, held: Sequence[Turn]) -> TriggerChecked | None:
    """Whether another trigger is to be in force from now on; None: the one that is stays.

    It stays as long as it does its work, so that what every turn weighs makes no line in the log.
    """
    if not limits.summarises or not ledger.fixed or not droppable(held, limits.keep):
        return None  # what stays is known once there is something that goes
    wanted, now = min(limits.trigger, limits.ceiling), in_force(ledger, limits)
    stays = remains(ledger, limits, held, now)
    ample = remains(ledger, limits, held, wanted) * AMPLE <= wanted
    if stays * SCARCE <= now and (now == wanted or not (ample or stays * TOO_MUCH < now)):
        return None
    instead = wanted
    if not ample:
        while (stays := remains(ledger, limits, held, instead)) * SCARCE > instead:
            instead = _round_up(stays * AMPLE)
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
    step = 10 if tokens < 1_000 else 100
    return -int(-tokens // step) * step


def lowered(ledger: Ledger, limits: Limits, trigger: int, stays: float) -> float:
    """The trigger, or a lower one where the cache holds less than it should."""
    rate = payback.hit_rate(ledger)
    if limits.policy == "notebook" or rate >= 0.95 or stays * SCARCE >= trigger:
        return trigger
    grown = payback.growth(ledger, limits.textifies)
    usual = best_span(limits.weights, stays, grown)
    now = best_span(limits.weights, stays, grown, rate)
    return max(stays * SCARCE, stays + (trigger - stays) * min(1.0, now / usual))


def regrown(ledger: Ledger) -> float:
    """Tokens up to which the window is to grow before it is pruned again: by half of what the last
    pruning freed. 0: nothing was pruned yet.
    """
    last = last_change(ledger)
    if last is None or last.tokens_after is None:
        return 0.0
    if last.kind == "restore":  # what the user took back is not taken away again at once
        return last.tokens_after * 1.5
    return last.tokens_after + max(0, last.tokens_before - last.tokens_after) / 2


def last_change(ledger: Ledger) -> Compaction | None:
    """The newest summary that is done, or the newest turns that came back."""
    for compaction in reversed(ledger.compactions):
        if compaction.kind in ("summary", "restore") and compaction.stage == "confirmed":
            return compaction
    return None
