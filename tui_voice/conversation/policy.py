"""When to compact, and what: pure functions of a ledger and limits.

First what lies at the end of the window becomes text, where that breaks no cached beginning; then,
if the window is still too full, old turns are summarised. Each waits when it would lose money.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from tui_voice.conversation import payback
from tui_voice.conversation.events import TriggerChecked
from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.limits import Limits, Plan, Policy, check, default_limits
from tui_voice.conversation.prunable import droppable, split, touchable
from tui_voice.conversation.textifying import textify
from tui_voice.conversation.trigger import (
    SCARCE,
    in_force,
    judge_trigger,
    last_change,
    lowered,
    regrown,
    remains,
)
from tui_voice.conversation.turns import Turn

__all__ = [
    "Limits",
    "Outlook",
    "Plan",
    "Policy",
    "Verdict",
    "Why",
    "check",
    "default_limits",
    "judge",
    "next_look",
    "outlook",
    "plan",
    "touchable",
]

STUCK_AFTER = 120.0
"""Seconds after which a transcript that has not come no longer holds anything up."""
BACK_OFF = 15.0
"""Seconds until a summary that failed is tried again; doubles with each failure, up to 16 times."""
ROLLOVER_SOON = 300.0
"""Seconds before the server session ends in which its cache no longer counts."""
PATIENCE = 1.5
"""How many times the trigger the window may reach while pruning would still lose money."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the policy thinks now."""

    plan: Plan | None
    reason: str
    """Why this plan, or why none, in a few words."""
    judged: TriggerChecked | None = None
    """What the user should be told of the trigger."""


Why = Literal[
    "", "refused", "forgetful", "regrowing", "unpaid", "none older", "only text", "server"
]
"""Why the next summary comes where it does. "": at the trigger that the user wants, or the policy
has. `refused`: that one makes no sense here. `forgetful`: sooner, since the cache forgets.
`regrowing`: not before the window has regrown by half of what was freed. `unpaid`: there at the
latest, sooner where it pays. `none older`: once a turn is older than the kept ones. `only text`:
there at last, all is text until then. `server`: never, there the server drops turns.
"""


class Outlook(NamedTuple):
    """When the next summary is due, for the user to see."""

    tokens: int
    """In the window, from which on."""
    why: Why = ""


def plan(ledger: Ledger, limits: Limits, *, forced: bool = False) -> Plan | None:
    """What to compact now. None: nothing is due, worth it, or ripe (`judge` says why).

    `forced`: by hand, whatever the window holds.
    """
    return judge(ledger, limits, forced=forced).plan


def judge(ledger: Ledger, limits: Limits, *, forced: bool = False) -> Verdict:
    """The plan, or the reason why there is none."""
    if ledger.compaction is not None:
        return Verdict(None, "a pruning is under way")
    if ledger.connection.status != "online":
        return Verdict(None, "there is no line")
    held = ledger.held()
    if forced:
        drop = droppable(held, limits.keep)
        if not drop:
            return Verdict(None, "nothing is older than the kept turns")
        return _to_summary(drop, "by hand")
    if not limits.prunes:
        return Verdict(None, f"policy {limits.policy}: nothing is pruned")
    if limits.textifies and (found := textify(ledger, limits, held)):
        return Verdict(found, found.cause)
    return _summary(ledger, limits, held)


def next_look(ledger: Ledger, limits: Limits) -> float | None:
    """When (`at`) to look again although nothing happens: a `TimePassed` is wanted then."""
    if not limits.prunes or ledger.connection.status != "online" or not ledger.recent:
        return None
    cold = ledger.recent[-1].at + limits.cold_after
    times = [cold] if limits.policy != "notebook" else []
    if limits.every is not None:
        times.append(_last_pruned_at(ledger) + limits.every)
    return min((time for time in times if time > ledger.at), default=None)


def outlook(ledger: Ledger, limits: Limits) -> Outlook:
    """What is between the window and its next summary. Cheap enough for every picture."""
    if limits.policy in ("none", "server"):
        most = limits.usable if limits.policy == "none" else limits.trigger
        return Outlook(most, "server")
    if limits.policy == "textify":
        return Outlook(limits.ceiling, "only text")
    held = ledger.held()
    base = in_force(ledger, limits)
    stays = remains(ledger, limits, held, base)
    trigger = lowered(ledger, limits, base, stays) if ledger.recent else base
    why: Why = ""
    if base != limits.trigger:
        why = "refused"
    elif trigger < base:
        why = "forgetful"
    if (least := regrown(ledger)) > trigger:
        trigger, why = least, "regrowing"
    elif ledger.window.total >= trigger and not droppable(held, limits.keep):
        why = "none older"
    elif ledger.window.total >= trigger and _loses(ledger, limits, held, trigger):
        trigger, why = PATIENCE * trigger, "unpaid"
    return Outlook(min(round(trigger), limits.ceiling), why)


def _to_summary(turns: Sequence[Turn], cause: str, judged: TriggerChecked | None = None) -> Verdict:
    return Verdict(Plan("summary", tuple(turns), cause), cause, judged)


def _summary(ledger: Ledger, limits: Limits, held: Sequence[Turn]) -> Verdict:
    window = ledger.window.total
    urgent = window >= limits.ceiling
    stays = remains(ledger, limits, held, window)
    judged = judge_trigger(ledger, limits, held)
    base = judged.instead if judged else in_force(ledger, limits)
    trigger = lowered(ledger, limits, base, stays)

    def none(reason: str) -> Verdict:
        return Verdict(None, reason, judged)

    cause = _cause(ledger, limits, held, base, trigger, stays)
    if cause is None:
        return none("below the trigger" if limits.summarises else "summaries are not wanted")
    old = split(held, limits.keep)[0]
    if not urgent and any(_still_coming(turn, ledger.at) for turn in old):
        return none("a transcript among the old turns is still missing")
    drop = droppable(held, limits.keep, urgent)
    if not drop:
        return none("nothing is older than the kept turns")
    if (until := _backs_off_until(ledger)) > ledger.at:
        return none(f"the last summary failed; again in {until - ledger.at:.0f} s")
    if not urgent and window < (least := regrown(ledger)):
        return none(f"the window has not regrown to {least:,.0f} tokens since the last pruning")
    if cause == _FULL and not urgent and _loses(ledger, limits, held, trigger):
        return none("pruning now would cost more than it saves")
    return _to_summary(drop, cause, judged)


_FULL = "window full"
_MISSES = "window full, and the cache forgets"
_CEILING = "the server would soon drop turns by itself"


def _cause(
    ledger: Ledger,
    limits: Limits,
    held: Sequence[Turn],
    base: int,
    trigger: float,
    stays: float,
) -> str | None:
    """What calls for a summary now. `base`: the trigger in force; `trigger`: the same, or lower
    where the cache forgets.
    """
    window = ledger.window.total
    if window >= limits.ceiling:
        return _CEILING
    if not limits.summarises:
        return None
    if window >= trigger:
        return _FULL if window >= base else _MISSES
    said = sum(turn.role != "tool" for turn in held)
    if limits.messages is not None and said >= limits.messages:
        return f"{said} turns in the window"
    if limits.every is not None and ledger.at - _last_pruned_at(ledger) >= limits.every:
        return f"{limits.every / 60:.0f} minutes since the last pruning"
    if limits.policy != "notebook" and window >= max(base / 2, stays * SCARCE):
        return _cold(ledger, limits)
    return None


def _cold(ledger: Ledger, limits: Limits) -> str | None:
    """Whether the cache is lost anyway: the cheapest moment of all."""
    if ledger.recent and ledger.at - ledger.recent[-1].at >= limits.cold_after:
        return "a pause: the cache is cold anyway"
    if ledger.connection.expires_at is not None and ledger.opened is not None:
        opened = datetime.fromisoformat(ledger.opened.started).timestamp()
        if ledger.connection.expires_at - (opened + ledger.at) < ROLLOVER_SOON:
            return "the server session ends soon: the cache with it"
    return None


def _still_coming(turn: Turn, now: float) -> bool:
    return turn.words == "open" and now - turn.at < STUCK_AFTER


def _loses(ledger: Ledger, limits: Limits, held: Sequence[Turn], trigger: float) -> bool:
    """Whether pruning now would not earn its cost back before the next one, and can wait."""
    if limits.free or limits.policy == "notebook" or ledger.window.total >= PATIENCE * trigger:
        return False
    drop = tuple(droppable(held, limits.keep))
    worth = payback.weigh(
        ledger,
        Plan("summary", drop, ""),
        limits.weights,
        payback.WRITER_PRICE,
        limits.textifies,
    )
    replies = worth.replies_to_pay_back
    return replies is None or replies > worth.freed / payback.growth(ledger, limits.textifies)


def _backs_off_until(ledger: Ledger) -> float:
    """After failures: when a summary may be tried again."""
    failures, since = 0, 0.0
    for compaction in reversed(ledger.compactions):
        if compaction.kind != "summary":
            continue
        if compaction.stage != "failed":
            break
        since = max(since, compaction.done_at or 0.0)
        failures += 1
        if failures == 5:
            break
    return since + BACK_OFF * 2 ** (failures - 1) if failures else 0.0


def _last_pruned_at(ledger: Ledger) -> float:
    """When the window was last pruned; without a pruning, when the first turn began."""
    last = last_change(ledger)
    if last is not None:
        return last.done_at or last.at
    return next((turn.at for turn in ledger.turns), ledger.at)
