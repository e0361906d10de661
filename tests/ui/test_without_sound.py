"""Sessions in which the user cannot speak, and notices that the user dismisses."""

from __future__ import annotations

from tests.ui.conftest import Build, settle
from tests.ui.scripted_session_harness import ScriptedSession, kyoto_session, session_opened
from tui_voice.conversation import events as e
from tui_voice.runtime.session_handle import Meters
from tui_voice.ui.widgets.footer import KeyHintsLine


async def test_without_a_microphone_no_key_offers_to_talk(build: Build) -> None:
    app = build(lambda session: session.deliver(*session_opened()))
    app.scripted.current_meters = Meters(has_microphone=False)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        assert app.session_screen.typing
        assert "no microphone" in app.session_screen.prompt.placeholder
        assert "no microphone" in app.session_screen.status.render_line(0).text
        await pilot.press("escape")
        assert not {"talk", "mute"} & {action for action, _, _ in app.query_one(KeyHintsLine).hints}
        assert "talk" not in [action for action, _, _ in app.query_one(KeyHintsLine).hints]
        await pilot.press("space", *"hi")  # the talk key focuses the prompt
        await settle(pilot)
        assert app.session_screen.prompt.value == "hi"
        assert app.scripted.posted == []


async def test_escape_dismisses_a_warning(build: Build) -> None:
    def warned(session: ScriptedSession) -> None:
        session.deliver(
            *session_opened(), e.Noticed(at=1.0, text="Beware of the dog", severity="warning")
        )

    app = build(warned)
    async with app.run_test() as pilot:
        await settle(pilot)
        assert app.view.notice.text == "Beware of the dog"
        await pilot.press("escape")
        await settle(pilot)
        assert app.view.notice.text == ""
        app.scripted.deliver(e.Noticed(at=2.0, text="And of the cat", severity="error"))
        await settle(pilot)
        assert app.view.notice.text == "And of the cat"


async def test_a_replay_takes_no_input(build: Build) -> None:
    app = build(kyoto_session, sound=False, live=False)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        hints = [action for action, _, _ in app.query_one(KeyHintsLine).hints]
        assert hints == ["", "raw", "find", "sessions", "search", "palette", "help"]
        await pilot.press(*"hello p", "ctrl+s", "ctrl+z", "tab", "enter")
        await settle(pilot)
        assert app.session_screen.prompt.value == ""
        assert app.scripted.posted == []
