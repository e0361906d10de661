"""What the small model writes becomes at most two plain sentences."""

from __future__ import annotations

import pytest

from tui_voice.server.local.tidy import tidy


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        (
            ["**Hel", "lo** there. ", "It is 3", ".5 km. Really", "? And then we wal"],
            ["Hello there. ", "It is 3.5 km. "],
        ),
        (["Hello there. And then we wal"], ["Hello there. "]),
        (["Hello there. Good bye."], ["Hello there. ", "Good bye."]),
        (["only half a sen"], ["only half a sen."]),
        ([], []),
        (["***"], []),
    ],
)
def test_two_whole_sentences_are_enough(written: list[str], spoken: list[str]) -> None:
    assert list(tidy(iter(written))) == spoken


def test_the_first_clause_comes_before_the_sentence_is_whole() -> None:
    pieces = iter(
        ["Rainy days can be", " fun, but", " not, I", " think, for all. And dry ones too."]
    )
    sentences = tidy(pieces)
    assert next(sentences) == "Rainy days can be fun, "
    assert next(pieces) == " not, I"
    assert list(tidy(iter(["Yes, it is. ", "Well, then."]))) == ["Yes, it is. ", "Well, then."]
