"""The application: its start, its threads, its frame rate, its errors."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.ui.conftest import Build, settle
from tests.ui.scripted_session_harness import ScriptedSession, kyoto_session, session_opened
from tests.ui.session_screen_harness import idle
from tui_voice.conversation import events as e
from tui_voice.errors import BackendError, SettingsError
from tui_voice.protocol.engine_names import BUILT_IN_CHAT
from tui_voice.runtime.session_handle import Meters
from tui_voice.ui.app import VoiceApp
from tui_voice.ui.messages import SnapshotMailbox
from tui_voice.ui.options import AppOptions
from tui_voice.ui.screens.list_screen import PAUSE
from tui_voice.ui.screens.sessions import SessionsScreen
from tui_voice.ui.view import SessionView
from tui_voice.ui.widgets.notice import NoticeLine

_PAINT = """
import sys
from tui_voice.ui.app import VoiceApp
class Painted(VoiceApp):
    async def _after_first_paint(self):
        heavy = ["openai", "numpy", "pydantic", "websockets", "msgspec", "transitions",
                 "tui_voice.conversation.conversation", "tui_voice.store", "tui_voice.runtime"]
        print(sorted(set(heavy) & set(sys.modules)))
        self.exit()
Painted(lambda session_id: None).run(headless=True, size=(120, 36))
"""


def test_the_first_paint_imports_no_heavy_module() -> None:
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", _PAINT], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip().endswith("[]")


async def test_the_session_is_opened_in_a_thread_after_the_first_paint() -> None:
    threads: list[threading.Thread] = []
    session = ScriptedSession()
    session.deliver(*session_opened())

    def open_handle(_id: str | None) -> ScriptedSession:
        threads.append(threading.current_thread())
        return session

    app = VoiceApp(open_handle, AppOptions(live=False))
    async with app.run_test() as pilot:
        await settle(pilot)
        assert app.session.handle is session
    assert threads[0] is not threading.main_thread()


async def test_a_saved_session_is_opened_by_its_id() -> None:
    opened: list[str | None] = []
    session = kyoto_session(ScriptedSession())

    def open_handle(session_id: str | None) -> ScriptedSession:
        opened.append(session_id)
        return session

    app = VoiceApp(open_handle, AppOptions(live=False), session_id="2026-04-04-1238-abcd")
    async with app.run_test() as pilot:
        await settle(pilot)
    assert opened == ["2026-04-04-1238-abcd"]


@pytest.mark.parametrize(("key", "opened"), [("enter", "2026-03-14-1202-kyto"), ("escape", None)])
async def test_without_an_id_the_user_chooses_the_session_to_resume(
    folder: Path, key: str, opened: str | None
) -> None:
    """`tui-voice resume` lists the saved sessions first. Esc there opens a new session."""
    ids: list[str | None] = []

    def open_handle(session_id: str | None) -> ScriptedSession:
        ids.append(session_id)
        return kyoto_session(ScriptedSession())

    options = AppOptions(live=False, sessions=folder)
    app = VoiceApp(open_handle, options, choose_session=True)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        assert isinstance(app.screen, SessionsScreen)
        assert ids == []
        await pilot.press(*"kyoto")
        await pilot.pause(2 * PAUSE)
        await pilot.press(key)
        await settle(pilot)
        assert app.screen is app.session_screen
    assert ids == [opened]


async def test_a_session_that_cannot_be_opened_is_an_error_with_its_remedy() -> None:
    def open_handle(_id: str | None) -> ScriptedSession:
        raise BackendError("the model gpt-x is not known", "`--model` takes another.")

    app = VoiceApp(open_handle, AppOptions(live=False))
    async with app.run_test() as pilot:
        await settle(pilot)
        notice = app.query_one(NoticeLine).notice
        assert notice.text == "the model gpt-x is not known"
        assert notice.hint == "`--model` takes another."
        assert notice.severity == "error"
        await pilot.press(*"hello", "enter")
        await settle(pilot)
        assert app.session_screen.prompt.value == "hello"  # the text that cannot be sent is kept
        await pilot.press("escape", "ctrl+q")


async def test_a_bug_ends_the_application_and_is_kept_as_its_failure() -> None:
    def open_handle(_id: str | None) -> ScriptedSession:
        raise ZeroDivisionError

    app = VoiceApp(open_handle, AppOptions(live=False))
    async with app.run_test() as pilot:
        await pilot.pause()
        await app.workers.wait_for_complete([w for w in app.workers if w.group != "session"])
        await settle_until_exit(app, pilot)
    assert isinstance(app.failure, ZeroDivisionError)


async def settle_until_exit(app: VoiceApp, pilot: object) -> None:
    while app.failure is None:
        await pilot.pause()  # type: ignore[attr-defined]  # seen by the test itself


async def test_snapshots_may_come_from_any_thread(build: Build) -> None:
    app = build(lambda session: session.deliver(*session_opened()))
    async with app.run_test() as pilot:
        await settle(pilot)

        def speak() -> None:
            for number in range(200):
                app.scripted.deliver(e.TextSubmitted(item_id=f"t{number}", text=f"turn {number}"))

        thread = threading.Thread(target=speak)
        thread.start()
        while thread.is_alive() or len(app.view.turns or ()) < 200:
            await pilot.pause()
        assert app.view.turns is app.scripted.snapshot.ledger.turns


def test_a_newer_snapshot_replaces_an_unread_one() -> None:
    woken: list[SnapshotMailbox] = []
    mailbox = SnapshotMailbox(woken.append)
    session = ScriptedSession()
    session.subscribe(mailbox.put)
    session.deliver(*session_opened())
    session.deliver(e.SessionRenamed(title="two"))
    assert len(woken) == 1
    newest = mailbox.take()
    assert newest is not None
    assert newest.ledger.title == "two"
    assert mailbox.take() is None
    session.deliver(e.SessionRenamed(title="three"))
    assert len(woken) == 2


async def test_many_deltas_are_few_drawings(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    app = build(kyoto_session)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        drawn = 0
        show = app.session_screen.show

        def count(view: SessionView) -> None:
            nonlocal drawn
            drawn += 1
            show(view)

        monkeypatch.setattr(app.session_screen, "show", count)
        for number in range(100):
            app.scripted.deliver(e.TranscriptGrew(item_id="a13", text=f" word{number}"))
        last = app.view.turns
        while app.view.turns is not app.scripted.snapshot.ledger.turns:
            await pilot.pause()
        assert app.view.turns is not last
        assert drawn <= 3


async def test_the_state_strip_says_what_is_loading(build: Build) -> None:
    app = build(lambda session: session.deliver(*session_opened()))
    app.scripted.current_meters = Meters(
        progress="loading hibari", engines=f"moonshine · hibari · {BUILT_IN_CHAT}"
    )
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        assert "loading hibari" in app.session_screen.status.render_line(0).text
        assert f"{BUILT_IN_CHAT} · hibari" in app.session_screen.header.render_line(0).text
        page = app.session_screen.transcript
        lines = [page.render_line(y).text for y in range(page.size.height)]
        assert any("for trying the app out" in line for line in lines)


async def test_the_level_meter_moves_and_rests(build: Build) -> None:
    app = build(kyoto_session)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        app.session_screen.status.draw_level(Meters(speaker=1.0))
        assert "█" in app.session_screen.status.render_line(0).text
        assert not app.session_screen.status.silent_level
        for _ in range(10):
            app.session_screen.status.draw_level(Meters())
        assert app.session_screen.status.silent_level


@pytest.mark.parametrize("theme", ["textual-light", "nord", "tui-voice-light", "dracula"])
async def test_any_theme_can_be_drawn(build: Build, theme: str) -> None:
    app = build(kyoto_session, theme=theme)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        assert app.current_theme.name == theme
        transcript = app.session_screen.transcript
        width = transcript.scrollable_content_region.width
        assert transcript.render_line(0).cell_length == width
        assert "Kyoto in April" in app.session_screen.header.render_line(0).text


@pytest.mark.parametrize(
    ("seconds", "shown", "first"),
    [
        (60, "01:00", 110),
        (3600, "1:00:00", 110),
        (86_399, "23:59:59", 110),
        (86_400, "1 d 00:00", 0),
        (864_000, "10 d 00:00", 0),
    ],
)
async def test_each_second_the_columns_of_the_duration_alone_are_drawn(
    build: Build, monkeypatch: pytest.MonkeyPatch, seconds: int, shown: str, first: int
) -> None:
    app = build(idle)
    async with app.run_test(size=(120, 36)) as pilot:
        header = app.session_screen.header
        header.seconds = seconds - 1
        await settle(pilot)
        drawn: list[tuple[int, int, int]] = []
        monkeypatch.setattr(app, "_display", lambda _screen, update: drawn.extend(update.spans))
        header.seconds = seconds
        await pilot.pause()
        assert header.render_line(0).text.endswith(f" {shown} ")
        assert drawn == [(0, first, 119 if first else 120)]


async def test_the_limits_dialog_changes_the_limits(build: Build) -> None:
    app = build(kyoto_session)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        before = app.view.gauge.trigger
        app.dialogs.change_limits()
        await settle(pilot)
        await pilot.press("ctrl+u", *"9000", "space", "4", "enter")
        await settle(pilot)
        assert (app.scripted.limits.trigger, app.scripted.limits.keep) == (9000, 4)
        assert before > 9000 >= app.view.gauge.trigger
        app.dialogs.change_limits()
        await settle(pilot)
        await pilot.press("ctrl+u", *"90", "space", "4", "enter")
        await settle(pilot)
        assert app.scripted.limits.trigger == 9000, "refused"
        assert "every turn would be pruned" in app.query_one(NoticeLine).shown.text


async def test_settings_with_which_no_session_can_be_opened_end_the_application() -> None:
    error = SettingsError("context.trigger 5 (--trigger) is too low.", "Set it to 133 or more.")

    def refuse(_id: str | None) -> ScriptedSession:
        raise error

    app = VoiceApp(refuse)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await app.workers.wait_for_complete()
        await pilot.pause()
    assert app.failure is error
    assert app.return_code == 2
