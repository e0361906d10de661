"""Commands that are typed in the prompt, and how they are completed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from textual.events import Key, Paste

from tests.images_harness import png
from tests.ui.conftest import AppUnderTest, Build, settle
from tests.ui.scripted_session_harness import ScriptedSession, kyoto_session, session_opened
from tests.ui.test_mode_rule import idle
from tui_voice.config import load
from tui_voice.config.editor import SettingsEditor
from tui_voice.conversation import events as e
from tui_voice.conversation.policies import POLICIES
from tui_voice.errors import SettingsError
from tui_voice.store.images import images
from tui_voice.ui import session_dialogs
from tui_voice.ui.screens.dialogs import TextQuestion
from tui_voice.ui.screens.export import ExportDialog
from tui_voice.ui.screens.help import HelpScreen
from tui_voice.ui.screens.memory import MemoryScreen
from tui_voice.ui.screens.search import SearchScreen
from tui_voice.ui.screens.sessions import SessionsScreen
from tui_voice.ui.slash_commands import COMMANDS, MOST_SHOWN
from tui_voice.ui.widgets.notice import NoticeLine


def shown(app: AppUnderTest) -> list[str]:
    """Returns the lines above the prompt."""
    commands = app.session_screen.prompt.commands
    return ["".join(text for text, _ in line).strip() for line in commands.lines(80)]


@pytest.mark.parametrize(
    ("typed", "event"),
    [
        ("/summarise", e.SummarisePressed()),
        ("/summarise names and sums", e.SummarisePressed(focus="names and sums")),
        ("/rename Spring in Kyoto", e.SessionRenamed(title="Spring in Kyoto")),
        ("/mute", e.MuteChanged(muted=True)),
        ("/restore", e.RestorePressed(turn_ids=())),
        ("/device microphone USB", e.DeviceChosen(direction="input", device="USB")),
        ("/device loudspeaker USB", e.DeviceChosen(direction="output", device="USB")),
    ],
)
async def test_commands_that_are_an_event(build: Build, typed: str, event: e.Event) -> None:
    app = build(idle)
    async with app.run_test(size=(120, 36)) as pilot:
        app.scripted.deliver(e.TalkPressed())  # an open microphone can be muted
        await settle(pilot)
        app.post_message(Paste(typed))
        app.post_message(Key("enter", "\r"))
        await pilot.pause()
        await pilot.pause()
        assert app.scripted.posted == [event]
        assert app.session_screen.prompt.value == ""


@pytest.mark.parametrize(
    ("typed", "screen"),
    [
        ("/help", HelpScreen),
        ("/export", ExportDialog),
        ("/search", SearchScreen),
        ("/sessions", SessionsScreen),
        ("/memory", MemoryScreen),
    ],
)
async def test_commands_that_open_a_screen(build: Build, typed: str, screen: type) -> None:
    app = build(idle)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press(*typed, "enter")
        await settle(pilot)
        assert isinstance(app.screen, screen)


async def test_policy_and_limits_change_the_session_at_once(build: Build) -> None:
    app = build(idle)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        other = next(name for name in POLICIES if name != app.scripted.limits.policy)
        await pilot.press(*f"/policy {other}", "enter")
        await settle(pilot)
        assert app.scripted.limits.policy == other
        await pilot.press(*"/limits 9000 4", "enter")
        await settle(pilot)
        assert (app.scripted.limits.trigger, app.scripted.limits.keep) == (9000, 4)
        for noun in ("policy", "voice"):
            await pilot.press(*f"/{noun} nonsense", "enter")
            await settle(pilot)
            assert f"There is no {noun} nonsense" in app.screen.query_one(NoticeLine).shown.text
        assert app.scripted.limits.policy == other


async def test_voice_model_and_speed_open_the_session_again(build: Build) -> None:
    given: dict[str, str] = {}
    opened: list[str | None] = []

    def change(values: Mapping[str, str]) -> None:
        load({**given, **values}, env={})  # raises SettingsError
        given.update(values)

    def open_handle(session_id: str | None) -> ScriptedSession:
        opened.append(session_id)
        session = ScriptedSession()
        kyoto_session(session)
        return session

    app = build(open_handle=open_handle, change_settings=change)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        for typed in ("/voice cedar", "/model gpt-realtime-mini", "/speed 1.25"):
            await pilot.press(*typed, "enter")
            await settle(pilot)
        assert given == {
            "backend.voice": "cedar",
            "backend.model": "gpt-realtime-mini",
            "backend.speed": "1.25",
        }
        assert opened == [None, *["session-0001"] * 3]
        await pilot.press(*"/speed 9", "enter")
        await settle(pilot)
        assert given["backend.speed"] == "1.25"
        assert len(opened) == 4
        with pytest.raises(SettingsError):
            change({"backend.speed": "9"})


async def test_the_list_follows_what_is_typed(build: Build) -> None:
    app = build(lambda session: session.deliver(*session_opened()))
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await pilot.press("slash")
        await settle(pilot)
        assert shown(app)[0].startswith("› /voice NAME")
        await pilot.press("s", "p")
        assert [line.split()[1] for line in shown(app)] == ["/speed"]
        await pilot.press("tab")
        assert app.session_screen.prompt.value == "/speed "
        await pilot.press("down", "down")
        assert "› 0.9" in shown(app), shown(app)
        await pilot.press("escape")
        assert shown(app) == []
        assert app.session_screen.prompt.value == "/speed "
        await pilot.press("enter")
        assert app.session_screen.prompt.value == "/speed ", "it needs an argument"


async def test_enter_completes_a_name_and_runs_what_needs_no_more(build: Build) -> None:
    app = build(idle)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await pilot.press(*"/he", "enter")
        await settle(pilot)
        assert isinstance(app.screen, HelpScreen)


async def test_words_that_are_no_command_are_a_turn(build: Build) -> None:
    app = build(idle)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await pilot.press(*"/etc/hosts is what?", "enter")
        await settle(pilot)
        (sent,) = app.scripted.posted
        assert isinstance(sent, e.TextSubmitted)
        assert sent.text == "/etc/hosts is what?"


async def test_a_command_that_does_not_exist_and_a_wrong_value_are_refused(
    build: Build, tmp_path: Path
) -> None:
    app = build(
        idle, change_settings=lambda _values: None, editor=SettingsEditor(path=tmp_path / "c.toml")
    )
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        for typed, said in (
            ("/sumarise the budget", "There is no command /sumarise. `/` lists them."),
            ("/speed 9", '"9" is not a number from 0.25 to 1.5.'),
        ):
            await pilot.press(*typed, "enter")
            await settle(pilot)
            assert app.screen.query_one(NoticeLine).shown.text == said
        assert app.scripted.posted == []


async def test_find_goes_to_the_newest_hit(build: Build) -> None:
    app = build(idle)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await pilot.press(*"/find shellfish", "enter")
        await settle(pilot)
        assert app.session_screen.transcript.cursor == "a11"
        await pilot.press("N")
        await settle(pilot)
        assert app.session_screen.transcript.cursor == "u11"


async def test_devices_are_offered_by_name(build: Build) -> None:
    names = {"input": [("1", "USB microphone")], "output": [("2", "Speakers")]}
    app = build(idle, devices=names.__getitem__)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await pilot.press(*"/device ")
        await settle(pilot)
        assert shown(app) == [
            *("microphone", "microphone USB microphone", "loudspeaker", "loudspeaker Speakers"),
        ]
        names["output"] = [("3", "Headset")]  # it was plugged in meanwhile
        app.dialogs._devices_listed_at -= session_dialogs.DEVICES_KNOWN_S
        await pilot.press("l")
        await settle(pilot)
        assert shown(app) == ["loudspeaker", "loudspeaker Headset"]


def test_each_command_says_what_it_does() -> None:
    assert all(command.about and len(command.about) < 50 for command in COMMANDS.values())


def spoken(session: ScriptedSession) -> None:
    session.deliver(
        *session_opened(),
        e.SpeechCommitted(at=1.0, item_id="u1"),
        e.TranscriptDone(at=2.0, item_id="u1", text="My dentist is Okafur", uncertain=((14, 20),)),
        e.TextSubmitted(at=3.0, item_id="u2", text="typed"),
    )


async def test_what_was_misheard_is_corrected_by_a_command_or_in_select_mode(build: Build) -> None:
    app = build(spoken)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press(*"/correct My dentist is Okafor", "enter")
        await settle(pilot)
        right = e.TurnCorrected(item_id="u1", text="My dentist is Okafor")
        assert app.scripted.posted == [right]
        await pilot.press("ctrl+t")
        assert not app.session_screen.works("correct"), "a typed turn is not corrected"
        await pilot.press("up", "e")
        await settle(pilot)
        assert isinstance(app.screen, TextQuestion)
        await pilot.press("end", "!", "enter")
        await settle(pilot)
        again = e.TurnCorrected(item_id="u1", text="My dentist is Okafor!")
        assert app.scripted.posted == [right, again]


async def test_an_image_is_attached_or_refused_with_the_reason(
    build: Build, tmp_path: Path
) -> None:
    photo, text = tmp_path / "photo.png", tmp_path / "notes.txt"
    photo.write_bytes(png(640, 480))
    text.write_text("no image")
    app = build(idle)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        app.scripted.path = tmp_path / "session.jsonl"
        app.post_message(Paste(f"/attach {text}"))
        app.post_message(Key("enter", "\r"))
        await settle(pilot)
        assert app.scripted.posted == []
        refused = app.screen.query_one(NoticeLine).shown.text
        assert refused.startswith("notes.txt is neither a PNG nor a JPEG image.")
        app.session_screen.prompt.value = ""
        app.post_message(Paste(f"/attach {photo}"))
        app.post_message(Key("enter", "\r"))
        await settle(pilot)
        [attached] = app.scripted.posted
        assert isinstance(attached, e.ImageAttached)
        assert attached.file == "photo.png"
        assert len(images(app.scripted.path)) == 1


async def test_the_list_says_how_many_more_commands_there_are(build: Build) -> None:
    app = build(idle)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("slash")
        await settle(pilot)
        assert shown(app)[-1] == f"{len(COMMANDS) - MOST_SHOWN} below"
        await pilot.press(*["down"] * MOST_SHOWN)
        assert shown(app)[-1] == f"1 above, {len(COMMANDS) - MOST_SHOWN - 1} below"
        await pilot.press(*["down"] * len(COMMANDS))
        assert shown(app)[-1] == f"{len(COMMANDS) - MOST_SHOWN} above"
        assert len(shown(app)) == MOST_SHOWN + 1
