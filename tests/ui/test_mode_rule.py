"""Letters type wherever the focus is; in select mode the keys of one letter act on a turn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.events import AppBlur, Key, MouseScrollUp, Paste

from tests.ui.conftest import Build, settle
from tests.ui.scripted_session_harness import ScriptedSession, kyoto_session, session_opened
from tests.ui.session_screen_harness import TABS, hints, idle, lit_words
from tui_voice.config import DEFAULT_KEYS
from tui_voice.conversation import events as e
from tui_voice.store import typed_inputs
from tui_voice.ui.held_keys import HeldKeyDriver
from tui_voice.ui.screen_table import key_actions
from tui_voice.ui.widgets.footer import KeyHintsLine

ACTS_ON_TURN = {"p", "c", "slash"}


@pytest.mark.parametrize("place", TABS)
async def test_letters_type_wherever_the_focus_is(build: Build, place: str) -> None:
    app = build(idle)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press(*["tab"] * TABS[place])
        letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
        typed = [one for one in letters if place != "transcript" or one not in ACTS_ON_TURN]
        await pilot.press(*typed)
        await settle(pilot)
        assert app.session_screen.prompt.value == "".join(typed)
        assert app.session_screen.typing
        assert app.scripted.posted == []


async def test_what_is_typed_after_escape_is_text(build: Build) -> None:
    app = build(idle)
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("escape")
        await settle(pilot)
        assert "Esc again: choose a turn" in app.query_one(KeyHintsLine).render_line(0).text
        for key in ("p", "l", "e", "a", "s", "e", "space", "h", "e", "l", "p"):
            await pilot.press(key)
            await settle(pilot)
        assert app.session_screen.prompt.value == "please help"
        assert "again" not in app.query_one(KeyHintsLine).render_line(0).text
        assert app.scripted.posted == []


@pytest.mark.parametrize("keys", [("escape", "escape"), ("ctrl+t",), ("tab",)])
async def test_select_mode_lights_a_turn_and_has_its_own_footer(
    build: Build, keys: tuple[str, ...]
) -> None:
    app = build(idle)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press(*keys)
        await settle(pilot)
        screen = app.session_screen
        assert screen.selecting
        assert screen.transcript.cursor == "a13"
        assert app.query_one(KeyHintsLine).render_line(0).text.startswith(" select ")
        assert {"pin", "copy", "stop", "talk"} <= set(hints(app))
        assert not {"send", "newline", "select"} & set(hints(app))
        await pilot.press("p")
        await settle(pilot)
        assert app.scripted.posted == [e.TurnPinned(item_id="a13", pinned=True)]
        await pilot.press("escape")
        await settle(pilot)
        assert screen.typing
        assert screen.transcript.cursor is None
        assert "pin" not in hints(app)


async def test_a_letter_that_does_not_act_ends_select_mode_and_types(build: Build) -> None:
    app = build(idle)
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("ctrl+t", *"hop")
        await settle(pilot)
        assert app.session_screen.prompt.value == "hop"
        assert app.session_screen.transcript.cursor is None
        assert app.scripted.posted == []


async def test_below_the_newest_turn_is_the_prompt(build: Build) -> None:
    app = build(idle)
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("ctrl+t", "up", "down", "down")
        await settle(pilot)
        assert app.session_screen.typing


@pytest.mark.parametrize("place", TABS)
@pytest.mark.parametrize("typed", ["", "half"])
async def test_space_talks_where_nothing_is_typed_or_a_turn_is_chosen(
    build: Build, place: str, typed: str
) -> None:
    app = build(idle)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press(*typed, *["tab"] * TABS[place], "space")
        await settle(pilot)
        talks = not typed or place == "transcript"
        assert app.scripted.posted == ([e.TalkPressed()] if talks else [])
        assert app.session_screen.prompt.value == (typed if talks else "half ")


@pytest.mark.parametrize("place", TABS)
@pytest.mark.parametrize(
    ("key", "event"),
    [
        ("f4", e.MuteChanged(muted=True)),
        ("ctrl+s", e.SummarisePressed()),
        ("ctrl+z", e.RestorePressed(turn_ids=())),
    ],
)
async def test_control_and_function_keys_act_in_every_focus(
    build: Build, place: str, key: str, event: e.Event
) -> None:
    app = build(idle)
    async with app.run_test(size=(120, 36)) as pilot:
        app.scripted.deliver(e.TalkPressed())  # an open microphone can be muted
        await settle(pilot)
        await pilot.press("x", *["tab"] * TABS[place], key)
        await pilot.pause()
        assert app.scripted.posted == [event]
        assert app.session_screen.prompt.value == "x"


@pytest.mark.parametrize("action", ["summarise", "mute", "talk", "stop", "restore"])
async def test_a_letter_that_a_user_gave_to_an_action_works_in_select_mode_alone(
    build: Build, action: str
) -> None:
    app = build(kyoto_session if action == "stop" else idle, keys={**DEFAULT_KEYS, action: "x"})
    async with app.run_test() as pilot:
        if action == "mute":
            app.scripted.deliver(e.TalkPressed())
        await settle(pilot)
        await pilot.press("a", "x")
        await settle(pilot)
        assert app.session_screen.prompt.value == "ax"
        assert app.scripted.posted == []
        await pilot.press("ctrl+t", "x")
        await settle(pilot)
        assert len(app.scripted.posted) == 1


@pytest.mark.parametrize(("fill", "before"), [(idle, []), (kyoto_session, [e.StopPressed()])])
async def test_two_spaces_at_once_are_two_presses(
    build: Build, fill: Callable[[ScriptedSession], None], before: list[e.Event]
) -> None:
    """Over a reply, too: the first one stops it and opens the microphone."""
    app = build(fill)
    async with app.run_test() as pilot:
        await settle(pilot)
        app.scripted.silent = True  # no snapshot comes between the two
        for _ in range(2):
            app.post_message(Key("space", " "))
        await settle(pilot)
        assert app.scripted.posted == [*before, e.TalkPressed(), e.TalkReleased()]


@pytest.mark.parametrize(
    ("is_open", "posted"), [(False, [e.StopPressed(), e.TalkPressed()]), (True, [e.StopPressed()])]
)
async def test_space_over_a_reply_stops_it(
    build: Build, is_open: bool, posted: list[e.Event]
) -> None:
    def fill(session: ScriptedSession) -> None:
        kyoto_session(session)
        if is_open:
            session.deliver(e.TalkPressed())

    app = build(fill)
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("space")
        await settle(pilot)
        assert app.scripted.posted == posted
        assert app.view.status.microphone_open


@pytest.mark.parametrize(("reports", "posted"), [(True, 2), (False, 1)])
async def test_the_focus_lost_while_space_is_held_ends_the_turn(
    build: Build, monkeypatch: pytest.MonkeyPatch, reports: bool, posted: int
) -> None:
    """Where the terminal does not report releases, the key is a toggle: nobody holds it."""
    monkeypatch.setattr(HeldKeyDriver, "reports_release", reports)
    app = build(idle)
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("space")
        await settle(pilot)
        app.post_message(AppBlur())
        await settle(pilot)
        assert app.scripted.posted == [e.TalkPressed(), e.TalkReleased()][:posted]


async def test_a_tap_stays_open_when_the_focus_is_lost(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HeldKeyDriver, "reports_release", True)
    app = build(idle)
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("space")
        app.post_message(Key("released+space", None))
        await settle(pilot)
        app.post_message(AppBlur())
        await settle(pilot)
        assert app.scripted.posted == [e.TalkPressed()]


# ── the prompt ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("key", ["alt+enter", "ctrl+j", "shift+enter"])
async def test_a_new_line_in_the_prompt(build: Build, key: str) -> None:
    app = build(idle)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("a", key, "b", "enter")
        await settle(pilot)
        (sent,) = app.scripted.posted
        assert isinstance(sent, e.TextSubmitted)
        assert sent.text == "a\nb"


async def test_the_prompt_grows_to_a_third_of_the_screen(build: Build) -> None:
    app = build(idle)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        heights = []
        for _ in range(12):
            await pilot.press("x", "ctrl+j")
            heights.append(app.session_screen.prompt.size.height)
        assert heights == [2, 3, 4, 5, 6, 7, *[7] * 6]
        await pilot.press("enter")
        await settle(pilot)
        assert app.session_screen.prompt.size.height == 1


async def test_a_long_pasted_text_is_a_label_that_expands_and_is_deleted_as_one(
    build: Build,
) -> None:
    app = build(idle)
    text = "\n".join(f"line {number}" for number in range(40))
    async with app.run_test(size=(100, 24)) as pilot:
        await settle(pilot)
        prompt = app.session_screen.prompt
        app.post_message(Paste(text))
        await settle(pilot)
        assert prompt.text == "[paste 1: 40 lines]"
        assert prompt.value == text
        assert hints(app)["expand"] == "expand"
        await pilot.press("left", "left", "a")  # inside the label: goes behind it
        assert prompt.value == text + "a"
        await pilot.press("left", "backspace")
        assert prompt.value == "a"
        app.post_message(Paste(text))
        await settle(pilot)
        await pilot.press("ctrl+o")
        assert prompt.text == text + "a"
        await pilot.press("enter")
        await settle(pilot)
        (sent,) = app.scripted.posted
        assert isinstance(sent, e.TextSubmitted)
        assert sent.text == text + "a"


async def test_up_brings_earlier_inputs_of_other_sessions_too(build: Build, folder: Path) -> None:
    typed_inputs.save_sent(folder, "from yesterday")
    app = build(idle)
    async with app.run_test() as pilot:
        await settle(pilot)
        prompt = app.session_screen.prompt
        await pilot.press(*"one", "enter", *"two", "enter")
        shown = []
        for key in ("up", "up", "up", "up", "down", "down", "down"):
            await pilot.press(key)
            shown.append(prompt.value)
        assert shown == ["two", "one", "from yesterday", "from yesterday", "one", "two", ""]
        await pilot.press("up", "x", "up")  # an input that was changed is a text of its own
        assert prompt.value == "twox"
    assert typed_inputs.load(folder).sent == ("from yesterday", "one", "two")


async def test_a_draft_is_kept_for_its_session(build: Build, folder: Path) -> None:
    sessions = {None: ScriptedSession(), "other": ScriptedSession(id="other")}
    for session in sessions.values():
        idle(session)
    app = build(open_handle=sessions.__getitem__)
    async with app.run_test() as pilot:
        await settle(pilot)
        prompt = app.session_screen.prompt
        await pilot.press(*"half")
        app.open_session("other")
        await settle(pilot)
        assert prompt.value == ""
        await pilot.press(*"other")
        app.open_session(None)
        await settle(pilot)
        assert prompt.value == "half"
    assert typed_inputs.load(folder).drafts == {"session-0001": "half", "other": "other"}


async def test_a_draft_goes_on_where_nothing_was_said(build: Build, folder: Path) -> None:
    app = build(lambda session: session.deliver(*session_opened()))
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press(*"half", "ctrl+n")
        await settle(pilot)
        assert app.session_screen.prompt.value == "half"
        await pilot.press("enter")
        await settle(pilot)
        app.save_draft()
        assert typed_inputs.load(folder).drafts == {}


@pytest.mark.parametrize(("key", "at_end"), [("home", "end"), ("pageup", "pagedown")])
async def test_the_transcript_scrolls_from_the_prompt(build: Build, key: str, at_end: str) -> None:
    app = build(idle)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        transcript = app.session_screen.transcript
        end = transcript.scroll_offset.y
        await pilot.press(key)
        await settle(pilot)
        assert transcript.scroll_offset.y < end
        assert app.session_screen.typing
        await pilot.press(at_end)
        await settle(pilot)
        assert transcript.scroll_offset.y == end


async def test_the_wheel_scrolls_the_transcript_over_the_prompt(build: Build) -> None:
    app = build(idle)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        transcript, prompt = app.session_screen.transcript, app.session_screen.prompt
        end = transcript.scroll_offset.y
        prompt.post_message(
            MouseScrollUp(prompt, 1, 0, 0, 0, 0, False, False, False, screen_x=5, screen_y=22)
        )
        await settle(pilot)
        assert transcript.scroll_offset.y < end


# ── search in the session ───────────────────────────────────────────────────────────────────


async def test_words_are_found_in_the_session_and_lit(build: Build) -> None:
    app = build(idle)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        screen = app.session_screen
        await pilot.press("ctrl+g", *"SUNDAY")
        await settle(pilot)
        assert screen.transcript.cursor == "a13"
        assert "Sunday" in lit_words(app.session_screen.transcript)
        assert screen.transcript.hits_shown == "2 of 2 turns"
        await pilot.press("enter", "N")
        await settle(pilot)
        assert screen.transcript.cursor == "u13"
        await pilot.press("n", "n")
        await settle(pilot)
        assert screen.transcript.cursor == "u13"  # after the last hit comes the first
        await pilot.press("escape")
        await settle(pilot)
        assert lit_words(app.session_screen.transcript) == []
        assert screen.typing
        await pilot.press("n")
        assert screen.prompt.value == "n"


async def test_a_search_without_hits_says_so(build: Build) -> None:
    app = build(idle)
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("ctrl+g", *"zebra")
        await settle(pilot)
        assert app.session_screen.transcript.hits_shown == "nothing found"
        assert app.session_screen.transcript.cursor is None


def test_every_action_has_a_key_of_its_own() -> None:
    keys = [action.key for action in key_actions()]
    assert len(set(keys)) == len(keys)


async def test_the_empty_prompt_says_that_select_mode_is_on(build: Build) -> None:
    """On a screen too low for the footer, too."""
    app = build(idle)
    async with app.run_test(size=(40, 10)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+t")
        await settle(pilot)
        assert app.session_screen.prompt.placeholder == "select: p pin, c copy, Esc back"
        await pilot.press("home")  # to the pruning
        await settle(pilot)
        assert app.session_screen.prompt.placeholder == "select: Enter fold, Esc back"
        await pilot.press("escape")
        await settle(pilot)
        assert app.session_screen.prompt.placeholder.startswith("type here")
