"""Speech engines of the user's own: a Whisper model on disk, servers with OpenAI's audio API."""

from __future__ import annotations

import io
import wave
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tui_voice.audio.pcm import resample
from tui_voice.config.program_form import install
from tui_voice.errors import BackendError, EnginesMissing
from tui_voice.network import http_client, http_failure
from tui_voice.server.interfaces import DETECTOR_RATE, SPEECH_RATE
from tui_voice.server.local.spoken import plain

_TIMEOUT_S = 30.0
"""Of one request."""


class Whisper:
    """Speech to text by faster-whisper with a model folder of the user: many languages."""

    def __init__(self, folder: Path) -> None:
        if not (folder / "model.bin").is_file():
            raise EnginesMissing(
                f"There is no faster-whisper model in {folder}.",
                "Name a folder that holds model.bin, config.json and the tokenizer.",
            )
        try:
            whisper = import_module("faster_whisper")
        except ImportError as error:
            raise EnginesMissing(
                "A Whisper model was named, but faster-whisper is not installed.",
                f"Run `{install('faster-whisper')}`.",
            ) from error
        self.name = f"whisper {folder.name}"
        self._model: Any = whisper.WhisperModel(str(folder), device="cpu", compute_type="int8")

    def transcribe(self, samples: NDArray[np.float32]) -> str:
        found, _ = self._model.transcribe(samples, beam_size=1, vad_filter=True)
        return " ".join(segment.text.strip() for segment in found)


class WhisperUrl:
    """Speech to text by a server: `POST <url>/audio/transcriptions`."""

    def __init__(self, url: str, model: str = "whisper-1", api_key: str | None = None) -> None:
        self._base, self._model = base_url(url, "/audio/transcriptions"), model
        self._client = _client(self._base, api_key)
        self.name = f"transcription at {_host(url)}"

    def transcribe(self, samples: NDArray[np.float32]) -> str:
        from openai import OpenAIError

        file = ("speech.wav", wav(samples, DETECTOR_RATE), "audio/wav")
        try:
            answer = self._client.audio.transcriptions.create(model=self._model, file=file)
        except OpenAIError as error:
            raise _failed(self._base, error) from error
        return str(answer.text).strip()


class SpeechUrl:
    """Text to speech by a server: `POST <url>/audio/speech`, raw PCM at 24 kHz."""

    voices: Sequence[str] = (
        "alloy",
        "ash",
        "ballad",
        "cedar",
        "coral",
        "echo",
        "marin",
        "sage",
        "shimmer",
        "verse",
    )

    def __init__(self, url: str, model: str = "tts-1", api_key: str | None = None) -> None:
        self._base, self._model = base_url(url, "/audio/speech"), model
        self._client = _client(self._base, api_key)
        self.name = f"speech at {_host(url)}"

    def speak(self, text: str, voice: str, speed: float) -> NDArray[np.int16]:
        from openai import OpenAIError

        if not (words := plain(text)):
            return np.zeros(0, np.int16)
        try:
            answer = self._client.audio.speech.create(
                model=self._model, voice=voice, input=words, speed=speed, response_format="pcm"
            )
            data = answer.content
        except OpenAIError as error:
            raise _failed(self._base, error) from error
        if data[:4] == b"RIFF":  # some servers send WAV although PCM was requested
            return read_wav(data)
        return np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.int16)


def base_url(url: str, endpoint: str) -> str:
    """Returns `url` without the `endpoint` at its end, as OpenAI's client needs it."""
    return url.rstrip("/").removesuffix(endpoint)


def wav(samples: NDArray[np.float32], rate: int) -> bytes:
    """Returns mono samples (−1…1) as the bytes of a 16-bit WAV file."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return out.getvalue()


def read_wav(data: bytes) -> NDArray[np.int16]:
    """Returns the bytes of a 16-bit WAV file as mono samples at 24 kHz.

    Raises `BackendError` where they are something else.
    """
    try:
        with wave.open(io.BytesIO(data)) as file:
            width, channels, rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
            raw = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise BackendError("The speech server sent a sound file that cannot be read.") from error
    if width != 2:
        raise BackendError(f"The speech server sent {width * 8}-bit sound; 16 bits are needed.")
    mono = np.frombuffer(raw, "<i2").reshape(-1, channels).mean(axis=1).astype("<i2")
    return np.frombuffer(resample(mono.tobytes(), rate, SPEECH_RATE), "<i2").astype(np.int16)


def _client(base: str, api_key: str | None) -> Any:
    from openai import OpenAI

    return OpenAI(
        base_url=base,
        api_key=api_key or "none",
        timeout=_TIMEOUT_S,
        max_retries=1,
        http_client=http_client(base),
    )


def _host(url: str) -> str:
    return url.split("//", 1)[-1].split("/", 1)[0]


def _failed(url: str, error: Exception) -> BackendError:
    reason = http_failure(url, error)
    return BackendError(f"The sound server at {_host(url)} failed: {reason}", "Is it running?")
