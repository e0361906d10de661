"""The settings screen, with a real file: found, changed, refused, and in force."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, Static, TextArea

from tests.patience_harness import patience
from tests.runtime.session_harness import toy_server
from tests.ui.conftest import AppUnderTest, Build, settle
from tests.ui.scripted_session_harness import ScriptedSession, kyoto_session, session_opened
from tests.ui.test_mode_rule import idle
from tui_voice.cli.registry import CHOICES, SUGGESTIONS, check
from tui_voice.config import SettingsEditor
from tui_voice.config.model import all_settings
from tui_voice.conversation import events as e
from tui_voice.runtime.session_factory import SessionOptions, open_session
from tui_voice.ui.live_settings import EFFECTS, NEXT_START
from tui_voice.ui.screens.device_dialog import DeviceDialog
from tui_voice.ui.screens.help import HelpScreen
from tui_voice.ui.screens.setting_dialogs import ChoiceDialog, ValueDialog
from tui_voice.ui.screens.settings import TALKING, SettingsScreen
from tui_voice.ui.widgets.notice import NoticeLine

FILE = """\
# how I talk
[backend]
voice = "marin"      # the calm one
silence_ms = 700
"""

Editor = Callable[..., SettingsEditor]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(FILE, encoding="utf-8")
    return path


@pytest.fixture
def editor(path: Path) -> Editor:
    def open_editor(flags: dict[str, object] | None = None, **env: str) -> SettingsEditor:
        return SettingsEditor(
            flags, env=env, path=path, choices=CHOICES, suggestions=SUGGESTIONS, check=check
        )

    return open_editor


def content(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


async def find(pilot: Pilot[object], words: str) -> SettingsScreen:
    """Opens the settings screen, where it is not open, and types words into its filter."""
    await settle(pilot)
    if not isinstance(pilot.app.screen, SettingsScreen):
        await pilot.press("f3")
    screen = pilot.app.screen
    assert isinstance(screen, SettingsScreen)
    screen.query_one(Input).value = words
    await settle(pilot)
    return screen


async def enter(pilot: Pilot[object], words: str, text: str) -> None:
    """Finds a setting and enters a value for it."""
    await find(pilot, words)
    await pilot.press("enter")
    await settle(pilot)
    assert isinstance(pilot.app.screen, ValueDialog)
    pilot.app.screen.query_one(Input).value = text
    await pilot.press("enter")
    await settle(pilot)


def said(app: AppUnderTest) -> str:
    return app.screen.query_one(NoticeLine).notice.text


def shown(app: AppUnderTest) -> list[str]:
    """Returns the keys of the settings in the list."""
    assert isinstance(app.screen, SettingsScreen)
    return [row.field.key for row in app.screen._rows.rows]


async def test_every_setting_is_listed_and_found_by_typing(build: Build, editor: Editor) -> None:
    app = build(idle, editor=editor())
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("f3", *"pause tol")
        await settle(pilot)
        assert shown(app) == ["backend.silence_ms"]
        await find(pilot, "")
        assert set(shown(app)) == set(all_settings())
        assert shown(app)[: len(TALKING)] == list(TALKING)
        await find(pilot, "no such thing")
        assert shown(app) == []
        await pilot.press("enter", "ctrl+r", "escape")
        await settle(pilot)
        assert app.screen is app.session_screen


async def test_a_choice_is_saved_with_comments_kept_and_the_session_opened_again(
    build: Build, editor: Editor, path: Path
) -> None:
    opened: list[str | None] = []

    def open_handle(session_id: str | None) -> ScriptedSession:
        opened.append(session_id)
        return kyoto_session(ScriptedSession())

    app = build(open_handle=open_handle, editor=editor())
    async with app.run_test(size=(120, 36)) as pilot:
        await find(pilot, "voice")
        await pilot.press("enter")
        await settle(pilot)
        assert isinstance(app.screen, ChoiceDialog)
        options = app.screen.query_one(OptionList)
        assert str(options.get_option_at_index(options.highlighted or 0).prompt) == (
            "marin  (now, default)"
        )
        await pilot.press("down", "enter")
        await settle(pilot)
        assert content(path) == FILE.replace('"marin"', '"sage"')
        assert said(app).endswith("It counts when you leave the settings.")
        assert opened == [None]
        await pilot.press("escape")
        await settle(pilot)
        assert opened == [None, "session-0001"], "the turns stay"
        # Another voice than those in the list, such as the id of one's own.
        await find(pilot, "voice")
        await pilot.press("enter", "end", "enter")
        await settle(pilot)
        assert isinstance(app.screen, ValueDialog)
        app.screen.query_one(Input).value = "voice_123"
        await pilot.press("enter")
        await settle(pilot)
        assert isinstance(app.screen, SettingsScreen)
        assert 'voice = "voice_123"      # the calm one' in content(path)


async def test_a_wrong_value_says_so_at_the_field_and_is_not_saved(
    build: Build, editor: Editor, path: Path
) -> None:
    app = build(idle, editor=editor())
    async with app.run_test(size=(80, 24)) as pilot:
        await enter(pilot, "speaking speed", "9")
        assert isinstance(app.screen, ValueDialog)
        refusal = app.screen.query_one("#refusal", Static)
        assert str(refusal.content) == '"9" is not a number from 0.25 to 1.5.'
        assert content(path) == FILE
        app.screen.query_one(Input).value = "1.2"
        await pilot.press("enter")
        await settle(pilot)
        assert "speed = 1.2" in content(path)
        assert app.scripted.posted[-1] == e.SpeedStepped(to=1.2)
        await enter(pilot, "keys.mute", "f1")
        assert "keys.help" in str(app.screen.query_one("#refusal", Static).content)
        await pilot.press("escape")
        await settle(pilot)
        assert "f1" not in content(path)


async def test_what_is_fixed_by_a_variable_or_flag_says_so(
    build: Build, editor: Editor, path: Path
) -> None:
    app = build(idle, editor=editor({"backend.speed": "0.9"}, TUI_VOICE_UI_BELL="yes"))
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await find(pilot, "bell")
        paragraphs = screen._detail.paragraphs
        assert ("Fixed by TUI_VOICE_UI_BELL in this run.", "user") in paragraphs
        await pilot.press("enter")
        await settle(pilot)
        assert "bell = false" in content(path)
        assert said(app) == (
            "ui.bell is saved in the file. In this run TUI_VOICE_UI_BELL is stronger: true."
        )
        await enter(pilot, "speaking speed", "1.5")
        assert "In this run --speed is stronger: 0.9." in said(app)
        assert app.scripted.posted == []


async def test_switches_toggle_and_defaults_come_back(
    build: Build, editor: Editor, path: Path
) -> None:
    app = build(idle, editor=editor())
    async with app.run_test(size=(120, 36)) as pilot:
        await find(pilot, "ui.bell")
        await pilot.press("enter")
        await settle(pilot)
        assert app.options.bell
        await find(pilot, "ui.notify")
        await pilot.press("enter", "down", "enter")
        await settle(pilot)
        assert app.options.notify == "on"
        await find(pilot, "side_panel")
        await pilot.press("enter")
        await settle(pilot)
        assert "side_panel = false" in content(path)
        assert not app.session_screen.has_class("-panel")
        await pilot.press("ctrl+r")
        await settle(pilot)
        assert "side_panel" not in content(path)
        assert app.session_screen.has_class("-panel")


async def test_a_theme_is_seen_while_it_is_chosen_and_remembered(
    build: Build, editor: Editor, path: Path
) -> None:
    app = build(idle, editor=editor())
    async with app.run_test(size=(120, 36)) as pilot:
        await find(pilot, "theme")
        await pilot.press("enter", "down", "down")
        await settle(pilot)
        assert app.theme == "tui-voice-light"
        await pilot.press("escape")
        await settle(pilot)
        assert app.theme == "tui-voice"
        assert content(path) == FILE
        await pilot.press("enter", "down", "down", "enter")
        await settle(pilot)
        assert app.theme == "tui-voice-light"
        assert 'theme = "tui-voice-light"' in content(path)


async def test_limits_and_keys_are_in_force_at_once(build: Build, editor: Editor) -> None:
    app = build(idle, editor=editor())
    async with app.run_test(size=(120, 36)) as pilot:
        await enter(pilot, "summarise from", "9000")
        await enter(pilot, "turns to keep", "3")
        assert (app.scripted.limits.trigger, app.scripted.limits.keep) == (9000, 3)
        await enter(pilot, "summarise from", "5")  # less than the instructions alone
        assert "This session goes on as before: trigger 5" in said(app)
        assert app.scripted.limits.trigger == 9000
        await enter(pilot, "keys.help", "f7")
        await pilot.press("escape")
        await settle(pilot)
        await pilot.press("f1")
        await settle(pilot)
        assert app.screen is app.session_screen
        await pilot.press("f7")
        await settle(pilot)
        assert isinstance(app.screen, HelpScreen)


async def test_turn_detection_changes_in_the_session(build: Build, editor: Editor) -> None:
    app = build(lambda session: session.deliver(*session_opened()), editor=editor())
    async with app.run_test(size=(120, 36)) as pilot:
        await enter(pilot, "pause tolerance", "1200")
        tuned = app.scripted.posted[-1]
        assert isinstance(tuned, e.TurnDetectionChosen)
        assert (tuned.detection, tuned.silence_ms) == ("server_vad", 1200)
        for steps, events in (
            (["down", "down"], [e.TurnModeChosen(mode="manual")]),
            (["up"], [e.TurnModeChosen(mode="hands-free")]),
        ):
            await find(pilot, "turn detection")
            await pilot.press("enter", *steps, "enter")
            await settle(pilot)
            assert app.scripted.posted[-1:] == events
        assert [type(event) for event in app.scripted.posted[-2:]] == [
            e.TurnDetectionChosen,
            e.TurnModeChosen,
        ]


async def test_devices_are_chosen_by_name_and_tested(
    build: Build, editor: Editor, path: Path
) -> None:
    listed = [("hw:1", "USB microphone"), ("hw:2", "Twin"), ("hw:3", "Twin")]
    tested: list[str | None] = []

    class SoundTest:
        def play_tone(self, device: str | None) -> None:
            tested.append(device)

        def record(self, device: str | None, on_level: Callable[[float], None]) -> str:
            tested.append(device)
            on_level(0.5)
            return "Heard you."

    app = build(idle, editor=editor(), devices=lambda _direction: listed, sound_test=SoundTest())
    async with app.run_test(size=(120, 36)) as pilot:
        for words, steps, device, event in (
            ("microphone", 1, "USB microphone", e.DeviceChosen(direction="input")),
            ("loudspeaker", 3, "hw:3", e.DeviceChosen(direction="output")),
        ):
            await find(pilot, words)
            await pilot.press("enter")
            await settle(pilot)
            assert isinstance(app.screen, DeviceDialog)
            await pilot.press(*["down"] * steps, "t")
            await settle(pilot)
            assert tested[-1] == listed[steps - 1][0]
            assert str(app.screen.query_one("#tested", Static).content)
            await pilot.press("enter")
            await settle(pilot)
            assert f'= "{device}"' in content(path)
            posted = app.scripted.posted[-1]
            assert isinstance(posted, e.DeviceChosen)
            assert (posted.direction, posted.device) == (event.direction, device)


@pytest.mark.parametrize("words", ["microphone", "voice", "policy", "theme", "speaking speed"])
async def test_on_a_low_screen_a_dialog_shows_its_keys(
    build: Build, editor: Editor, words: str
) -> None:
    listed = [(f"hw:{number}", f"A microphone, number {number}") for number in range(8)]
    app = build(idle, editor=editor(), devices=lambda _direction: listed)
    async with app.run_test(size=(40, 10)) as pilot:
        await find(pilot, words)
        await pilot.press("enter")
        await settle(pilot)
        assert not isinstance(app.screen, SettingsScreen)
        for line in app.screen.query(".hint"):
            assert app.screen.region.contains_region(line.region)


async def test_a_change_of_another_program_is_shown_and_not_overwritten(
    build: Build, editor: Editor, path: Path
) -> None:
    app = build(idle, editor=editor())
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await find(pilot, "pause tolerance")
        theirs = FILE.replace("700", "350")
        write(path, theirs)
        await enter(pilot, "pause tolerance", "900")
        refusal = str(app.screen.query_one("#refusal", Static).content)
        assert "Another program has changed backend.silence_ms in the file: it is 350" in refusal
        assert content(path) == theirs
        await pilot.press("escape")
        await settle(pilot)
        assert screen._rows.rows[0].field.value == "350"


async def test_a_change_is_in_force_in_a_live_session(
    build: Build, editor: Editor, tmp_path: Path
) -> None:
    async with toy_server() as server:
        one = editor({"backend.kind": server.url, "audio.text_only": True})

        def open_handle(_id: str | None) -> object:
            return open_session(SessionOptions(settings=one.settings, folder=tmp_path / "live"))

        app = build(open_handle=open_handle, editor=one, live=True)
        async with app.run_test(size=(120, 36)) as pilot:
            await enter(pilot, "pause tolerance", "1200")
            await enter(pilot, "speaking speed", "1.1")
            async with asyncio.timeout(patience(20)):
                while "110%" not in app.view.notice.text:
                    await pilot.pause(0.02)
            handle = app.session.handle
            assert handle is not None
            app.session.post(e.TextSubmitted(item_id="q", text="hello"))
            async with asyncio.timeout(patience(20)):
                while len(app.view.turns) < 2:
                    await pilot.pause(0.02)
            journal = [json.loads(line) for line in content(handle.path).splitlines()]
            await pilot.press("escape", "ctrl+q")
    names = [event["event"] for event in journal]
    tuned = next(event for event in journal if event["event"] == "turn_detection_chosen")
    assert tuned["silence_ms"] == 1200
    assert "server_erred" not in names


def test_what_takes_effect_at_once_or_at_the_next_start_is_a_setting() -> None:
    assert {*EFFECTS, *NEXT_START, *TALKING} <= set(all_settings())


async def test_long_texts_and_prices_are_entered_in_several_lines(
    build: Build, editor: Editor, path: Path
) -> None:
    app = build(idle, editor=editor(), keys={"reset": "f12"})
    async with app.run_test(size=(120, 36)) as pilot:
        await find(pilot, "backend.instructions")
        await pilot.press("enter", *"One.", "enter", *"Two.", "ctrl+s")
        await settle(pilot)
        assert 'instructions = """One.\nTwo."""' in content(path)
        await pilot.press("f12")
        await settle(pilot)
        assert "instructions" not in content(path)
        await find(pilot, "cost.prices")
        await pilot.press("enter")
        await settle(pilot)
        area = app.screen.query_one(TextArea)
        area.text = "my-model = { text_inn = 4 }"
        await pilot.press("ctrl+s")
        await settle(pilot)
        assert "text_inn" in str(app.screen.query_one("#refusal", Static).render())
        area.text = "my-model = { text_in = 4 }"
        await pilot.press("ctrl+s")
        await settle(pilot)
        assert "[cost.prices.my-model]\ntext_in = 4.0" in content(path)
