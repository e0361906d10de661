"""The steps of a compaction under way: one effect at a time, each acknowledged by an event.

What is to be done next follows from the ledger alone, so a step can be asked for twice without
harm. Example, a summary: create the memory item; `ItemPlaced`; delete the first turn;
`ItemDeleted`; delete the next turn; and so on, until `settle` confirms the compaction.
"""

from __future__ import annotations

from dataclasses import dataclass

from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.effects import Output
from tui_voice.conversation.items import memory_item, predecessor, turn_item
from tui_voice.conversation.ledger import Compaction, Ledger
from tui_voice.conversation.situation import CompactionStep

SUMMARY_TIMEOUT_S = 900.0
"""Seconds after which a requested summary is given up."""
UNCONFIRMED = "the server did not confirm it"
Step = x.CreateItem | x.DeleteItem
"""What a step asks the server for."""


@dataclass(frozen=True, slots=True)
class Advance:
    """The outputs of the next step, and the step whose answer is awaited from then on."""

    step: CompactionStep
    outputs: tuple[Output, ...] = ()


def advance(ledger: Ledger, step: CompactionStep, step_s: float) -> Advance:
    """The next step of the compaction under way.

    A step without an acknowledgement is asked for a second time after `step_s` seconds. After that
    it counts as refused.
    """
    if _summary_overdue(ledger):
        assert ledger.compaction is not None
        failed = e.SummaryFailed(compaction_id=ledger.compaction.id, reason="no summary came")
        return Advance(step, (failed,))
    effect = _next_step(ledger)
    if effect is None:
        return Advance(CompactionStep())
    name = f"{'create' if isinstance(effect, x.CreateItem) else 'delete'} {effect.item_id}"
    if name != step.name:
        return Advance(CompactionStep(name, ledger.at), (effect,))
    if ledger.at < step.asked_at + step_s:
        return Advance(step)
    if step.repeated:
        return Advance(CompactionStep(), tuple(_unanswered(ledger, effect)))
    return Advance(CompactionStep(name, ledger.at, repeated=True), (effect,))


def step_due(ledger: Ledger, step: CompactionStep, step_s: float) -> float | None:
    """When (`Event.at`, seconds) the awaited answer is overdue. None: no answer is awaited."""
    running = ledger.compaction
    if ledger.connection.status != "online":
        return None
    if running is not None and running.stage == "requested":
        return running.at + SUMMARY_TIMEOUT_S
    return step.asked_at + step_s if step.name else None


def _summary_overdue(ledger: Ledger) -> bool:
    running = ledger.compaction
    return (
        running is not None
        and running.stage == "requested"
        and ledger.at - running.at >= SUMMARY_TIMEOUT_S
    )


def _next_step(ledger: Ledger) -> Step | None:
    """The effect of the next step; None: nothing is left to do."""
    if ledger.memory_edit:  # first, since restored turns are placed behind the memory
        return memory_item(ledger.memory_edit, ledger.memory)
    running = ledger.compaction
    if running is not None and running.stage in ("ready", "placed"):
        left = running.left_to_do(ledger.turns)
        if running.kind == "summary" and running.stage == "ready":
            # Turns are deleted only after this item is acknowledged.
            return memory_item(running.id, running.summary)
        if left and running.kind in ("summary", "tools"):
            return _delete(ledger, left[0])
        if left:
            return _replace_turn(ledger, running, left[0])
    if ledger.pending_deletes:
        return x.DeleteItem(item_id=ledger.pending_deletes[0].id)
    return None


def _replace_turn(ledger: Ledger, running: Compaction, turn_id: str) -> Step:
    """Textify: place the text behind the audio, then delete the audio. Restore: place the text."""
    turn = ledger.turns.get(turn_id)
    assert turn is not None  # `left_to_do` names only turns that exist
    item_id = running.item_id(turn_id)
    if item_id in running.placed or turn_id in running.withdrawn:
        return _delete(ledger, turn_id)
    previous = predecessor(ledger, turn_id) if running.kind == "restore" else turn.wire_id
    return turn_item(turn, item_id, previous, assistant_as_system=ledger.assistant_as_system)


def _delete(ledger: Ledger, turn_id: str) -> Step:
    turn = ledger.turns.get(turn_id)
    assert turn is not None  # `left_to_do` names only turns that exist
    assert turn.wire_id is not None  # and, for a deletion, only turns that the server holds
    return x.DeleteItem(item_id=turn.wire_id)


def _unanswered(ledger: Ledger, effect: Step) -> list[e.Event]:
    """The event that counts an unacknowledged step as refused, and a notice.

    The reducers leave the rest of the compaction out with the same event: with one event for each
    turn, the next step would be asked for between two of them. What the server may have done all
    the same is asked for once more, or deleted.
    """
    running = ledger.compaction
    left = running.left_to_do(ledger.turns) if running is not None else []
    refused: e.Event
    if isinstance(effect, x.DeleteItem):
        pending = ledger.is_pending_delete(effect.item_id)
        left = [] if pending else left
        # The words of a turn are in the memory, or in a text item, so it counts as pruned and can
        # be restored, whether or not the server has deleted it.
        refused = e.DeleteRefused(
            item_id=effect.item_id, message=UNCONFIRMED, unconfirmed=not pending
        )
    else:
        if running is None or running.turn_of(effect.item_id) is None:
            left = []
        refused = e.ItemRefused(item_id=effect.item_id, code=e.UNANSWERED, message=UNCONFIRMED)
    count = f"{max(1, len(left))} change{'s' * (len(left) > 1)}"
    text = f"The server did not confirm {count} of the window. The session continues without them."
    return [refused, e.Noticed(text=text, severity="warning")]
