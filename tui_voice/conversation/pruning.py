"""How a compaction goes, fact by fact: requested, ready, placed, confirmed, or failed.

Importing this module teaches `recording.record` the events of compaction.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tui_voice.conversation import events as e
from tui_voice.conversation.ledger import Compaction, Ledger
from tui_voice.conversation.recording import change, records, weigh
from tui_voice.conversation.turns import ITEM_OVERHEAD, estimate_text_tokens


@records(e.SummaryRequested)
def _(ledger: Ledger, event: e.SummaryRequested) -> Ledger:
    return _begin(
        ledger,
        Compaction(
            event.compaction_id, "summary", event.at, event.drop, event.window, cause=event.cause
        ),
    )


@records(e.TextifyRequested)
def _(ledger: Ledger, event: e.TextifyRequested) -> Ledger:
    return _begin(
        ledger,
        Compaction(
            event.compaction_id,
            "textify",
            event.at,
            event.turns,
            event.window,
            cause=event.cause,
            stage="ready",
        ),
    )


@records(e.RestoreRequested)
def _(ledger: Ledger, event: e.RestoreRequested) -> Ledger:
    return _begin(
        ledger,
        Compaction(
            event.compaction_id, "restore", event.at, event.turns, event.window, stage="ready"
        ),
    )


@records(e.SummaryReady)
def _(ledger: Ledger, event: e.SummaryReady) -> Ledger:
    spent = ledger.spent
    if event.usd is not None:
        ledger = replace(ledger, spent=replace(spent, summaries=spent.summaries + event.usd))
    elif event.usage is not None and event.usage.input:
        ledger = replace(ledger, spent=replace(spent, unknown=True))
    running = ledger.compaction
    if running is None or running.id != event.compaction_id or running.stage != "requested":
        return ledger
    return amend(
        ledger,
        stage="ready",
        summary=event.text,
        source=event.source,
        usd=event.usd,
        seconds=event.seconds,
    )


@records(e.SummaryFailed)
def _(ledger: Ledger, event: e.SummaryFailed) -> Ledger:
    running = ledger.compaction
    if running is None or running.id != event.compaction_id:
        return ledger
    return fail(ledger, event.reason, event.hint)


@records(e.MemoryEdited)
def _(ledger: Ledger, event: e.MemoryEdited) -> Ledger:
    return replace(ledger, memory=event.text, serial=ledger.serial + 1)


@records(e.ItemPlaced)
def _(ledger: Ledger, event: e.ItemPlaced) -> Ledger:
    running = ledger.compaction
    if running is not None and running.kind == "summary" and event.item_id == running.id:
        return _remember(amend(ledger, stage="placed"), running.id, running.summary)
    if event.item_id.startswith(MEMORY_STEM):
        return _remember(ledger, event.item_id, ledger.memory)
    turn_id = standing_for(running, event.item_id)
    if running is None or turn_id is None:
        return change(ledger, event.item_id, wire_id=event.item_id, modality="text", note="")
    if running.kind == "textify":  # its sound is deleted next; until then both are there
        return amend(ledger, placed=(*running.placed, event.item_id))
    ledger = change(ledger, turn_id, wire_id=event.item_id, modality="text", pruned_in="")
    return settle(ledger)


@records(e.ItemRefused)
def _(ledger: Ledger, event: e.ItemRefused) -> Ledger:
    running = ledger.compaction
    if running is not None and running.kind == "summary" and event.item_id == running.id:
        return fail(ledger, f"the server did not take the summary: {event.message or event.code}")
    turn_id = standing_for(running, event.item_id)
    if running is None or turn_id is None:
        return change(ledger, event.item_id, note="not sent")
    return settle(amend(ledger, skipped=(*running.skipped, turn_id)))


@records(e.ItemDeleted)
def _(ledger: Ledger, event: e.ItemDeleted) -> Ledger:
    return _gone(ledger, event.item_id)


@records(e.DeleteRefused)
def _(ledger: Ledger, event: e.DeleteRefused) -> Ledger:
    if event.unknown:
        return _gone(ledger, event.item_id)
    running = ledger.compaction
    turn = ledger.turns.get(event.item_id)
    if event.item_id in ledger.stale:
        ledger = replace(ledger, stale=tuple(i for i in ledger.stale if i != event.item_id))
    if running is not None and turn is not None and turn.id in running.turns:
        text_id = running.item_id(turn.id)
        if text_id in running.placed:  # the words stand beside the sound: take the words away
            ledger = replace(ledger, stale=(*ledger.stale, text_id))
        ledger = amend(ledger, skipped=(*running.skipped, turn.id))
    return settle(ledger)


MEMORY_STEM = "memory_"
"""Ids of items that hold the memory begin so."""


def standing_for(running: Compaction | None, item_id: str) -> str | None:
    """The turn that this text item of a compaction stands for."""
    if running is None or not item_id.startswith(f"{running.id}_"):
        return None
    index = item_id[len(running.id) + 1 :]
    known = index.isdecimal() and int(index) < len(running.turns)
    return running.turns[int(index)] if known else None


def amend(ledger: Ledger, **fields: Any) -> Ledger:
    """The compaction under way with some fields replaced."""
    return replace(
        ledger, compactions=(*ledger.compactions[:-1], replace(ledger.compactions[-1], **fields))
    )


def fail(ledger: Ledger, reason: str, hint: str = "") -> Ledger:
    return amend(ledger, stage="failed", error=reason, hint=hint, done_at=ledger.at)


def left_to_do(ledger: Ledger) -> list[str]:
    """Ids of the turns that the compaction under way has still to change, in order."""
    running = ledger.compaction
    if running is None:
        return []
    left = []
    for turn_id in running.turns:
        turn = ledger.turns.get(turn_id)
        if turn is None or turn_id in running.skipped:
            continue
        if running.kind == "summary":
            undone = turn.in_window and not turn.pinned
        elif running.kind == "textify":
            undone = turn.in_window and turn.modality == "audio" and not turn.pinned
        else:
            undone = not turn.in_window
        if undone:
            left.append(turn_id)
    return left


def settle(ledger: Ledger) -> Ledger:
    """Confirms the compaction under way once nothing of it is left to do."""
    running = ledger.compaction
    if running is None or running.stage == "requested" or ledger.stale or left_to_do(ledger):
        return ledger
    if running.kind == "summary" and running.stage != "placed":
        return ledger
    if running.skipped and len(running.skipped) == len(running.turns):
        return fail(ledger, "the server refused every change")
    return amend(ledger, stage="confirmed", tokens_after=ledger.window.total, done_at=ledger.at)


def _begin(ledger: Ledger, compaction: Compaction) -> Ledger:
    return replace(ledger, compactions=(*ledger.compactions, compaction), serial=ledger.serial + 1)


def _remember(ledger: Ledger, item_id: str, text: str) -> Ledger:
    """The memory is on the server under this id; the one before it is to go."""
    stale, more = ledger.stale, estimate_text_tokens(text) + ITEM_OVERHEAD
    if ledger.memory_id:
        stale = (*stale, ledger.memory_id)
        more -= estimate_text_tokens(ledger.memory) + ITEM_OVERHEAD
    window = weigh(ledger.window, more)
    return settle(replace(ledger, memory=text, memory_id=item_id, stale=stale, window=window))


def _gone(ledger: Ledger, item_id: str) -> Ledger:
    """An item is no longer on the server: what that means for the turn it held."""
    if item_id in ledger.stale:
        return settle(replace(ledger, stale=tuple(i for i in ledger.stale if i != item_id)))
    running = ledger.compaction
    turn = ledger.turns.get(item_id)
    if turn is None:
        return settle(ledger)
    if running is not None and turn.id in running.turns and running.stage != "requested":
        if running.kind == "textify":
            text_id = running.item_id(turn.id)
            held = text_id if text_id in running.placed else None
            return settle(change(ledger, turn.id, wire_id=held, modality="text"))
        if running.kind == "summary":
            return settle(change(ledger, turn.id, wire_id=None, pruned_in=running.id))
    return settle(change(ledger, turn.id, wire_id=None))
