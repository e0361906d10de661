"""Held keys as terminals with the kitty protocol report them, and bursts of characters."""

from __future__ import annotations

import asyncio

import pytest
from textual.events import Key, Paste

from tests.ui.conftest import Build, settle
from tests.ui.scripted_session_harness import session_opened
from tui_voice.conversation import events as e
from tui_voice.ui import session_controller
from tui_voice.ui.held_keys import HeldKeyParser, as_pasted
from tui_voice.ui.screens.session import SessionScreen


def keys(sequence: str) -> list[tuple[str, str | None]]:
    return [
        (event.key, event.character)
        for event in HeldKeyParser().feed(sequence)
        if isinstance(event, Key)
    ]


@pytest.mark.parametrize(
    ("sequence", "read"),
    [
        ("\x1b[32;;32u", [("space", " ")]),
        ("\x1b[32;1:1;32u", [("space", " ")]),
        ("\x1b[32;1:2;32u", [("repeated+space", " ")]),
        ("\x1b[32;1:3u", [("released+space", None)]),
        ("\x1b[97;1:1;97u", [("a", "a")]),
        ("\x1b[97;1:2;97u", [("a", "a")]),
        ("\x1b[97;1:3u", []),
        ("\x1b[1;1:1A", [("up", None)]),
        ("\x1b[1;1:3A", []),
        ("\x1b[115;5:1u", [("ctrl+s", None)]),
        ("\x1b[115;5:3u", []),
        ("\x1b[13;1:3u", []),
        (" ", [("space", " ")]),
        ("\x1b[A", [("up", None)]),
    ],
)
def test_presses_repeats_and_releases(sequence: str, read: list[tuple[str, str | None]]) -> None:
    assert keys(sequence) == read


@pytest.mark.parametrize(("held", "posted"), [(0.0, 2), (1e9, 1)])
async def test_a_held_talk_key_is_push_to_talk(
    build: Build, monkeypatch: pytest.MonkeyPatch, held: float, posted: int
) -> None:
    monkeypatch.setattr(session_controller, "HOLD_SECONDS", held)
    app = build(lambda session: session.deliver(*session_opened()))
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("space")
        await settle(pilot)
        app.session_screen.post_message(Key("repeated+space", " "))
        app.session_screen.post_message(Key("released+space", None))
        await settle(pilot)
        both = [e.TalkPressed(), e.TalkReleased()]
        assert app.scripted.posted == both[:posted]
        assert app.session_screen.prompt.value == ""


async def test_the_release_of_a_tap_does_nothing(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_controller, "HOLD_SECONDS", 1e9)
    app = build(lambda session: session.deliver(*session_opened()))
    async with app.run_test() as pilot:
        await settle(pilot)
        for _ in range(2):
            await pilot.press("space")
            app.session_screen.post_message(Key("released+space", None))
            await settle(pilot)
        assert app.scripted.posted == [e.TalkPressed(), e.TalkReleased()]


def read_at_once(sequence: str) -> list[str]:
    return [
        f"paste {event.text}" if isinstance(event, Paste) else event.key
        for event in as_pasted(HeldKeyParser().feed(sequence))
        if isinstance(event, Key | Paste)
    ]


@pytest.mark.parametrize(
    ("sequence", "read"),
    [
        ("my map, please", ["paste my map, please"]),
        ("mute\r", ["paste mute", "enter"]),
        ("mp", ["m", "p"]),
        ("mmmmmm", ["m"] * 6),
        ("\x1b[A" * 4, ["up"] * 4),
        ("\x1b[200~mute me\x1b[201~", ["paste mute me"]),
    ],
)
def test_a_burst_of_characters_is_a_paste(sequence: str, read: list[str]) -> None:
    assert read_at_once(sequence) == read


@pytest.mark.parametrize("pasted", ["mute me", "pin it\nand go on", " hello"])
async def test_pasted_text_presses_no_keys(build: Build, pasted: str) -> None:
    app = build(lambda session: session.deliver(*session_opened()))
    async with app.run_test() as pilot:
        await settle(pilot)
        app.post_message(Paste(pasted))
        for key in "! p m\r":  # at once, before anything has been drawn
            name = {" ": "space", "!": "exclamation_mark", "\r": "enter"}.get(key, key)
            app.post_message(Key(name, key))
        await settle(pilot)
        sent = [event.text for event in app.scripted.posted if isinstance(event, e.TextSubmitted)]
        assert sent == [pasted.strip() + "! p m"]
        assert len(app.scripted.posted) == 1


async def test_keys_pressed_before_the_prompt_exists_are_kept(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = build(lambda session: session.deliver(*session_opened()))
    mount_rest = SessionScreen.mount_rest

    async def mount_while_keys_are_pressed(screen: SessionScreen) -> None:
        app.post_message(Key("h", "h"))
        app.post_message(Paste("ello you"))
        for _ in range(9):
            await asyncio.sleep(0)  # an application that handled the keys now would lose them
        assert not screen.complete
        await mount_rest(screen)

    monkeypatch.setattr(SessionScreen, "mount_rest", mount_while_keys_are_pressed)
    async with app.run_test() as pilot:
        await settle(pilot)
        assert app.session_screen.prompt.value == "hello you"


@pytest.mark.parametrize(
    ("reads", "read"),
    [
        (["\x1bhelp"], ["escape", "h", "e", "l", "p"]),
        (["\x1b", "help"], ["escape", "h", "e", "l", "p"]),
        (["\x1bh", "elp"], ["alt+h", "e", "l", "p"]),  # the key queue makes it Esc and h
        (["\x1bOpen"], ["escape", "O", "p", "e", "n"]),
        (["\x1b\rx"], ["alt+enter", "x"]),
        (["\x1b[1", ";5A"], ["ctrl+up"]),
        (["\x1b\x1b[A", "\x1bO", "P"], ["escape", "up", "f1"]),
        (["\x1bb"], ["ctrl+left"]),
        (["\x1b[200~a\x1bb\x1b[201~c"], ["paste ab", "c"]),
    ],
)
def test_escape_before_text(reads: list[str], read: list[str]) -> None:
    parser = HeldKeyParser()
    events = [event for text in reads for event in parser.read(text)]
    assert [
        f"paste {event.text}" if isinstance(event, Paste) else event.key
        for event in events
        if isinstance(event, Key | Paste)
    ] == read


async def test_alt_and_a_letter_that_nothing_is_bound_to_is_escape_and_the_letter(
    build: Build,
) -> None:
    app = build(lambda session: session.deliver(*session_opened()))
    async with app.run_test() as pilot:
        await settle(pilot)
        app.post_message(Key("alt+h", "h"))
        app.post_message(Key("i", "i"))
        await settle(pilot)
        assert app.session_screen.prompt.value == "hi"
        assert app.session_screen.typing


def test_a_terminal_that_reports_releases_says_so() -> None:
    parser = HeldKeyParser()
    assert not [event for event in parser.read("\x1b[?3u") if isinstance(event, Key)]
    assert parser.reports_release
