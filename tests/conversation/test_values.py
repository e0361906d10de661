"""A value with some fields changed: as `dataclasses.replace` makes it, sooner."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest

from tui_voice.conversation.drafting import draft, finished
from tui_voice.conversation.ledger import Compaction, ConnectionInfo, Ledger, Spent, Window
from tui_voice.conversation.turns import Turn, Turns
from tui_voice.conversation.values import evolve

VALUES = [
    (Turn("a", "user", 1.0, "words"), {"text": "more", "wire_id": "w"}),
    (Window(1, 2, 3, exact=False), {"exact": True}),
    (Spent(0.1), {"summaries": 0.5}),
    (ConnectionInfo(reason="cut"), {"status": "online", "retry_in": 2.0}),
    (Compaction("memory_0001", "summary", 2.0, ("a",), 900), {"stage": "ready"}),
    (Ledger(memory="They spoke.", serial=3), {"at": 4.0, "memory": ""}),
]


@pytest.mark.parametrize(("value", "changes"), VALUES)
def test_it_is_what_replace_makes(value: object, changes: dict[str, object]) -> None:
    before = repr(value)
    assert evolve(value, **changes) == replace(value, **changes)
    assert evolve(value) == value
    assert evolve(value) is not value
    assert repr(value) == before


def test_the_new_one_is_frozen_too_and_has_no_other_fields() -> None:
    turn = evolve(Turn("a", "user", 1.0), text="x")
    with pytest.raises(FrozenInstanceError):
        turn.text = "y"
    with pytest.raises(KeyError):
        evolve(turn, colour="red")


def test_a_draft_is_written_in_place_and_the_ledger_it_came_from_is_not() -> None:
    ledger = Ledger(memory="They spoke.", turns=Turns().append(Turn("a", "user", 1.0)))
    one = draft(ledger)
    assert evolve(one, memory="", at=2.0) is one
    assert one.turns.change("a", text="x") is one.turns
    assert finished(one) == replace(
        ledger, memory="", at=2.0, turns=ledger.turns.change("a", text="x")
    )
    assert ledger.memory == "They spoke."
    assert [turn.text for turn in ledger.turns] == [""]
