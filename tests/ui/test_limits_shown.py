"""The trigger in force on the screen: in the gauge, in the bar's tick, in the pruning log."""

from __future__ import annotations

import pytest

from tests.ui.conftest import Build, settle
from tests.ui.scripted import ScriptedDoor, exchange, opened
from tui_voice.conversation import events as e
from tui_voice.conversation.conversation import Snapshot
from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.limits import Limits
from tui_voice.conversation.states import State
from tui_voice.ui.glyphs import UNICODE
from tui_voice.ui.screens.dialogs import Page
from tui_voice.ui.view import Gauge, View, project
from tui_voice.ui.widgets.pruning_log import PruningLog
from tui_voice.ui.widgets.token_bar import WindowCard

TIGHT = Limits(trigger=450, keep=2, policy="notebook")


def heavy(door: ScriptedDoor) -> ScriptedDoor:
    """A talk whose two kept turns weigh more than the trigger."""
    door.set_limits(TIGHT)
    door.tell(*opened())
    words = "and then we walked on along the river " * 8
    for number in range(1, 4):
        door.tell(*exchange(number, number * 60.0, words, words, 15_000))
    return door


def view_of(door: ScriptedDoor) -> View:
    return project(door.snapshot, door.limits)


def drawn(card: WindowCard | PruningLog) -> list[str]:
    return ["".join(text for text, _ in line) for line in card.lines(48)]


def test_gauge_and_log_show_the_trigger_in_force_and_why() -> None:
    view = view_of(heavy(ScriptedDoor()))
    row = view.prunings[0] if view.prunings[0].kind == "limits" else view.prunings[-1]
    assert (row.kind, row.before, row.turns, row.stage) == ("limits", 450, 2, "failed")
    assert row.error.startswith("trigger 450 is below what the 2 kept turns, summary and")
    assert view.gauge.trigger == row.after
    assert (view.gauge.why, view.gauge.wanted) == ("refused", 450)
    (first, *rest) = [p for p in view.prunings if p.kind == "limits"]
    assert first == row
    assert not rest, "once, not with every turn"


def test_the_widgets_draw_it() -> None:
    view = view_of(heavy(ScriptedDoor()))
    window = WindowCard(glyphs=UNICODE)
    window.set_reactive(WindowCard.gauge, view.gauge)
    lines = drawn(window)
    place = f"{view.gauge.trigger:,}".replace(",", " ")
    assert any(f"summarises at {place}, not at 450" in line for line in lines)
    bar = lines[1]
    assert bar.index(UNICODE.tick) == round(view.gauge.trigger / view.gauge.scale * 48)
    log = PruningLog(glyphs=UNICODE)
    log.set_reactive(PruningLog.prunings, view.prunings)
    text = "\n".join(drawn(log))
    assert "trigger 450 is too low" in text
    assert f"pruning from {place} on instead" in text


@pytest.mark.parametrize(
    ("gauge", "told"),
    [
        (Gauge(total=10, trigger=4_000, keep=12), "summarises at 4 000, keeps 12 turns"),
        (Gauge(total=10, trigger=900, why="regrowing"), "regrows to 900, then summarises"),
        (Gauge(trigger=900, wanted=500, why="refused"), "summarises at 900, not at 500"),
        (Gauge(trigger=900, why="forgetful"), "summarises at 900: cache forgets"),
        (Gauge(total=700, trigger=900, why="unpaid"), "summarises at 900, or if it pays"),
        (Gauge(trigger=72_000, why="only text"), "text until 72 000, then summarises"),
        (Gauge(total=4_000, trigger=4_000), "full: summarises at the next pause"),
        (
            Gauge(total=9_000, trigger=4_000, why="none older"),
            "full: nothing older than kept turns",
        ),
        (Gauge(total=9_000, trigger=8_000, why="server"), "server drops turns from 8 000 on"),
    ],
)
def test_when_the_next_pruning_comes(gauge: Gauge, told: str) -> None:
    window = WindowCard(glyphs=UNICODE)
    window.set_reactive(WindowCard.gauge, gauge)
    assert drawn(window)[-1].endswith(told)


def test_a_policy_that_does_nothing_says_who_does() -> None:
    for policy, trigger in (("none", 96_000), ("server", 4_000)):
        limits = Limits(policy=policy)  # type: ignore[arg-type]  # a policy's name
        gauge = project(Snapshot(State.IDLE, Ledger()), limits).gauge
        assert (gauge.trigger, gauge.why) == (trigger, "server")


def test_a_caution_and_a_trigger_that_fits_again_have_their_rows() -> None:
    door = ScriptedDoor(TIGHT)
    door.tell(*opened())
    said = {"trigger": 450, "keep": 2, "weighs": 600, "kept": 2}
    door.tell(
        e.TriggerChecked(instead=450, usual=True, **said),
        e.TriggerChecked(instead=900, **said),
        e.TriggerChecked(instead=450, **said),
    )
    log = PruningLog(glyphs=UNICODE)
    log.set_reactive(PruningLog.prunings, view_of(door).prunings)
    _, *rows = [line.strip() for line in drawn(log)]
    assert [row.rpartition(" 450")[0].endswith("trigger") for row in rows[::2]] == [True] * 3
    assert [row.split("  ")[-1].strip() for row in rows[1::2]] == [
        "2 kept turns leave room",
        "pruning from 900 on instead",
        "for a usual talk",
    ]


async def test_the_row_opens_to_the_whole_sentence(build: Build) -> None:
    app = build(heavy)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        row = next(p for p in app.view.prunings if p.kind == "limits")
        app.show_pruning(row)
        await settle(pilot)
        assert isinstance(app.screen, Page)
        text = str(app.screen.query_one(".text").render())
        assert text.endswith("raise --trigger or lower --keep.")


def test_after_a_resume_it_is_still_in_force() -> None:
    door = heavy(ScriptedDoor())
    before = view_of(door)
    door.tell(e.SessionClosed(), e.SessionResumed(backend="local", model="moonshine"))
    after = view_of(door)
    assert after.gauge.trigger == before.gauge.trigger > 450
    assert after.prunings == before.prunings
