"""A talk with the embedded server, typed and spoken, from the first fact to the journal."""

from __future__ import annotations

from pathlib import Path

from tests.runtime.bench import served, talk
from tui_voice.conversation import events as e
from tui_voice.store.reading import read


async def test_typed_and_spoken_turns_are_answered_and_journaled(tmp_path: Path) -> None:
    async with served() as server, talk(server.url, tmp_path) as bench:
        await bench.say("hello Anna")
        await bench.speak("one two three")
        assert bench.turns() == [
            ("user", "hello Anna"),
            ("assistant", "hello Anna"),
            ("user", "one two three"),
            ("assistant", "one two three"),
        ]
        replies = [fact for fact in bench.facts if isinstance(fact, e.PlaybackFinished)]
        assert [reply.played_ms > 0 for reply in replies] == [True, True]
        path = bench.session.path
    journaled = read(path)
    assert journaled.notes == ()
    assert journaled.events == bench.facts
    assert isinstance(journaled.events[-1], e.SessionClosed)
    assert bench.place.stopped
