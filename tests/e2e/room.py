"""A room with a microphone to speak into and a loudspeaker to listen to."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.e2e.talk import Talk
from tests.server.local.speech_harness import DATA
from tests.sound_server_harness import MICROPHONE, SPEAKER, Recording, VirtualSound


def need(there: object, what: str) -> None:
    """Skips where the machine lacks something; where all must be there, fails."""
    if there:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


class Room:
    """A microphone to speak into and a loudspeaker to listen to. Both have been recorded since
    before the app began: a card of air that nobody listens to wakes late.
    """

    def __init__(self, sound: VirtualSound, folder: Path) -> None:
        self.sound = sound
        self._folder = folder
        with ThreadPoolExecutor(2) as pool:
            recordings = pool.map(sound.record, (SPEAKER, MICROPHONE))
        self.loudspeaker: Recording
        self.microphone: Recording
        self.loudspeaker, self.microphone = recordings
        self._listeners = sound.listeners()
        self.env = {
            name: sound.env[name]
            for name in ("XDG_RUNTIME_DIR", "PULSE_RUNTIME_PATH", "PULSE_COOKIE", "PULSE_SERVER")
        }

    def listens(self, talk: Talk) -> None:
        """Waits until the app has opened its microphone."""
        talk.until(lambda: self.sound.listeners() > self._listeners, "the app's microphone")

    def voice(self, text: str, voice: str = "slt") -> Path:
        """A sentence by a voice that is not the server's, as a WAV file."""
        path = self._folder / f"{abs(hash((text, voice)))}.wav"
        subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(path)], check=True)
        return path

    def recording(self, name: str) -> Path:
        """A real person, out of Debian's `pocketsphinx-testdata`, as a WAV file."""
        return DATA / name

    def say(self, wav: Path) -> None:
        """Into the microphone, as fast as one speaks; returns when all has been said."""
        self.sound.speak(wav)
