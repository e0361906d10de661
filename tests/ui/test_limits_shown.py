"""The trigger in force, as gauge, tick of the bar and pruning log show it."""

from __future__ import annotations

import re

import pytest

from tests.ui.conftest import Build, settle
from tests.ui.scripted_session_harness import ScriptedSession, exchange, session_opened
from tui_voice.conversation import events as e
from tui_voice.conversation.conversation import Snapshot
from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.limits import Limits
from tui_voice.conversation.states import State
from tui_voice.ui.glyphs import UNICODE
from tui_voice.ui.screens.dialogs import TextPage
from tui_voice.ui.view import CostFigures, SessionView, WindowGauge, project
from tui_voice.ui.widgets.cost_panel import CostPanel
from tui_voice.ui.widgets.panel_summary import PanelSummary
from tui_voice.ui.widgets.pruning_log import PruningLog
from tui_voice.ui.widgets.window_panel import WindowPanel

TIGHT = Limits(trigger=450, keep=2, policy="notebook")


def heavy(session: ScriptedSession) -> ScriptedSession:
    """Fills a session whose two kept turns have more tokens than the trigger."""
    session.set_limits(TIGHT)
    session.deliver(*session_opened())
    words = "and then we walked on along the river " * 8
    for number in range(1, 4):
        session.deliver(*exchange(number, number * 60.0, words, words, 15_000))
    return session


def view_of(session: ScriptedSession) -> SessionView:
    return project(session.snapshot, session.limits)


def drawn(card: WindowPanel | PruningLog) -> list[str]:
    return ["".join(text for text, _ in line) for line in card.lines(48)]


def test_gauge_and_log_show_the_trigger_in_force_and_why() -> None:
    view = view_of(heavy(ScriptedSession()))
    row = view.pruning_rows[0] if view.pruning_rows[0].kind == "limits" else view.pruning_rows[-1]
    assert (row.kind, row.before, row.turns, row.stage) == ("limits", 450, 2, "failed")
    assert row.error.startswith("trigger 450 is below what the 2 kept turns, summary and")
    assert view.gauge.trigger == row.after
    assert (view.gauge.why, view.gauge.wanted) == ("refused", 450)
    (first, *rest) = [p for p in view.pruning_rows if p.kind == "limits"]
    assert first == row
    assert not rest, "once, not with every turn"


def test_bar_and_log_show_the_trigger_in_force() -> None:
    view = view_of(heavy(ScriptedSession()))
    window = WindowPanel(glyphs=UNICODE)
    window.set_reactive(WindowPanel.gauge, view.gauge)
    lines = drawn(window)
    place = f"{view.gauge.trigger:,}".replace(",", " ")
    assert lines[-1] == "not at 450: kept turns need more"
    bar, scale = lines[1:3]
    assert bar.index(UNICODE.tick) == round(view.gauge.trigger / view.gauge.scale * 48)
    assert f"summary at {place} {UNICODE.tick} " in scale
    assert bar.index(UNICODE.tick) == scale.index(UNICODE.tick), "the label is at the tick"
    assert scale.endswith(f" {view.gauge.scale:,}".replace(",", " ")), "and one at the end"
    log = PruningLog(glyphs=UNICODE)
    log.set_reactive(PruningLog.rows, view.pruning_rows)
    text = "\n".join(drawn(log))
    assert "trigger 450 is too low" in text
    assert f"summarises at {place} instead" in text


@pytest.mark.parametrize(
    ("gauge", "label", "sentence"),
    [
        (WindowGauge(10, trigger=4_000, keep=12), "summary at 4 000", "keeps the newest 12 turns"),
        (
            WindowGauge(10, trigger=900, why="regrowing"),
            "summary at 900",
            "not sooner: it was summarised lately",
        ),
        (
            WindowGauge(trigger=900, wanted=500, why="refused"),
            "summary at 900",
            "not at 500: kept turns need more",
        ),
        (
            WindowGauge(trigger=900, why="forgetful"),
            "summary at 900",
            "sooner, since the cache forgets",
        ),
        (
            WindowGauge(700, trigger=900, why="unpaid"),
            "summary at 900",
            "or sooner, as soon as it pays",
        ),
        (
            WindowGauge(trigger=72_000, why="only text"),
            "summary at 72 000",
            "until then, sound becomes text",
        ),
        (
            WindowGauge(4_000, trigger=4_000),
            "summary at 4 000",
            "full: summarises at the next pause",
        ),
        (
            WindowGauge(9_000, trigger=4_000, why="none older"),
            "summary at 4 000",
            "full: nothing older than kept turns",
        ),
        (
            WindowGauge(9_000, trigger=8_000, why="server"),
            "server drops from 8 000",
            "the server drops the oldest turns",
        ),
    ],
)
def test_when_the_next_summary_is_made(gauge: WindowGauge, label: str, sentence: str) -> None:
    window = WindowPanel(glyphs=UNICODE)
    window.set_reactive(WindowPanel.gauge, gauge)
    assert drawn(window)[-1] == sentence
    scale = drawn(window)[2]
    assert label in scale
    assert len(sentence) <= PANEL
    assert all(len(line) <= 48 for line in drawn(window))


PANEL = 37
"""Columns of the side panel's text."""


def test_nothing_moves_when_a_number_gets_longer() -> None:
    window, cost, summary = WindowPanel(), CostPanel(), PanelSummary()
    small = WindowGauge(9, 4, 3, 2, trigger=16_000)
    large = WindowGauge(15_999, 12_000, 1_999, 2_000, exact=False, trigger=16_000)
    panels: list[list[str]] = []
    for gauge, usd in ((small, 0.0), (large, 123.45)):
        window.set_reactive(WindowPanel.gauge, gauge)
        cost.set_reactive(CostPanel.cost, CostFigures(usd, False, False, usd, usd, usd, usd))
        summary.set_reactive(PanelSummary.gauge, gauge)
        summary.set_reactive(PanelSummary.cost, CostFigures(per_hour=usd / 2))
        lines = [card.lines(width) for card, width in ((window, PANEL), (cost, PANEL))]
        panels.append(
            [
                re.sub(r"[≈$~]*[\d.](?:[\d. ]*\d)?", lambda found: " " * len(found[0]), text)
                for text in (
                    "".join(part for part, _ in line)
                    for line in [*lines[0][:1], *lines[0][3:], *lines[1], *summary.lines(80)]
                )
            ]
        )
        assert all(len(line) <= 80 for line in panels[-1])
    assert panels[0] == panels[1]


def test_a_policy_without_pruning_says_that_the_server_drops_turns() -> None:
    for policy, trigger in (("none", 96_000), ("server", 4_000)):
        limits = Limits(policy=policy)  # type: ignore[arg-type]  # a policy's name
        gauge = project(Snapshot(State.IDLE, Ledger()), limits).gauge
        assert (gauge.trigger, gauge.why) == (trigger, "server")


def test_each_check_of_the_trigger_has_its_row() -> None:
    session = ScriptedSession(TIGHT)
    session.deliver(*session_opened())
    check = {"trigger": 450, "keep": 2, "weighs": 600, "kept": 2}
    session.deliver(
        e.TriggerChecked(instead=450, usual=True, **check),
        e.TriggerChecked(instead=900, **check),
        e.TriggerChecked(instead=450, **check),
    )
    log = PruningLog(glyphs=UNICODE)
    log.set_reactive(PruningLog.rows, view_of(session).pruning_rows)
    _, *rows = [line.strip() for line in drawn(log)]
    assert [row.rpartition(" 450")[0].endswith("trigger") for row in rows[::2]] == [True] * 3
    assert [row.split("  ")[-1].strip() for row in rows[1::2]] == [
        "2 kept turns leave room",
        "summarises at 900 instead",
        "for a usual session",
    ]


async def test_a_row_of_the_limits_opens_its_whole_sentence(build: Build) -> None:
    app = build(heavy)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        row = next(p for p in app.view.pruning_rows if p.kind == "limits")
        app.dialogs.read_pruning(row)
        await settle(pilot)
        assert isinstance(app.screen, TextPage)
        text = str(app.screen.query_one(".text").render())
        assert text.endswith("raise --trigger or lower --keep.")


def test_after_a_resume_the_same_trigger_is_in_force() -> None:
    session = heavy(ScriptedSession())
    before = view_of(session)
    session.deliver(e.SessionClosed(), e.SessionResumed(backend="local", model="moonshine"))
    after = view_of(session)
    assert after.gauge.trigger == before.gauge.trigger > 450
    assert after.pruning_rows == before.pruning_rows
