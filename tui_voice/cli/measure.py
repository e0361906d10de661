"""Measures text and speech at the server in force: `tui-voice tokens --measure`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tui_voice.config import Settings
from tui_voice.conversation.events import Event, ResponseDone, Usage
from tui_voice.errors import BackendError


class Measured(NamedTuple):
    """The input tokens that the server counted for the same words, typed and spoken."""

    text_tokens: int
    audio_tokens: int
    seconds: float
    """Length of the speech."""


def measure(words: str, sound: bytes | None, settings: Settings) -> Measured:
    """Says the words in two sessions of their own, typed and spoken, and reads the server's usage.

    `sound`: the words as speech (s16le, mono, 24 kHz); None: the embedded text-to-speech speaks
    them. Both sessions have the same instructions, so the difference in text tokens is that of the
    words. Costs two short replies. Raises EnginesMissing, BackendError.
    """
    from tui_voice.audio.pcm import duration_ms

    pcm = sound if sound is not None else speech(words, settings)
    spoken = _usage(pcm, settings)
    typed = _usage(words, settings) if words else None
    return Measured(
        typed.input_text - spoken.input_text if typed else 0,
        spoken.input_audio,
        duration_ms(pcm) / 1000,
    )


def speech(words: str, settings: Settings) -> bytes:
    """Returns the words as speech by the text-to-speech of the embedded engines.

    Raises EnginesMissing where they are not installed.
    """
    from tui_voice.audio.pcm import resample
    from tui_voice.server.interfaces import SPEECH_RATE
    from tui_voice.server.local.engines import LocalEngines

    synthesiser = LocalEngines(tts=settings.backend.tts, progress=lambda _text: None).synthesiser()
    samples = synthesiser.speak(words, settings.backend.voice, 1.0)
    return resample(samples.astype("<i2").tobytes(), SPEECH_RATE)


def _usage(turn: str | bytes, settings: Settings) -> Usage:
    """Returns the usage of the reply to the turn, the first of a session that is not kept."""
    from tui_voice.runtime.headless import HeadlessSession
    from tui_voice.runtime.session_factory import SessionOptions

    found: list[Usage] = []

    def listen(event: Event) -> None:
        if isinstance(event, ResponseDone) and event.usage is not None:
            found.append(event.usage)

    context = replace(settings.context, recall=False)
    audio = replace(settings.audio, record=False)
    with TemporaryDirectory(prefix="tui-voice-tokens-") as folder:
        options = SessionOptions(
            settings=replace(settings, context=context, audio=audio), folder=Path(folder)
        )
        with HeadlessSession(options, on_event=listen) as session:
            if isinstance(turn, bytes):
                session.speak(turn)
            else:
                session.say(turn)
    if not found:
        raise BackendError("The server gave no usage for its reply, so nothing was measured.")
    return found[0]
