"""A title is the beginning of what the user said."""

from __future__ import annotations

import pytest

from tests.server.local.turns_harness import turns
from tui_voice.realtime.wire.contract import MAX_TITLE_LENGTH
from tui_voice.server.local.title import title


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (("Hello.", "I would like to see Kyoto. In April."), "I would like to see Kyoto"),
        (("Hi.",), "Hi"),
        (("Hello. What is a sourdough starter?",), "What is a sourdough starter"),
    ],
)
def test_it_is_the_first_sentence_of_more_than_two_words(
    said: tuple[str, ...], wanted: str
) -> None:
    assert title(turns(*(("user", text) for text in said))) == wanted


def test_a_long_sentence_is_cut_between_words() -> None:
    sentence = "We are planning to repaint the whole of the kitchen before Christmas"
    found = title(turns(("user", sentence)))
    assert found == "We are planning to repaint the whole of the kitchen before…"
    assert len(title(turns(("user", "x" * 100)))) == MAX_TITLE_LENGTH


def test_a_long_sentence_is_cut_behind_a_phrase() -> None:
    sentence = "We are planning to repaint the kitchen, and the hall if there is enough paint"
    assert title(turns(("user", sentence))) == "We are planning to repaint the kitchen…"


def test_another_sentence_is_taken_where_the_first_would_break_off_inside_a_phrase() -> None:
    first = (
        "I have been thinking about it for weeks and still do not know where to begin with it all."
    )
    assert title(turns(("user", f"{first} We repaint the kitchen."))) == "We repaint the kitchen"


def test_without_words_of_the_user_there_is_no_title() -> None:
    assert title(turns(("assistant", "Hello there."))) == ""
