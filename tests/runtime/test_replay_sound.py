"""A replay plays the turns that were recorded, on a real sound server."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.sound_server_harness import VirtualSound
from tui_voice.audio.pcm import RATE
from tui_voice.conversation import events as e
from tui_voice.runtime.recorder import Recorder
from tui_voice.runtime.replay import replay
from tui_voice.runtime.turn_player import TurnPlayer

TONE = (np.sin(np.arange(RATE) * 0.2) * 9000).astype("<i2")


@pytest.mark.sound
def test_a_replay_plays_the_turns(virtual_sound: VirtualSound, tmp_path: Path) -> None:
    journal = tmp_path / "talk.jsonl"
    seconds = 0.0
    recorder = Recorder(journal, lambda: seconds, print)
    for seconds in (1.4, 3.0):
        recorder.add("you" if seconds < 2 else "reply", TONE[: RATE // 2].tobytes())
    recorder.close()
    events = [
        e.SessionOpened(id="s", started="2026-04-04T12:00:00+00:00", backend="ws", model="m"),
        e.SpeechStarted(item_id="u", at=1.0),
        e.SpeechCommitted(item_id="u", at=1.5, audio_ms=500),
        e.TurnAdded(item_id="a", role="assistant", at=2.9),
        e.AudioReceived(item_id="a", audio_ms=500, at=2.9),
        e.PlaybackFinished(item_id="a", played_ms=500, at=3.5),
    ]
    recording = virtual_sound.record()
    session = replay(journal, events, 1.0, TurnPlayer().play_recorded)
    try:
        heard = lambda pcm: np.count_nonzero(np.frombuffer(bytes(pcm[: len(pcm) // 2 * 2]), "<i2"))  # noqa: E731  (the condition of one wait)
        assert recording.wait_for(lambda pcm: heard(pcm) > 0.9 * RATE)
    finally:
        session.close()
