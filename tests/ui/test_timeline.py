"""The timeline: one cell a turn, grouped where there are more, at one cost for every length."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tests.ui.conftest import Build, settle
from tests.ui.scripted_session_harness import ScriptedSession, kyoto_session, session_opened
from tui_voice.conversation import events as e
from tui_voice.conversation.turns import Turn, Turns
from tui_voice.ui.timeline_cells import Cell, TimelineCells, cell_of
from tui_voice.ui.widgets.timeline import Timeline
from tui_voice.ui.widgets.transcript import Transcript


def turns_of(count: int) -> Turns:
    return Turns.of(
        [
            Turn(f"t{n}", "user", float(n), "word " * (n % 40), "done", "text", wire_id=f"t{n}")
            for n in range(count)
        ]
    )


def test_a_cell_says_what_its_turn_is_and_how_much_it_weighs() -> None:
    turn = Turn("t", "assistant", 0.0, "word " * 20, "done", "audio", 4_000, wire_id="t")
    assert cell_of(turn) == Cell(5, "live", "assistant")
    words = {"wire_id": "t", "spoken": True}
    assert cell_of(Turn("t", "user", 0.0, "word", "done", "text", **words)).mark == "textified"
    assert cell_of(Turn("t", "user", 0.0, "word", pruned_in="c")).mark == "summarised"
    assert cell_of(Turn("t", "user", 0.0, "word", wire_id="t", pinned=True)).mark == "pinned"
    assert cell_of(Turn("t", "user", 0.0, "word")).mark == ""
    heights = [cell_of(Turn("t", "user", 0.0, "x" * n)).level for n in (1, 40, 80, 4_000, 90_000)]
    assert heights == sorted(heights)
    assert heights[-1] == 8


@given(some.integers(1, 700), some.integers(1, 120), some.integers(0, 699))
def test_an_update_gives_the_same_cells_as_a_new_strip(count: int, width: int, at: int) -> None:
    turns = turns_of(count)
    strip = TimelineCells()
    for length in (count // 2, count):
        strip.update(turns_of(length), width)
    for changed in (
        turns.append(Turn("new", "assistant", 9.0, "words", wire_id="new")),
        turns.change(f"t{at % count}", pinned=True),
        turns.remove(f"t{at % count}"),
    ):
        strip.update(changed, width)
        fresh = TimelineCells()
        fresh.update(changed, width)
        assert strip.cells == fresh.cells
        assert len(fresh.cells) <= width
    found = strip.cell_of_turn("t0" if at % count else "t1")
    if found is not None:
        turn = strip.turn_at(found)
        assert turn is not None
        assert strip.cell_of_turn(turn.id) == found


@pytest.mark.parametrize("count", [10, 100_000])
def test_a_delta_makes_one_cell_however_long_the_session_is(count: int) -> None:
    turns, strip = turns_of(count), TimelineCells()
    strip.update(turns, 116)
    before = strip.made_count
    for number in range(10):
        turns = turns.change(f"t{count - 1}", text="word " * (60 + number))
        strip.update(turns, 116)
    assert strip.made_count - before == 10
    assert len(strip.cells) <= 116


async def test_arrows_and_clicks_jump_to_turns(build: Build) -> None:
    app = build(kyoto_session)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        transcript, timeline = app.query_one(Transcript), app.query_one(Timeline)
        timeline.focus()
        await settle(pilot)
        assert transcript.cursor == "a13"
        for key, turn in (("left", "u13"), ("home", "u1"), ("right", "a1"), ("end", "a13")):
            await pilot.press(key)
            await settle(pilot)
            assert transcript.cursor == turn
        await pilot.click(Timeline, offset=(0, 0))
        await settle(pilot)
        assert transcript.cursor == "u1"
        await pilot.press("h")
        await settle(pilot)
        assert app.session_screen.prompt.value == "h", "letters always type"


async def test_marks_are_told_by_signs_and_not_by_colour_alone(build: Build) -> None:
    for ascii_only, expected in ((False, "··◆"), (True, "..+")):
        app = build(kyoto_session, ascii=ascii_only)
        async with app.run_test(size=(120, 36)) as pilot:
            await settle(pilot)
            marks = app.query_one(Timeline).render_line(1).text.strip()
            assert set(expected) <= set(marks)
            assert len(marks) == len(list(app.view.turns or ()))
            assert not ascii_only or marks.isascii()


async def test_it_is_shown_where_there_is_height_and_the_key_hides_it(build: Build) -> None:
    for size, shown, focused in (
        ((120, 36), True, True),
        ((80, 24), False, True),
        ((40, 10), False, False),
    ):
        app = build(kyoto_session)
        async with app.run_test(size=size) as pilot:
            await settle(pilot)
            pane = app.query_one("#timeline-pane")
            assert pane.display is shown
            await pilot.press("f7")
            await settle(pilot)
            assert pane.display is focused
            assert (app.focused is app.query_one(Timeline)) is focused
            await pilot.press("f7")
            await settle(pilot)
            assert not pane.display
            assert app.focused is app.session_screen.prompt
    app = build(kyoto_session, timeline=False)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        assert not app.query_one("#timeline-pane").display


async def test_more_turns_than_cells_are_grouped(build: Build) -> None:
    def fill(session: ScriptedSession) -> None:
        session.deliver_unseen(*session_opened())
        for number in range(300):
            session.deliver_unseen(
                e.TextSubmitted(at=float(number), item_id=f"t{number}", text="x")
            )

    app = build(fill)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        timeline = app.query_one(Timeline)
        assert len(timeline.render_line(0).text.strip()) <= timeline.size.width
        timeline.focus()
        await pilot.press("home", "right")
        await settle(pilot)
        group = -(-300 // timeline.size.width)
        assert app.query_one(Transcript).cursor == f"t{group}"


async def test_there_is_no_strip_before_the_first_turn(build: Build) -> None:
    app = build(lambda session: session.deliver(*session_opened()))
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        pane = app.screen.query_one("#timeline-pane")
        assert not pane.display
        await pilot.press("f7")
        await settle(pilot)
        assert not pane.display
        app.scripted.deliver(e.TextSubmitted(item_id="u1", text="Hello"))
        await settle(pilot)
        assert pane.display


async def test_the_strip_is_drawn_where_the_key_first_shows_it(build: Build) -> None:
    app = build(kyoto_session)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("f7", "left", "left")
        await settle(pilot)
        strip = app.screen.query_one(Timeline)
        assert strip._chosen == len(strip._cells.cells) - 3
        assert strip.render_line(0).text.strip()
