"""Every key of the session screen: which event it posts, and when it does nothing."""

from __future__ import annotations

import pytest
from textual.command import CommandList, CommandPalette
from textual.events import Paste
from textual.widgets import Static

from tests.ui.conftest import Build, settle
from tests.ui.scripted_session_harness import (
    ScriptedSession,
    kyoto_session,
    user_speaks,
)
from tests.ui.session_screen_harness import without_turns
from tui_voice.config import DEFAULT_KEYS
from tui_voice.config.model import KEY_PLACES
from tui_voice.conversation import events as e
from tui_voice.ui.keys import LIST_ACTIONS, SESSION, key_name
from tui_voice.ui.screen_table import key_actions
from tui_voice.ui.screens.dialogs import TextPage, TextQuestion
from tui_voice.ui.screens.export import ExportDialog
from tui_voice.ui.screens.help import HelpScreen
from tui_voice.ui.screens.memory import MemoryScreen
from tui_voice.ui.screens.search import SearchScreen
from tui_voice.ui.screens.sessions import SessionsScreen
from tui_voice.ui.widgets.footer import KeyHintsLine


def test_the_key_table_has_the_keys_of_the_settings() -> None:
    actions = (*key_actions(), *LIST_ACTIONS)
    assert {action.id: action.key for action in actions} == DEFAULT_KEYS
    assert {
        action.id: action.places for action in actions if action.places != (SESSION,)
    } == KEY_PLACES


@pytest.mark.parametrize(
    ("key", "shown"),
    [("ctrl+s", "^S"), ("escape", "Esc"), ("space", "Space"), ("f1", "F1"), ("m", "m"),
     ("alt+enter", "Alt+Enter"), ("ctrl+shift+a", "^Shift+A")],
)  # fmt: skip
def test_key_names(key: str, shown: str) -> None:
    assert key_name(key) == shown


async def test_space_opens_the_microphone_and_closes_it(build: Build) -> None:
    app = build(without_turns)
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("space")
        await settle(pilot)
        assert app.scripted.posted == [e.TalkPressed()]
        assert app.view.status.microphone_open
        await pilot.press("space")
        await settle(pilot)
        assert app.scripted.posted[-1] == e.TalkReleased()


async def test_without_voice_detection_the_talk_key_makes_a_manual_turn(build: Build) -> None:
    app = build(without_turns, manual=True)
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("space")
        await settle(pilot)
        assert app.scripted.posted == [e.TalkPressed(manual=True)]


async def test_without_sound_space_is_a_letter(build: Build) -> None:
    app = build(without_turns, sound=False, live=True)
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("a", "space", "m")
        await settle(pilot)
        assert app.session_screen.prompt.value == "a m"
        assert app.scripted.posted == []


async def test_escape_stops_the_reply_first(build: Build) -> None:
    app = build()
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("escape")
        await settle(pilot)
        assert app.scripted.posted == [e.StopPressed()]
        await pilot.press("escape")
        await settle(pilot)
        assert app.scripted.posted == [e.StopPressed()]


async def test_f4_mutes_and_unmutes(build: Build) -> None:
    app = build(without_turns)
    async with app.run_test() as pilot:
        await settle(pilot)
        app.scripted.deliver(e.TalkPressed())
        await settle(pilot)
        await pilot.press("f4")
        await settle(pilot)
        await pilot.press("f4")
        await settle(pilot)
        assert app.scripted.posted == [e.MuteChanged(muted=True), e.MuteChanged(muted=False)]


async def test_enter_sends_the_typed_text(build: Build) -> None:
    app = build(without_turns)
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press(*"hi", "space", *"mom", "enter")
        await settle(pilot)
        (sent,) = app.scripted.posted
        assert isinstance(sent, e.TextSubmitted)
        assert sent.text == "hi mom"
        assert len(sent.item_id) <= 32
        assert app.session_screen.prompt.value == ""


async def test_pasted_text_keeps_its_line_breaks(build: Build) -> None:
    app = build(without_turns)
    async with app.run_test() as pilot:
        await settle(pilot)
        app.post_message(Paste("one\r\ntwo\nthree\n"))
        await settle(pilot)
        assert app.session_screen.prompt.value == "one\ntwo\nthree"


async def test_ctrl_s_summarises_at_once(build: Build) -> None:
    app = build()
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert app.scripted.posted == [e.SummarisePressed()]
        assert app.screen is app.session_screen


async def test_ctrl_s_with_nothing_to_summarise_is_posted_too(build: Build) -> None:
    """The session then says why; the footer does not offer the key."""
    app = build(lambda session: session)
    async with app.run_test() as pilot:
        await settle(pilot)
        assert "summarise" not in app.view.live_keys
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert app.scripted.posted == [e.SummarisePressed()]


async def test_a_moved_summarise_key_works(build: Build) -> None:
    app = build(keys={**DEFAULT_KEYS, "summarise": "f7"})
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("f7")
        await pilot.pause()
        assert app.scripted.posted == [e.SummarisePressed()]


async def test_the_palette_summarises_with_a_focus(build: Build) -> None:
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+p")
        await settle(pilot)
        await pilot.press(*"focus")
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert isinstance(app.screen, TextQuestion)
        await pilot.press(*"sums", "enter")
        await settle(pilot)
        assert app.scripted.posted == [e.SummarisePressed(focus="sums")]


async def test_ctrl_z_restores_the_chosen_turn(build: Build) -> None:
    app = build()
    async with app.run_test() as pilot:
        await settle(pilot)
        app.session_screen.go_to("u2")
        await settle(pilot)
        await pilot.press("ctrl+z")
        await settle(pilot)
        assert app.scripted.posted == [e.RestorePressed(turn_ids=("u2",))]


async def test_ctrl_z_restores_the_chosen_pruning(build: Build) -> None:
    app = build()
    async with app.run_test() as pilot:
        await settle(pilot)
        mark = next(c for c in app.view.compactions if c.kind == "summary")
        app.session_screen.go_to(mark.id)
        await settle(pilot)
        await pilot.press("ctrl+z")
        await settle(pilot)
        assert app.scripted.posted == [e.RestorePressed(turn_ids=mark.turns)]


async def test_ctrl_z_restores_the_last_pruning_where_nothing_is_chosen(build: Build) -> None:
    app = build()
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("ctrl+z")
        await settle(pilot)
        assert app.scripted.posted == [e.RestorePressed(turn_ids=())]


async def test_p_pins_and_unpins_the_chosen_turn(build: Build) -> None:
    app = build()
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("ctrl+t", "up", "p")
        await settle(pilot)
        assert app.scripted.posted == [e.TurnPinned(item_id="u13", pinned=True)]
        await pilot.press("p")
        await settle(pilot)
        assert app.scripted.posted[-1] == e.TurnPinned(item_id="u13", pinned=False)


async def test_c_copies_the_chosen_turn(build: Build) -> None:
    app = build()
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("ctrl+t", "up", "c")
        await settle(pilot)
        assert app.clipboard == "Sorry, not on a Sunday. We rest on Sundays."


@pytest.mark.parametrize(
    ("key", "screen"),
    [
        ("ctrl+r", SessionsScreen),
        ("ctrl+f", SearchScreen),
        ("ctrl+e", ExportDialog),
        ("f1", HelpScreen),
    ],
)
@pytest.mark.parametrize("typing", [False, True])
async def test_keys_that_open_a_screen_and_close_it(
    build: Build, key: str, screen: type, typing: bool
) -> None:
    app = build()
    async with app.run_test() as pilot:
        await settle(pilot)
        if typing:
            await pilot.press("x")
        await pilot.press(key)
        await settle(pilot)
        assert isinstance(app.screen, screen)
        await pilot.press("escape")
        await settle(pilot)
        assert app.screen is app.session_screen


async def test_the_palette_offers_everything_that_works(build: Build) -> None:
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+p")
        await settle(pilot)
        assert isinstance(app.screen, CommandPalette)
        listed = app.screen.query_one(CommandList)
        while not listed.option_count:
            await pilot.pause()
        await settle(pilot)
        assert app.screen.region.contains_region(listed.region)
        assert listed.size.height > 4
        await pilot.press("escape")
        await settle(pilot)
        names = {command.name for command in app.palette_commands(app.screen)}
    assert {"summarise  (^S)", "restore  (^Z)", "sessions  (^R)", "export  (^E)"} <= names
    assert {"memory  (F5)", "limits", "copy the session", "fold all prunings"} <= names


async def test_ctrl_n_closes_the_session_and_opens_a_new_one(build: Build) -> None:
    opened: list[str | None] = []
    first, second = ScriptedSession(), ScriptedSession(id="session-0002")
    kyoto_session(first)
    without_turns(second)

    def open_handle(session_id: str | None) -> ScriptedSession:
        opened.append(session_id)
        return first if len(opened) == 1 else second

    app = build(open_handle=open_handle)
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("ctrl+n")
        await settle(pilot)
        assert opened == [None, None]
        assert first.closed
        assert app.session.handle is second
        assert not app.view.turns


async def test_ctrl_q_closes_the_session_and_returns_its_id(build: Build) -> None:
    app = build()
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("ctrl+q")
        await settle(pilot)
    assert app.scripted.closed
    assert app.return_value is not None
    assert app.return_value.session_id == "session-0001"


async def test_f2_shows_the_panel_and_hides_it(build: Build) -> None:
    app = build()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert not app.query_one("#panel").display
        await pilot.press("f2")
        await settle(pilot)
        assert app.query_one("#panel").display
        await pilot.press("f2")
        await settle(pilot)
        assert not app.query_one("#panel").display


async def test_enter_in_the_memory_opens_its_screen(build: Build) -> None:
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("tab", "tab", "tab", "enter")
        await settle(pilot)
        assert isinstance(app.screen, MemoryScreen)


async def test_enter_opens_the_chosen_row_of_the_pruning_log(build: Build) -> None:
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("tab", "tab", "down", "enter")
        await settle(pilot)
        assert isinstance(app.screen, TextPage)
        shown = [str(part.render()) for part in app.screen.query(Static)]
        assert shown[0].startswith("summarised at ")
        assert any(app.view.memory in text for text in shown)


async def test_every_key_can_be_moved(build: Build) -> None:
    moved = {"talk": "ctrl+b", "mute": "f11", "send": "ctrl+j", "help": "f12"}
    app = build(without_turns, keys={**DEFAULT_KEYS, **moved})
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("space")
        await settle(pilot)
        assert app.scripted.posted == []
        assert app.session_screen.prompt.value == " "
        await pilot.press("backspace", "ctrl+b")
        await settle(pilot)
        await pilot.press("f11")
        await settle(pilot)
        assert app.scripted.posted == [e.TalkPressed(), e.MuteChanged(muted=True)]
        hints = {action: key for action, key, _ in app.query_one(KeyHintsLine).hints}
        assert (hints["talk"], hints["mute"], hints["help"]) == ("^B", "F11", "F12")
        await pilot.press("f12")
        await settle(pilot)
        assert isinstance(app.screen, HelpScreen)


async def test_the_footer_shows_only_keys_that_work(build: Build) -> None:
    app = build(without_turns)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        shown = {action for action, _, _ in app.query_one(KeyHintsLine).hints}
        assert {"talk", "sessions", "help"} <= shown
        assert not shown & {"mute", "stop", "summarise", "restore", "copy"}
        app.scripted.deliver(*user_speaks(1, 1.0, "Hello?"))
        await settle(pilot)
        assert "stop" in {action for action, _, _ in app.query_one(KeyHintsLine).hints}
        app.scripted.deliver(e.TalkPressed())
        await settle(pilot)
        assert "mute" in {action for action, _, _ in app.query_one(KeyHintsLine).hints}


async def test_a_click_on_the_footer_is_the_key(build: Build) -> None:
    app = build(kyoto_session)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.click("#keys", offset=(3, 0))
        await settle(pilot)
        assert app.scripted.posted == [e.StopPressed(), e.TalkPressed()]


async def test_a_click_on_the_footer_opens_a_screen(build: Build) -> None:
    app = build(without_turns)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        footer = app.query_one(KeyHintsLine)
        column = footer.render_line(0).text.index("help")
        await pilot.click("#keys", offset=(column, 0))
        await settle(pilot)
        assert isinstance(app.screen, HelpScreen)
