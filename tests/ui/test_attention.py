"""The bell and the notification come in a real terminal, and only while it has no focus."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.ui.keys_in_terminal_harness import RecordingTerminal
from tests.ui.scripted_session_harness import ScriptedSession, kyoto_session
from tui_voice.conversation import events as e
from tui_voice.conversation.states import State
from tui_voice.ui.attention import BELL, notification, signals, what_ended
from tui_voice.ui.options import AppOptions

BLUR, FOCUS = "\x1b[O", "\x1b[I"


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({}, b""),
        ({"bell": True}, b"\x07"),
        ({"notify": "on"}, b"\x1b]9;tui-voice: The reply has ended.\x1b\\"),
        (
            {"bell": True, "notify": "words"},
            b"\x07\x1b]9;tui-voice: The reply has ended. You said: answer two.\x1b\\",
        ),
    ],
)
def test_what_a_terminal_without_the_focus_gets(
    tmp_path: Path, options: Mapping[str, Any], wanted: bytes
) -> None:
    terminal = RecordingTerminal(
        tmp_path, options=options, env={"VTE_VERSION": "", "TMUX": "", "TERM_PROGRAM": ""}
    )
    try:
        terminal.wait_for("type here")
        terminal.write(["answer one\r"])
        terminal.wait_for_sent(["answer one"])
        terminal.answer("answer one")
        assert signals_in(terminal.raw) == b""
        begin = len(terminal.raw)
        terminal.write(["answer two\r"])
        terminal.wait_for_sent(["answer one", "answer two"])
        terminal.write([BLUR])
        terminal.answer("answer two")
        assert signals_in(terminal.raw[begin:]) == wanted
        begin = len(terminal.raw)
        terminal.write([FOCUS, "answer three\r"])
        terminal.wait_for_sent(["answer one", "answer two", "answer three"])
        terminal.answer("answer three")
        assert signals_in(terminal.raw[begin:]) == b""
    finally:
        terminal.close()


def signals_in(raw: bytearray) -> bytes:
    """The bells and notifications among the bytes that were written."""
    found = re.finditer(rb"\x1b\](\d+);.*?(?:\x07|\x1b\\)|\x07", bytes(raw), re.DOTALL)
    return b"".join(one[0] for one in found if one[1] in (None, b"9", b"777"))


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (State.SPEAKING, State.IDLE, "The reply has ended."),
        (State.AWAITING, State.SUMMARISING, "The reply has ended."),
        (State.SUMMARISING, State.IDLE, "The summary is ready."),
        (State.SPEAKING, State.LISTENING, ""),
        (State.IDLE, State.LISTENING, ""),
        (State.IDLE, State.IDLE, ""),
    ],
)
def test_what_ended(before: State, now: State, said: str) -> None:
    assert what_ended(before, now) == said


def ended_with(text: str, *more: e.Event) -> ScriptedSession:
    session = kyoto_session(ScriptedSession())
    session.deliver(*more, e.TranscriptDone(item_id="a13", text=text))
    return session


def test_the_words_of_a_private_session_stay_in_the_terminal() -> None:
    options = AppOptions(notify="words")
    session = ended_with("The code is 1234.")
    assert "1234" in signals("It ended.", session.snapshot.ledger, options)
    session.deliver(e.PrivacyChanged())
    assert "1234" not in signals("It ended.", session.snapshot.ledger, options)


def test_what_was_said_cannot_end_the_sequence() -> None:
    session = ended_with("one\x1b\\two\x07three\x9cfour\nfive")
    text = signals("It ended.", session.snapshot.ledger, AppOptions(notify="words"))
    assert text.count("\x1b") == 2
    assert BELL not in text
    assert "\x9c" not in text


@pytest.mark.parametrize(
    ("environment", "begin"),
    [
        ({"TERM": "xterm-256color"}, "\x1b]9;tui-voice: "),
        ({"TERM": "rxvt-unicode-256color"}, "\x1b]777;notify;tui-voice;"),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7600"}, "\x1b]777;notify;tui-voice;"),
        ({"TERM": "tmux-256color", "TMUX": "socket,1,0"}, "\x1bPtmux;\x1b\x1b]9;tui-voice: "),
    ],
)
def test_each_terminal_gets_the_sequence_that_it_knows(
    environment: Mapping[str, str], begin: str
) -> None:
    text = notification("Ended; now.", environment)
    assert text.startswith(begin)
    assert text.endswith("\x1b\\")
