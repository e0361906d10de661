"""Small terminals, and terminals that change while a reply is being spoken."""

from __future__ import annotations

import pytest

from tests.e2e.room import Room
from tests.e2e.talk import Start, Talk

pytestmark = [pytest.mark.local, pytest.mark.sound, pytest.mark.slow]

FACTS = "My sister lives in London, my brother works in Berlin and my dog is called Rex."
QUESTION = "Where does my sister live?"
"""The reply quotes `FACTS`, which takes several seconds to speak."""


def fits(talk: Talk) -> None:
    """State, talk and the line to type in are there, each line within the screen."""
    assert talk.screen.spilled == 0, talk.text
    assert talk.state in ("idle", "awaiting response", "speaking"), talk.text
    assert any(line.lstrip().startswith("›") for line in talk.lines), talk.text
    assert all(len(line) <= talk.screen.columns for line in talk.lines)


@pytest.mark.parametrize("size", [(80, 24), (40, 10)])
def test_a_talk_on_a_small_screen(start: Start, room: Room, size: tuple[int, int]) -> None:
    talk = start("--backend", "local", env=room.env, size=size)
    talk.online()
    answer = talk.ask("My dog is called Rex.")
    talk.until(lambda: "called Rex" in talk.shown, "the turn")
    talk.until(lambda: talk.shows(" ".join(answer.split()[-3:])), "the end of the answer")
    fits(talk)


def test_the_size_changes_while_it_speaks(start: Start, room: Room) -> None:
    talk = start("--backend", "local", env=room.env)
    talk.online()
    talk.ask(FACTS)
    before = len(talk.journal())
    talk.type_line(QUESTION)
    talk.wait_for_state("speaking")
    for size in ((80, 24), (40, 10), (120, 36)):
        talk.resize(*size)
        talk.until(lambda: talk.state == "speaking" and drawn_for(talk), f"the screen at {size}")
        # What was drawn for the size before may have run over; from now on nothing may.
        talk.screen.spilled = 0
        talk.until(lambda: "Rex" in talk.shown, "the talk")
        fits(talk)
    assert not talk.facts("playback_finished", before), "all that while it spoke"
    talk.fact("playback_finished", after=before)
    talk.wait_for_state("idle")
    fits(talk)


def drawn_for(talk: Talk) -> bool:
    """The rule above the entry goes from edge to edge, and the entry is near the bottom."""
    rules = [line for line in talk.lines if set(line) == {"─"}]
    entry = any(line.lstrip().startswith("›") for line in talk.lines[-4:])
    return entry and all(len(line) == talk.screen.columns for line in rules)
