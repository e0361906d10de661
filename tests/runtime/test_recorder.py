"""The recording beside a journal: one private file on the session's clock; turns found in it."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.runtime.session_harness import running_session, toy_server, utterance
from tests.server.toy_engines_harness import tones
from tui_voice.audio.null import NullMicrophone, NullSpeaker
from tui_voice.audio.pcm import RATE
from tui_voice.audio.sound import SoundDevices
from tui_voice.conversation import events as e
from tui_voice.conversation.turns import Turn
from tui_voice.runtime.media import Media
from tui_voice.runtime.recorder import Recorder, recording_path
from tui_voice.runtime.recordings import recordings, sound_of
from tui_voice.runtime.speech_buffer import SpeechBuffer
from tui_voice.store.catalog import recordings as files_of

VOICE = (np.sin(np.arange(RATE) * 0.2) * 9000).astype("<i2")


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def no_trouble(trouble: str) -> None:
    raise AssertionError(trouble)


def test_both_sides_are_in_one_private_file_at_their_times(tmp_path: Path) -> None:
    journal, clock = tmp_path / "talk.jsonl", Clock()
    recorder = Recorder(journal, clock, no_trouble)
    for number in range(50):  # frames of 20 ms, which end when they are added
        clock.seconds = 1.02 + number * 0.02 + (0.01 if number % 3 else 0)
        recorder.add("you", VOICE[number * 480 : (number + 1) * 480].tobytes())
    clock.seconds = 40.0
    recorder.add("reply", VOICE.tobytes())
    recorder.close()
    path = recording_path(journal, 0)
    assert (path.name, stat.S_IMODE(path.stat().st_mode)) == ("talk.flac", 0o600)
    assert files_of(journal) == [path]  # so that they are deleted with the session
    found, rate = soundfile.read(path, dtype="int16")
    assert rate == RATE
    assert np.array_equal(found[RATE : 2 * RATE, 0], VOICE)
    assert np.array_equal(found[40 * RATE : 41 * RATE, 1], VOICE)
    assert not found[2 * RATE :, 0].any()
    assert not found[: 40 * RATE, 1].any()
    assert path.stat().st_size < 100_000  # silence takes no room


async def test_what_was_captured_before_the_microphone_was_opened_ends_then(
    tmp_path: Path,
) -> None:
    clock = Clock()
    media = Media(SpeechBuffer(lambda _: True, lambda: None), lambda _: None)
    microphone, speaker = NullMicrophone(media.captured), NullSpeaker()
    media.attach(SoundDevices(microphone, speaker), microphone_open=False, muted=False)
    media.recorder = Recorder(tmp_path / "talk.jsonl", clock, no_trouble)
    frames = [VOICE[at : at + 480].tobytes() for at in range(0, len(VOICE), 480)]
    for number, frame in enumerate(frames):  # of 20 ms, which end when they are captured
        if number == 15:
            media.open_microphone(True)
        clock.seconds = 5 + (number + 1) * 0.02
        microphone.accept(frame)
    media.recorder.close()
    await speaker.close()
    found, _ = soundfile.read(recording_path(tmp_path / "talk.jsonl", 0), dtype="int16")
    assert not found[: 5 * RATE, 0].any()
    assert np.array_equal(found[5 * RATE :, 0], VOICE)


@pytest.mark.parametrize("closed_ms", [200, 500, 700])
async def test_a_microphone_that_is_closed_for_a_moment_leaves_a_gap(
    tmp_path: Path, closed_ms: int
) -> None:
    clock = Clock()
    media = Media(SpeechBuffer(lambda _: True, lambda: None), lambda _: None)
    microphone, speaker = NullMicrophone(media.captured, pre_roll_ms=0), NullSpeaker()
    media.attach(SoundDevices(microphone, speaker), microphone_open=True, muted=False)
    media.recorder = Recorder(tmp_path / "talk.jsonl", clock, no_trouble)
    for begins in (1.0, 2.0 + closed_ms / 1000):
        clock.seconds = begins
        media.open_microphone(True)
        for at in range(0, len(VOICE), 480):
            clock.seconds = begins + (at + 480) / RATE
            microphone.accept(VOICE[at : at + 480].tobytes())
        media.open_microphone(False)
    media.recorder.close()
    await speaker.close()
    found, _ = soundfile.read(recording_path(tmp_path / "talk.jsonl", 0), dtype="int16")
    again = 2 * RATE + closed_ms * RATE // 1000
    assert np.array_equal(found[RATE : 2 * RATE, 0], VOICE)
    assert not found[2 * RATE : again, 0].any()
    assert np.array_equal(found[again : again + RATE, 0], VOICE)


def test_a_later_run_has_a_file_of_its_own_and_turns_are_found_in_both(tmp_path: Path) -> None:
    journal, clock = tmp_path / "talk.jsonl", Clock()
    for begin in (0.0, 86_400.5):
        clock.seconds = begin
        recorder = Recorder(journal, clock, no_trouble)
        clock.seconds = begin + 5
        recorder.add("reply", VOICE.tobytes())
        recorder.close()
    assert [first for first, _ in recordings(journal)] == [0, 86_400]
    for at in (4.2, 86_404.7):
        turn = Turn("a", "assistant", at, "Hello.", audio_ms=1_000)
        sound = np.frombuffer(sound_of(journal, turn), "<i2")
        assert VOICE[:20_000].tobytes() in sound.tobytes()
        assert len(sound) < 1.2 * RATE
    assert sound_of(journal, Turn("t", "user", 4.2, "typed", modality="text")) == b""
    assert sound_of(journal, Turn("u", "user", 4.2, "other side", audio_ms=500)) == b""


KILLED = """
import os, sys, time
from pathlib import Path
from tui_voice.runtime.media import Media
from tui_voice.runtime.recorder import Recorder
clock = lambda: clock.now
clock.now = 0.0
recorder = Recorder(Path(sys.argv[1]), clock, print)
for second in range(1, 11):
    clock.now = float(second)
    recorder.add("you", (b"\\x10\\x27\\xf0\\xd8" * 12000))
while recorder._waiting.qsize():
    time.sleep(0.01)
time.sleep(0.2)
os.kill(os.getpid(), 9)
"""


def test_the_file_of_a_killed_process_can_be_played(tmp_path: Path) -> None:
    journal = tmp_path / "talk.jsonl"
    subprocess.run([sys.executable, "-c", KILLED, str(journal)], check=False)
    turn = Turn("u", "user", 5.0, "words", audio_ms=2_000)
    sound = np.frombuffer(sound_of(journal, turn), "<i2")
    assert len(sound) >= 2 * RATE
    assert np.abs(sound.astype(int)).min() > 9_000


def test_a_write_error_is_reported_once(tmp_path: Path) -> None:
    troubles: list[str] = []
    recorder = Recorder(tmp_path / "missing" / "talk.jsonl", Clock(), troubles.append)
    for _ in range(5):
        recorder.add("you", b"\x01\x00")
    recorder.close()
    assert troubles == [
        "The audio of this session is no longer recorded: no such file or directory."
    ]


@pytest.mark.parametrize("interrupted", [False, True])
async def test_what_is_said_and_heard_in_a_session_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interrupted: bool
) -> None:
    # The devices of this test are faster than the clock.
    monkeypatch.setattr("tui_voice.runtime.recorder._KEPT_S", 30.0)
    async with (
        toy_server() as server,
        running_session(server.url, tmp_path, wait_online=False) as harness,
    ):
        recorder = Recorder(harness.session.path, harness.session.seconds, no_trouble)
        harness.backend.record_with(recorder)
        await harness.online()
        assert harness.session.meters().recording
        harness.session.post(e.TalkPressed())
        await harness.until(lambda s: s.situation.microphone.open)
        if interrupted:
            assert harness.sound is not None
            harness.sound.speaker.speed = 1.0
        await harness.feed(utterance("one two three"))
        if interrupted:
            await harness.until(lambda s: s.state.value == "speaking")
            harness.session.post(e.StopPressed())
            await harness.event(e.PlaybackInterrupted)
        else:
            await harness.event(e.PlaybackFinished)
        path = harness.session.path
    found, _ = soundfile.read(recording_path(path, 0), dtype="int16")
    spoken = tones("one two three").tobytes()
    assert spoken in found[:, 0].astype("<i2").tobytes()
    assert (spoken in found[:, 1].astype("<i2").tobytes()) is not interrupted
