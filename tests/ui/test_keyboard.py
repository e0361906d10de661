"""Keys that are held, as terminals with the kitty protocol report them."""

from __future__ import annotations

import pytest
from textual.events import Key, Paste

from tests.ui.conftest import Build, settle
from tests.ui.scripted import opened
from tui_voice.conversation import events as e
from tui_voice.ui.keyboard import HeldKeyParser, as_pasted
from tui_voice.ui.screens import session_keys


def keys(told: str) -> list[tuple[str, str | None]]:
    return [
        (event.key, event.character)
        for event in HeldKeyParser().feed(told)
        if isinstance(event, Key)
    ]


@pytest.mark.parametrize(
    ("told", "read"),
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
def test_presses_repeats_and_releases(told: str, read: list[tuple[str, str | None]]) -> None:
    assert keys(told) == read


@pytest.mark.parametrize(("held", "posted"), [(0.0, 2), (1e9, 1)])
async def test_a_hold_speaks_until_it_is_let_go(
    build: Build, monkeypatch: pytest.MonkeyPatch, held: float, posted: int
) -> None:
    monkeypatch.setattr(session_keys, "HELD", held)
    app = build(lambda door: door.tell(*opened()))
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("space")
        await settle(pilot)
        app.talk.post_message(Key("repeated+space", " "))
        app.talk.post_message(Key("released+space", None))
        await settle(pilot)
        both = [e.TalkPressed(), e.TalkReleased()]
        assert app.scripted.posted == both[:posted]
        assert app.talk.prompt.value == ""


async def test_letting_go_after_closing_by_a_tap_does_nothing(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_keys, "HELD", 1e9)
    app = build(lambda door: door.tell(*opened()))
    async with app.run_test() as pilot:
        await settle(pilot)
        for _ in range(2):
            await pilot.press("space")
            app.talk.post_message(Key("released+space", None))
            await settle(pilot)
        assert app.scripted.posted == [e.TalkPressed(), e.TalkReleased()]


def read_at_once(told: str) -> list[str]:
    return [
        f"paste {event.text}" if isinstance(event, Paste) else event.key
        for event in as_pasted(HeldKeyParser().feed(told))
        if isinstance(event, Key | Paste)
    ]


@pytest.mark.parametrize(
    ("told", "read"),
    [
        ("my map, please", ["paste my map, please"]),
        ("mute\r", ["paste mute", "enter"]),
        ("mp", ["m", "p"]),
        ("mmmmmm", ["m"] * 6),
        ("\x1b[A" * 4, ["up"] * 4),
        ("\x1b[200~mute me\x1b[201~", ["paste mute me"]),
    ],
)
def test_what_comes_in_one_burst_was_not_typed(told: str, read: list[str]) -> None:
    assert read_at_once(told) == read


@pytest.mark.parametrize("pasted", ["mute me", "pin it\nand go on", " hello"])
async def test_pasted_text_is_no_row_of_keys(build: Build, pasted: str) -> None:
    app = build(lambda door: door.tell(*opened()))
    async with app.run_test() as pilot:
        await settle(pilot)
        app.post_message(Paste(pasted))
        for key in "! p m\r":  # at once, before anything has been drawn
            name = {" ": "space", "!": "exclamation_mark", "\r": "enter"}.get(key, key)
            app.post_message(Key(name, key))
        await settle(pilot)
        said = [event.text for event in app.scripted.posted if isinstance(event, e.TextSubmitted)]
        assert said == [" ".join(pasted.split("\n")).strip() + "! p m"]
        assert len(app.scripted.posted) == 1


async def test_what_is_typed_while_it_starts_is_kept(build: Build) -> None:
    app = build(lambda door: door.tell(*opened()))
    async with app.run_test() as pilot:
        assert not app.talk.furnished
        app.post_message(Key("h", "h"))
        app.post_message(Paste("ello you"))
        await settle(pilot)
        assert app.talk.prompt.value == "hello you"
