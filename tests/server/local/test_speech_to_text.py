"""Speech to text: people, synthetic voices and our own voices are understood, noise is not."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.audio.laugh_harness import laugh
from tests.requirements_harness import require
from tests.server.local.speech_harness import (
    SENTENCES,
    at_16k,
    error_rate,
    flite,
    for_recogniser,
    recordings,
)
from tui_voice.server.interfaces import DETECTOR_CHUNK, DETECTOR_RATE
from tui_voice.server.local.engines import LocalEngines
from tui_voice.server.local.moonshine import TOKENIZER, cut_into_pieces, read_pieces
from tui_voice.server.local.vad import speech_share

pytestmark = pytest.mark.local


def noise(seconds: float, level: float = 0.01) -> np.ndarray:
    rng = np.random.default_rng(1)
    return (rng.standard_normal(int(seconds * DETECTOR_RATE)) * level).astype(np.float32)


@pytest.mark.usefixtures("voices")
def test_real_people_are_understood(engines: LocalEngines) -> None:
    recogniser = engines.recogniser()
    pairs = [(clip.words, recogniser.transcribe(clip.samples)) for clip in recordings()]
    assert error_rate(pairs) <= 0.12, pairs


@pytest.mark.usefixtures("voices")
@pytest.mark.parametrize(("voice", "limit"), [("slt", 0.10), ("rms", 0.10)])
def test_synthetic_voices_are_understood(engines: LocalEngines, voice: str, limit: float) -> None:
    recogniser = engines.recogniser()
    pairs = [(text, recogniser.transcribe(flite(text, voice))) for text in SENTENCES]
    assert error_rate(pairs) <= limit, pairs


@pytest.mark.parametrize("voice", ["marin", "cedar", "shimmer", "echo"])
def test_own_speech_is_understood(engines: LocalEngines, voice: str) -> None:
    recogniser, synthesiser = engines.recogniser(), engines.synthesiser()
    pairs = [
        (text, recogniser.transcribe(for_recogniser(synthesiser.speak(text, voice, 1.0))))
        for text in SENTENCES
    ]
    assert error_rate(pairs) <= 0.06, pairs


def test_noise_has_no_words(engines: LocalEngines) -> None:
    recogniser = engines.recogniser()
    hum = 0.05 * np.sin(np.arange(2 * DETECTOR_RATE) * 2 * np.pi * 50 / DETECTOR_RATE)
    clicks = np.zeros(2 * DETECTOR_RATE, np.float32)
    clicks[::4000] = 0.8
    silence = np.zeros(DETECTOR_RATE, np.float32)
    sounds = (silence[:0], silence[:100], silence, noise(2), hum.astype(np.float32), clicks)
    assert [recogniser.transcribe(sound) for sound in sounds] == [""] * len(sounds)


@pytest.mark.parametrize(
    "name",
    [
        "sounds/Oxygen-Im-Phone-Ring.ogg",
        "sounds/Oxygen-Im-User-Auth.ogg",
        "sounds/Oxygen-Window-Close.ogg",
        "asterisk/moh/macroform-cold_day.wav",
        "asterisk/moh/reno_project-system.wav",
    ],
)
def test_a_ring_and_music_have_no_words(engines: LocalEngines, name: str) -> None:
    """Without the gate the recogniser writes "Hello, hello.", "You" and more for them."""
    sound = recorded(f"/usr/share/{name}")
    assert engines.recogniser().transcribe(sound) == ""


def test_a_laugh_has_no_words(engines: LocalEngines) -> None:
    """In the noise of a room it counts as speech, and the recogniser writes words for it."""
    giggle = for_recogniser(np.frombuffer(laugh(), "<i2"))
    level = np.sqrt((giggle**2).mean()) * 10 ** (-20 / 20)
    noisy = np.pad(giggle, DETECTOR_RATE // 2)
    noisy += np.random.default_rng(1).standard_normal(len(noisy)).astype(np.float32) * level
    assert engines.recogniser().transcribe(noisy) == ""


def test_a_lone_spoken_word_is_kept(engines: LocalEngines) -> None:
    said = for_recogniser(engines.synthesiser().speak("You!", "marin", 1.0))
    assert engines.recogniser().transcribe(said).lower().startswith("you")


def test_long_speech_is_understood_across_the_cuts(engines: LocalEngines) -> None:
    parts = [for_recogniser(engines.synthesiser().speak(text, "marin", 1.0)) for text in SENTENCES]
    pause = np.zeros(DETECTOR_RATE // 2, np.float32)
    long = np.concatenate([x for part in parts * 2 for x in (part, pause)])
    assert len(long) > 35 * DETECTOR_RATE
    text = engines.recogniser().transcribe(long)
    assert error_rate([(" ".join(SENTENCES * 2), text)]) <= 0.06, text


def test_pieces_lose_nothing_and_stay_short() -> None:
    long = noise(95)
    quiet = slice(25 * DETECTOR_RATE, 26 * DETECTOR_RATE)
    long[quiet] = 0
    parts = cut_into_pieces(long)
    assert np.array_equal(np.concatenate(parts), long)
    assert max(map(len, parts)) < 30 * DETECTOR_RATE
    assert quiet.start <= len(parts[0]) <= quiet.stop


def recorded(path: str) -> np.ndarray:
    """Returns the first 6 s of a sound file of Debian's, at 16 kHz, between silences."""
    package = "oxygen-sounds" if "Oxygen" in path else "asterisk-moh-opsound-wav"
    require(Path(path).is_file(), f"no real sounds: apt install {package}")
    sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
    first = at_16k(sound.mean(axis=1), rate)[: 6 * DETECTOR_RATE]
    return np.pad(first, DETECTOR_RATE // 2)


def test_the_tokenizer_file_has_32768_tokens() -> None:
    pieces = read_pieces(TOKENIZER.find())
    assert len(pieces) == 32_768
    assert pieces[:3] == [b"<unk>", b"<s>", b"</s>"]


def test_each_detector_has_its_own_state(engines: LocalEngines) -> None:
    speech = for_recogniser(engines.synthesiser().speak(SENTENCES[0], "marin", 1.0))
    assert speech_share(speech) > 0.5
    assert speech_share(noise(2)) < 0.05
    busy, fresh = engines.detector(), engines.detector()
    chunk = np.zeros(DETECTOR_CHUNK, np.int16)
    first = fresh(chunk)
    fresh.reset()
    for start in range(0, len(speech) - DETECTOR_CHUNK, DETECTOR_CHUNK):
        busy((speech[start : start + DETECTOR_CHUNK] * 32767).astype(np.int16))
    assert fresh(chunk) == pytest.approx(first)
    with pytest.raises(ValueError, match="512"):
        busy(chunk[:100])


def test_several_threads_get_the_same_words(engines: LocalEngines) -> None:
    recogniser = engines.recogniser()
    clips = [
        for_recogniser(engines.synthesiser().speak(text, "marin", 1.0)) for text in SENTENCES[:3]
    ]
    alone = [recogniser.transcribe(clip) for clip in clips]
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(recogniser.transcribe, clips)) == alone


@pytest.mark.usefixtures("voices")
def test_the_tokens_are_the_text_and_say_how_sure_the_decoder_was(engines: LocalEngines) -> None:
    text, tokens = engines.recogniser().transcribe_scored(flite(SENTENCES[0], "slt"))
    assert b"".join(bytes(token.bytes) for token in tokens).decode().strip() == text
    assert all(token.logprob <= 0 for token in tokens)
    assert max(token.logprob for token in tokens) > -0.1
