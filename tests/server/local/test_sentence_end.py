"""The models that judge by the words whether the speaker has finished, on real recordings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.server.local.speech_harness import SENTENCES, flite, recordings
from tests.server.local.turns_harness import turns
from tui_voice.realtime.wire.items import LogProb
from tui_voice.server.interfaces import ContextTurn, Recogniser, ScoringRecogniser
from tui_voice.server.local.engines import Lazy, LocalEngines
from tui_voice.server.local.sentence_end import FINISHED_FROM, SentenceEnd
from tui_voice.server.local.smollm import SmolLM
from tui_voice.server.local.speech_gate import SpeechGate

pytestmark = pytest.mark.local


def judge_of(engines: LocalEngines) -> SentenceEnd:
    judge = engines.end_of_sentence()
    assert isinstance(judge, SentenceEnd)
    return judge


@pytest.mark.usefixtures("voices")
def test_half_a_sentence_is_not_finished_and_most_whole_ones_are(engines: LocalEngines) -> None:
    judge, recogniser = judge_of(engines), engines.recogniser()
    assert isinstance(recogniser, ScoringRecogniser)
    before = turns(("user", "Hello!"), ("assistant", "Hello! What would you like to talk about?"))

    def finished(samples: NDArray[np.float32]) -> bool:
        return judge(*recogniser.transcribe_scored(samples), before)

    sentences = [flite(text) for text in SENTENCES] + [clip.samples for clip in recordings()[:4]]
    assert sum(finished(samples) for samples in sentences) >= len(sentences) * 0.7
    assert sum(finished(samples[: len(samples) // 2]) for samples in sentences) <= 1


@pytest.mark.parametrize(
    ("text", "likely"),
    [("My sister lives in London and she has two children", True), ("I would like to", False)],
)
def test_both_models_must_expect_a_mark(engines: LocalEngines, text: str, likely: bool) -> None:
    judge = judge_of(engines)

    def probability(mark: str, of_mark: float) -> float:
        return judge.probability(text + mark, [LogProb(token=mark, logprob=math.log(of_mark))])

    assert (probability(".", 0.95) > FINISHED_FROM) == likely
    assert probability(".", 0.1) < FINISHED_FROM
    assert probability(" and", 0.99) == 0.0
    assert judge.probability("", []) == 0.0


@pytest.mark.parametrize(
    ("question", "whole", "begun"),
    [
        ("What is your name?", "Anna", "My name is"),
        ("Which day suits you?", "Tuesday", "Tuesday or"),
        ("Where does your sister live?", "In London", "She lives in"),
        ("Which card is it?", "Ten of clubs", "Ten of"),
    ],
)
def test_a_short_answer_is_finished_after_its_question(
    engines: LocalEngines, question: str, whole: str, begun: str
) -> None:
    judge = judge_of(engines)
    mark = [LogProb(token=".", logprob=math.log(0.97))]
    before = turns(("user", "Hello."), ("assistant", question))
    assert judge(f"{whole}.", mark, before)
    assert not judge(f"{whole}.", mark)
    assert not judge(f"{begun}.", mark, before)


def test_beside_another_chat_model_the_small_one_is_loaded_when_it_is_asked() -> None:
    lines: list[str] = []
    engines = LocalEngines(
        "http://127.0.0.1:9/v1", "big", progress=lines.append, probe=False, speech_on_demand=True
    )
    engines.load()
    assert not any("language model" in line for line in lines)
    assert engines.end_of_sentence() is not None
    assert "loading language model" in lines[-2]
    assert lines[-1] == f"ready: {engines.describe()}"


def test_the_model_that_judges_reads_ahead_beside_another_chat_model() -> None:
    read: list[str] = []

    class Model(SmolLM):
        def __init__(self) -> None:
            pass

        def read_ahead(self, turns: Sequence[ContextTurn]) -> None:
            read.extend(turn.text for turn in turns)

    engines = LocalEngines("http://127.0.0.1:9/v1", "big", probe=False)
    engines.read_ahead(turns(("user", "not loaded")))
    assert engines._model.made is None
    engines._model = Lazy(Model)
    engines._model()
    engines.read_ahead(turns(("user", "My name is")))
    assert read == ["My name is"]


def test_without_the_small_chat_model_words_are_not_judged(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    engines = LocalEngines(probe=False)
    engines.recogniser()
    monkeypatch.setattr("tui_voice.weights._installed", lambda *_: None)
    monkeypatch.setattr("tui_voice.weights.folders", lambda: (tmp_path,))
    assert engines.end_of_sentence() is None


def test_a_recogniser_without_scores_is_not_judged_by_words() -> None:
    class Unscored:
        name = "words"

        def transcribe(self, samples: NDArray[np.float32]) -> str:
            return f"{len(samples)}"

    class Engines(LocalEngines):
        def _make_recogniser(self) -> Recogniser:
            return Unscored()

    assert Engines(probe=False).end_of_sentence() is None
    assert not SpeechGate(Unscored()).scores
