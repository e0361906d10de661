"""The transcript: it follows the newest turn, keeps its place, and shows what is special."""

from __future__ import annotations

from tests.ui.conftest import Build, settle
from tests.ui.scripted_session_harness import (
    ScriptedSession,
    kyoto_session,
    reply_streams,
    session_opened,
    user_speaks,
)
from tui_voice.conversation import events as e
from tui_voice.ui.app import VoiceApp
from tui_voice.ui.transcript_document import CompactionMark
from tui_voice.ui.widgets.transcript import Transcript


def long_session(count: int) -> object:
    def fill(session: ScriptedSession) -> None:
        session.deliver_unseen(*session_opened())
        for number in range(count):
            words = "internationalisation " * (1 + number % 9)  # hard to estimate the height of
            session.deliver_unseen(
                e.TextSubmitted(at=number * 1.0, item_id=f"t{number}", text=words)
            )
        session.deliver_unseen(*reply_streams(1, count + 1.0, "First"))

    return fill


def lines_of(app: VoiceApp) -> list[str]:
    transcript = app.query_one(Transcript)
    return [transcript.render_line(y).text.rstrip() for y in range(transcript.size.height)]


async def test_a_turn_shows_who_when_and_what_is_special(build: Build) -> None:
    app = build(kyoto_session)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        shown = "\n".join(lines_of(app))
    assert "you  12:41  ◆ pinned" in shown
    assert "interrupted at 4.2 s" in shown
    assert "Then let us move the walk to Monday" in shown


async def test_unplayed_words_are_struck_through(build: Build) -> None:
    app = build(kyoto_session)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        transcript = app.query_one(Transcript)
        struck = [
            segment.text
            for y in range(transcript.size.height)
            for segment in transcript.render_line(y)
            if segment.style and segment.style.strike
        ]
    assert "early, then" in " ".join(struck)
    assert "second day" not in " ".join(struck)


async def test_it_follows_the_newest_turn(build: Build) -> None:
    app = build(long_session(200))
    async with app.run_test() as pilot:
        await settle(pilot)
        for number in range(30):
            app.scripted.deliver(e.TranscriptGrew(item_id="a1", text=f" word{number}" * 8))
            await settle(pilot)
        transcript = app.query_one(Transcript)
        assert transcript.scroll_offset.y == transcript.max_scroll_y
        assert any("word29" in line for line in lines_of(app))


async def test_after_scrolling_up_it_keeps_its_place(build: Build) -> None:
    app = build(long_session(200))
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("pageup", "pageup")
        await settle(pilot)
        before = lines_of(app)
        app.scripted.deliver(*user_speaks(9, 500.0, "Something new"))
        await settle(pilot)
        after = lines_of(app)
        assert after[:-1] == before[:-1]
        assert "1 new turn" in after[-1]
        await pilot.press("end")
        await settle(pilot)
        assert any("Something new" in line for line in lines_of(app))
        assert not any("new turn" in line for line in lines_of(app))


async def test_a_new_mark_above_the_screen_moves_nothing(build: Build) -> None:
    app = build(long_session(200))
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("pageup", "pageup")
        await settle(pilot)
        before, turns = lines_of(app), app.view.turns
        assert turns is not None
        for number in range(90, 150):
            turns = turns.change(f"t{number}", spoken=True, modality="text")
        transcript = app.query_one(Transcript)
        transcript.show(turns, (), app.view.started)
        await pilot.pause()
        assert transcript.document.find("textified t90") is not None
        assert lines_of(app) == before


async def test_scrolling_up_never_jumps(build: Build) -> None:
    """Heights are estimates until a block is near the screen; the user must not notice."""
    app = build(long_session(3000))
    async with app.run_test(size=(61, 24)) as pilot:
        await settle(pilot)
        transcript = app.query_one(Transcript)
        for _ in range(60):
            before = lines_of(app)
            transcript.scroll_to(
                y=transcript.scroll_offset.y - 5, animate=False, immediate=True, force=True
            )
            await pilot.pause()
            assert lines_of(app)[5:-1] == before[:-6]


async def test_the_cursor_visits_turns_and_prunings(build: Build) -> None:
    app = build(kyoto_session)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        transcript = app.query_one(Transcript)
        chosen = []
        for key in ("ctrl+t", *["up"] * 15):
            await pilot.press(key)
            await settle(pilot)
            chosen.append(transcript.chosen)
        assert [block.id for block in chosen[:3] if block] == ["a13", "u13", "a12"]
        assert any(isinstance(block, CompactionMark) for block in chosen)
        assert chosen[-1] is not None
        visited = list(dict.fromkeys(block.id for block in chosen if block))
        assert visited[-2:] == ["u1", "memory_0005"], "the mark is above what it folds"
        assert any(line.startswith("›") for line in lines_of(app))


async def test_a_pruning_folds_and_unfolds(build: Build) -> None:
    app = build(kyoto_session)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        transcript = app.query_one(Transcript)
        mark = next(c.id for c in app.view.compactions if c.kind == "summary")
        app.session_screen.go_to(mark)
        await settle(pilot)
        tall = transcript.document.height
        await pilot.press("enter")
        await settle(pilot)
        assert transcript.document.height < tall
        (line,) = (line for line in lines_of(app) if "▸" in line)
        assert "6 turns → " in line
        await pilot.press("enter")
        await settle(pilot)
        assert any("▾" in line and "6 turns → " in line for line in lines_of(app))
        assert transcript.document.height == tall


async def test_going_to_a_folded_turn_unfolds_it(build: Build) -> None:
    app = build(kyoto_session)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        transcript = app.query_one(Transcript)
        transcript.fold_all()
        await settle(pilot)
        assert transcript.document.find("u1") is None
        assert transcript.go_to("u1")
        await settle(pilot)
        assert transcript.chosen is not None
        assert transcript.chosen.id == "u1"
        assert not transcript.go_to("nobody")


async def test_a_narrower_transcript_keeps_its_place(build: Build) -> None:
    app = build(long_session(400))
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        transcript = app.query_one(Transcript)
        transcript.go_to("t100")
        await settle(pilot)
        await pilot.resize_terminal(60, 20)
        await settle(pilot)
        found = transcript.document.at(transcript.scroll_offset.y)
        assert found is not None
        top = transcript.document.block(found[0])
        assert abs(int(top.id[1:]) - 100) < 12


async def test_a_delta_costs_the_same_in_100_and_in_10_000_turns(
    build: Build,
) -> None:
    costs = []
    for count in (100, 10_000):
        app = build(long_session(count))
        async with app.run_test(size=(120, 36)) as pilot:
            await settle(pilot)
            transcript = app.query_one(Transcript)
            before = (transcript.painted_lines, transcript.document.measured_count)
            for number in range(20):
                app.scripted.deliver(e.TranscriptGrew(item_id="a1", text=f" word{number}"))
                await settle(pilot)
            costs.append(
                (
                    transcript.painted_lines - before[0],
                    transcript.document.measured_count - before[1],
                )
            )
    (lines, blocks), (many_lines, many_blocks) = costs
    assert many_lines <= 1.3 * lines
    assert many_blocks <= 1.3 * blocks
    assert 0 < lines < 20 * 5  # the end of the reply, not the whole screen


async def test_control_characters_are_not_passed_to_the_terminal(build: Build) -> None:
    def fill(session: ScriptedSession) -> None:
        session.deliver(*session_opened(), *user_speaks(1, 1.0, "\x1b]0;evil\x07 and \x1b[2J red"))

    app = build(fill)
    async with app.run_test() as pilot:
        await settle(pilot)
        shown = "".join(lines_of(app))
    assert "\x1b" not in shown
    assert "\x07" not in shown


async def test_without_turns_it_says_how_to_begin(build: Build) -> None:
    app = build(lambda session: session.deliver(*session_opened()))
    async with app.run_test() as pilot:
        await settle(pilot)
        assert any("Press Space and talk" in line for line in lines_of(app))


async def test_the_chosen_turn_says_what_it_weighs(build: Build) -> None:
    app = build(kyoto_session)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        assert not any(line.rstrip().endswith("tokens") for line in lines_of(app)[:30])
        await pilot.press("ctrl+t")
        await settle(pilot)
        turn = app.query_one(Transcript).chosen_turn
        assert turn is not None
        (line,) = (line for line in lines_of(app) if line.lstrip().startswith("›▌"))
        assert f"≈ {turn.tokens} tokens" in line
        app.session_screen.go_to("u1")
        await settle(pilot)
        (line,) = (line for line in lines_of(app) if line.lstrip().startswith("›┊"))
        assert "not in the window" in line
