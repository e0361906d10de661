"""A virtual microphone that tests speak into, and a virtual loudspeaker that they record."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.e2e.app_harness import AppUnderTest
from tests.server.local.speech_harness import DATA
from tests.sound_server_harness import MICROPHONE, SPEAKER, Recording, VirtualSound


class SoundSetup:
    """A microphone and a loudspeaker, both recorded.

    The recordings begin before the app starts, since a PulseAudio device without any stream is
    suspended, and takes some time to resume.
    """

    def __init__(self, server: VirtualSound, folder: Path) -> None:
        self.server = server
        self.env = server.client_env
        self._folder = folder
        with ThreadPoolExecutor(2) as pool:
            recordings = pool.map(server.record, (SPEAKER, MICROPHONE))
        self.loudspeaker: Recording
        self.microphone: Recording
        self.loudspeaker, self.microphone = recordings
        self._own_streams = server.listeners()

    def wait_for_capture(self, app: AppUnderTest) -> None:
        """Waits until the app has opened its microphone."""
        app.wait_until(lambda: self.server.listeners() > self._own_streams, "the app's microphone")

    def synthesize(self, text: str, voice: str = "slt") -> Path:
        """Returns a WAV file of `text` in a flite voice, which the server does not use."""
        path = self._folder / f"{abs(hash((text, voice)))}.wav"
        subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(path)], check=True)
        return path

    def recording(self, name: str) -> Path:
        """Returns a WAV file of a real person, from Debian's `pocketsphinx-testdata`."""
        return DATA / name

    def speak(self, wav: Path) -> None:
        """Plays the file into the microphone in real time; returns at its end."""
        self.server.speak(wav)
