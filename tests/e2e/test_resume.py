"""A talk that was killed in the middle of a reply, and goes on as if it had not been."""

from __future__ import annotations

import pytest

from tests.e2e.heard import sounding_ms
from tests.e2e.room import Room
from tests.e2e.talk import Start, read

pytestmark = [pytest.mark.local, pytest.mark.sound, pytest.mark.slow]


def test_nothing_that_was_said_is_lost_when_it_is_killed(start: Start, room: Room) -> None:
    talk = start("--backend", "local", env=room.env)
    talk.online()
    first = talk.ask("Hello, my name is Anna.")
    at = len(room.loudspeaker.pcm)
    question = "My sister lives in London, my brother works in Berlin and my dog is called Rex."
    before = len(talk.journal())
    talk.type_line(question)
    talk.until(lambda: sounding_ms(room.loudspeaker.pcm, at) > 800, "the reply in the loudspeaker")
    reply = talk.answer(before)
    children = talk.children()
    assert children, "the embedded server is a process of its own"
    talk.kill()

    # What was written down: the talk up to here, the words of the reply as far as they had come.
    path = talk.path
    facts = read(path)
    assert facts[-1]["event"] not in ("playback_finished", "session_closed")
    talk.until_gone(children)

    resumed = start("resume", path.stem, "--backend", "local", env=room.env)
    resumed.online()
    for words in ("Hello, my name is Anna.", first, question, reply):
        resumed.until(lambda words=words: resumed.shows(words), f"{words!r} on the screen")
    answer = resumed.ask("What is my name?")
    assert "Anna" in answer
    resumed.until(lambda: resumed.shows(answer), f"{answer!r} on the screen")
    after = read(path)
    assert after[: len(facts)] == facts
    assert resumed.path == path
    assert f"tui-voice resume {path.stem}" in resumed.quit()


def test_the_newest_talk_goes_on(start: Start) -> None:
    talk = start("--text", "--backend", "local")
    talk.online()
    talk.ask("Hello, my name is Anna.")
    path = talk.path
    talk.quit()
    resumed = start("--text", "--backend", "local", "--continue")
    resumed.online()
    resumed.until(lambda: resumed.shows("Hello, my name is Anna."), "what was said")
    assert resumed.path == path
