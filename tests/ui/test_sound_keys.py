"""Keys and dialogs of the sound: mode, pause, volume, devices, the sound of a turn."""

from __future__ import annotations

from pathlib import Path

from tests.ui.conftest import Build, settle
from tests.ui.test_keys import without_turns
from tui_voice.conversation import events as e
from tui_voice.conversation.turns import Turn
from tui_voice.ui.screens.device_dialog import DeviceDialog
from tui_voice.ui.widgets.footer import KeyHintsLine
from tui_voice.ui.widgets.header import HeaderLine


async def test_a_key_changes_the_mode_and_the_status_bar_names_it(build: Build) -> None:
    app = build(without_turns)
    async with app.run_test() as pilot:
        await settle(pilot)
        for mode in ("push-to-talk", "manual", "hands-free"):
            await pilot.press("f10")
            await settle(pilot)
            assert app.scripted.posted[-1] == e.TurnModeChosen(mode=mode)
            shown = app.session_screen.status.render_line(0).text
            assert shown.rstrip().endswith(f" {mode}  ○ mic closed")
        await pilot.press("ctrl+up", "ctrl+down")
        await settle(pilot)
        assert [type(event) for event in app.scripted.posted[-2:]] == [e.VolumeStepped] * 2


async def test_a_key_lets_pauses_be_longer_and_then_short_again(build: Build) -> None:
    app = build(without_turns)
    async with app.run_test() as pilot:
        await settle(pilot)
        for silence_ms in (800, 1_200, 2_000, 300, 500):
            await pilot.press("alt+p")
            await settle(pilot)
            chosen = app.scripted.posted[-1]
            assert isinstance(chosen, e.TurnDetectionChosen)
            assert chosen.silence_ms == silence_ms
        assert chosen.eagerness == "high"
        await pilot.press(*"/patience", "enter")
        await settle(pilot)
        assert app.scripted.posted[-1].silence_ms == 800


async def test_a_device_is_chosen_in_a_dialog(build: Build) -> None:
    listed = [("usb-1", "Blue Yeti"), ("a.monitor", "Monitor of A")]
    app = build(without_turns, devices=lambda _direction: listed)
    async with app.run_test() as pilot:
        await settle(pilot)
        commands = {command.name: command for command in app.palette_commands(app.screen)}
        commands["microphone"].run()
        await settle(pilot)
        assert isinstance(app.screen, DeviceDialog)
        await pilot.press("down", "enter")
        await settle(pilot)
        assert app.scripted.posted[-1] == e.DeviceChosen(direction="input", device="usb-1")


async def test_enter_on_a_turn_plays_it_and_a_recorded_session_says_so(build: Build) -> None:
    played: list[tuple[Path, Turn]] = []
    app = build(play_turn=lambda journal, turn, _say: played.append((journal, turn)))
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("ctrl+t", "enter")
        await settle(pilot)
        assert played[0][0] == app.scripted.path
        assert played[0][1].text
        assert not app.query_one(HeaderLine).header.recording
        assert ("", "Enter", "play") not in app.query_one(KeyHintsLine).hints
        app.scripted.current_meters = type(app.scripted.current_meters)(recording=True)
        app._drawing.read_meters()
        assert app.query_one(HeaderLine).header.recording
        await settle(pilot)
        assert ("", "Enter", "play") in app.query_one(KeyHintsLine).hints
