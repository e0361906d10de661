"""A private PulseAudio server with one virtual microphone and one virtual loudspeaker.

Sound played into `feed` is captured by the microphone; what the program plays can be recorded.
Needs `pulseaudio` and `pulseaudio-utils`; works as root and without D-Bus. Only for tests.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

RATE = 24_000
NEEDED = ("pulseaudio", "pactl", "paplay", "parec")
SPEAKER, MICROPHONE = "tui_speaker.monitor", "tui_mic"


def missing() -> list[str]:
    """Returns the programs that are missing on this machine."""
    return [name for name in NEEDED if shutil.which(name) is None]


@dataclass
class Recording:
    """The sound since the recording began: s16 mono at 24 kHz."""

    process: subprocess.Popen[bytes]
    pcm: bytearray = field(default_factory=bytearray)
    began: float = 0.0  # time.monotonic() of the first byte's arrival
    _grown: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.wait_for(lambda pcm: len(pcm) > 0)

    def _read(self) -> None:
        stream: IO[bytes] | None = self.process.stdout
        assert stream is not None
        while data := os.read(stream.fileno(), 4096):
            with self._grown:
                self.began = self.began or time.monotonic()
                self.pcm += data
                self._grown.notify_all()

    def wait_for(self, reached: object, timeout: float = 20.0) -> bool:
        """Wait until `reached(pcm so far)` is true; False when that took too long."""
        assert callable(reached)
        with self._grown:
            return self._grown.wait_for(lambda: reached(self.pcm), timeout)

    def wait_for_ms(self, ms: float) -> bool:
        """Waits until `ms` more milliseconds are recorded, by the clock of the sound server."""
        wanted = len(self.pcm) + ms * RATE * 2 / 1000
        return self.wait_for(lambda pcm: len(pcm) >= wanted)

    def stop(self) -> npt.NDArray[np.int16]:
        """Ends the recording, also a second time; returns all of its samples."""
        self.process.terminate()
        self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return np.frombuffer(bytes(self.pcm[: len(self.pcm) // 2 * 2]), "<i2")


class VirtualSound:
    """A private sound server; a process uses it that has `client_env` in its environment."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="sound-"))
        self.folder.chmod(0o700)
        # With shared memory, libpulse 16.1 loops for ever where a server ends during the handshake,
        # and takes a core from all later tests.
        client_settings = self.folder / "client.conf"
        client_settings.write_text("enable-shm = no\n", encoding="utf-8")
        self.client_env = {
            "PULSE_CLIENTCONFIG": str(client_settings),
            "XDG_RUNTIME_DIR": str(self.folder),
            "PULSE_RUNTIME_PATH": str(self.folder / "pulse"),
            "PULSE_COOKIE": str(self.folder / "cookie"),
            "PULSE_SERVER": f"unix:{self.folder}/pulse/native",
        }
        """The variables by which a program finds this server."""
        self.env = {**os.environ, **self.client_env}
        self._server: subprocess.Popen[bytes] | None = None
        self._recordings: list[Recording] = []
        self._joining: list[subprocess.Popen[str]] = []
        self.start()

    def start(self) -> None:
        """Starts the server; after `stop` again, as when a sound card is plugged in."""
        modules = (
            "module-native-protocol-unix",
            "module-null-sink sink_name=tui_speaker rate=48000"
            " sink_properties=device.description=Loudspeaker",
            "module-null-sink sink_name=tui_mic_feed rate=48000"
            " sink_properties=device.description=Feed",
            "module-remap-source master=tui_mic_feed.monitor source_name=tui_mic"
            " source_properties=device.description=Microphone",
        )
        self._server = subprocess.Popen(
            [
                *("pulseaudio", "-n", "--daemonize=no", "--use-pid-file=no"),
                *("--exit-idle-time=-1", f"--log-target=file:{self.folder}/log"),
                *(word for module in modules for word in ("-L", module)),
            ],
            env=self.env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 10
        while self._run("pactl", "info", check=False).returncode:
            if self._server.poll() is not None or time.monotonic() > deadline:
                log = (self.folder / "log").read_text(errors="replace")[-800:]
                raise RuntimeError(f"pulseaudio did not start: {log}")
            time.sleep(0.02)
        self._run("pactl", "set-default-sink", "tui_speaker")
        self._run("pactl", "set-default-source", "tui_mic")

    def stop(self) -> None:
        """Ends the server, as when all sound devices are unplugged."""
        if self._server is not None:
            self._server.terminate()
            self._server.wait()
            self._server = None

    def stall(self, seconds: float) -> None:
        """Stops the server for some time, as a busy machine does."""
        assert self._server is not None
        self._server.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        self._server.send_signal(signal.SIGCONT)

    def speak(self, wav: Path, *, wait: bool = True) -> subprocess.Popen[bytes]:
        """Plays a WAV file into the microphone; with `wait`, until its end."""
        player = subprocess.Popen(["paplay", "-d", "tui_mic_feed", str(wav)], env=self.env)
        if wait:
            player.wait()
        return player

    def join_speaker_to_microphone(self, latency_ms: int = 40) -> None:
        """Connects the loudspeaker to the microphone, as on a laptop without headphones."""
        loop = ("source=tui_speaker.monitor", "sink=tui_mic_feed", f"latency_msec={latency_ms}")
        self._run("pactl", "load-module", "module-loopback", *loop)

    def join_with_jumps(self) -> subprocess.Popen[str]:
        """Connects them so that the sound is later by 60 ms after every 2 s of it; returns the
        process that does it, which prints a line at each jump."""
        script = Path(__file__).with_name("jumping_echo_harness.py")
        joining = subprocess.Popen(
            [sys.executable, str(script), SPEAKER, "tui_mic_feed"],
            env=self.env,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._joining.append(joining)
        return joining

    def record(self, source: str = SPEAKER) -> Recording:
        """Records the loudspeaker, or `MICROPHONE` what a microphone captures; returns
        once the recorder receives samples (silence counts).
        """
        process = subprocess.Popen(
            [
                *("parec", "-d", source, "--latency-msec=10"),
                *(f"--rate={RATE}", "--channels=1", "--format=s16le"),
            ],
            env=self.env,
            stdout=subprocess.PIPE,
        )
        recording = Recording(process)
        self._recordings.append(recording)
        return recording

    def plug_in(self, name: str, *, sink: bool = False) -> list[int]:
        """Adds a microphone, or a loudspeaker, whose id and name are `name`; returns what `unplug`
        takes. What is played into the sink `<name>_feed` is what the microphone captures.
        """
        describe = f"device.description={name}"
        if sink:
            return [
                self._load("module-null-sink", f"sink_name={name}", f"sink_properties={describe}")
            ]
        return [
            self._load("module-null-sink", f"sink_name={name}_feed"),
            self._load(
                *("module-remap-source", f"master={name}_feed.monitor", f"source_name={name}"),
                f"source_properties={describe}",
            ),
        ]

    def unplug(self, modules: list[int]) -> None:
        """Removes the device again; streams that use it end."""
        for module in reversed(modules):
            self._run("pactl", "unload-module", str(module))

    def unplug_microphone(self) -> None:
        """Removes the microphone of the server, so that only monitors are left."""
        self._run("pactl", "unload-module", "module-remap-source")

    def set_default(self, name: str, *, sink: bool = False) -> None:
        """Makes a device the system's default microphone, or loudspeaker."""
        self._run("pactl", f"set-default-{'sink' if sink else 'source'}", name)

    def change_volume(self) -> None:
        """Changes the volume of the loudspeaker a little, which the server reports."""
        self._run("pactl", "set-sink-volume", "tui_speaker", "-1%")

    def _load(self, *module: str) -> int:
        return int(self._run("pactl", "load-module", *module).stdout)

    def listeners(self) -> int:
        """Returns the number of streams that capture from a microphone or a monitor."""
        return len(self._run("pactl", "list", "short", "source-outputs").stdout.splitlines())

    def close(self) -> None:
        for recording in self._recordings:
            recording.stop()
        self.stop()
        for joining in self._joining:  # each ends with the server
            joining.wait(timeout=10)
            assert joining.stdout is not None
            joining.stdout.close()
        with suppress(OSError):
            shutil.rmtree(self.folder)

    def __enter__(self) -> "VirtualSound":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(command, env=self.env, check=check, capture_output=True)
