"""A session with the embedded server, typed and spoken, from the first event to the journal."""

from __future__ import annotations

from pathlib import Path

from tests.runtime.session_harness import running_session, toy_server
from tui_voice.conversation import events as e
from tui_voice.store.reading import read


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
