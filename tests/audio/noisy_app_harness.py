"""A screen drawn while libraries print on descriptor 2. `test_stderr_redirect.py` runs it.

python noisy_app_harness.py LOG        keeps the terminal, noise goes to LOG
python noisy_app_harness.py            does not, to see that the noise is real
"""

import ctypes
import os
import sys
import threading
from contextlib import nullcontext
from pathlib import Path

from textual.app import App, ComposeResult
from textual.widgets import Static

from tui_voice.audio.devices import list_devices, load_driver
from tui_voice.audio.stderr_redirect import redirected_stderr


class Screen(App[None]):
    def compose(self) -> ComposeResult:
        yield Static("first words", id="words")

    def on_mount(self) -> None:
        threading.Thread(target=self.shout).start()

    def shout(self) -> None:
        os.write(2, b"NOISE on the descriptor\n" * 5)
        ctypes.CDLL(None).perror(b"NOISE from C")
        alsa = ctypes.CDLL("libasound.so.2")
        alsa.snd_pcm_open(ctypes.byref(ctypes.c_void_p()), b"no_such_NOISE", 0, 0)
        for name in ("sounddevice", "miniaudio"):  # its import redirects descriptor 2
            if driver := load_driver(name):
                list_devices(driver)
        self.call_from_thread(self.query_one("#words", Static).update, "last words")

    def on_key(self) -> None:
        self.exit()


log = Path(sys.argv[1]) if len(sys.argv) > 1 else None
with redirected_stderr(log) if log else nullcontext():
    Screen().run()
    print("inside", file=sys.stderr)
os.write(2, b"descriptor 2 is back\n")
print("after", file=sys.stderr)
