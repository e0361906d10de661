"""SIGKILL while the program is used: nothing that it printed or showed as done is lost."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.app_harness import AppUnderTest
from tests.e2e.killed_programs_harness import synced_part, texts_of
from tests.runtime.session_harness import toy_server

KILLS = int(os.environ.get("TUI_VOICE_KILLS", "200"))

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the harness forks its processes"),
    pytest.mark.slow,
    pytest.mark.timeout(120 + KILLS),
]


@pytest.fixture
def server_url() -> Iterator[str]:
    """The address of a server that repeats what it is told, in a thread."""
    ready: list[str] = []
    started, stop = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with toy_server() as server:
            ready.append(server.url)
            started.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert started.wait(60)
    yield ready[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join()
    loop.close()


HARNESS = Path(__file__).with_name("killed_programs_harness.py")


def test_what_say_has_printed_is_on_disk_whenever_it_is_killed(
    server_url: str, tmp_path: Path
) -> None:
    """Also on a disk that needs up to 1 s for a sync, and where the power fails as well."""
    seed = os.environ.get("TUI_VOICE_SEED", "kills")
    env = {name: value for name, value in os.environ.items() if "TUI_VOICE" not in name}
    done = subprocess.run(
        [sys.executable, str(HARNESS), server_url, str(tmp_path), str(KILLS), seed],
        env=env | {"HOME": str(tmp_path), "PYTHONPATH": os.getcwd()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    runs = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(runs) == KILLS
    lost = [run for run in runs if run["missing"]]
    assert not lost, (len(lost), lost[:3])
    assert all(run["killed"] and run["printed"] for run in runs), done.stderr


CARET = "▌"
"""The sign behind a turn to which something is still missing."""


@pytest.mark.parametrize("turns", [1, 2])
def test_what_the_screen_shows_as_complete_is_on_disk_when_it_is_killed(
    server_url: str, clean_env: dict[str, str], sessions_folder: Path, turns: int
) -> None:
    """On a disk that needs up to 1 s for a sync."""
    app = AppUnderTest(
        *("--text", "--backend", server_url),
        env=clean_env | {"PYTHONPATH": os.getcwd()},
        folder=sessions_folder,
        command=(sys.executable, str(HARNESS), str(sessions_folder)),
    )
    try:
        app.wait_until_connected()
        for word in ("one", "two", "three")[:turns]:
            app.submit(f"tell me {word}")
            app.wait_until(partial(shows_complete, app, f"tell me {word}"), "question and reply")
        os.kill(app.process.pid, signal.SIGKILL)
        assert texts_of(synced_part(sessions_folder)).count(f"tell me {word}") == 2
    finally:
        app.close()


def shows_complete(app: AppUnderTest, text: str) -> bool:
    """Whether the question and the reply that repeats it are on the screen without the caret."""
    found = re.findall(rf"(?m)^ *{CARET} +{text}( *{CARET})?", app.text)
    return len(found) == 2 and not any(found)
