"""What small models do once they have lost the thread is no summary. All of it was really written
by SmolLM2.
"""

from __future__ import annotations

import pytest

from tui_voice.languages.sense import own_words, rambles, senseless

TALK = (
    "My name is Ingrid Solheim.\nI live in Trondheim.\nMy budget is 2400 euros.\n"
    "My sister is called Marit and our flight leaves at 7:45."
)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("I see.", "had none of the names and figures"),
        ("I'm in your corner, but I'm sure you'll find a comfortable place.", "had none"),
        ("I'm glad to meet you, Ingrid Solheim.\n" * 9, "again and again"),
        (
            "user: I see.\nassistant: I think so too.\nuser: Tell me about Trondheim.\n"
            "assistant: I see.",
            "a piece of the talk itself",
        ),
        ("Odile Vautrin lives in Trondheim.", "whom nobody had named"),
    ],
)
def test_what_is_no_summary(text: str, why: str) -> None:
    assert why in senseless(text, TALK)


@pytest.mark.parametrize(
    "text",
    [
        "L'utilisatrice s'appelle Ingrid Solheim.",
        "Budget: 2400 euros.",
        "User: Ingrid, from Trondheim.\nAssistant: told her the way.",
        "Ингрид живёт в Тронхейме с сестрой.",  # names look otherwise there
        "イングリッドは妹とトロンハイムに住んでいます。",
    ],
)
def test_what_may_be_one(text: str) -> None:
    assert senseless(text, TALK) == ""


def test_a_talk_without_names_asks_for_none() -> None:
    assert senseless("Small talk about rain.", "It rained. I like rain. Me too.") == ""


def test_saying_the_same_again_and_again() -> None:
    assert rambles("I'll buy some bread. I'll have some cheese. " * 5)
    assert not rambles("Ingrid lives in Oslo. " * 3)
    assert not rambles("\n".join(f"- fact number {n}" for n in range(30)))


def test_of_what_a_small_model_says_its_own_words_are_kept_once() -> None:
    """As SmolLM2 really wrote."""
    said = (
        "L'utilisatrice s'appelle Ingrid Solheim. Elle habite à Trondheim. Elle déteste la "
        "moutarde. Elle déteste la moutarde.\nElle habite à Lindgren. Elle habite à Lindgren. "
        "Elle hab"
    )
    assert own_words(said) == (
        "L'utilisatrice s'appelle Ingrid Solheim. Elle habite à Trondheim.\nElle habite à Lindgren."
    )
    assert own_words("Elle déteste la moutarde.") == ""
