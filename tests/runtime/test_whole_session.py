"""A session with the embedded server, typed and spoken, from the first event to the journal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.runtime.session_harness import running_session, toy_server
from tests.server.toy_engines_harness import ToyEngines
from tui_voice.conversation import events as e
from tui_voice.server.idle_timer import IdleTimer
from tui_voice.store.export import render
from tui_voice.store.reading import load, read
from tui_voice.ui.block_painter import notes
from tui_voice.ui.glyphs import UNICODE


async def test_typed_and_spoken_turns_are_answered_and_journaled(tmp_path: Path) -> None:
    async with toy_server() as server, running_session(server.url, tmp_path) as harness:
        await harness.say("hello Anna")
        await harness.speak("one two three")
        assert harness.turns() == [
            ("user", "hello Anna"),
            ("assistant", "hello Anna"),
            ("user", "one two three"),
            ("assistant", "one two three"),
        ]
        replies = [event for event in harness.events if isinstance(event, e.PlaybackFinished)]
        assert [reply.played_ms > 0 for reply in replies] == [True, True]
        path = harness.session.path
    journaled = read(path)
    assert journaled.notes == ()
    assert journaled.events == harness.events
    assert isinstance(journaled.events[-1], e.SessionClosed)
    assert harness.endpoint.stopped


async def test_what_the_model_says_after_silence_is_marked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = IdleTimer.start

    def start_shortened(timer: IdleTimer, *args: Any) -> None:
        start(timer, *args)
        if timer.deadline is not None:
            timer.deadline -= 4.9  # of the 5 s that are the least

    monkeypatch.setattr(IdleTimer, "start", start_shortened)
    engines = ToyEngines()
    engines.llm.answer = "Are you there?"
    async with (
        toy_server(engines) as server,
        running_session(server.url, tmp_path, idle_timeout_ms=5_000) as harness,
    ):
        await harness.say("hello")
        await harness.event(e.SilenceTimedOut)
        now = await harness.until(lambda now: [t.words for t in now.ledger.turns][3:4] == ["done"])
        silence, reply = list(now.ledger.turns)[2:4]
        path = harness.session.path
    assert (silence.role, silence.words, silence.text) == ("user", "done", "")
    assert silence.silence_remark.startswith("silence of ")
    assert (reply.role, reply.silence_remark) == ("assistant", "after silence")
    ledger = load(path).ledger
    assert [turn.after_silence for turn in ledger.turns][:4] == [False, False, True, True]
    assert " · after silence" in render(ledger, "txt")
    assert notes(reply, UNICODE) == ["after silence"]
