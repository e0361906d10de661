"""Where nothing can be spoken the screen says so; and what it says can be put away."""

from __future__ import annotations

from tests.ui.conftest import Build, settle
from tests.ui.scripted import ScriptedDoor, kyoto, opened
from tui_voice.conversation import events as e
from tui_voice.runtime.session_handle import Meters
from tui_voice.ui.widgets.footer import KeyLine


async def test_without_a_microphone_nothing_offers_to_talk(build: Build) -> None:
    app = build(lambda door: door.tell(*opened()))
    app.scripted.levels = Meters(hears=False)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        assert app.talk.typing  # to type is all that can be done
        assert "no microphone" in app.talk.prompt.placeholder
        assert "no microphone" in app.talk.status.render_line(0).text
        await pilot.press("escape")
        assert not {"talk", "mute"} & app.talk.live_keys
        assert "talk" not in [action for action, _, _ in app.query_one(KeyLine).hints]
        await pilot.press("space", *"hi")  # out of habit
        await settle(pilot)
        assert app.talk.prompt.value == "hi"
        assert app.scripted.posted == []


async def test_a_warning_can_be_put_away(build: Build) -> None:
    def warned(door: ScriptedDoor) -> None:
        door.tell(*opened(), e.Noticed(at=1.0, text="Beware of the dog", severity="warning"))

    app = build(warned)
    async with app.run_test() as pilot:
        await settle(pilot)
        assert app.view.notice.text == "Beware of the dog"
        await pilot.press("escape")
        await settle(pilot)
        assert app.view.notice.text == ""
        app.scripted.tell(e.Noticed(at=2.0, text="And of the cat", severity="error"))
        await settle(pilot)
        assert app.view.notice.text == "And of the cat"


async def test_a_replay_takes_nothing_new(build: Build) -> None:
    app = build(kyoto, sound=False, live=False)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        hints = [action for action, _, _ in app.query_one(KeyLine).hints]
        assert hints == ["sessions", "search", "palette", "help"]
        await pilot.press(*"hello p", "ctrl+s", "ctrl+z", "tab", "enter")
        await settle(pilot)
        assert app.talk.prompt.value == ""
        assert app.scripted.posted == []
