"""Recordings beside a journal: complete, private, continued, and no reason to end a session."""

from __future__ import annotations

import stat
import wave
from pathlib import Path

import pytest

from tests.runtime.session_harness import running_session, toy_server, utterance
from tests.server.toy_engines_harness import ToneRecogniser, tones
from tui_voice.audio.files import read_sound
from tui_voice.conversation import events as e
from tui_voice.runtime import recorder as module
from tui_voice.runtime.recorder import Recorder, recording_path


def audio(path: Path) -> bytes:
    """Return the samples of a recording and check its format."""
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 24_000)
        return file.readframes(file.getnframes())


def no_trouble(trouble: str) -> None:
    raise AssertionError(trouble)


def test_each_side_has_a_private_file_that_a_later_run_continues(tmp_path: Path) -> None:
    journal = tmp_path / "talk.jsonl"
    for piece in (b"\x01\x00" * 30_000, b"\x02\x00" * 10):
        recorder = Recorder(journal, no_trouble)
        recorder.add("you", piece)
        recorder.add("voice", piece[:4])
        recorder.close()
    you, voice = recording_path(journal, "you"), recording_path(journal, "voice")
    assert (you.name, voice.name) == ("talk.you.wav", "talk.voice.wav")
    assert audio(you) == b"\x01\x00" * 30_000 + b"\x02\x00" * 10
    assert audio(voice) == b"\x01\x00" * 2 + b"\x02\x00" * 2
    assert stat.S_IMODE(you.stat().st_mode) == 0o600


def test_the_file_of_a_killed_process_can_be_played_and_continued(tmp_path: Path) -> None:
    journal = tmp_path / "talk.jsonl"
    recorder = Recorder(journal, no_trouble)
    recorder.add("you", b"\x01\x00" * 24_000)
    recorder.close()
    path = recording_path(journal, "you")
    with path.open("ab") as file:
        file.write(b"\x02\x00" * 100 + b"\x03")  # written, but not in the header yet
    assert len(read_sound(path)) == 48_000
    recorder = Recorder(journal, no_trouble)
    recorder.add("you", b"\x04\x00")
    recorder.close()
    assert audio(path) == b"\x01\x00" * 24_000 + b"\x02\x00" * 100 + b"\x04\x00"


def test_a_file_that_is_no_wav_is_overwritten(tmp_path: Path) -> None:
    journal = tmp_path / "talk.jsonl"
    recording_path(journal, "you").write_bytes(b"x" * 100)
    recorder = Recorder(journal, no_trouble)
    recorder.add("you", b"\x01\x00")
    recorder.close()
    assert audio(recording_path(journal, "you"))[:2] == b"\x01\x00"


def test_a_write_error_is_reported_once(tmp_path: Path) -> None:
    troubles: list[str] = []
    recorder = Recorder(tmp_path / "missing" / "talk.jsonl", troubles.append)
    for _ in range(5):
        recorder.add("you", b"\x01\x00")
    recorder.close()
    assert troubles == [
        "The audio of this session is no longer recorded: no such file or directory."
    ]


def test_a_recording_ends_at_the_longest_wav_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 10)
    troubles: list[str] = []
    recorder = Recorder(tmp_path / "talk.jsonl", troubles.append)
    recorder.add("you", bytes(8))
    recorder.add("you", bytes(4))
    recorder.close()
    assert "longer" in troubles[0]


async def test_both_sides_of_a_session_are_recorded(tmp_path: Path) -> None:
    async with (
        toy_server() as server,
        running_session(server.url, tmp_path, wait_online=False) as harness,
    ):
        recorder = Recorder(harness.session.path, no_trouble)
        harness.backend.record_with(recorder)
        await harness.online()
        harness.session.post(e.TalkPressed())
        await harness.until(lambda s: s.situation.microphone.open)
        await harness.feed(utterance("one two three"))
        await harness.event(e.PlaybackFinished)
        path = harness.session.path
    you = audio(recording_path(path, "you"))
    assert tones("one two three").tobytes() in you
    voice = audio(recording_path(path, "voice"))
    assert voice == tones("one two three").tobytes()
    assert ToneRecogniser.name == "tones"
