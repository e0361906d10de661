"""The title of a session: the given one, or the user's first words."""

from __future__ import annotations

import pytest

from tui_voice.conversation import events as e
from tui_voice.conversation.reducers import fold
from tui_voice.conversation.title import MAX_LENGTH, title_of

LONG = "I would like to talk about the garden, and about what grows there in spring."

WHOLE = "I would like to talk about the garden that my grandmother left me in the spring"


@pytest.mark.parametrize(
    ("words", "title"),
    [
        ("", ""),
        ("  ", ""),
        ("Two soft  eggs,\nplease!", "Two soft eggs, please"),
        (LONG, "I would like to talk about the garden…"),
        (WHOLE + ".", WHOLE),
        (WHOLE + ", and then of the house", WHOLE + "…"),
        ("日" * 100, "日" * (MAX_LENGTH - 1) + "…"),
    ],
)
def test_the_first_words_of_the_user_are_the_title(words: str, title: str) -> None:
    reply = e.TurnAdded(item_id="a", role="assistant", text="Hello. How can I help?")
    assert title_of(fold([reply, e.TextSubmitted(item_id="u", text=words)])) == title


def test_a_given_title_comes_first_and_is_one_line() -> None:
    events = [e.TextSubmitted(item_id="u", text=LONG), e.SessionRenamed(title=" The\ngarden ")]
    assert title_of(fold(events)) == "The garden"
    assert title_of(fold([])) == ""


def test_an_image_gives_no_title() -> None:
    image = e.ImageAttached(item_id="i", file="photo.png", sha256="0")
    assert title_of(fold([image])) == ""
    asked = e.TextSubmitted(item_id="u", text="What is this?")
    assert title_of(fold([image, asked])) == "What is this?"
