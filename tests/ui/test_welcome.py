"""The welcome at the first start: three steps, each of which Esc leaves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.widgets import OptionList, Static

from tests.ui.conftest import AppUnderTest, Build, settle
from tests.ui.scripted_session_harness import session_opened
from tui_voice.config import SettingsEditor
from tui_voice.conversation import events as e
from tui_voice.ui.options import Welcome
from tui_voice.ui.screens.welcome import WelcomeScreen


class FakeDevices:
    """Notes which device was tested."""

    def __init__(self) -> None:
        self.tested: list[str] = []

    def play_tone(self, device: str | None) -> None:
        self.tested.append(f"tone on {device}")

    def record(self, device: str | None, on_level: Callable[[float], None]) -> str:
        self.tested.append(f"recording of {device}")
        on_level(0.5)
        return "Heard you."


@pytest.fixture
def shown() -> list[str]:
    return []


@pytest.fixture
def first_start(build: Build, tmp_path: Path, shown: list[str]) -> Callable[..., AppUnderTest]:
    def make(**options: object) -> AppUnderTest:
        welcome = Welcome(lambda: ["The embedded server answers."], lambda: shown.append("once"))
        values: dict[str, object] = {
            "welcome": welcome,
            "devices": lambda _direction: [("hw:1", "USB")],
            "sound_test": FakeDevices(),
            "editor": SettingsEditor(env={}, path=tmp_path / "config.toml"),
        }
        return build(lambda session: session.deliver(*session_opened()), **(values | options))

    return make


def text(app: AppUnderTest) -> str:
    return "\n".join(str(one.content) for one in app.screen.query(Static))


def saved(folder: Path) -> str:
    return (folder / "config.toml").read_text()


async def test_three_steps_end_with_the_talk_key(
    first_start: Callable[..., AppUnderTest], shown: list[str], tmp_path: Path
) -> None:
    devices = FakeDevices()
    app = first_start(sound_test=devices)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert isinstance(app.screen, WelcomeScreen)
        assert shown == ["once"]
        assert "1 of 3" in text(app)
        assert "The embedded server answers." in text(app)
        await pilot.press("space", "enter")  # the talk key does nothing yet
        await settle(pilot)
        assert "2 of 3" in text(app)
        assert app.screen.query_one(OptionList).has_focus
        await pilot.press("down", "enter")
        await settle(pilot)
        assert "Heard you." in text(app)
        await pilot.press("down", "enter")
        await settle(pilot)
        assert devices.tested == ["recording of None", "tone on None"]
        await pilot.press("down", "enter")
        await settle(pilot)
        await pilot.press("down", "enter")  # the first device after the system's default
        await settle(pilot)
        assert app.scripted.posted == [e.DeviceChosen(direction="input", device="USB")]
        assert 'input_device = "USB"' in saved(tmp_path)
        await pilot.press("home", "enter")
        await settle(pilot)
        assert "3 of 3" in text(app)
        assert "Press Space, and talk." in text(app)
        await pilot.press("space")
        await settle(pilot)
        assert app.screen is app.session_screen
        assert app.scripted.posted[-1] == e.TalkPressed(manual=False)


@pytest.mark.parametrize("step", range(3))
async def test_esc_leaves_it_at_each_step(
    first_start: Callable[..., AppUnderTest], step: int
) -> None:
    app = first_start()
    async with app.run_test(size=(40, 10)) as pilot:
        await settle(pilot)
        for _ in range(step):
            await pilot.press("enter")
            await settle(pilot)
        assert f"{step + 1} of 3" in text(app)
        await pilot.press("escape")
        await settle(pilot)
        await pilot.press(*"hello", "enter")
        await settle(pilot)
        assert isinstance(app.scripted.posted[-1], e.TextSubmitted)


async def test_without_sound_there_is_no_step_for_it(
    first_start: Callable[..., AppUnderTest],
) -> None:
    app = first_start(sound=False)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "1 of 2" in text(app)
        await pilot.press("enter")
        await settle(pilot)
        assert "this session has no sound" in text(app)
        await pilot.press("space")
        await settle(pilot)
        assert isinstance(app.screen, WelcomeScreen)
        await pilot.press("enter")
        await settle(pilot)
        assert app.screen is app.session_screen


async def test_on_a_low_screen_the_result_of_a_test_is_seen(
    first_start: Callable[..., AppUnderTest],
) -> None:
    app = first_start(sound_test=FakeDevices())
    async with app.run_test(size=(40, 10)) as pilot:
        await settle(pilot)
        await pilot.press("enter", "down", "enter")
        await settle(pilot)
        page = app.screen.query_one(".page")
        said = app.screen.query_one("#tested", Static)
        assert str(said.content) == "Heard you."
        assert page.region.contains_region(said.region)
        await pilot.press("up")
        await settle(pilot)
        assert page.scroll_offset.y == 0
