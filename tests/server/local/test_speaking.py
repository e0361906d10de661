from __future__ import annotations

import numpy as np
import pytest

from tests.server.local.speech_harness import error_rate, heard
from tui_voice.server.interfaces import SPEECH_RATE
from tui_voice.server.local.engines import LocalEngines
from tui_voice.server.local.hibari import VOICES, _stretch
from tui_voice.server.local.spoken import spoken

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
def test_every_voice_is_another(engines: LocalEngines) -> None:
    tts = engines.synthesiser()
    assert set(tts.voices) == {
        *("alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar")
    }
    heard_as = {}
    for voice in tts.voices:
        pcm = tts.speak(TEXT, voice, 1.0)
        assert pcm.dtype == np.int16
        heard_as[voice] = (pitch(pcm), brightness(pcm), len(pcm) / SPEECH_RATE)
    for one, (hz, bright, seconds) in heard_as.items():
        for other, (hz2, bright2, seconds2) in heard_as.items():
            apart = max(abs(np.log(hz / hz2)), abs(np.log(bright / bright2)))
            apart = max(apart, abs(np.log(seconds / seconds2)))
            assert one == other or apart > 0.03, (one, other, heard_as)


@pytest.mark.local
def test_pitch_follows_the_voice(engines: LocalEngines) -> None:
    tts = engines.synthesiser()
    usual = pitch(tts.speak(TEXT, "marin", 1.0))
    for voice in ("cedar", "shimmer"):
        ratio = pitch(tts.speak(TEXT, voice, 1.0)) / usual
        # The median of frames of 67 ms, wherever these happen to begin: good to a tenth.
        assert ratio == pytest.approx(VOICES[voice].pitch, rel=0.1)


def test_a_longer_throat_lowers_every_resonance() -> None:
    bands = np.zeros((4, 601, 2), np.float32)
    bands[:, 100] = 1
    assert _stretch(bands, 0.85)[0, :, 0].argmax() == 85
    assert _stretch(bands, 1.10)[3, :, 1].argmax() == 110


@pytest.mark.local
def test_speed_and_unknown_voice(engines: LocalEngines) -> None:
    tts = engines.synthesiser()
    usual = tts.speak(TEXT, "marin", 1.0)
    assert 0.6 < len(tts.speak(TEXT, "marin", 1.5)) / len(usual) < 0.8
    assert np.array_equal(tts.speak(TEXT, "nobody", 1.0), usual)
    assert np.abs(usual).max() < 32767


@pytest.mark.local
def test_nothing_to_say_is_silence(engines: LocalEngines) -> None:
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
def test_shorthand_is_read_as_people_say_it(engines: LocalEngines, written: str, said: str) -> None:
    """Both ways of writing come out as the same sounds."""
    tts = engines.synthesiser()
    one, other = (tts.speak(text, "marin", 1.0) for text in (written, said))
    words = [engines.recogniser().transcribe(heard(pcm)) for pcm in (one, other)]
    assert error_rate([(words[1], words[0])]) <= 0.2, words


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("**Bold** and _soft_ and `code`", "Bold and soft and code"),
        ("# Title\n- one\n- two", "Title. one. two"),
        ("1. first\n2. second", "1, first. 2, second"),
        ("See [the docs](https://example.com/x).", "See the docs."),
        ("Go to https://www.example.com/a?b=1.", "Go to example dot com."),
        ("Write to ann@example.com now", "Write to ann at example dot com now"),
        ("```py\nx = 1\n```Done.", "Done."),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "a b. 1 2"),
        ("5–6 days, 3x4, ~7 & so on", "5 to 6 days, 3 by 4, about 7 and so on"),
        ("snake_case_name", "snake case name"),
        ("Well — yes 🙂", "Well, yes"),
        ("It's -3 °C", "It's -3 °C"),
    ],
)
def test_markdown_is_not_read_aloud(written: str, said: str) -> None:
    assert spoken(written) == said
