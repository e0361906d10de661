"""A spoken session with the embedded server reaches no other machine and no folder but ours."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.app_harness import AppUnderTest
from tests.e2e.sound_setup_harness import SoundSetup
from tests.e2e.system_calls_harness import SystemCalls
from tests.requirements_harness import require
from tests.server.local.speech_harness import DATA
from tui_voice.weights import library

pytestmark = [pytest.mark.local, pytest.mark.slow]

RECORDING = DATA / "librivox/sense_and_sensibility_01_austen_64kb-0880.wav"
WATCHED_S = float(os.environ.get("TUI_VOICE_WATCHED_S", "0"))
"""Seconds of the long form, through devices: `TUI_VOICE_WATCHED_S=120`."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home" / "tmp").mkdir(parents=True)
    return tmp_path / "home"


def environment(home: Path, **more: str) -> dict[str, str]:
    """That of a new user, in which every file that is written is below `home`."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TMPDIR": str(home / "tmp"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        **more,
    }


def check_files(home: Path) -> None:
    """Raises AssertionError if a file below the user's home is in a folder that is not ours."""
    files = [path.relative_to(home) for path in home.rglob("*") if path.is_file()]
    assert any(path.suffix == ".jsonl" for path in files)
    foreign = [str(path) for path in files if "tui-voice" not in path.parts]
    assert not foreign


def say(home: Path, *before: str) -> None:
    """Runs a session with a spoken and a typed turn."""
    require(RECORDING.is_file(), "no recordings: apt install pocketsphinx-testdata")
    command = (sys.executable, "-m", "tui_voice", "say", "--backend", "local")
    turns = (str(RECORDING), "What did I say?", "--speak", str(home / "tui-voice" / "reply.wav"))
    (home / "tui-voice").mkdir()
    done = subprocess.run(
        [*before, *command, *turns],
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\nvoice") == 2


def test_a_spoken_session_reaches_no_other_machine_and_no_folder_but_ours(home: Path) -> None:
    """Without strace, the files below the user's home are checked: a library's own, too."""
    watch = SystemCalls(home.parent) if shutil.which("strace") else None
    say(home, *(watch.command if watch else ()))
    check_files(home)
    require(watch, "connections were not watched: apt install strace")
    assert watch is not None
    assert any("AF_INET" in line for line in watch.lines()), "the embedded server was watched"
    assert watch.connections() == []
    assert watch.written_outside(home) == []


def test_the_watch_notices_a_connection_a_name_and_a_file(home: Path) -> None:
    code = (
        "import socket, contextlib, pathlib\n"
        "with contextlib.suppress(OSError):\n"
        "    socket.create_connection(('192.0.2.1', 443), timeout=0.01)\n"
        "with contextlib.suppress(OSError):\n"
        "    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('127.0.0.53', 53))\n"
        f"pathlib.Path({str(home.parent / 'elsewhere')!r}).write_text('x')\n"
    )
    watch = SystemCalls(home.parent)
    subprocess.run([*watch.command, sys.executable, "-c", code], check=True, env=environment(home))
    assert watch.connections() == ["AF_INET 192.0.2.1:443", "AF_INET 127.0.0.53:53"]
    assert watch.written_outside(home) == [f"openat {home.parent / 'elsewhere'}"]


def test_onnxruntime_would_be_noticed(home: Path) -> None:
    """Without our setting it writes a device id into the user's cache folder."""
    library("onnxruntime")
    code = "import onnxruntime, time; time.sleep(1)"
    subprocess.run([sys.executable, "-c", code], check=True, env=environment(home))
    written = [path for path in home.rglob("*") if path.is_file()]
    if not written:
        pytest.skip("this version of onnxruntime writes nothing")
    with pytest.raises(AssertionError):
        check_files(home)


@pytest.mark.sound
@pytest.mark.skipif(not WATCHED_S, reason="the long form: TUI_VOICE_WATCHED_S=120")
@pytest.mark.timeout(WATCHED_S + 300)
def test_a_session_through_microphone_and_loudspeaker_stays_on_the_machine(
    home: Path, sound: SoundSetup
) -> None:
    watch = SystemCalls(home.parent)
    app = AppUnderTest(
        *("--backend", "local"),
        env=environment(home, **sound.env),
        folder=home / "tui-voice",
        command=(*watch.command, sys.executable, "-m", "tui_voice"),
    )
    try:
        app.wait_until_connected(120)
        app.open_microphone()
        end = time.monotonic() + WATCHED_S
        while time.monotonic() < end:
            before = len(app.journal())
            sound.speak(RECORDING)
            app.wait_for_event("response_done", after=before, seconds=120)
        app.quit()
    finally:
        app.close()
    pulse = Path(sound.env["PULSE_COOKIE"]).parent if "PULSE_COOKIE" in sound.env else home
    assert watch.connections() == []
    assert watch.written_outside(home, pulse) == []
