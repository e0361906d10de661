"""Questions to a sound server that ends, or does not answer."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.patience_harness import patience
from tests.requirements_harness import require_package
from tests.sound_server_harness import VirtualSound
from tui_voice.audio import pulse_server

require_package("pulsectl")


# In a process of its own: libpulse 16.1 may never end its question, in a loop that takes a core.
ASKING = """
import sys
import threading
from tui_voice.audio import pulse_server

ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
while not ended.is_set():
    pulse_server.captures_monitor_now()
    pulse_server.captures_monitor_by_default()
"""


@pytest.mark.sound
def test_a_server_that_ends_while_it_is_asked_is_no_error(virtual_sound: VirtualSound) -> None:
    asking = subprocess.Popen(
        [sys.executable, "-c", ASKING],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        for _ in range(8):
            virtual_sound.stop()
            virtual_sound.start()
        _, failure = asking.communicate(timeout=patience(20))
    finally:
        asking.kill()
    assert (asking.returncode, failure) == (0, "")


@pytest.mark.sound
def test_a_watch_ends_with_its_server_and_listens_to_the_next_one(
    virtual_sound: VirtualSound,
) -> None:
    happened = threading.Event()
    watch = pulse_server.DeviceWatch(happened.set)

    def wait_until(listens: bool) -> None:
        deadline = time.monotonic() + patience(20)
        while watch.listens != listens:
            watch.keep_on()
            assert time.monotonic() < deadline
            time.sleep(0.01)

    for _ in range(2):
        wait_until(listens=True)
        happened.clear()
        virtual_sound.plug_in("headset")
        assert happened.wait(patience(20))
        virtual_sound.stop()
        wait_until(listens=False)
        virtual_sound.start()
    watch.stop()


def test_a_server_that_does_not_answer_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse_server, "_ANSWER_TIMEOUT_S", 0.3)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "native"))
        server.listen()
        monkeypatch.setenv("PULSE_SERVER", f"unix:{tmp_path}/native")
        began = time.monotonic()
        assert not pulse_server.captures_monitor_now()
        assert not pulse_server.captures_monitor_now(), "asked while the first is not answered"
        assert time.monotonic() - began < 5.0, "libpulse waits 30 s"
    with pulse_server._asking:  # the end of the server ended the question
        pass


def test_a_try_without_a_server_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """A watch tries again every 8 s: a session of hours would keep 450 connections an hour."""
    import pulsectl

    left: list[str] = []

    class Counted(pulsectl.Pulse):  # type: ignore[misc]  # pulsectl has no types
        def init(self) -> None:
            left.append("open")
            super().init()

        def close(self) -> None:
            super().close()
            left.pop()

    monkeypatch.setattr(pulsectl, "Pulse", Counted)
    monkeypatch.setenv("PULSE_SERVER", "unix:/nowhere")
    watch = pulse_server.DeviceWatch(lambda: None)
    for _ in range(3):
        watch.keep_on()
        assert watch._thread is not None
        watch._thread.join(patience(10))
    assert left == []
