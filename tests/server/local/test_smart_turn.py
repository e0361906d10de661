"""The model that hears the end of a turn, on real recordings."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from tests.server.local.speech_harness import recordings
from tui_voice.server.interfaces import DETECTOR_RATE
from tui_voice.server.local.engines import LocalEngines
from tui_voice.server.local.smart_turn import WEIGHTS, SmartTurn, spectrogram

pytestmark = pytest.mark.local


@pytest.mark.parametrize("sounding", [8.0, 1.5])
def test_the_spectrogram_is_that_of_the_model(sounding: float) -> None:
    """Compared with the code beside the weights, which the product does not run."""
    beside = WEIGHTS.find().parents[1] / "_whisper_features.py"
    spec = importlib.util.spec_from_file_location("whisper_features", beside)
    assert spec is not None
    assert spec.loader is not None
    theirs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(theirs)
    rng = np.random.default_rng(1)
    sound = (rng.standard_normal(8 * DETECTOR_RATE) * 0.1).astype(np.float32)
    sound[: -int(sounding * DETECTOR_RATE)] = 0
    expected = theirs.compute_whisper_log_mel_features(sound)
    assert np.abs(spectrogram(sound) - expected).max() < 1e-5


@pytest.mark.usefixtures("voices")
def test_whole_sentences_of_people_sound_more_finished_than_halves(engines: LocalEngines) -> None:
    judge = engines.end_of_turn()
    assert isinstance(judge, SmartTurn)
    clips = [clip.samples for clip in recordings()]
    whole = [judge.probability(samples) for samples in clips]
    half = [judge.probability(samples[: len(samples) // 2]) for samples in clips]
    assert np.mean(whole) - np.mean(half) > 0.15, (whole, half)


def test_without_the_weights_nothing_judges(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tui_voice.weights._installed", lambda *_: None)
    monkeypatch.setattr("tui_voice.weights.folders", lambda: (tmp_path,))
    assert LocalEngines(probe=False).end_of_turn() is None
