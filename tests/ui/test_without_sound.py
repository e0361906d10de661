"""Sessions in which the user cannot speak, and notices that the user dismisses."""

from __future__ import annotations

from html import unescape

import pytest

from tests.ui.conftest import Build, settle
from tests.ui.scripted_session_harness import ScriptedSession, kyoto_session, session_opened
from tui_voice.conversation import events as e
from tui_voice.runtime.session_handle import Meters
from tui_voice.ui import open_session
from tui_voice.ui.notices import ANSWER_SECONDS
from tui_voice.ui.widgets.footer import KeyHintsLine
from tui_voice.ui.widgets.notice import NoticeLine


async def test_without_a_microphone_no_key_offers_to_talk(build: Build) -> None:
    app = build(lambda session: session.deliver(*session_opened()))
    app.scripted.current_meters = Meters(has_microphone=False)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        assert app.session_screen.typing
        app._drawing.read_meters()
        assert " no microphone " in app.session_screen.header.render_line(0).text
        shown = unescape(app.export_screenshot()).replace("\xa0", " ")
        assert shown.count("no microphone") == 1, "it is told once"
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


async def test_a_notice_ends_by_itself_the_sooner_the_less_it_matters(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(open_session, "monotonic", lambda: clock[0])

    def noticed(session: ScriptedSession) -> None:
        session.deliver(
            *session_opened(),
            e.Noticed(at=1.0, text="An error", severity="error"),
            e.Noticed(at=1.0, text="A warning", severity="warning"),
            e.Noticed(at=1.0, text="A hint"),
        )

    app = build(noticed, live=True)
    async with app.run_test() as pilot:
        await settle(pilot)
        shown = []
        for seconds in (0, 20, 60, 10_000):
            clock[0] += seconds
            app._drawing.read_meters()
            shown.append(app.query_one(NoticeLine).shown.text)
        assert shown == ["A hint", "A warning", "An error", "An error"]


async def test_what_a_key_has_done_is_said_in_the_notice_line_for_some_seconds(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ANSWER_SECONDS, "info", 0.2)
    app = build(kyoto_session)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await settle(pilot)
        line = app.query_one(NoticeLine)
        place, height = line.region, app.session_screen.transcript.size.height
        app.notify("16 words copied")
        assert line.shown.text == "16 words copied"
        await pilot.pause()
        assert line.region == place, "nothing moves"
        assert app.session_screen.transcript.size.height == height
        assert not app.screen.query("Toast")
        while line.shown.text:
            await pilot.pause()
