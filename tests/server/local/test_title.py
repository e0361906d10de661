"""Titles are quoted from the talk."""

import pytest

from tui_voice.server.interfaces import ContextTurn
from tui_voice.server.local.title import MOST_WORDS, title


def _talk(*said: str) -> list[ContextTurn]:
    return [ContextTurn(f"i{n}", "user", text) for n, text in enumerate(said)]


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (("Hello.", "I would like to plan a trip to Kyoto in April."), "Plan a trip to Kyoto"),
        (("Can you explain how a sourdough starter works?",), "Explain how a sourdough starter"),
        (("Hi.",), "Hi"),
    ],
)
def test_it_quotes_what_tells_most(said: tuple[str, ...], wanted: str) -> None:
    assert title(_talk(*said)).startswith(wanted)


def test_it_is_short_and_ends_on_a_word_that_can_end() -> None:
    found = title(_talk("We are planning to repaint the whole of the kitchen before Christmas"))
    assert 1 < len(found.split()) <= MOST_WORDS
    assert found.split()[-1] not in ("the", "of", "a")


def test_nothing_said_is_no_title() -> None:
    assert title([ContextTurn("i0", "assistant", "Hello there.")]) == ""
