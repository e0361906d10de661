"""The countdown of a silence: what the screen shows, and which key stops it."""

from __future__ import annotations

import pytest

from tests.ui.conftest import Build, settle
from tests.ui.scripted_session_harness import ScriptedSession, kyoto_session
from tui_voice.conversation import events as e


def silent_session(session: ScriptedSession) -> None:
    """A session whose microphone closes in 10 s."""
    kyoto_session(session)
    started = e.CountdownStarted(closes="microphone", seconds=10)
    session.deliver(e.TalkPressed(at=session.now + 1), started)


@pytest.mark.parametrize("key", ["space", "a", "escape"])
async def test_any_key_stops_the_countdown_and_the_talk_key_does_nothing_else(
    build: Build, key: str
) -> None:
    app = build(silent_session)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        notice = app.view.notice
        assert notice.text == "Nobody speaks: the microphone closes in 10 s"
        assert notice.hint == "Any key or speech stops this."
        assert notice.severity == "info"
        await pilot.press(key)
        await settle(pilot)
        assert e.PresenceShown() in app.scripted.posted
        assert not any(isinstance(event, e.TalkReleased) for event in app.scripted.posted)
        assert app.scripted.snapshot.situation.microphone.open
        assert "Nobody speaks" not in app.view.notice.text
        assert app.session_screen.prompt.text == ("a" if key == "a" else "")
        await pilot.press("space")
        await settle(pilot)
        assert app.scripted.posted.count(e.PresenceShown()) == 1


async def test_a_connection_that_was_closed_for_silence_is_no_error(build: Build) -> None:
    app = build()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        app.scripted.deliver(
            e.ConnectionLost(reason="Nobody spoke.", hint="Talk or type.", released=True)
        )
        await settle(pilot)
        assert (app.view.notice.text, app.view.notice.severity) == ("Nobody spoke.", "info")
