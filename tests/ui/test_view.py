"""The view shows what the events add up to, and its unchanged parts stay equal."""

import itertools
from typing import get_args, get_type_hints

import pytest
from msgspec import structs

from tests.ui.scripted_session_harness import (
    ScriptedSession,
    exchange,
    kyoto_session,
    reply_streams,
    session_opened,
    user_speaks,
)
from tui_voice.conversation import events as e
from tui_voice.conversation.conversation import Conversation, Snapshot
from tui_voice.conversation.ledger import Compaction, Ledger, Spent
from tui_voice.conversation.limits import Limits
from tui_voice.conversation.states import State, live_triggers
from tui_voice.ui.glyphs import UNICODE
from tui_voice.ui.notices import ReconnectWait
from tui_voice.ui.view import SessionView, WindowGauge, project
from tui_voice.ui.widgets.pruning_log import PruningLog
from tui_voice.ui.widgets.status_bar import word


def view_of_ledger(ledger: Ledger) -> SessionView:
    return project(Snapshot(State.IDLE, ledger), Limits())


def view_of(session: ScriptedSession, **more: object) -> SessionView:
    return project(session.snapshot, session.limits, **more)


@pytest.fixture
def session() -> ScriptedSession:
    session = ScriptedSession(Limits(trigger=16_000, keep=2))
    session.deliver(*session_opened())
    return session


@pytest.mark.parametrize("state", State)
def test_live_triggers_are_those_of_the_state_machine(state: State) -> None:
    conversation = Conversation()
    conversation.machine.set_state(state)
    assert live_triggers(state) == set(conversation.machine.get_triggers(state))


def test_unchanged_parts_of_the_view_are_equal(session: ScriptedSession) -> None:
    session.deliver(*exchange(1, 1.0, "Hello?", "Hello.", 1000), *user_speaks(2, 20.0, "And now?"))
    session.deliver(*reply_streams(2, 25.0, "Now"))
    before = view_of(session)
    session.deliver(e.TranscriptGrew(item_id="a2", text=" we see"))
    after = view_of(session, previous=before)
    assert after.turns is not before.turns
    assert after.pruning_rows is before.pruning_rows
    for name in ("header", "status", "cost", "notice", "live_keys", "memory"):
        assert getattr(after, name) == getattr(before, name), name


def test_the_parts_of_the_gauge_add_up(session: ScriptedSession) -> None:
    session.deliver(*exchange(1, 1.0, "Hello?", "Hello.", 4000))
    gauge = view_of(session).gauge
    assert gauge.cached + gauge.text + gauge.audio == gauge.total
    assert gauge.exact or gauge.total > 0


def test_the_bar_has_room_beyond_the_trigger() -> None:
    assert WindowGauge(total=100, trigger=16_000).scale == 22_000
    assert WindowGauge(total=100, trigger=4_500).scale == 6_000
    assert WindowGauge(total=100, trigger=96_000).scale == 128_000
    assert WindowGauge(total=29_001, trigger=16_000).scale == 30_000
    assert WindowGauge(total=30_000, trigger=16_000, size=25_000).scale == 25_000


def test_a_lost_connection_is_a_notice_with_its_remedy(session: ScriptedSession) -> None:
    session.deliver(e.ConnectionLost(reason="the key was refused", hint="Set OPENAI_API_KEY."))
    view = view_of(session)
    assert (view.notice.text, view.notice.severity) == ("the key was refused", "error")
    assert view.notice.hint == "Set OPENAI_API_KEY."
    assert view.status.connection == "offline"


def test_a_reconnect_is_a_warning(session: ScriptedSession) -> None:
    session.deliver(e.ConnectionLost(reason="the connection broke", retry_in=2.0))
    view = view_of(session)
    assert view.notice.severity == "warning"
    assert view.status.connection == "reconnecting"


def test_unsaved_events_are_an_error(session: ScriptedSession) -> None:
    notice = view_of(session, unsaved=12).notice
    assert notice.severity == "error"
    assert "12 events" in notice.text


def test_only_keys_that_work_are_live(session: ScriptedSession) -> None:
    assert "stop" not in view_of(session).live_keys
    session.deliver(*user_speaks(1, 1.0, "Hello?"), *reply_streams(1, 6.0, "Hello"))
    keys = view_of(session).live_keys
    assert "stop" in keys
    assert "restore" not in keys
    assert "summarise" not in keys


def test_live_keys_of_a_session_with_a_pruning() -> None:
    keys = view_of(kyoto_session(ScriptedSession(Limits(keep=2)))).live_keys
    assert {"summarise", "restore", "pin", "export"} <= keys


def test_the_pruning_log_joins_successive_textifications() -> None:
    view = view_of(kyoto_session(ScriptedSession(Limits(keep=2))))
    kinds = [row.kind for row in view.pruning_rows]
    assert "summary" in kinds
    assert all(a != "textify" or b != "textify" for a, b in itertools.pairwise(kinds))


def test_a_joined_row_never_shows_growth() -> None:
    session = kyoto_session(ScriptedSession(Limits(keep=2)))
    done = {c.id: c for c in session.snapshot.ledger.compactions}
    rows = [row for row in view_of(session).pruning_rows if row.kind == "textify"]
    assert any(len(row.ids) > 1 for row in rows)
    for row in rows:
        parts = [done[name] for name in row.ids]
        freed = sum(part.tokens_before - (part.tokens_after or 0) for part in parts)
        assert row.after is not None
        assert (row.before, row.after) == (row.after + freed, parts[-1].tokens_after)
        assert row.before > row.after


def test_the_row_of_a_failed_summary_has_the_reason(session: ScriptedSession) -> None:
    session.deliver(*exchange(1, 1.0, "a", "b", 1000), *exchange(2, 30.0, "c", "d", 2000))
    session.deliver(e.SummarisePressed())
    running = session.snapshot.ledger.compaction
    assert running is not None
    assert view_of(session).pruning_rows[0].stage == "running"
    session.deliver(
        e.SummaryFailed(compaction_id=running.id, reason="no answer", hint="Try again.")
    )
    row = view_of(session).pruning_rows[0]
    assert (row.stage, row.error, row.hint) == ("failed", "no answer", "Try again.")


def test_the_row_of_a_pruning_has_its_worth(session: ScriptedSession) -> None:
    ledger = kyoto_session(session).snapshot.ledger
    row = next(p for p in view_of_ledger(ledger).pruning_rows if p.kind == "summary")
    assert row.worth is not None
    assert row.worth.freed == row.before - (row.after or 0)
    assert row.worth.usd_per_hour > 0
    assert row.worth.replies is not None
    assert row.worth.replies >= 1


def test_without_costs_no_row_has_a_worth(session: ScriptedSession) -> None:
    ledger = structs.replace(kyoto_session(session).snapshot.ledger, spent=Spent())
    assert all(row.worth is None for row in view_of_ledger(ledger).pruning_rows)


def test_the_header_names_backend_and_models(session: ScriptedSession) -> None:
    assert view_of(session).header.engines == ("local", "moonshine", "hibari")
    embedded = view_of(session, engines="moonshine · hibari · SmolLM2").header.engines
    assert embedded == ("local", "SmolLM2", "hibari", "moonshine"), "who answers comes first"


@pytest.mark.parametrize("stage", ["requested", "confirmed", "failed"])
@pytest.mark.parametrize("kind", get_args(get_type_hints(Compaction)["kind"]))
def test_every_kind_of_compaction_has_two_lines_in_the_log(kind: str, stage: str) -> None:
    one = Compaction("c1", kind, 1.0, ("a", "b"), 900, stage=stage, tokens_after=300)
    (row,) = view_of_ledger(structs.replace(Ledger(), compactions=(one,))).pruning_rows
    log = PruningLog(glyphs=UNICODE)
    log.set_reactive(PruningLog.rows, (row,))
    heading, first, second = ["".join(text for text, _ in line) for line in log.lines(40)]
    assert heading == "pruning log"
    assert "2 turns" in first + second
    assert first.split()
    assert second.split() or stage == "failed"  # a failed one without a reason


@pytest.mark.parametrize(
    ("wait", "hint"),
    [
        (ReconnectWait(4, 1), "Is it running? Next try in 4 s, 1 turn kept"),
        (ReconnectWait(9, 2, 3), "Is it running? Next try in 9 s, 2 turns and 3 s of speech kept"),
        (ReconnectWait(), "Is it running? Trying again now"),
    ],
)
def test_without_a_connection_the_notice_says_what_is_held(
    session: ScriptedSession, wait: ReconnectWait, hint: str
) -> None:
    session.deliver(e.ConnectionLost(reason="nobody answers", hint="Is it running?", retry_in=4.0))
    view = view_of(session, wait=wait)
    assert view.notice.hint == hint
    assert word(view.status, "")[0] == "reconnecting" + (
        f" {wait.seconds} s" if wait.seconds else ""
    )


def test_a_session_without_a_connection_yet_is_connecting_and_never_offline() -> None:
    session = ScriptedSession()
    before, *events = session_opened()
    shown = [view_of(session).status.connection]
    session.deliver(before)  # the embedded server starts now
    shown.append(view_of(session).status.connection)
    for event in events:
        session.deliver(event)
        shown.append(view_of(session).status.connection)
    assert shown == ["connecting", "connecting", "connecting", ""]
