"""Reducers of items that we create, replace or delete on the server, and of the memory."""

from __future__ import annotations

from msgspec.structs import replace

from tui_voice.conversation import events as e
from tui_voice.conversation.ledger import MEMORY_STEM, Ledger, PendingDelete
from tui_voice.conversation.memory import (
    KeptFact,
    MemoryEntry,
    facts_in,
    read_memory,
    with_change,
)
from tui_voice.conversation.reducers.changes import change, notice, weigh
from tui_voice.conversation.reducers.compaction import amend, fail, number_of, settle
from tui_voice.conversation.turns import ITEM_OVERHEAD
from tui_voice.languages.token_estimate import estimate_text_tokens


def memory_edited(ledger: Ledger, event: e.MemoryEdited) -> Ledger:
    return _rewritten(ledger, event.text, facts_in(event.text, ledger.facts))


def fact_changed(ledger: Ledger, event: e.FactChanged) -> Ledger:
    """A change that leaves the text of the memory as it is changes nothing on the server."""
    old = next((one for one in ledger.facts if one.text == event.before), None)
    facts = tuple(one for one in ledger.facts if one.text not in (event.before, event.after))
    entry = MemoryEntry(event.kind, event.after) if event.after else None
    if entry is not None:
        corrected = event.before != event.after
        fact = KeptFact(
            entry.kind,
            entry.text,
            event.pinned,
            written=corrected or (old is not None and old.written),
            was=event.before if corrected else old.was if old is not None else "",
        )
        if fact.pinned or fact.written:
            facts = (*facts, fact)
    text = with_change(ledger.memory, event.before, entry)
    unchanged = read_memory(text) == read_memory(ledger.memory)
    return replace(ledger, facts=facts) if unchanged else _rewritten(ledger, text, facts)


def _rewritten(ledger: Ledger, text: str, facts: tuple[KeptFact, ...]) -> Ledger:
    """The user rewrote the memory: it is to replace the item that the server has."""
    tokens = ledger.memory_tokens
    ledger = replace(ledger, memory=text, facts=facts, serial=ledger.serial + 1)
    running = ledger.compaction
    if running is not None and running.kind == "summary" and running.stage != "requested":
        ledger = amend(ledger, summary=text)  # the summary being placed is out of date
    if ledger.memory_edit:  # the server may have placed it already
        ledger = _delete_later(ledger, ledger.memory_edit, 0)
    if text:
        return replace(ledger, memory_edit=f"{MEMORY_STEM}{ledger.serial:04d}e")
    if ledger.memory_id:
        ledger = _delete_later(ledger, ledger.memory_id, tokens)
        ledger = replace(ledger, window=weigh(ledger.window, -tokens))
    return replace(ledger, memory_edit="", memory_id="")


def item_placed(ledger: Ledger, event: e.ItemPlaced) -> Ledger:
    running = ledger.compaction
    summary = running if running is not None and running.kind == "summary" else None
    if summary is not None and event.item_id == summary.id and summary.stage == "ready":
        return _memory_placed(amend(ledger, stage="placed"), summary.id, summary.summary)
    if event.item_id.startswith(MEMORY_STEM):
        known = number_of(event.item_id) <= number_of(ledger.memory_id)
        if known or ledger.is_pending_delete(event.item_id):
            return ledger  # acknowledged a second time, or replaced already
        return _memory_placed(ledger, event.item_id, ledger.memory)
    turn_id = None if running is None else running.turn_of(event.item_id)
    if running is None or turn_id is None:
        turn = ledger.turns.get(event.item_id)
        if turn is None or turn.in_window or turn.pruned_in:
            return ledger
        note = "" if turn.note == "not sent" else turn.note  # a gap keeps its note
        return change(ledger, turn.id, wire_id=event.item_id, modality="text", note=note)
    if running.kind != "restore":  # its audio is deleted next; until then the server holds both
        return amend(ledger, placed=(*running.placed, event.item_id))
    ledger = change(ledger, turn_id, wire_id=event.item_id, modality="text", pruned_in="")
    return settle(ledger)


def item_refused(ledger: Ledger, event: e.ItemRefused) -> Ledger:
    if event.code == e.UNANSWERED:  # the server may hold it all the same
        ledger = _delete_later(ledger, event.item_id, 0)
    running = ledger.compaction
    if running is not None and running.kind == "summary" and event.item_id == running.id:
        return fail(ledger, f"the server refused the summary: {event.message or event.code}")
    if event.item_id.startswith(MEMORY_STEM):
        if event.item_id == ledger.memory_edit:
            ledger = replace(ledger, memory_edit="")
        text = f"The server refused the memory: {event.message or event.code}"
        return notice(ledger, e.Noticed(at=event.at, text=text, severity="warning"))
    turn_id = None if running is None else running.turn_of(event.item_id)
    if turn_id is None:
        turn = ledger.turns.get(event.item_id)
        words = "failed" if turn is not None and turn.image else None  # it is not tried again
        fields = {"words": words} if words else {}
        return change(ledger, event.item_id, note="not sent", **fields)
    ledger = _skip(ledger, turn_id)
    return settle(_skip_rest(ledger) if event.code == e.UNANSWERED else ledger)


def item_deleted(ledger: Ledger, event: e.ItemDeleted) -> Ledger:
    return _gone(ledger, event.item_id)


def delete_refused(ledger: Ledger, event: e.DeleteRefused) -> Ledger:
    if event.unknown:
        return _gone(ledger, event.item_id)
    if event.unconfirmed and not ledger.is_pending_delete(event.item_id):
        gone = _delete_later(_gone(ledger, event.item_id), event.item_id, 0)
        return settle(_skip_rest(gone))
    running = ledger.compaction
    turn = ledger.turns.get(event.item_id)
    ledger = _no_longer_pending(ledger, event.item_id)
    held = turn is not None and turn.wire_id == event.item_id
    if running is not None and turn is not None and held and turn.id in running.turns:
        text_id = running.item_id(turn.id)
        if text_id in running.placed:  # the audio stays, so its text has to be deleted
            ledger = _delete_later(ledger, text_id, turn.as_text_tokens)
        ledger = _skip(ledger, turn.id)
    return settle(ledger)


def _memory_placed(ledger: Ledger, item_id: str, text: str) -> Ledger:
    """The server holds the memory in this item. The item before it is still to be deleted."""
    fixed, before = ledger.fixed_tokens, ledger.memory_tokens
    if ledger.memory_id:
        ledger = _delete_later(ledger, ledger.memory_id, before)
    added = estimate_text_tokens(text) + ITEM_OVERHEAD - before
    return settle(
        replace(
            ledger,
            memory=text,
            facts=facts_in(text, ledger.facts),
            memory_id=item_id,
            memory_edit="" if item_id == ledger.memory_edit else ledger.memory_edit,
            window=weigh(ledger.window, added),
            cacheable_prefix_tokens=min(ledger.cacheable_prefix_tokens, fixed),
        )
    )


def _gone(ledger: Ledger, item_id: str) -> Ledger:
    """An item left the server. Its turn is pruned now, or another item holds it as text."""
    if ledger.is_pending_delete(item_id):
        return settle(_no_longer_pending(ledger, item_id))
    running = ledger.compaction
    turn = ledger.turns.get(item_id)
    if turn is None or turn.wire_id != item_id:
        return settle(ledger)
    if running is None or turn.id not in running.turns or running.stage == "requested":
        return settle(change(ledger, turn.id, wire_id=None))
    if turn.id in running.withdrawn:
        note = "came without audio, asked for again"
        return settle(change(ledger, turn.id, wire_id=None, pruned_in=running.id, note=note))
    if running.kind in ("textify", "voice"):
        text_id = running.item_id(turn.id)
        held_by = text_id if text_id in running.placed else None
        return settle(change(ledger, turn.id, wire_id=held_by, modality="text"))
    pruned_in = running.id if running.kind in ("summary", "tools") else turn.pruned_in
    return settle(change(ledger, turn.id, wire_id=None, pruned_in=pruned_in))


def _skip(ledger: Ledger, turn_id: str) -> Ledger:
    """Leaves a turn out of the compaction under way, since the server refused to change it."""
    turn = ledger.turns.get(turn_id)
    if turn_id in ledger.compactions[-1].skipped:
        return ledger
    if turn is not None and turn.in_window:
        ledger = change(ledger, turn_id, unchangeable=True)
    return amend(ledger, skipped=(*ledger.compactions[-1].skipped, turn_id))


def _skip_rest(ledger: Ledger) -> Ledger:
    """Leaves all turns out that the compaction under way has not changed yet."""
    running = ledger.compaction
    for turn_id in running.left_to_do(ledger.turns) if running is not None else ():
        ledger = _skip(ledger, turn_id)
    return ledger


def _delete_later(ledger: Ledger, item_id: str, tokens: int) -> Ledger:
    pending = (*ledger.pending_deletes, PendingDelete(item_id, tokens))
    return replace(ledger, pending_deletes=pending)


def _no_longer_pending(ledger: Ledger, item_id: str) -> Ledger:
    left = tuple(item for item in ledger.pending_deletes if item.id != item_id)
    return replace(ledger, pending_deletes=left)
