"""The words that the recogniser was not sure of, found from the probabilities of its tokens."""

from __future__ import annotations

import math

import pytest

from tests.realtime.frames_harness import new_translator, received
from tui_voice.conversation import events as e
from tui_voice.realtime.uncertain_words import uncertain_words
from tui_voice.realtime.wire.items import LogProb


def tokens(*given: tuple[str, float]) -> list[LogProb]:
    return [LogProb(token=text, logprob=math.log(p)) for text, p in given]


@pytest.mark.parametrize(
    ("text", "given", "found"),
    [
        ("My dentist.", [("My", 0.9), (" dent", 0.9), ("ist", 0.9), (".", 0.1)], []),
        ("Call Bo, now", [("Call", 0.9), (" B", 0.7), ("o", 0.6), (", now", 0.9)], ["Bo,"]),
        ("Hi Bo", [(" Hi", 0.9), (" Bo", 0.2)], ["Bo"]),
        ("Hi Bo", [("Hi", 0.1), (" Bob", 0.1)], []),
        ("漢字です", [("漢字", 0.2), ("です", 0.9)], ["漢字"]),
    ],
    ids=["punctuation", "product", "blank in front", "other text", "no blanks"],
)  # fmt: skip
def test_words_below_the_limit(text: str, given: list[tuple[str, float]], found: list[str]) -> None:
    places = uncertain_words(text, tokens(*given), 0.5)
    assert [text[begin:end] for begin, end in places] == found
    assert uncertain_words(text, tokens(*given), 0.0) == ()


def test_a_token_may_be_a_part_of_a_character() -> None:
    first, second = "é".encode()
    parts = [
        LogProb(token="?", logprob=-0.1, bytes=[first]),
        LogProb(token="?", logprob=-3.0, bytes=[second]),
        LogProb(token=" a", logprob=-0.1, bytes=None),
    ]
    assert uncertain_words("é a", parts, 0.5) == ((0, 1),)


def test_the_translator_marks_them_in_the_transcript() -> None:
    translator = new_translator(uncertain_below=0.5)
    logprobs = [{"token": " Hi", "logprob": -0.1}, {"token": " Bo", "logprob": -2.0}]
    events = received(
        translator,
        "conversation.item.input_audio_transcription.completed",
        item_id="i1",
        transcript=" Hi Bo",
        logprobs=logprobs,
    )
    assert events[-1] == e.TranscriptDone(item_id="i1", text="Hi Bo", uncertain=((3, 5),))
