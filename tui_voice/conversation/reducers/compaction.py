"""Reducers of a compaction's decisions and of its summary.

The course of a summary: `SummaryRequested`, `SummaryReady`, then `items` until it is confirmed.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec.structs import replace

from tui_voice.conversation import events as e
from tui_voice.conversation.ledger import MOST_REFUSED, Compaction, Ledger
from tui_voice.conversation.memory import facts_in
from tui_voice.conversation.reducers.changes import change, notice
from tui_voice.conversation.turns import ITEM_OVERHEAD
from tui_voice.languages.token_estimate import estimate_text_tokens

CHECKS_KEPT = 20
"""Number of the newest trigger checks that are kept."""


def summary_requested(ledger: Ledger, event: e.SummaryRequested) -> Ledger:
    compaction = Compaction(
        event.compaction_id,
        "summary",
        event.at,
        event.drop,
        event.window,
        cause=event.cause,
        based_on=ledger.memory,
    )
    return _begin(ledger, compaction)


def textify_requested(ledger: Ledger, event: e.TextifyRequested) -> Ledger:
    return _begin_without_summary(ledger, "textify", event)


def tool_pruning_requested(ledger: Ledger, event: e.ToolPruningRequested) -> Ledger:
    return _begin_without_summary(ledger, "tools", event)


def _begin_without_summary(
    ledger: Ledger,
    kind: Literal["textify", "tools"],
    event: e.TextifyRequested | e.ToolPruningRequested,
) -> Ledger:
    compaction = Compaction(
        event.compaction_id,
        kind,
        event.at,
        event.turns,
        event.window,
        cause=event.cause,
        stage="ready",
    )
    return _begin(ledger, compaction)


def restore_requested(ledger: Ledger, event: e.RestoreRequested) -> Ledger:
    compaction = Compaction(
        event.compaction_id, "restore", event.at, event.turns, event.window, stage="ready"
    )
    return _begin(ledger, compaction)


def voice_repair_requested(ledger: Ledger, event: e.VoiceRepairRequested) -> Ledger:
    compaction = Compaction(
        event.compaction_id,
        "voice",
        event.at,
        event.turns,
        event.window,
        cause="the reply came without audio",
        stage="ready",
        withdrawn=event.withdrawn,
    )
    return _begin(ledger, compaction)


def summary_ready(ledger: Ledger, event: e.SummaryReady) -> Ledger:
    used = event.usage is not None and event.usage.input > 0
    unpriced = event.unpriced or (event.usd is None and used)
    ledger = _billed(ledger, event.usd, unpriced=unpriced)
    running = ledger.compaction
    if running is None or running.id != event.compaction_id or running.stage != "requested":
        return ledger
    if useless := _why_useless(ledger, running, event.text):
        return fail(amend(ledger, usd=event.usd, seconds=event.seconds), useless)
    return amend(
        ledger,
        stage="ready",
        summary=event.text,
        source=event.source,
        usd=event.usd,
        seconds=event.seconds,
        details=event.details,
        missing=event.missing,
        topics=event.topics,
    )


def _billed(ledger: Ledger, usd: float | None, *, unpriced: bool) -> Ledger:
    """Adds what a model was paid for a text."""
    spent = replace(
        ledger.spent,
        summaries=ledger.spent.summaries + (usd or 0.0),
        unknown=ledger.spent.unknown or unpriced,
    )
    return replace(ledger, spent=spent)


def writing_billed(ledger: Ledger, event: e.WritingBilled) -> Ledger:
    return _billed(ledger, event.usd, unpriced=event.usd is None)


def summary_questioned(ledger: Ledger, event: e.SummaryQuestioned) -> Ledger:
    """The questions come after the summary, perhaps after another compaction has begun."""
    compactions = tuple(
        replace(one, asked=event.asked, unanswered=event.unanswered)
        if one.id == event.compaction_id
        else one
        for one in ledger.compactions
    )
    return replace(ledger, compactions=compactions)


def pruning_valued(ledger: Ledger, event: e.PruningValued) -> Ledger:
    running = ledger.compaction
    if running is None or running.id != event.compaction_id:
        return ledger
    return amend(ledger, worth=event)


def _why_useless(ledger: Ledger, running: Compaction, summary: str) -> str:
    """Why a summary cannot be used; "" if it can."""
    if ledger.memory != running.based_on:
        return "the memory was edited while the summary was written"
    pinned = tuple(fact for fact in ledger.facts if fact.pinned)
    if len(facts_in(summary, pinned)) < len(pinned):
        return "a fact was pinned while the summary was written"
    if not summary.strip():
        return "the summary was empty"
    turns = (ledger.turns.get(turn_id) for turn_id in running.turns)
    source = sum(turn.tokens for turn in turns if turn is not None) + ledger.memory_tokens
    weight = estimate_text_tokens(summary) + ITEM_OVERHEAD
    if weight >= source:
        return f"the summary was longer (~{weight:,} tokens) than what it replaces (~{source:,})"
    return ""


def summary_failed(ledger: Ledger, event: e.SummaryFailed) -> Ledger:
    ledger = _billed(ledger, event.usd, unpriced=event.unpriced)
    running = ledger.compaction
    if running is None or running.id != event.compaction_id:
        return ledger
    return fail(amend(ledger, usd=event.usd), event.reason, event.hint)


def turn_pinned(ledger: Ledger, event: e.TurnPinned) -> Ledger:
    """A pin also saves a turn that is about to be pruned, if the server still holds it."""
    return settle(change(ledger, event.item_id, pinned=event.pinned))


def trigger_checked(ledger: Ledger, event: e.TriggerChecked) -> Ledger:
    """A warning in advance (`usual`) is dropped if this trigger was checked before."""
    about = (event.trigger, event.keep)
    if event.usual and any((c.trigger, c.keep) == about for c in ledger.trigger_checks):
        return ledger
    severity: Literal["info", "warning"] = "warning" if event.usual else "info"
    ledger = notice(ledger, e.Noticed(at=event.at, text=event.sentence, severity=severity))
    return replace(ledger, trigger_checks=(*ledger.trigger_checks[1 - CHECKS_KEPT :], event))


def number_of(name: str) -> int:
    """The number in the id of a compaction or a memory item. -1: there is none.

    Example: 3 for "memory_0003" and for "memory_0003e".
    """
    digits = name.removesuffix("e").rpartition("_")[2]
    return int(digits) if digits.isdecimal() else -1


def amend(ledger: Ledger, **fields: Any) -> Ledger:
    """Replaces fields of the newest compaction."""
    amended = replace(ledger.compactions[-1], **fields)
    return replace(ledger, compactions=(*ledger.compactions[:-1], amended))


def fail(ledger: Ledger, reason: str, hint: str = "") -> Ledger:
    """Ends the newest compaction without a change of the window."""
    return amend(ledger, stage="failed", error=reason, hint=hint, done_at=ledger.at)


def _refused(ledger: Ledger) -> Ledger:
    """Counts a compaction that changed nothing. After `MOST_REFUSED` no other is begun."""
    count = ledger.connection.refused_compactions + 1
    ledger = replace(ledger, connection=replace(ledger.connection, refused_compactions=count))
    if count == MOST_REFUSED:
        text = (
            "The server refuses to change its items, so nothing is pruned until the connection is "
            "opened anew."
        )
        return notice(ledger, e.Noticed(at=ledger.at, text=text, severity="warning"))
    return ledger


def settle(ledger: Ledger) -> Ledger:
    """Confirms the compaction under way once nothing of it is left to do."""
    running = ledger.compaction
    if running is None or ledger.pending_deletes or running.left_to_do(ledger.turns):
        return ledger
    if running.kind == "summary" and running.stage != "placed":
        return ledger
    if running.skipped and len(running.skipped) == len(running.turns):
        return _refused(fail(ledger, "the server refused every change"))
    if ledger.connection.refused_compactions:
        connection = replace(ledger.connection, refused_compactions=0)
        ledger = replace(ledger, connection=connection)
    return amend(
        ledger,
        stage="confirmed",
        tokens_after=ledger.window.total,
        done_at=ledger.at,
        replies=ledger.replies,
    )


def _begin(ledger: Ledger, compaction: Compaction) -> Ledger:
    """Adds a compaction, unless another is under way or its number was used already.

    Both happen only in journals of earlier versions, in which a newer decision could be recorded
    before an older one. The number counts as used in any case.
    """
    number = number_of(compaction.id)
    if ledger.compaction is not None or number <= ledger.serial:
        return replace(ledger, serial=max(ledger.serial, number))
    return replace(ledger, serial=number, compactions=(*ledger.compactions, compaction))
