"""Which captured frames go to the server: turns by talk key, and speech over a reply."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.audio.laugh_harness import laugh
from tests.requirements_harness import require
from tui_voice.audio import speech_filter
from tui_voice.audio.files import read_sound
from tui_voice.audio.pcm import BYTES_PER_MS, FRAME_MS, RATE, level_db, silence
from tui_voice.audio.speech_filter import SpeechFilter
from tui_voice.audio.voice_detector import VoiceDetector

FRAME = FRAME_MS * BYTES_PER_MS
RNG = np.random.default_rng(3)
NOISE = (RNG.standard_normal(RATE) * 3000).astype("<i2").tobytes()
TAP = (RNG.standard_normal(RATE // 50) * np.linspace(20_000, 0, RATE // 50)).astype("<i2").tobytes()
AT = np.arange(RATE * 2) / RATE
RING = (np.sin(2 * np.pi * 880 * AT) * (np.sin(2 * np.pi * 10 * AT) > 0) * 9000).astype("<i2")
SWELL = np.minimum(1, AT % 0.5 * 10) * np.exp(-(AT % 0.5) * 4)
CHORD = sum(np.sin(2 * np.pi * f * AT) for f in (220, 277, 330, 440, 660)) * 3000 * SWELL
NOISES = {"tap": TAP, "ring": RING.tobytes(), "chord": CHORD.astype("<i2").tobytes(), "hiss": NOISE}


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Words in a flite voice, by their text."""
    require(shutil.which("flite"), "flite is not installed (apt: flite)")
    folder: Path = tmp_path_factory.mktemp("words")
    found = {}
    for text in ("Yes.", "Uh-huh.", "Okay.", "No, wait, tell me about London instead."):
        path = folder / "word.wav"
        subprocess.run(["flite", "-voice", "slt", "-t", text, "-o", str(path)], check=True)
        found[text] = read_sound(path)
    return found


class Scene:
    """A filter, what it sent, and a reply that plays while frames are captured."""

    def __init__(
        self,
        *,
        manual: bool = False,
        reply_ms: float = 0,
        echo: bool = False,
        has_echo: bool = False,
    ) -> None:
        self.sent = bytearray()
        self.waiting_ms = reply_ms
        self.paused = False
        self.pauses = 0
        self.first_pause_ms: float | None = None
        self.at_ms = 0.0
        self.echo = echo
        self.filter = SpeechFilter(
            VoiceDetector(),
            self.sent.extend,
            self,
            self._is_echo,
            lambda: has_echo,
            min_ms=600,
            manual=manual,
        )

    @property
    def playing(self) -> bool:
        return self.waiting_ms > 0

    def pause(self, paused: bool) -> None:
        self.pauses += paused and not self.paused
        self.paused = paused
        if paused and self.first_pause_ms is None:
            self.first_pause_ms = self.at_ms

    def _is_echo(self, _captured: bytes) -> bool:
        return self.echo

    def capture(self, pcm: bytes) -> "Scene":
        pcm += bytes(-len(pcm) % FRAME)
        for at in range(0, len(pcm), FRAME):
            self.at_ms += FRAME_MS
            if not self.paused:
                self.waiting_ms = max(0, self.waiting_ms - FRAME_MS)
            self.filter.accept(pcm[at : at + FRAME])
        return self

    @property
    def sent_speech(self) -> bool:
        return level_db(self.sent) > -50


def onset_of(speech: bytes) -> int:
    """Returns the number of the first sample that can be heard."""
    return int(np.flatnonzero(np.abs(np.frombuffer(speech, "<i2").astype(int)) > 500)[0])


@pytest.mark.parametrize("name", [*NOISES, "silence"])
def test_by_talk_key_what_is_no_speech_makes_no_turn(name: str) -> None:
    scene = Scene(manual=True)
    scene.filter.begin_turn()
    scene.capture(silence(200) + NOISES.get(name, b"") + silence(300))
    assert scene.filter.end_turn() == "too short"
    assert not scene.sent


def test_by_talk_key_a_laugh_makes_no_turn() -> None:
    scene = Scene(manual=True)
    scene.filter.begin_turn()
    scene.capture(silence(200) + laugh() + silence(300))
    assert scene.filter.end_turn() == "no words"


def test_by_talk_key_a_word_is_sent_whole(spoken: dict[str, bytes]) -> None:
    word = spoken["Yes."]
    for _turn in range(2):
        scene = Scene(manual=True)
        scene.filter.begin_turn()
        scene.capture(silence(300) + word + silence(200))
        assert scene.filter.end_turn() == ""
        assert word in bytes(scene.sent)
        assert scene.filter.end_turn() == ""  # asked again, since the commit is repeated
        scene.filter.begin_turn()
        assert scene.filter.end_turn() == "too short"


@pytest.mark.parametrize(("manual", "reply_ms"), [(True, 0), (False, 0), (False, 8_000)])
def test_it_is_known_how_long_ago_the_last_word_was(
    spoken: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    manual: bool,
    reply_ms: int,
) -> None:
    scene = Scene(manual=manual, reply_ms=reply_ms)
    monkeypatch.setattr(speech_filter, "monotonic", lambda: scene.at_ms / 1000)
    scene.capture(silence(300))
    assert scene.filter.silence_ms == 0
    sentence = spoken["No, wait, tell me about London instead."]
    scene.capture(sentence + silence(600))
    heard = np.flatnonzero(np.abs(np.frombuffer(sentence, "<i2").astype(int)) > 500)[-1]
    after_ms = len(sentence) / BYTES_PER_MS - heard * 1000 / RATE
    assert scene.filter.silence_ms == pytest.approx(600 + after_ms, abs=150)
    monkeypatch.setattr(speech_filter, "monotonic", lambda: 0.0)  # all frames came at once, late
    scene.capture(sentence + silence(600))
    assert scene.filter.silence_ms == pytest.approx(600 + after_ms, abs=150)


@pytest.mark.parametrize("text", ["Yes.", "Uh-huh.", "Okay."])
def test_a_short_word_over_a_reply_pauses_it_and_it_goes_on(
    spoken: dict[str, bytes], text: str
) -> None:
    scene = Scene(reply_ms=8_000).capture(silence(2_000) + spoken[text] + silence(1_500))
    assert not scene.sent_speech
    assert not scene.paused
    assert scene.waiting_ms > 8_000 - scene.at_ms or not scene.pauses


def test_a_sentence_over_a_reply_silences_it_at_once_and_is_sent_whole(
    spoken: dict[str, bytes],
) -> None:
    sentence = spoken["No, wait, tell me about London instead."]
    scene = Scene(reply_ms=8_000).capture(silence(2_000))
    onset = onset_of(sentence)
    scene.capture(sentence)
    assert scene.paused
    assert scene.pauses == 1
    scene.waiting_ms = 0  # the server interrupts it
    scene.capture(silence(400))
    assert sentence[onset * 2 :] in bytes(scene.sent)
    assert scene.first_pause_ms is not None
    assert scene.first_pause_ms - 2_000 - onset * 1000 / RATE < 250


@pytest.mark.parametrize("reply_ms", [8_000, 900])
def test_a_word_at_the_beginning_or_end_of_a_reply_is_sent(
    spoken: dict[str, bytes], reply_ms: int
) -> None:
    word = spoken["Yes."]
    scene = Scene(reply_ms=reply_ms).capture(silence(150) + word)
    scene.waiting_ms = 0
    scene.capture(silence(300))
    assert word[onset_of(word) * 2 :] in bytes(scene.sent)


def test_a_rest_of_an_echo_in_the_first_second_pauses_the_reply_and_a_sentence_interrupts_it(
    spoken: dict[str, bytes],
) -> None:
    """Where loudspeakers have an echo, 200 ms of it may be unlike what is played."""
    sentence = spoken["No, wait, tell me about London instead."]
    rest = sentence[onset_of(sentence) * 2 :][: 200 * BYTES_PER_MS]
    scene = Scene(reply_ms=8_000, has_echo=True).capture(silence(200) + rest + silence(900))
    assert not scene.sent_speech
    assert not scene.paused
    scene = Scene(reply_ms=8_000, has_echo=True).capture(silence(200) + sentence)
    assert scene.paused
    assert scene.first_pause_ms is not None
    assert scene.first_pause_ms - 200 - onset_of(sentence) * 1000 / RATE < 250
    scene.waiting_ms = 0  # the server interrupts it
    scene.capture(silence(400))
    assert sentence[onset_of(sentence) * 2 :] in bytes(scene.sent)


def test_an_echo_after_the_pause_is_no_speech(spoken: dict[str, bytes]) -> None:
    """It comes late through a slow sound server; its beginning was unlike what is played."""
    sentence = spoken["No, wait, tell me about London instead."]
    end = (onset_of(sentence) * 2 // FRAME) * FRAME + 200 * BYTES_PER_MS
    scene = Scene(reply_ms=8_000, has_echo=True).capture(silence(1_500) + sentence[:end])
    assert scene.paused
    scene.echo = True
    scene.capture(sentence[end:] + silence(500))
    assert not scene.paused
    assert not scene.sent_speech


def test_an_echo_neither_pauses_the_reply_nor_is_sent(spoken: dict[str, bytes]) -> None:
    echo = spoken["No, wait, tell me about London instead."]
    scene = Scene(reply_ms=9_000, echo=True).capture(silence(1_500) + echo + silence(500))
    assert not scene.pauses
    assert not scene.sent_speech


def test_only_a_louder_voice_interrupts_once_that_is_required(spoken: dict[str, bytes]) -> None:
    echo = spoken["No, wait, tell me about London instead."]
    loud = np.clip(np.frombuffer(echo, "<i2").astype(float) * 5, -32768, 32767).astype("<i2")
    scene = Scene(reply_ms=20_000)
    scene.filter.require_louder()
    scene.capture(silence(1_500) + echo + echo)
    assert not scene.pauses
    scene.capture(loud.tobytes())
    assert scene.pauses


def test_a_reply_goes_on_where_the_server_does_not_react(spoken: dict[str, bytes]) -> None:
    sentence = spoken["No, wait, tell me about London instead."]
    scene = Scene(reply_ms=9_000).capture(silence(2_000) + sentence + silence(3_000))
    assert not scene.paused


def test_hands_free_a_word_is_sent_unchanged_with_what_is_around_it(
    spoken: dict[str, bytes],
) -> None:
    word = spoken["Yes."]
    at = onset_of(word) * 2
    scene = Scene().capture(NOISE + word + NOISE + silence(320))
    around = (NOISE + word + NOISE)[len(NOISE) + at - RATE // 10 : len(NOISE) + len(word) + RATE]
    assert around in bytes(scene.sent)
    assert len(scene.sent) > len(NOISE + word + NOISE)  # the server's clock goes on


@pytest.mark.parametrize("name", NOISES)
def test_hands_free_silence_is_sent_for_what_is_no_speech(name: str) -> None:
    scene = Scene().capture(silence(200) + NOISES[name] + silence(400))
    assert len(scene.sent) >= len(NOISES[name])
    assert not any(scene.sent)
