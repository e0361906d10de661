"""By talk key, through real streams: only words make a turn."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.audio.laugh_harness import laugh
from tests.e2e.app_harness import StartApp, concerns
from tests.e2e.sound_setup_harness import SoundSetup
from tests.requirements_harness import require
from tui_voice.audio.pcm import RATE, resample, samples

pytestmark = [pytest.mark.local, pytest.mark.sound, pytest.mark.slow]

RING = Path("/usr/share/sounds/Oxygen-Im-Phone-Ring.ogg")
MUSIC = Path("/usr/share/asterisk/moh/macroform-cold_day.wav")


def sounds_without_words() -> Iterator[tuple[str, np.ndarray]]:
    """Yields names and samples (24 kHz, mono, 16 bits) of at most 3 s."""
    noise = np.random.default_rng(3).standard_normal(RATE) * 3000
    yield "tap", (noise[: RATE // 50] * np.linspace(6, 0, RATE // 50)).astype("<i2")
    yield "white noise", noise.astype("<i2")
    for name, file, package in (
        ("ring", RING, "oxygen-sounds"),
        ("music", MUSIC, "asterisk-moh-opsound-wav"),
    ):
        require(file.is_file(), f"no real sounds: apt install {package}")
        sound, rate = soundfile.read(file, dtype="int16", always_2d=True, frames=3 * RATE)
        mono = resample(sound[:, 0].astype("<i2").tobytes(), rate)
        yield name, samples(mono)[: RATE * 3 // 2]
    yield "laugh", np.tile(samples(laugh()) // 2, 2)


def test_only_words_make_a_turn(
    start_app: StartApp, embedded_server: str, sound: SoundSetup, tmp_path: Path
) -> None:
    app = start_app("--backend", embedded_server, env=sound.env)
    app.wait_until_connected()
    sound.wait_for_capture(app)
    for mode in ("push-to-talk", "manual"):
        app.press("f10")
        app.wait_for(mode)
    for name, pcm in sounds_without_words():
        before, file = len(app.journal()), tmp_path / "sound.wav"
        soundfile.write(file, pcm, RATE, subtype="PCM_16")
        app.press("space")
        app.wait_for("mic open")
        sound.speak(file)
        at = time.monotonic() + 0.3  # what was played is captured a little later
        app.wait_until(lambda at=at: time.monotonic() > at, "the end of the sound")
        app.press("space")
        app.wait_for_event("speech_discarded", after=before)
        app.wait_for("mic closed")
        made = {event["event"] for event in app.journal()[before:]}
        assert not made & {"speech_committed", "response_started"}, name
    before = len(app.journal())
    app.press("space")
    app.wait_for("mic open")
    sound.speak(sound.synthesize("What time is it?"))
    app.press("space")
    turn = app.wait_for_event("speech_committed", after=before)["item_id"]
    assert "time" in app.wait_for_event("transcript_done", concerns(turn))["text"]
