"""Hints about a microphone that is closed, muted or too loud, on a real sound server."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tests.requirements_harness import require
from tests.sound_server_harness import VirtualSound
from tui_voice.audio.devices import load_driver
from tui_voice.audio.sound import open_sound
from tui_voice.audio.voice_detector import VoiceDetector
from tui_voice.conversation import events as e
from tui_voice.runtime.care import CLIPS, CLOSED, MUTED, MicrophoneCare
from tui_voice.runtime.media import Media
from tui_voice.runtime.sound_test import DeviceTest
from tui_voice.runtime.speech_buffer import SpeechBuffer


@pytest.fixture
def words_wav(tmp_path: Path) -> Path:
    require(shutil.which("flite"), "flite is not installed (apt: flite)")
    path = tmp_path / "words.wav"
    text = "Can anybody hear me? I would like to."
    subprocess.run(["flite", "-t", text, "-o", str(path)], check=True)
    return path


@pytest.mark.sound
async def test_who_speaks_into_a_closed_or_muted_microphone_gets_one_notice(
    virtual_sound: VirtualSound, words_wav: Path
) -> None:
    said, changed = list[str](), asyncio.Event()

    def post(event: e.Event) -> None:
        if isinstance(event, e.Noticed):
            said.append(event.text)
            changed.set()

    media = Media(SpeechBuffer(lambda _: True, lambda: None), post)
    sound = await open_sound(media.captured, driver=load_driver("miniaudio"))
    try:
        media.attach(sound, microphone_open=False, muted=False)
        recording = asyncio.Event()
        begun = partial(asyncio.get_running_loop().call_soon_threadsafe, recording.set)
        tested = asyncio.create_task(
            asyncio.to_thread(DeviceTest().record, None, lambda _level: begun())
        )
        await recording.wait()
        await asyncio.to_thread(virtual_sound.speak, words_wav)
        assert (await tested).startswith("Heard you")
        assert said == [], "who tests the microphone knows what hears them"
        for muted, text in ((False, CLOSED), (True, MUTED)):
            changed.clear()
            media.open_microphone(muted)
            media.mute(muted)
            while not changed.is_set():
                await asyncio.to_thread(virtual_sound.speak, words_wav)
            assert said[-1] == text
        assert said == [CLOSED, MUTED]
    finally:
        await sound.close()


def test_a_microphone_that_clips_is_named_once() -> None:
    care = MicrophoneCare(VoiceDetector())
    loud = np.clip(np.sin(np.arange(480) * 0.2) * 60_000, -32_768, 32_767).astype("<i2").tobytes()
    said = [care.sent(loud) for _ in range(200)]
    assert [text for text in said if text] == [CLIPS]
    soft = (np.sin(np.arange(480) * 0.2) * 9_000).astype("<i2").tobytes()
    assert not any(MicrophoneCare(VoiceDetector()).sent(soft) for _ in range(100))
