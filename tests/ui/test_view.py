"""What the screen shows is what the facts add up to, and equal slices stay equal."""

import itertools
from typing import get_args, get_type_hints

import pytest
from msgspec import structs

from tests.ui.scripted import ScriptedDoor, answering, asked, exchange, kyoto, opened
from tui_voice.conversation import events as e
from tui_voice.conversation.conversation import Conversation, Snapshot
from tui_voice.conversation.ledger import Compaction, Ledger, Spent
from tui_voice.conversation.limits import Limits
from tui_voice.conversation.states import State, live_triggers
from tui_voice.ui.glyphs import UNICODE
from tui_voice.ui.notices import Waiting
from tui_voice.ui.view import Gauge, View, project
from tui_voice.ui.widgets.pruning_log import PruningLog
from tui_voice.ui.widgets.status_bar import word


def view_of_ledger(ledger: Ledger) -> View:
    return project(Snapshot(State.IDLE, ledger), Limits())


def view_of(door: ScriptedDoor, **more: object) -> View:
    return project(door.snapshot, door.limits, **more)


@pytest.fixture
def door() -> ScriptedDoor:
    door = ScriptedDoor(Limits(trigger=16_000, keep=2))
    door.tell(*opened())
    return door


@pytest.mark.parametrize("state", State)
def test_live_triggers_are_those_of_the_machine(state: State) -> None:
    conversation = Conversation()
    conversation.machine.set_state(state)
    assert live_triggers(state) == set(conversation.machine.get_triggers(state))


def test_what_does_not_change_is_equal(door: ScriptedDoor) -> None:
    door.tell(*exchange(1, 1.0, "Hello?", "Hello.", 1000), *asked(2, 20.0, "And now?"))
    door.tell(*answering(2, 25.0, "Now"))
    before = view_of(door)
    door.tell(e.TranscriptGrew(item_id="a2", text=" we see"))
    after = view_of(door, previous=before)
    assert after.turns is not before.turns
    assert after.prunings is before.prunings
    for name in ("header", "status", "cost", "notice", "keys", "memory"):
        assert getattr(after, name) == getattr(before, name), name


def test_the_gauge_adds_up(door: ScriptedDoor) -> None:
    door.tell(*exchange(1, 1.0, "Hello?", "Hello.", 4000))
    gauge = view_of(door).gauge
    assert gauge.cached + gauge.text + gauge.audio == gauge.total
    assert gauge.exact or gauge.total > 0


def test_the_bar_has_room_beyond_the_trigger() -> None:
    assert Gauge(total=100, trigger=16_000).scale == 20_000
    assert Gauge(total=30_000, trigger=16_000).scale == 30_000
    assert Gauge(total=30_000, trigger=16_000, size=25_000).scale == 25_000


def test_a_lost_line_is_a_notice_with_its_remedy(door: ScriptedDoor) -> None:
    door.tell(e.ConnectionLost(reason="the key was refused", hint="Set OPENAI_API_KEY."))
    view = view_of(door)
    assert (view.notice.text, view.notice.severity) == ("the key was refused", "error")
    assert view.notice.hint == "Set OPENAI_API_KEY."
    assert view.status.line == "offline"


def test_while_it_tries_again_no_hand_is_needed(door: ScriptedDoor) -> None:
    door.tell(e.ConnectionLost(reason="the line broke", retry_in=2.0))
    view = view_of(door)
    assert view.notice.severity == "warning"
    assert view.status.line == "reconnecting"


def test_a_full_disk_needs_a_hand(door: ScriptedDoor) -> None:
    notice = view_of(door, unsaved=12).notice
    assert notice.severity == "error"
    assert "12 facts" in notice.text


def test_only_live_keys(door: ScriptedDoor) -> None:
    assert "stop" not in view_of(door).keys
    door.tell(*asked(1, 1.0, "Hello?"), *answering(1, 6.0, "Hello"))
    keys = view_of(door).keys
    assert "stop" in keys
    assert "restore" not in keys
    assert "summarise" not in keys


def test_keys_of_a_talk_with_a_past() -> None:
    keys = view_of(kyoto(ScriptedDoor(Limits(keep=2)))).keys
    assert {"summarise", "restore", "pin", "export", "memory"} <= keys


def test_the_log_is_newest_first_and_gathers_textified_turns() -> None:
    view = view_of(kyoto(ScriptedDoor(Limits(keep=2))))
    kinds = [row.kind for row in view.prunings]
    assert "summary" in kinds
    assert all(a != "textify" or b != "textify" for a, b in itertools.pairwise(kinds))


def test_what_was_textified_over_time_never_reads_as_growth() -> None:
    door = kyoto(ScriptedDoor(Limits(keep=2)))
    done = {c.id: c for c in door.snapshot.ledger.compactions}
    rows = [row for row in view_of(door).prunings if row.kind == "textify"]
    assert any(len(row.ids) > 1 for row in rows)
    for row in rows:
        parts = [done[name] for name in row.ids]
        freed = sum(part.tokens_before - (part.tokens_after or 0) for part in parts)
        assert row.after is not None
        assert (row.before, row.after) == (row.after + freed, parts[-1].tokens_after)
        assert row.before > row.after


def test_a_failed_summary_says_why(door: ScriptedDoor) -> None:
    door.tell(*exchange(1, 1.0, "a", "b", 1000), *exchange(2, 30.0, "c", "d", 2000))
    door.tell(e.SummarisePressed())
    running = door.snapshot.ledger.compaction
    assert running is not None
    assert view_of(door).prunings[0].stage == "running"
    door.tell(e.SummaryFailed(compaction_id=running.id, reason="no answer", hint="Try again."))
    row = view_of(door).prunings[0]
    assert (row.stage, row.error, row.hint) == ("failed", "no answer", "Try again.")


def test_what_a_pruning_was_worth_stands_in_its_row(door: ScriptedDoor) -> None:
    ledger = kyoto(door).snapshot.ledger
    row = next(p for p in view_of_ledger(ledger).prunings if p.kind == "summary")
    assert row.worth is not None
    assert row.worth.freed == row.before - (row.after or 0)
    assert row.worth.usd_per_hour > 0
    assert row.worth.replies is not None
    assert row.worth.replies >= 1


def test_where_nothing_is_paid_nothing_is_saved(door: ScriptedDoor) -> None:
    ledger = structs.replace(kyoto(door).snapshot.ledger, spent=Spent())
    assert all(row.worth is None for row in view_of_ledger(ledger).prunings)


def test_who_answers(door: ScriptedDoor) -> None:
    assert view_of(door).header.engines == ("local", "moonshine", "hibari")
    told = view_of(door, engines="moonshine, SmolLM2, hibari").header.engines
    assert told == ("local", "moonshine, SmolLM2, hibari")


@pytest.mark.parametrize("stage", ["requested", "confirmed", "failed"])
@pytest.mark.parametrize("kind", get_args(get_type_hints(Compaction)["kind"]))
def test_every_kind_of_compaction_has_its_row(kind: str, stage: str) -> None:
    one = Compaction("c1", kind, 1.0, ("a", "b"), 900, stage=stage, tokens_after=300)
    (row,) = view_of_ledger(structs.replace(Ledger(), compactions=(one,))).prunings
    first, second = PruningLog(glyphs=UNICODE)._row(row, 40, False)
    assert first
    assert second


@pytest.mark.parametrize(
    ("waiting", "told"),
    [
        (Waiting(4, 1), "Is it running? Next try in 4 s, 1 turn kept"),
        (Waiting(9, 2, 3), "Is it running? Next try in 9 s, 2 turns and 3 s of speech kept"),
        (Waiting(), "Is it running? Trying again now"),
    ],
)
def test_while_there_is_no_line_it_says_what_waits(
    door: ScriptedDoor, waiting: Waiting, told: str
) -> None:
    door.tell(e.ConnectionLost(reason="nobody answers", hint="Is it running?", retry_in=4.0))
    view = view_of(door, waiting=waiting)
    assert view.notice.hint == told
    assert word(view.status, "")[0] == "reconnecting" + (
        f" {waiting.retry_in} s" if waiting.retry_in else ""
    )
