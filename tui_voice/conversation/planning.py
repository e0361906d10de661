"""When to compact, and what: pure functions of a ledger and limits.

First, audio at the end of the window becomes text if that breaks no cached prefix. Then, if the
window is still too full, old turns are summarised. Each waits while it would lose money.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from tui_voice.conversation import payback
from tui_voice.conversation.events import TriggerChecked
from tui_voice.conversation.ledger import MOST_REFUSED, Ledger
from tui_voice.conversation.limits import Limits
from tui_voice.conversation.plan import Plan
from tui_voice.conversation.prunable import droppable, split
from tui_voice.conversation.textifying import textify
from tui_voice.conversation.trigger import (
    MIN_FACTOR,
    cache_adjusted,
    check_trigger,
    effective_trigger,
    last_pruning,
    regrowth_threshold,
    tokens_after_pruning,
)
from tui_voice.conversation.turns import Turn

TRANSCRIPT_TIMEOUT_S = 120.0
"""Seconds after which a missing transcript no longer delays a summary."""
RETRY_SUMMARY_S = 15.0
"""Seconds until a failed summary is tried again. They double with each failure."""
MAX_FAILURES_COUNTED = 6
RETRY_OFTEN_FAILED_S = 3_600.0
"""Seconds until a summary is tried again that failed `MAX_FAILURES_COUNTED` times: attempts cost
money."""
SESSION_ENDS_SOON_S = 300.0
"""Seconds before the server session ends in which its prompt cache no longer counts."""
ENOUGH_FREED = 0.75
"""Function calls are pruned alone where the window then is at most this share of the trigger."""
MAX_UNPAID_FACTOR = 1.5
"""While pruning would lose money, the window may grow to this multiple of the trigger."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What the policy wants now."""

    plan: Plan | None
    reason: str
    """Why this plan, or why none, in a few words."""
    check: TriggerChecked | None = None
    """The decision to use another trigger from now on; None: no change."""


Why = Literal[
    "", "refused", "forgetful", "regrowing", "unpaid", "none older", "only text", "server"
]
"""Why the next summary comes at this size of the window.

"": at the user's trigger, or the policy's. `refused`: that trigger would prune every turn, so a
higher one replaces it.
`forgetful`: sooner, since the prompt cache forgets. `regrowing`: not before the window has regrown
by half of what was freed. `unpaid`: at the latest there, sooner if it pays. `none older`: once some
turn is older than the kept ones. `only text`: only shortly before the server drops turns.
`server`: never; there the server drops turns.
"""


class NextSummary(NamedTuple):
    """When the next summary is due, for the screen."""

    tokens: int
    """Size of the window from which it is due."""
    why: Why = ""


def plan_compaction(ledger: Ledger, limits: Limits, *, forced: bool = False) -> Planned:
    """What to compact now, or the reason why nothing is.

    `forced`: the user asks for a summary, whatever the size of the window.
    """
    if ledger.compaction is not None:
        return Planned(None, "a compaction is under way")
    if ledger.connection.status != "online":
        return Planned(None, "there is no connection")
    if ledger.connection.refused_compactions >= MOST_REFUSED:
        return Planned(None, "the server refuses to change its items")
    held = ledger.held()
    if forced:
        drop = droppable(held, limits.keep)
        if not drop:
            return Planned(None, "nothing is older than the kept turns")
        return _to_summary(drop, "by hand")
    if not limits.spec.prunes:
        return Planned(None, f"policy {limits.policy}: nothing is pruned")
    if (plan := textify(ledger, limits, held)) is not None:
        return Planned(plan, plan.cause)
    return _plan_summary(ledger, limits, held)


def next_check_at(ledger: Ledger, limits: Limits) -> float | None:
    """When (`Event.at`, seconds) to plan again though nothing happens. None: never."""
    spec = limits.spec
    if not spec.prunes or ledger.connection.status != "online" or not ledger.recent_replies:
        return None
    times = [ledger.recent_replies[-1].at + limits.cold_after] if spec.economises else []
    if limits.every is not None:
        times.append(_last_pruned_at(ledger) + limits.every)
    return min((time for time in times if time > ledger.at), default=None)


def next_summary(ledger: Ledger, limits: Limits) -> NextSummary:
    """When the next summary is due, and why then. The screen calls it for each view."""
    spec = limits.spec
    if not spec.prunes:
        return NextSummary(limits.trigger if spec.server_truncates else limits.usable, "server")
    if not spec.summarises:
        return NextSummary(limits.ceiling, "only text")
    held, window = ledger.held(), ledger.window.total
    base = effective_trigger(ledger, limits)
    stays = tokens_after_pruning(ledger, limits, held, base)
    trigger: float = base
    if ledger.recent_replies:
        trigger = cache_adjusted(ledger, limits, base, stays)
    why: Why = ""
    if base != limits.trigger:
        why = "refused"
    elif trigger < base:
        why = "forgetful"
    if (least := regrowth_threshold(ledger)) > trigger:
        trigger, why = least, "regrowing"
    elif window >= trigger and not droppable(held, limits.keep):
        why = "none older"
    elif window >= trigger and _loses_money(ledger, limits, held, trigger):
        trigger, why = MAX_UNPAID_FACTOR * trigger, "unpaid"
    return NextSummary(min(round(trigger), limits.ceiling), why)


def _to_summary(turns: Sequence[Turn], cause: str, check: TriggerChecked | None = None) -> Planned:
    return Planned(Plan("summary", tuple(turns), cause), cause, check)


def _plan_summary(ledger: Ledger, limits: Limits, held: Sequence[Turn]) -> Planned:
    window = ledger.window.total
    urgent = window >= limits.ceiling
    stays = tokens_after_pruning(ledger, limits, held, window)
    check = check_trigger(ledger, limits, held)
    base = check.instead if check else effective_trigger(ledger, limits)
    trigger = cache_adjusted(ledger, limits, base, stays)

    def none(reason: str) -> Planned:
        return Planned(None, reason, check)

    cause = _cause(ledger, limits, held, base, trigger, stays)
    if cause is None:
        return none("below the trigger" if limits.spec.summarises else "summaries are not wanted")
    old = split(held, limits.keep)[0]
    if not urgent and any(_transcript_awaited(turn, ledger.at) for turn in old):
        return none("a transcript among the old turns is still missing")
    drop = droppable(held, limits.keep, urgent)
    if not drop:
        return none("nothing is older than the kept turns")
    if (until := _retry_at(ledger)) > ledger.at:
        return none(f"the last summary failed; the next try is in {until - ledger.at:.0f} s")
    if not urgent and window < (least := regrowth_threshold(ledger)):
        return none(f"the window has not regrown to {least:,.0f} tokens since the last pruning")
    if cause == _FULL and not urgent and _loses_money(ledger, limits, held, trigger):
        return none("pruning now would cost more than it saves")
    if (tools := _tools_to_prune(drop, window, trigger)) is not None:
        return Planned(Plan("tools", tools, cause), cause, check)
    return _to_summary(drop, cause, check)


def _tools_to_prune(drop: Sequence[Turn], window: int, trigger: float) -> tuple[Turn, ...] | None:
    """The function calls among the turns that may go, if it is enough to prune these: what they
    brought is in the replies. None: it is not enough, so they go with the turns.
    """
    tools = tuple(turn for turn in drop if turn.role == "tool")
    left = window - sum(turn.tokens for turn in tools)
    return tools if tools and left <= ENOUGH_FREED * trigger else None


_FULL = "window full"
_FORGETFUL = "window full, and the cache forgets"
_CEILING = "the server would soon drop turns by itself"


def _cause(
    ledger: Ledger,
    limits: Limits,
    held: Sequence[Turn],
    base: int,
    trigger: float,
    stays: float,
) -> str | None:
    """Why a summary is due now, in a few words; None: none is due.

    `base`: the trigger in force. `trigger`: the same, or lower if the cache forgets. `stays`:
    what would stay after a pruning. All in tokens.
    """
    window = ledger.window.total
    if window >= limits.ceiling:
        return _CEILING
    if not limits.spec.summarises:
        return None
    if window >= trigger:
        return _FULL if window >= base else _FORGETFUL
    said = sum(turn.role != "tool" for turn in held)
    if limits.messages is not None and said >= limits.messages:
        return f"{said} turns in the window"
    if limits.every is not None and ledger.at - _last_pruned_at(ledger) >= limits.every:
        return f"{limits.every / 60:.0f} minutes since the last pruning"
    if limits.spec.economises and window >= max(base / 2, stays * MIN_FACTOR):
        return _cache_lost(ledger, limits)
    return None


def _cache_lost(ledger: Ledger, limits: Limits) -> str | None:
    """Why the prompt cache is lost anyway, so that pruning breaks nothing. None: it is not."""
    if ledger.recent_replies and ledger.at - ledger.recent_replies[-1].at >= limits.cold_after:
        return "a pause: the cache is cold anyway"
    if ledger.connection.expires_at is not None and ledger.opened is not None:
        opened = datetime.fromisoformat(ledger.opened.started).timestamp()
        if ledger.connection.expires_at - (opened + ledger.at) < SESSION_ENDS_SOON_S:
            return "the server session ends soon, and its cache with it"
    return None


def _transcript_awaited(turn: Turn, now: float) -> bool:
    return turn.words == "open" and now - turn.at < TRANSCRIPT_TIMEOUT_S


def _loses_money(ledger: Ledger, limits: Limits, held: Sequence[Turn], trigger: float) -> bool:
    """Whether pruning now would cost more than it saves until the next pruning, and can wait."""
    spec = limits.spec
    too_full = ledger.window.total >= MAX_UNPAID_FACTOR * trigger
    if limits.free or not spec.economises or too_full:
        return False
    plan = Plan("summary", tuple(droppable(held, limits.keep)), "")
    worth = payback.payback_of(ledger, plan, limits.price, payback.SUMMARY_PRICE, spec.kept_audio)
    replies = worth.replies_to_pay_back
    growth = payback.tokens_per_exchange(ledger, spec.textifies)
    return replies is None or replies > worth.freed / growth


def _retry_at(ledger: Ledger) -> float:
    """When (`Event.at`, seconds) a summary may be tried again after failures. 0: at any time."""
    failures, since = 0, 0.0
    for compaction in reversed(ledger.compactions):
        if compaction.kind != "summary":
            continue
        if compaction.stage != "failed":
            break
        since = max(since, compaction.done_at or 0.0)
        failures += 1
        if failures == MAX_FAILURES_COUNTED:
            break
    if failures == MAX_FAILURES_COUNTED:
        return since + RETRY_OFTEN_FAILED_S
    return since + RETRY_SUMMARY_S * 2 ** (failures - 1) if failures else 0.0


def _last_pruned_at(ledger: Ledger) -> float:
    """When the window was last pruned; without a pruning, when the first turn began."""
    last = last_pruning(ledger)
    if last is not None:
        return last.done_at or last.at
    return next((turn.at for turn in ledger.turns), ledger.at)
