"""The application around the talk: its start, its thread border, its errors."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.ui.conftest import Build, settle
from tests.ui.scripted import ScriptedDoor, kyoto, opened
from tui_voice.conversation import events as e
from tui_voice.errors import BackendError, SettingsError
from tui_voice.runtime.session_handle import Meters
from tui_voice.ui.app import VoiceApp
from tui_voice.ui.messages import Mailbox
from tui_voice.ui.options import Options
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


def test_nothing_heavy_is_loaded_by_the_first_paint() -> None:
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", _PAINT], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip().endswith("[]")


async def test_the_door_is_opened_in_a_thread_after_the_paint() -> None:
    threads: list[threading.Thread] = []
    door = ScriptedDoor()
    door.tell(*opened())

    def open_door(_talk: str | None) -> ScriptedDoor:
        threads.append(threading.current_thread())
        return door

    app = VoiceApp(open_door, Options(live=False))
    async with app.run_test() as pilot:
        await settle(pilot)
        assert app.door is door
    assert threads[0] is not threading.main_thread()


async def test_a_saved_talk_is_asked_for_by_its_id() -> None:
    wanted: list[str | None] = []
    door = kyoto(ScriptedDoor())

    def open_door(talk: str | None) -> ScriptedDoor:
        wanted.append(talk)
        return door

    app = VoiceApp(open_door, Options(live=False), session_id="2026-04-04-1238-abcd")
    async with app.run_test() as pilot:
        await settle(pilot)
    assert wanted == ["2026-04-04-1238-abcd"]


async def test_a_door_that_does_not_open_is_said_in_a_sentence() -> None:
    def open_door(_talk: str | None) -> ScriptedDoor:
        raise BackendError("the model gpt-x is not known", "`--model` takes another.")

    app = VoiceApp(open_door, Options(live=False))
    async with app.run_test() as pilot:
        await settle(pilot)
        notice = app.query_one(NoticeLine).notice
        assert notice.text == "the model gpt-x is not known"
        assert notice.hint == "`--model` takes another."
        assert notice.severity == "error"
        await pilot.press(*"hello", "enter")
        await settle(pilot)
        assert app.talk.prompt.value == "hello"  # nothing is lost that could not be sent
        await pilot.press("escape", "ctrl+q")


async def test_our_own_bug_ends_the_application_and_is_handed_on() -> None:
    def open_door(_talk: str | None) -> ScriptedDoor:
        raise ZeroDivisionError

    app = VoiceApp(open_door, Options(live=False))
    async with app.run_test() as pilot:
        await pilot.pause()
        await app.workers.wait_for_complete([w for w in app.workers if w.group != "door"])
        await settle_until_exit(app, pilot)
    assert isinstance(app.failure, ZeroDivisionError)


async def settle_until_exit(app: VoiceApp, pilot: object) -> None:
    while app.failure is None:
        await pilot.pause()  # type: ignore[attr-defined]  # seen by the test itself


async def test_snapshots_may_come_from_any_thread(build: Build) -> None:
    app = build(lambda door: door.tell(*opened()))
    async with app.run_test() as pilot:
        await settle(pilot)

        def talk() -> None:
            for number in range(200):
                app.scripted.tell(e.TextSubmitted(item_id=f"t{number}", text=f"turn {number}"))

        thread = threading.Thread(target=talk)
        thread.start()
        while thread.is_alive() or len(app.view.turns or ()) < 200:
            await pilot.pause()
        assert app.view.turns is app.scripted.snapshot.ledger.turns


def test_a_newer_snapshot_replaces_an_unread_one() -> None:
    woken: list[Mailbox] = []
    mailbox = Mailbox(woken.append)
    door = ScriptedDoor()
    door.subscribe(mailbox.put)
    door.tell(*opened())
    door.tell(e.SessionRenamed(title="two"))
    assert len(woken) == 1
    newest = mailbox.take()
    assert newest is not None
    assert newest.ledger.title == "two"
    assert mailbox.take() is None
    door.tell(e.SessionRenamed(title="three"))
    assert len(woken) == 2


async def test_many_words_are_one_picture(build: Build) -> None:
    app = build(kyoto)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        drawn = 0
        redraw = app.redraw

        def count() -> None:
            nonlocal drawn
            drawn += 1
            redraw()

        app.redraw = count
        for number in range(100):
            app.scripted.tell(e.TranscriptGrew(item_id="a13", text=f" word{number}"))
        last = app.view.turns
        while app.view.turns is not app.scripted.snapshot.ledger.turns:
            await pilot.pause()
        assert app.view.turns is not last
        assert drawn <= 3


async def test_what_is_loading_is_said_beside_the_state(build: Build) -> None:
    app = build(lambda door: door.tell(*opened()))
    app.scripted.levels = Meters(progress="loading hibari", engines="moonshine, SmolLM2, hibari")
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        assert "loading hibari" in app.talk.status.render_line(0).text
        assert "moonshine, SmolLM2, hibari" in app.talk.header.render_line(0).text


async def test_the_meter_moves_and_rests(build: Build) -> None:
    app = build(kyoto)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        app.talk.status.tick(Meters(speaker=1.0))
        assert "█" in app.talk.status.render_line(0).text
        assert not app.talk.status.still
        for _ in range(10):
            app.talk.status.tick(Meters())
        assert app.talk.status.still


@pytest.mark.parametrize("theme", ["textual-light", "nord", "tui-voice-light", "dracula"])
async def test_any_theme_can_be_drawn(build: Build, theme: str) -> None:
    app = build(kyoto, theme=theme)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        assert app.current_theme.name == theme
        strip = app.talk.transcript.render_line(0)
        assert strip.cell_length == app.talk.transcript.painter.width


async def test_limits_are_changed_in_words(build: Build) -> None:
    app = build(kyoto)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        before = app.view.gauge.trigger
        app.change_limits()
        await settle(pilot)
        await pilot.press("ctrl+u", *"9000", "space", "4", "enter")
        await settle(pilot)
        assert (app.scripted.limits.trigger, app.scripted.limits.keep) == (9000, 4)
        assert before > 9000 >= app.view.gauge.trigger
        app.change_limits()
        await settle(pilot)
        await pilot.press("ctrl+u", *"90", "space", "4", "enter")
        await settle(pilot)
        assert app.scripted.limits.trigger == 9000, "refused"
        (told,) = [note.message for note in app._notifications]
        assert "every turn would be pruned. Set the trigger to" in told


async def test_settings_that_no_talk_can_be_had_with_end_it_with_the_reason() -> None:
    error = SettingsError("context.trigger 5 (--trigger) is too low.", "Set it to 133 or more.")

    def refuse(_talk_id: str | None) -> ScriptedDoor:
        raise error

    app = VoiceApp(refuse)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await app.workers.wait_for_complete()
        await pilot.pause()
    assert app.failure is error
    assert app.return_code == 2
