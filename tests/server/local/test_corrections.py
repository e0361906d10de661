from __future__ import annotations

import pytest

from tui_voice.server.local.skills.clause import Line
from tui_voice.server.local.skills.corrections import correction_of, mended


def standing(*said: str) -> list[str]:
    """What stands after statements of the user; `>` marks what we said."""
    lines = [
        Line(text.lstrip(">"), "assistant" if text[0] == ">" else "user", text.endswith("?"))
        for text in said
    ]
    return [line.text for _, line in mended(lines)]


@pytest.mark.parametrize(
    ("said", "stands"),
    [
        (("I live in Oslo", "no, Bergen, not Oslo"), ["I live in Bergen"]),
        (("i live in oslo", "no it's bergen not oslo"), ["i live in bergen"]),
        (
            ("I've got two kids, Sami who is nine and Rana who's six.", "Rana is seven, not six"),
            ["I've got two kids, Sami who is nine and Rana who's six.", "Rana is seven, not six"],
        ),
        (
            ("I've got two kids, Sami and Rana who's six.", "Sorry, Rana is seven, not six"),
            ["I've got two kids, Sami and Rana who's seven."],
        ),
        (("We eat at nine", "Sorry, at ten."), ["We eat at ten"]),
        (
            ("I met Ann on Monday", "It rained", "I mean Tuesday"),
            ["It rained", "I met Ann on Tuesday"],
        ),
        (("Our budget is 2400 euros", "Make that 2600."), ["Our budget is 2600 euros"]),
        (("We eat at half past nine", "No, at ten"), ["We eat at half past nine, no, at ten"]),
        (("My code is 44", "Actually my code is 55"), ["my code is 55"]),
        (
            ("The code for the gate is 44", "No, the code is 55"),
            ["The code for the gate is 44, no, the code is 55"],
        ),
        (
            ("We fly to Rome in May", "Actually we fly to Bari instead"),
            ["We fly to Rome in May, no, we fly to Bari instead"],
        ),
    ],
)
def test_what_was_wrong_is_put_right(said: tuple[str, ...], stands: list[str]) -> None:
    assert standing(*said) == stands


@pytest.mark.parametrize(
    "said",
    [
        ("I live in Oslo", "No, I don't think so"),
        ("I live in Oslo", ">Is it cold there?", "No, it's warm in July"),
        ("My sister lives in Oslo", "Actually my brother lives in Oslo"),
        ("I live in Oslo", ">No, it's Bergen, not Oslo"),
        ("Do I live in Oslo?", "No, in Bergen"),
        ("No, at ten",),
    ],
)
def test_what_is_no_correction_stands_beside(said: tuple[str, ...]) -> None:
    assert standing(*said) == [text.lstrip(">") for text in said]


def test_a_correction_is_told_as_a_whole() -> None:
    before = [Line("I live in Oslo", "user", False)]
    mended_line = correction_of(Line("No, in Bergen, not Oslo", "user", False), before)
    assert mended_line is not None
    assert mended_line.text == "I live in Bergen"
    assert correction_of(Line("I like trains", "user", False), before) is None


@pytest.mark.parametrize(
    "said",
    [
        "Wait a moment, the ferry to Stavanger leaves at 7 pm on Friday.",
        "Oh, Clara works in Oslo.",
        "Well, Clara works in Oslo as a nurse and hates coffee.",
        "Hold on a second, the train to Oslo takes three hours.",
    ],
)
def test_what_begins_something_new_mends_nothing(said: str) -> None:
    home = "I live in Bergen with my two cats."
    lines = [Line(home, "user", False), Line(said, "user", False)]
    assert [line.text for _, line in mended(lines)] == [home, said]
