"""Questions to a sound server that ends, or does not answer."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import pytest

from tests.sound_server_harness import VirtualSound
from tui_voice.audio import pulse_server

pytest.importorskip("pulsectl")


@pytest.mark.sound
def test_a_server_that_ends_while_it_is_asked_is_no_error(virtual_sound: VirtualSound) -> None:
    failures: list[BaseException] = []
    ended = threading.Event()

    def ask() -> None:
        while not ended.is_set():
            try:
                pulse_server.captures_monitor_now()
                pulse_server.captures_monitor_by_default()
            except BaseException as failure:  # noqa: BLE001  # raised in this thread only
                failures.append(failure)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for _ in range(8):
            virtual_sound.stop()
            virtual_sound.start()
    finally:
        ended.set()
        asking.join()
    assert not failures


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
