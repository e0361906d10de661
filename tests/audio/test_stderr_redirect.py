"""What sound libraries print must not reach the screen."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pexpect
import pyte
import pytest

APP = Path(__file__).with_name("noisy_app_harness.py")
ALSA_COMPLAINT = (
    "import ctypes; alsa = ctypes.CDLL('libasound.so.2');"
    "alsa.snd_pcm_open(ctypes.byref(ctypes.c_void_p()), b'no_such_device', 0, 0)"
)


class Terminal:
    """A program in a terminal of 80 x 24 cells, and its screen."""

    def __init__(self, *arguments: str) -> None:
        self.screen = pyte.Screen(80, 24)
        self.received = b""
        self._stream = pyte.ByteStream(self.screen)
        self._child = pexpect.spawn(
            sys.executable,
            [str(APP), *arguments],
            dimensions=(24, 80),
            env={**os.environ, "TERM": "xterm-256color"},
            timeout=30,
        )

    def text(self) -> str:
        return "\n".join(self.screen.display)

    def until(self, true: Callable[[str], bool]) -> None:
        """Reads until the condition holds; fails with the screen."""
        while not true(self.text()):
            try:
                output = self._child.read_nonblocking(65536, timeout=30)
                self.received += output
                self._stream.feed(output)
            except (pexpect.EOF, pexpect.TIMEOUT):
                pytest.fail(f"never came; on the screen is:\n{self.text()}")

    def press(self, key: str) -> None:
        self._child.send(key)

    def close(self) -> None:
        self._child.close(force=True)


@pytest.mark.skipif(sys.platform != "linux", reason="pseudo-terminals and ALSA are Linux's here")
def test_the_screen_stays_intact_while_libraries_print(tmp_path: Path) -> None:
    log = tmp_path / "noise.log"
    terminal = Terminal(str(log))
    try:
        terminal.until(lambda screen: "last words" in screen)
        lines = [line.strip() for line in terminal.screen.display if line.strip()]
        assert lines == ["last words"]
        noise = log.read_text(errors="replace")
        assert noise.count("NOISE on the descriptor") == 5
        assert "NOISE from C" in noise
        terminal.press("x")
        terminal.until(lambda screen: "after" in screen)
        assert "inside" in terminal.text()
        assert "descriptor 2 is back" in terminal.text()
    finally:
        terminal.close()


@pytest.mark.skipif(sys.platform != "linux", reason="pseudo-terminals and ALSA are Linux's here")
def test_without_the_redirection_the_messages_reach_the_screen() -> None:
    """Shows that the libraries print, so that the test above can fail.

    The app may draw over the message before the screen is looked at."""
    terminal = Terminal()
    try:
        terminal.until(lambda _: b"NOISE" in terminal.received)
    finally:
        terminal.close()


@pytest.mark.parametrize("redirected", [False, True])
def test_alsa_prints_nothing_in_commands_without_a_screen(redirected: bool) -> None:
    redirect = (
        "from tui_voice.audio.stderr_redirect import redirected_stderr;"
        "redirection = redirected_stderr(); redirection.__enter__();"
    )
    first = redirect if redirected else ""
    done = subprocess.run(
        [sys.executable, "-c", first + ALSA_COMPLAINT], capture_output=True, text=True, check=False
    )
    if "OSError" in done.stderr:
        pytest.skip("no ALSA here")
    assert done.returncode == 0
    assert ("no_such_device" in done.stderr) == (not redirected)


def test_the_redirection_does_not_import_numpy() -> None:
    """The app calls it before its first paint."""
    program = (
        "import sys, tui_voice.audio.stderr_redirect;"
        "print([m for m in ('numpy', 'sounddevice', 'miniaudio', 'soxr') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
