"""Every key of the talk: what it posts, and when it is left alone."""

from __future__ import annotations

import pytest
from textual.widgets import Input, TextArea

from tests.ui.conftest import Build, settle
from tests.ui.scripted import ScriptedDoor, asked, kyoto, opened
from tui_voice.config import DEFAULT_KEYS
from tui_voice.conversation import events as e
from tui_voice.ui.keys import ACTIONS, key_name
from tui_voice.ui.screens.dialogs import Ask, Edit, Page
from tui_voice.ui.screens.export import ExportDialog
from tui_voice.ui.screens.help import HelpScreen
from tui_voice.ui.screens.search import SearchScreen
from tui_voice.ui.screens.sessions import SessionsScreen
from tui_voice.ui.widgets.footer import KeyLine
from tui_voice.ui.widgets.pruning_log import PruningLog
from tui_voice.ui.widgets.transcript import Transcript


def quiet(door: ScriptedDoor) -> None:
    door.tell(*opened())


def test_the_keys_are_those_of_the_settings() -> None:
    assert {action.id: action.key for action in ACTIONS} == DEFAULT_KEYS


@pytest.mark.parametrize(
    ("key", "shown"),
    [("ctrl+s", "^S"), ("escape", "Esc"), ("space", "Space"), ("f1", "F1"), ("m", "m"),
     ("ctrl+shift+a", "^shift+A")],
)  # fmt: skip
def test_key_names(key: str, shown: str) -> None:
    assert key_name(key) == shown


async def test_space_opens_the_microphone_and_closes_it(build: Build) -> None:
    app = build(quiet)
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("space")
        await settle(pilot)
        assert app.scripted.posted == [e.TalkPressed()]
        assert app.view.status.microphone_open
        await pilot.press("space")
        await settle(pilot)
        assert app.scripted.posted[-1] == e.TalkReleased()


async def test_with_the_talk_key_alone_a_turn_is_manual(build: Build) -> None:
    app = build(quiet, manual=True)
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("space")
        await settle(pilot)
        assert app.scripted.posted == [e.TalkPressed(manual=True)]


async def test_without_sound_space_is_a_letter(build: Build) -> None:
    app = build(quiet, sound=False, live=True)
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("a", "space", "m")
        await settle(pilot)
        assert app.query_one(Input).value == "a m"
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


async def test_m_mutes_and_unmutes(build: Build) -> None:
    app = build(quiet)
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("m")
        await settle(pilot)
        await pilot.press("m")
        await settle(pilot)
        assert app.scripted.posted == [e.MuteChanged(muted=True), e.MuteChanged(muted=False)]


async def test_what_is_typed_is_sent_with_enter(build: Build) -> None:
    app = build(quiet)
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press(*"hi", "space", *"mom", "enter")
        await settle(pilot)
        (sent,) = app.scripted.posted
        assert isinstance(sent, e.TextSubmitted)
        assert sent.text == "hi mom"
        assert len(sent.item_id) <= 32
        assert app.query_one(Input).value == ""


async def test_enter_goes_to_the_line_and_back(build: Build) -> None:
    app = build(quiet)
    async with app.run_test() as pilot:
        await settle(pilot)
        assert isinstance(app.focused, Transcript)
        await pilot.press("enter")
        await settle(pilot)
        assert isinstance(app.focused, Input)
        await pilot.press("enter")
        await settle(pilot)
        assert isinstance(app.focused, Transcript)


@pytest.mark.parametrize("key", ["escape", "tab", "up"])
async def test_leaving_the_line_keeps_what_is_typed(build: Build, key: str) -> None:
    app = build(quiet)
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press(*"half", key)
        await settle(pilot)
        assert isinstance(app.focused, Transcript)
        assert app.query_one(Input).value == "half"


async def test_what_is_pasted_loses_no_line(build: Build) -> None:
    from textual.events import Paste

    app = build(quiet)
    async with app.run_test() as pilot:
        await settle(pilot)
        app.talk.prompt.focus()
        await settle(pilot)
        app.talk.prompt.post_message(Paste("one\r\ntwo\nthree"))
        await settle(pilot)
        assert app.talk.prompt.value == "one two three"


async def test_summarise_asks_at_once(build: Build) -> None:
    app = build()
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("ctrl+s")
        timer = app.talk._summarise_timer
        assert timer is not None
        await timer._task  # type: ignore[misc]  # it has been started
        await settle(pilot)
        assert app.scripted.posted == [e.SummarisePressed()]


async def test_what_cannot_be_summarised_is_asked_for_too(build: Build) -> None:
    """The talk then says why; the footer does not offer it."""
    app = build(lambda door: door)
    async with app.run_test() as pilot:
        await settle(pilot)
        assert "summarise" not in app.talk.view.keys
        await pilot.press("ctrl+s")
        assert app.talk._summarise_timer is not None


async def test_summarise_twice_asks_what_matters(build: Build) -> None:
    app = build()
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("ctrl+s", "ctrl+s")
        await settle(pilot)
        assert isinstance(app.screen, Ask)
        await pilot.press(*"sums", "enter")
        await settle(pilot)
        assert app.scripted.posted == [e.SummarisePressed(focus="sums")]


async def test_put_back_all_or_the_chosen_turn(build: Build) -> None:
    app = build()
    async with app.run_test() as pilot:
        await settle(pilot)
        app.query_one(Transcript).go_to("u2")
        await settle(pilot)
        await pilot.press("ctrl+z")
        await settle(pilot)
        assert app.scripted.posted == [e.RestorePressed(turn_ids=("u2",))]


async def test_put_back_the_chosen_pruning(build: Build) -> None:
    app = build()
    async with app.run_test() as pilot:
        await settle(pilot)
        mark = next(c for c in app.view.compactions if c.kind == "summary")
        app.talk.transcript.go_to(mark.id)
        await settle(pilot)
        await pilot.press("p", "ctrl+z")  # a pruning cannot be pinned
        await settle(pilot)
        assert app.scripted.posted == [e.RestorePressed(turn_ids=mark.turns)]


async def test_pin_the_chosen_turn_and_let_it_go(build: Build) -> None:
    app = build()
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("up", "up", "p")
        await settle(pilot)
        assert app.scripted.posted == [e.TurnPinned(item_id="u13", pinned=True)]
        await pilot.press("p")
        await settle(pilot)
        assert app.scripted.posted[-1] == e.TurnPinned(item_id="u13", pinned=False)


async def test_copy_needs_a_chosen_turn(build: Build) -> None:
    app = build()
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("up", "up", "c")
        await settle(pilot)
        assert app.clipboard == "Sorry, not on a Sunday. We rest on Sundays."


async def test_c_is_a_letter_where_no_turn_is_chosen(build: Build) -> None:
    app = build()
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("c")
        await settle(pilot)
        assert app.query_one(Input).value == "c"


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
async def test_keys_that_lead_away_and_back(
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
        assert app.screen is app.talk


async def test_the_palette_offers_everything_that_works(build: Build) -> None:
    from textual.command import CommandPalette

    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+p")
        await settle(pilot)
        assert isinstance(app.screen, CommandPalette)
        await pilot.press("escape")
        await settle(pilot)
        names = {name for name, _, _ in app.more_deeds()}
    assert {"edit the memory", "limits", "copy the whole talk", "fold all prunings"} <= names


async def test_a_new_talk_closes_the_old_one(build: Build) -> None:
    app = build()
    wanted: list[str | None] = []
    first, second = app.scripted, ScriptedDoor(id="talk-0002")
    second.tell(*opened())

    def open_door(session_id: str | None) -> ScriptedDoor:
        wanted.append(session_id)
        return first if len(wanted) == 1 else second

    app._open_door = open_door
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("ctrl+n")
        await settle(pilot)
        assert wanted == [None, None]
        assert first.closed
        assert app.door is second
        assert not app.view.turns


async def test_quit_closes_the_talk_and_says_which(build: Build) -> None:
    app = build()
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("ctrl+q")
        await settle(pilot)
    assert app.scripted.closed
    assert app.return_value is not None
    assert app.return_value.session_id == "talk-0001"


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


async def test_the_memory_is_edited(build: Build) -> None:
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("tab", "tab", "e")
        await settle(pilot)
        assert isinstance(app.screen, Edit)
        app.screen.query_one(TextArea).text = "No shellfish."
        await pilot.press("ctrl+s")
        await settle(pilot)
        assert app.scripted.posted == [e.MemoryEdited(text="No shellfish.")]
        assert app.view.memory == "No shellfish."


async def test_a_row_of_the_pruning_log_opens(build: Build) -> None:
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("tab", "down", "enter")
        await settle(pilot)
        assert isinstance(app.screen, Page)
        assert app.screen._title.startswith("summarised at")
        assert app.query_one(PruningLog) is not None if app.screen is app.talk else True


async def test_every_key_can_be_moved(build: Build) -> None:
    app = build(quiet, keys={**DEFAULT_KEYS, "talk": "f5", "mute": "f6", "send": "ctrl+j"})
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("space")
        await settle(pilot)
        assert app.scripted.posted == []
        assert app.query_one(Input).value == " "
        await pilot.press("escape", "f5", "f6")
        await settle(pilot)
        assert app.scripted.posted == [e.TalkPressed(), e.MuteChanged(muted=True)]
        hints = {action: key for action, key, _ in app.query_one(KeyLine).hints}
        assert (hints["talk"], hints["mute"]) == ("F5", "F6")


async def test_the_footer_shows_only_what_works(build: Build) -> None:
    app = build(quiet)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        shown = {action for action, _, _ in app.query_one(KeyLine).hints}
        assert {"talk", "mute", "sessions", "help"} <= shown
        assert not shown & {"stop", "summarise", "restore", "copy"}
        app.scripted.tell(*asked(1, 1.0, "Hello?"))
        await settle(pilot)
        assert "stop" in {action for action, _, _ in app.query_one(KeyLine).hints}


async def test_a_click_on_the_footer_is_the_key(build: Build) -> None:
    app = build(kyoto)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.click("#keys", offset=(3, 0))
        await settle(pilot)
        assert app.scripted.posted == [e.TalkPressed()]
