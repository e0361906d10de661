"""Text to speech: ten voices that differ, and text that is spoken as people say it."""

from __future__ import annotations

import numpy as np
import pytest

from tests.server.local.speech_harness import error_rate, for_recogniser
from tui_voice.server.interfaces import SPEECH_RATE
from tui_voice.server.local.engines import LocalEngines
from tui_voice.server.local.hibari import VOICES, stretch
from tui_voice.server.local.pico import PicoVoices, clause_language

TEXT = "The quick brown fox jumps over the lazy dog near the river bank."


def pitch(pcm: np.ndarray) -> float:
    """Median Hz of the voiced frames, by autocorrelation."""
    wave = pcm.astype(np.float64)
    found = []
    size = 1600
    weight = np.arange(size, 0, -1)
    for start in range(0, len(wave) - size, 600):
        frame = wave[start : start + size]
        frame = frame - frame.mean()
        if np.sqrt((frame**2).mean()) < 1500:
            continue
        own = np.correlate(frame, frame, "full")[size - 1 :] / weight
        low, high = SPEECH_RATE // 400, SPEECH_RATE // 70
        lag = low + int(own[low:high].argmax())
        if own[lag] > 0.5 * own[0]:
            found.append(SPEECH_RATE / lag)
    return float(np.median(found))


def brightness(pcm: np.ndarray) -> float:
    """The frequency, in Hz, at the middle of the spectrum's magnitude."""
    spectrum = np.abs(np.fft.rfft(pcm.astype(np.float64)))
    share = np.cumsum(spectrum) / spectrum.sum()
    return float(np.searchsorted(share, 0.5) * SPEECH_RATE / len(pcm))


@pytest.mark.local
def test_all_voices_sound_different(engines: LocalEngines) -> None:
    synthesiser = engines.synthesiser()
    assert set(engines.voices) == {
        *("alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar")
    }
    properties = {}
    for voice in engines.voices:
        pcm = synthesiser.speak(TEXT, voice, 1.0)
        assert pcm.dtype == np.int16
        properties[voice] = (pitch(pcm), brightness(pcm), len(pcm) / SPEECH_RATE)
    for one, (hz, bright, seconds) in properties.items():
        for other, (hz2, bright2, seconds2) in properties.items():
            apart = max(abs(np.log(hz / hz2)), abs(np.log(bright / bright2)))
            apart = max(apart, abs(np.log(seconds / seconds2)))
            assert one == other or apart > 0.03, (one, other, properties)


@pytest.mark.local
def test_pitch_follows_the_voice(engines: LocalEngines) -> None:
    synthesiser = engines.synthesiser()
    usual = pitch(synthesiser.speak(TEXT, "marin", 1.0))
    for voice in ("cedar", "shimmer"):
        ratio = pitch(synthesiser.speak(TEXT, voice, 1.0)) / usual
        # The median of frames of 67 ms, wherever these happen to begin: good to a tenth.
        assert ratio == pytest.approx(VOICES[voice].pitch, rel=0.1)


def test_the_formant_factor_moves_every_resonance() -> None:
    bands = np.zeros((4, 601, 2), np.float32)
    bands[:, 100] = 1
    assert stretch(bands, 0.85)[0, :, 0].argmax() == 85
    assert stretch(bands, 1.10)[3, :, 1].argmax() == 110


@pytest.mark.local
def test_speed_shortens_and_an_unknown_voice_is_the_default(engines: LocalEngines) -> None:
    synthesiser = engines.synthesiser()
    usual = synthesiser.speak(TEXT, "marin", 1.0)
    assert 0.6 < len(synthesiser.speak(TEXT, "marin", 1.5)) / len(usual) < 0.8
    assert np.array_equal(synthesiser.speak(TEXT, "nobody", 1.0), usual)
    assert np.abs(usual).max() < 32767


@pytest.mark.local
def test_text_without_words_is_silent(engines: LocalEngines) -> None:
    for text in ("", "   ", "***", "🙂", "—"):
        assert len(engines.synthesiser().speak(text, "marin", 1.0)) == 0


@pytest.mark.local
@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("It costs $9.99.", "it costs nine dollars and ninety nine cents"),
        ("See you at 7:30 pm.", "see you at seven thirty pm"),
        ("That is 5 km, e.g. by bus.", "that is five kilometers for example by bus"),
        ("It is 20 °C.", "it is twenty degrees celsius"),
        ("**Dr. Smith** & Mrs. Jones", "doctor smith and mrs jones"),
        (
            "About 50% of 1,250 people",
            "about fifty percent of one thousand two hundred fifty people",
        ),
    ],
)
def test_numbers_and_abbreviations_are_spoken_as_people_say_them(
    engines: LocalEngines, written: str, said: str
) -> None:
    """The recogniser understands the same words in both ways of writing."""
    synthesiser = engines.synthesiser()
    one, other = (synthesiser.speak(text, "marin", 1.0) for text in (written, said))
    words = [engines.recogniser().transcribe(for_recogniser(pcm)) for pcm in (one, other)]
    assert error_rate([(words[1], words[0])]) <= 0.2, words


@pytest.mark.local
@pytest.mark.parametrize(
    ("code", "clauses"),
    [
        ("de", ("Guten Morgen!", "und dann gehen wir nach Hause.", "In Berlin kostet das viel.")),
        ("es", ("Sí, claro.", "y luego vamos al mercado.", "¿Cómo estás hoy?")),
        ("fr", ("Oui, bien sûr.", "et ensuite nous irons au marché.", "À Paris il pleut.")),
        ("it", ("Buongiorno!", "e poi andiamo al mercato.", "Come stai oggi?")),
        (
            "en",
            ("Yes, of course.", "Hello Ada!", "OK.", "7.", "Mimi is a cat.", "It rains in Oslo."),
        ),
    ],
)
def test_a_clause_is_spoken_by_a_voice_of_its_language(
    engines: LocalEngines, code: str, clauses: tuple[str, ...]
) -> None:
    synthesiser = engines.synthesiser()
    assert isinstance(synthesiser, PicoVoices)
    assert [clause_language(clause) for clause in clauses] == [code] * len(clauses)
    one, other = (synthesiser.speak(clauses[1], voice, 1.0) for voice in ("marin", "cedar"))
    assert 0.3 < len(one) / SPEECH_RATE < 5
    if code != "en":  # Pico has one voice for a language; it adds a little noise
        assert np.allclose(one, other, atol=100)
    slow = synthesiser.speak(clauses[1], "marin", 0.5)
    assert len(slow) > 1.4 * len(one)
