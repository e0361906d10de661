"""How a compaction goes, fact by fact: requested, ready, placed, confirmed, or failed.

Importing this module teaches `recording.record` the events of compaction.
"""

from __future__ import annotations

from typing import Any, Literal

from tui_voice.conversation import events as e
from tui_voice.conversation.ledger import Compaction, Ledger, PendingDelete
from tui_voice.conversation.reducers.turns import change, notice, records, weigh
from tui_voice.conversation.turns import ITEM_OVERHEAD, estimate_text_tokens
from tui_voice.conversation.values import evolve


@records(e.SummaryRequested)
def _(ledger: Ledger, event: e.SummaryRequested) -> Ledger:
    return _begin(
        ledger,
        Compaction(
            event.compaction_id,
            "summary",
            event.at,
            event.drop,
            event.window,
            cause=event.cause,
            based_on=ledger.memory,
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


@records(e.VoiceRepairRequested)
def _(ledger: Ledger, event: e.VoiceRepairRequested) -> Ledger:
    return _begin(
        ledger,
        Compaction(
            event.compaction_id,
            "voice",
            event.at,
            event.turns,
            event.window,
            cause="the reply came without sound",
            stage="ready",
            withdrawn=event.withdrawn,
        ),
    )


@records(e.SummaryReady)
def _(ledger: Ledger, event: e.SummaryReady) -> Ledger:
    spent = ledger.spent
    if event.usd is not None:
        ledger = evolve(ledger, spent=evolve(spent, summaries=spent.summaries + event.usd))
    elif event.usage is not None and event.usage.input:
        ledger = evolve(ledger, spent=evolve(spent, unknown=True))
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
    )


def _why_useless(ledger: Ledger, running: Compaction, summary: str) -> str:
    """Why a summary changes nothing; "" for a good one."""
    if ledger.memory != running.based_on:
        return "the memory was edited while the summary was written"
    if not summary.strip():
        return "the summary was empty"
    turns = (ledger.turns.get(turn_id) for turn_id in running.turns)
    source = sum(turn.tokens for turn in turns if turn is not None) + ledger.memory_tokens
    weight = estimate_text_tokens(summary) + ITEM_OVERHEAD
    if weight >= source:
        return f"the summary was longer (~{weight:,} tokens) than what it stands for (~{source:,})"
    return ""


@records(e.TurnPinned)
def _(ledger: Ledger, event: e.TurnPinned) -> Ledger:
    """One that is to be pruned just now stays, if it is still there."""
    return settle(change(ledger, event.item_id, pinned=event.pinned))


@records(e.SummaryFailed)
def _(ledger: Ledger, event: e.SummaryFailed) -> Ledger:
    running = ledger.compaction
    if running is None or running.id != event.compaction_id:
        return ledger
    return fail(ledger, event.reason, event.hint)


@records(e.MemoryEdited)
def _(ledger: Ledger, event: e.MemoryEdited) -> Ledger:
    weight = ledger.memory_tokens
    ledger = evolve(ledger, memory=event.text, serial=ledger.serial + 1)
    running = ledger.compaction
    if running is not None and running.kind == "summary" and running.stage != "requested":
        ledger = amend(ledger, summary=event.text)  # what is being placed is already out of date
    if ledger.edit:  # it may be on the server without our knowing
        ledger = evolve(ledger, stale=(*ledger.stale, PendingDelete(ledger.edit, 0)))
    if event.text:
        return evolve(ledger, edit=f"{MEMORY_STEM}{ledger.serial:04d}e")
    if ledger.memory_id:
        stale = (*ledger.stale, PendingDelete(ledger.memory_id, weight))
        ledger = evolve(ledger, stale=stale, window=weigh(ledger.window, -weight))
    return evolve(ledger, edit="", memory_id="")


@records(e.ItemPlaced)
def _(ledger: Ledger, event: e.ItemPlaced) -> Ledger:
    running = ledger.compaction
    summary = running if running is not None and running.kind == "summary" else None
    if summary is not None and event.item_id == summary.id and summary.stage == "ready":
        return _remember(amend(ledger, stage="placed"), summary.id, summary.summary)
    if event.item_id.startswith(MEMORY_STEM):
        known = _number(event.item_id) <= _number(ledger.memory_id)
        if known or ledger.is_pending_delete(event.item_id):
            return ledger  # told a second time, or replaced already
        return _remember(ledger, event.item_id, ledger.memory)
    turn_id = standing_for(running, event.item_id)
    if running is None or turn_id is None:
        turn = ledger.turns.get(event.item_id)
        if turn is None or turn.in_window or turn.pruned_in:
            return ledger
        note = "" if turn.note == "not sent" else turn.note  # a gap stays marked
        return change(ledger, turn.id, wire_id=event.item_id, modality="text", note=note)
    if running.kind != "restore":  # its sound is deleted next; until then both are there
        return amend(ledger, placed=(*running.placed, event.item_id))
    ledger = change(ledger, turn_id, wire_id=event.item_id, modality="text", pruned_in="")
    return settle(ledger)


UNANSWERED = "unanswered"
"""The code of a refusal that we only take for one: the item may be there all the same."""


@records(e.ItemRefused)
def _(ledger: Ledger, event: e.ItemRefused) -> Ledger:
    if event.code == UNANSWERED:
        ledger = evolve(ledger, stale=(*ledger.stale, PendingDelete(event.item_id, 0)))
    running = ledger.compaction
    if running is not None and running.kind == "summary" and event.item_id == running.id:
        return fail(ledger, f"the server did not take the summary: {event.message or event.code}")
    turn_id = standing_for(running, event.item_id)
    if event.item_id.startswith(MEMORY_STEM):
        if event.item_id == ledger.edit:
            ledger = evolve(ledger, edit="")
        text = f"the server did not take the memory: {event.message or event.code}"
        return notice(ledger, e.Noticed(at=event.at, text=text, severity="warning"))
    if running is None or turn_id is None:
        return change(ledger, event.item_id, note="not sent")
    return settle(_skip(ledger, turn_id))


@records(e.ItemDeleted)
def _(ledger: Ledger, event: e.ItemDeleted) -> Ledger:
    return _gone(ledger, event.item_id)


@records(e.DeleteRefused)
def _(ledger: Ledger, event: e.DeleteRefused) -> Ledger:
    if event.unknown:
        return _gone(ledger, event.item_id)
    running = ledger.compaction
    turn = ledger.turns.get(event.item_id)
    if ledger.is_pending_delete(event.item_id):
        ledger = _swept(ledger, event.item_id)
    held = turn is not None and turn.wire_id == event.item_id
    if running is not None and turn is not None and held and turn.id in running.turns:
        text_id = running.item_id(turn.id)
        if text_id in running.placed:  # the words stand beside the sound: take the words away
            ledger = evolve(
                ledger, stale=(*ledger.stale, PendingDelete(text_id, turn.as_text_tokens))
            )
        ledger = _skip(ledger, turn.id)
    return settle(ledger)


@records(e.TriggerChecked)
def _(ledger: Ledger, event: e.TriggerChecked) -> Ledger:
    """A word of caution is not said again, nor after it was found how it really is."""
    about = (event.trigger, event.keep)
    if event.usual and any((known.trigger, known.keep) == about for known in ledger.judged):
        return ledger
    severity: Literal["info", "warning"] = "warning" if event.usual else "info"
    ledger = notice(ledger, e.Noticed(at=event.at, text=event.sentence, severity=severity))
    return evolve(ledger, judged=(*ledger.judged[1 - JUDGED_KEPT :], event))


JUDGED_KEPT = 20
MEMORY_STEM = "memory_"
"""Ids of items that hold the memory begin so."""


def _number(name: str) -> int:
    """The number in the id of a compaction or a memory item; they grow. -1: there is none."""
    digits = name.removesuffix("e").rpartition("_")[2]
    return int(digits) if digits.isdecimal() else -1


def standing_for(running: Compaction | None, item_id: str) -> str | None:
    """The turn that this text item of a compaction stands for."""
    if running is None or not item_id.startswith(f"{running.id}_"):
        return None
    index = item_id[len(running.id) + 1 :]
    known = index.isdecimal() and int(index) < len(running.turns)
    return running.turns[int(index)] if known else None


def amend(ledger: Ledger, **fields: Any) -> Ledger:
    """The compaction under way with some fields replaced."""
    return evolve(
        ledger, compactions=(*ledger.compactions[:-1], evolve(ledger.compactions[-1], **fields))
    )


def fail(ledger: Ledger, reason: str, hint: str = "") -> Ledger:
    return amend(ledger, stage="failed", error=reason, hint=hint, done_at=ledger.at)


def left_to_do(ledger: Ledger, running: Compaction) -> list[str]:
    """Ids of the turns that the compaction under way has still to change, in order."""
    left = []
    for turn_id in running.turns:
        turn = ledger.turns.get(turn_id)
        if turn is None or turn_id in running.skipped:
            continue
        if running.kind == "summary":
            undone = turn.in_window and not turn.pinned
        elif running.kind == "restore":
            undone = not turn.in_window
        else:  # half done is worse than done, so a pin comes too late; no word is lost
            undone = turn.in_window and turn.wire_id != running.item_id(turn_id)
        if undone:
            left.append(turn_id)
    return left


def settle(ledger: Ledger) -> Ledger:
    """Confirms the compaction under way once nothing of it is left to do."""
    running = ledger.compaction
    if running is None or ledger.stale or left_to_do(ledger, running):
        return ledger
    if running.kind == "summary" and running.stage != "placed":
        return ledger
    if running.skipped and len(running.skipped) == len(running.turns):
        return fail(ledger, "the server refused every change")
    return amend(ledger, stage="confirmed", tokens_after=ledger.window.total, done_at=ledger.at)


def _begin(ledger: Ledger, compaction: Compaction) -> Ledger:
    """Never two at once, and none that comes too late: a decision that something newer has
    overtaken is not begun. Its number is used up all the same.
    """
    number = _number(compaction.id)
    if ledger.compaction is not None or number <= ledger.serial:
        return evolve(ledger, serial=max(ledger.serial, number))
    ledger = evolve(ledger, serial=number)
    return evolve(ledger, compactions=(*ledger.compactions, compaction))


def _skip(ledger: Ledger, turn_id: str) -> Ledger:
    turn = ledger.turns.get(turn_id)
    if turn is not None and turn.in_window:
        ledger = change(ledger, turn_id, stuck=True)
    return amend(ledger, skipped=(*ledger.compactions[-1].skipped, turn_id))


def _remember(ledger: Ledger, item_id: str, text: str) -> Ledger:
    """The memory is on the server under this id; the one before it is to go."""
    fixed = ledger.fixed
    stale, before = ledger.stale, ledger.memory_tokens
    if ledger.memory_id:
        stale = (*stale, PendingDelete(ledger.memory_id, before))
    return settle(
        evolve(
            ledger,
            memory=text,
            memory_id=item_id,
            edit="" if item_id == ledger.edit else ledger.edit,
            stale=stale,
            window=weigh(ledger.window, estimate_text_tokens(text) + ITEM_OVERHEAD - before),
            intact=min(ledger.intact, fixed),
        )
    )


def _swept(ledger: Ledger, item_id: str) -> Ledger:
    return evolve(ledger, stale=tuple(item for item in ledger.stale if item.id != item_id))


def _gone(ledger: Ledger, item_id: str) -> Ledger:
    """An item is no longer on the server: what that means for the turn it held."""
    if ledger.is_pending_delete(item_id):
        return settle(_swept(ledger, item_id))
    running = ledger.compaction
    turn = ledger.turns.get(item_id)
    if turn is None or turn.wire_id != item_id:
        return settle(ledger)
    if running is not None and turn.id in running.turns and running.stage != "requested":
        if turn.id in running.withdrawn:
            note = "came without sound, asked for again"
            return settle(change(ledger, turn.id, wire_id=None, pruned_in=running.id, note=note))
        if running.kind in ("textify", "voice"):
            text_id = running.item_id(turn.id)
            held = text_id if text_id in running.placed else None
            return settle(change(ledger, turn.id, wire_id=held, modality="text"))
        place = running.id if running.kind == "summary" else turn.pruned_in
        return settle(change(ledger, turn.id, wire_id=None, pruned_in=place))
    return settle(change(ledger, turn.id, wire_id=None))
