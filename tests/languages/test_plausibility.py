"""Texts that cannot be summaries are recognised. SmolLM2 135M wrote those texts."""

from __future__ import annotations

import pytest

from tui_voice.languages.plausibility import repeats_itself, summary_fault

SOURCE = (
    "My name is Ingrid Solheim.\nI live in Trondheim.\nMy budget is 2400 euros.\n"
    "My sister is called Marit and our flight leaves at 7:45."
)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("I see.", "has none of the names and figures"),
        ("I'm in your corner, but I'm sure you'll find a comfortable place.", "has none"),
        ("I'm glad to meet you, Ingrid Solheim.\n" * 9, "repeats itself"),
        (
            "user: I see.\nassistant: I think so too.\nuser: Tell me about Trondheim.\n"
            "assistant: I see.",
            "continues the conversation",
        ),
    ],
)
def test_a_text_that_cannot_be_a_summary_has_a_fault(text: str, fault: str) -> None:
    assert fault in summary_fault(text, SOURCE)


@pytest.mark.parametrize(
    "text",
    [
        "L'utilisatrice s'appelle Ingrid Solheim.",
        "Budget: 2400 euros.",
        "User: Ingrid, from Trondheim.\nAssistant: told her the way.",
        "Ингрид живёт в Тронхейме с сестрой.",  # names are spelled differently in this script
        "イングリッドは妹とトロンハイムに住んでいます。",
    ],
)
def test_a_text_that_may_be_a_summary_has_no_fault(text: str) -> None:
    assert summary_fault(text, SOURCE) == ""


def test_a_source_without_names_may_have_a_summary_without_names() -> None:
    assert summary_fault("Small talk about rain.", "It rained. I like rain. Me too.") == ""


def test_repeated_sentences_are_counted_from_six_sentences_on() -> None:
    assert repeats_itself("I'll buy some bread. I'll have some cheese. " * 5)
    assert not repeats_itself("Ingrid lives in Oslo. " * 3)
    assert not repeats_itself("\n".join(f"- fact number {n}" for n in range(30)))
