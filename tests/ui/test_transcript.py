"""The page: it follows the talk, stays where the reader is, and shows each turn as it is."""

from __future__ import annotations

from tests.ui.conftest import Build, settle
from tests.ui.scripted import ScriptedDoor, answering, asked, kyoto, opened
from tui_voice.conversation import events as e
from tui_voice.ui.app import VoiceApp
from tui_voice.ui.document import Mark
from tui_voice.ui.widgets.transcript import Transcript


def long_talk(count: int) -> object:
    def fill(door: ScriptedDoor) -> None:
        door.quietly(*opened())
        for number in range(count):
            words = "internationalisation " * (1 + number % 9)  # whose height is hard to guess
            door.quietly(e.TextSubmitted(at=number * 1.0, item_id=f"t{number}", text=words))
        door.quietly(*answering(1, count + 1.0, "First"))

    return fill


def lines_of(app: VoiceApp) -> list[str]:
    page = app.query_one(Transcript)
    return [page.render_line(y).text.rstrip() for y in range(page.size.height)]


async def test_it_shows_who_when_and_what_is_special(build: Build) -> None:
    app = build(kyoto)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        shown = "\n".join(lines_of(app))
    assert "you  12:41  ◆ pinned" in shown
    assert "interrupted at 4.2 s" in shown
    assert "Then let us move the walk to Monday" in shown


async def test_unheard_words_are_struck_through(build: Build) -> None:
    app = build(kyoto)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        page = app.query_one(Transcript)
        struck = [
            segment.text
            for y in range(page.size.height)
            for segment in page.render_line(y)
            if segment.style and segment.style.strike
        ]
    assert "early, then" in " ".join(struck)
    assert "second day" not in " ".join(struck)


async def test_it_follows_the_talk(build: Build) -> None:
    app = build(long_talk(200))
    async with app.run_test() as pilot:
        await settle(pilot)
        for number in range(30):
            app.scripted.tell(e.TranscriptGrew(item_id="a1", text=f" word{number}" * 8))
            await settle(pilot)
        page = app.query_one(Transcript)
        assert page.scroll_offset.y == page.max_scroll_y
        assert any("word29" in line for line in lines_of(app))


async def test_who_has_scrolled_up_is_left_there(build: Build) -> None:
    app = build(long_talk(200))
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("pageup", "pageup")
        await settle(pilot)
        before = lines_of(app)
        app.scripted.tell(*asked(9, 500.0, "Something new"))
        await settle(pilot)
        after = lines_of(app)
        assert after[:-1] == before[:-1]
        assert "1 new turn" in after[-1]
        await pilot.press("end")
        await settle(pilot)
        assert any("Something new" in line for line in lines_of(app))
        assert not any("new turn" in line for line in lines_of(app))


async def test_scrolling_up_never_jumps(build: Build) -> None:
    """Heights are estimates until they are seen; the page must not show it."""
    app = build(long_talk(3000))
    async with app.run_test(size=(61, 24)) as pilot:
        await settle(pilot)
        page = app.query_one(Transcript)
        for _ in range(60):
            before = lines_of(app)
            page.scroll_to(y=page.scroll_offset.y - 5, animate=False, immediate=True, force=True)
            await pilot.pause()
            assert lines_of(app)[5:-1] == before[:-6]


async def test_the_cursor_goes_through_turns_and_prunings(build: Build) -> None:
    app = build(kyoto)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        page = app.query_one(Transcript)
        chosen = []
        for _ in range(16):
            await pilot.press("up")
            await settle(pilot)
            chosen.append(page.chosen)
        assert [block.id for block in chosen[:3] if block] == ["a13", "u13", "a12"]
        assert any(isinstance(block, Mark) for block in chosen)
        assert chosen[-1] is not None
        assert chosen[-1].id == "u1"
        assert any(line.startswith("›") for line in lines_of(app))


async def test_a_pruning_folds_and_unfolds(build: Build) -> None:
    app = build(kyoto)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        page = app.query_one(Transcript)
        mark = next(c.id for c in app.view.compactions if c.kind == "summary")
        page.go_to(mark)
        await settle(pilot)
        tall = page.document.height
        await pilot.press("enter")
        await settle(pilot)
        assert page.document.height < tall
        assert any("▸ 6 turns summarised" in line for line in lines_of(app))
        await pilot.press("enter")
        await settle(pilot)
        assert any("▾ 6 turns summarised" in line for line in lines_of(app))
        assert page.document.height == tall


async def test_going_to_a_folded_turn_unfolds_it(build: Build) -> None:
    app = build(kyoto)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        page = app.query_one(Transcript)
        page.fold_all()
        await settle(pilot)
        assert page.document.find("u1") is None
        assert page.go_to("u1")
        await settle(pilot)
        assert page.chosen is not None
        assert page.chosen.id == "u1"
        assert not page.go_to("nobody")


async def test_a_narrower_page_keeps_its_place(build: Build) -> None:
    app = build(long_talk(400))
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        page = app.query_one(Transcript)
        page.go_to("t100")
        await settle(pilot)
        await pilot.resize_terminal(60, 20)
        await settle(pilot)
        found = page.document.at(page.scroll_offset.y)
        assert found is not None
        top = page.document.block(found[0])
        assert abs(int(top.id[1:]) - 100) < 12


async def test_words_of_a_hundred_thousand_turns_cost_what_those_of_a_hundred_do(
    build: Build,
) -> None:
    costs = []
    for count in (100, 100_000):
        app = build(long_talk(count))
        async with app.run_test(size=(120, 36)) as pilot:
            await settle(pilot)
            page = app.query_one(Transcript)
            before = (page.painted_lines, page.document.laid_out)
            for number in range(20):
                app.scripted.tell(e.TranscriptGrew(item_id="a1", text=f" word{number}"))
                await settle(pilot)
            costs.append((page.painted_lines - before[0], page.document.laid_out - before[1]))
    (lines, blocks), (many_lines, many_blocks) = costs
    assert many_lines <= 1.3 * lines
    assert many_blocks <= 1.3 * blocks
    assert lines < 20 * 36


async def test_what_a_terminal_would_obey_is_not_passed_on(build: Build) -> None:
    def fill(door: ScriptedDoor) -> None:
        door.tell(*opened(), *asked(1, 1.0, "\x1b]0;evil\x07 and \x1b[2J red"))

    app = build(fill)
    async with app.run_test() as pilot:
        await settle(pilot)
        shown = "".join(lines_of(app))
    assert "\x1b" not in shown
    assert "\x07" not in shown


async def test_before_anything_is_said_it_says_how_to_begin(build: Build) -> None:
    app = build(lambda door: door.tell(*opened()))
    async with app.run_test() as pilot:
        await settle(pilot)
        assert any("Press Space and talk" in line for line in lines_of(app))
