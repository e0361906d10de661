"""Speech-to-text and text-to-speech of the user's own: servers and a model folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.server.local.http_harness import serving
from tests.server.local.speech_harness import for_recogniser
from tui_voice.errors import BackendError, EnginesMissing
from tui_voice.server.local.engines import LocalEngines
from tui_voice.server.local.remote import SpeechUrl, Whisper, WhisperUrl, base_url, wav


def test_sound_servers_take_the_place_of_the_built_in_engines(engines: LocalEngines) -> None:
    hello = for_recogniser(engines.synthesiser().speak("Hello, how are you?", "marin", 1.0))
    bodies: list[bytes] = []
    tone = (np.sin(np.arange(1000) / 10) * 10_000).astype("<i2")

    def answer(path: str, body: bytes) -> tuple[int, str, bytes]:
        bodies.append(body)
        if path == "/v1/audio/transcriptions":
            return 200, "application/json", b'{"text": " hello "}'
        assert path == "/v1/audio/speech"
        if json.loads(body)["voice"] == "wav":
            return 200, "audio/wav", wav(tone.astype(np.float32) / 32768, 12_000)
        return 200, "audio/pcm", tone.tobytes() + b"\x00"

    with serving(answer) as address:
        url = f"http://{address}/v1"
        remote = LocalEngines(stt=f"{url}/audio/transcriptions", tts=url, probe=False)
        assert remote.recogniser().transcribe(np.zeros(16_000, np.float32)) == ""
        assert not bodies, "sound without speech is not sent"
        assert remote.recogniser().transcribe(hello) == "hello"
        assert b"RIFF" in bodies[0]
        assert np.array_equal(remote.synthesiser().speak("Hi", "alloy", 1.0), tone)
        assert len(remote.synthesiser().speak("Hi", "wav", 1.0)) == pytest.approx(2000, abs=50)
        assert address in remote.describe()


def test_a_sound_server_that_fails_is_named_in_the_error() -> None:
    def answer(_path: str, _body: bytes) -> tuple[int, str, bytes]:
        return 404, "application/json", b'{"error":{"message":"no such model"}}'

    with serving(answer) as address:
        with pytest.raises(BackendError, match=address):
            WhisperUrl(f"http://{address}/v1").transcribe(np.zeros(1600, np.float32))
        with pytest.raises(BackendError, match=address):
            SpeechUrl(f"http://{address}/v1").speak("Hi", "alloy", 1.0)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"RIFF but no sound", "cannot be read"),
        (wav(np.zeros(10, np.float32), 24_000).replace(b"\x10\x00data", b"\x08\x00data"), "8-bit"),
    ],
)
def test_a_sound_file_that_cannot_be_played_is_an_error(data: bytes, reason: str) -> None:
    with (
        serving(lambda _path, _body: (200, "audio/wav", data)) as address,
        pytest.raises(BackendError, match=reason),
    ):
        SpeechUrl(f"http://{address}/v1").speak("Hi", "alloy", 1.0)


@pytest.mark.parametrize("url", ["http://h/v1", "http://h/v1/", "http://h/v1/audio/speech"])
def test_a_url_may_end_with_its_endpoint(url: str) -> None:
    assert base_url(url, "/audio/speech") == "http://h/v1"


def test_a_whisper_folder_must_hold_a_model(tmp_path: Path) -> None:
    with pytest.raises(EnginesMissing, match="no faster-whisper model"):
        Whisper(tmp_path)
