"""The test of one device in the settings and the welcome, and the sample of a voice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.sound_server_harness import MICROPHONE, VirtualSound
from tui_voice.audio.files import write_wav
from tui_voice.audio.pcm import RATE, samples
from tui_voice.cli.voice_sample import sample
from tui_voice.errors import DeviceError
from tui_voice.runtime import sound_test
from tui_voice.runtime.sound_test import DeviceTest

AT = np.arange(20 * RATE) / RATE
TONE = (np.sin(2 * np.pi * 440 * AT) * 12_000).astype("<i2").tobytes()


@pytest.mark.sound
def test_a_microphone_is_recorded_and_played_back_and_a_loudspeaker_heard(
    virtual_sound: VirtualSound, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sound_test, "TEST_S", 0.8)
    write_wav(tmp_path / "tone.wav", TONE)
    test, levels = DeviceTest(), list[float]()
    played = virtual_sound.record()
    said = test.record(None, levels.append)
    assert said.startswith("Almost nothing was heard.")
    assert len(levels) >= 35, "a level for each 20 ms"
    microphone = virtual_sound.record(MICROPHONE)
    speech = virtual_sound.speak(tmp_path / "tone.wav", wait=False)
    assert microphone.wait_for(any), "the tone is in the microphone"
    said = test.record("Microphone", levels.append)
    speech.kill()
    speech.wait()
    assert said.startswith("Heard you at ")
    assert max(levels) > 0.6
    test.play_tone("Loudspeaker")
    heard = played.stop().astype(float)
    share = np.abs(heard) > 500
    assert share.sum() > RATE // 2, "the recording and the tones were played"
    with pytest.raises(DeviceError, match='There is no loudspeaker "Nothing"'):
        test.play_tone("Nothing")


@pytest.mark.local
def test_the_voices_of_the_embedded_server_sound_different() -> None:
    marin, cedar = (samples(sample(voice, 1.0)) for voice in ("marin", "cedar"))
    slow = samples(sample("marin", 0.5))
    assert len(slow) > 1.5 * len(marin) > RATE
    assert np.abs(marin.astype(int)).max() > 3_000
    assert not np.array_equal(marin[:RATE], cedar[:RATE])
