"""SIGKILL while the program is used: nothing that it printed or showed as done is lost."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.patience_harness import LOWER_PRIORITY
from tests.runtime.session_harness import toy_server

KILLS = int(os.environ.get("TUI_VOICE_KILLS", "200"))
SCREEN_KILLS = KILLS // 5
"""Of them, so many are kills of the full-screen app; the others are kills of `say`."""

# Its many programs would disturb real-time sound, so it runs after that, in the same process. They
# have the priority of the other tests, which would else wait for them.
pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the harness forks its processes"),
    pytest.mark.slow,
    pytest.mark.timeout(120 + KILLS),
    pytest.mark.xdist_group("sound"),
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


def run_harness(name: str, url: str, folder: Path, kills: int) -> list[dict[str, Any]]:
    """Runs and kills so many programs; returns the result of each."""
    seed = os.environ.get("TUI_VOICE_SEED", "kills")
    env = {name: value for name, value in os.environ.items() if "TUI_VOICE" not in name}
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name(name)), url, str(folder), str(kills), seed],
        env=env | {"HOME": str(folder), "PYTHONPATH": os.getcwd()},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: os.nice(LOWER_PRIORITY),
    )
    assert done.returncode == 0, done.stderr
    runs = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(runs) == kills
    return runs


def test_what_say_has_printed_is_on_disk_whenever_it_is_killed(
    server_url: str, tmp_path: Path
) -> None:
    """Also on a disk that needs up to 1 s for a sync, and where the power fails as well."""
    runs = run_harness("killed_programs_harness.py", server_url, tmp_path, KILLS - SCREEN_KILLS)
    lost = [run for run in runs if run["missing"]]
    assert not lost, (len(lost), lost[:3])
    assert all(run["killed"] and run["printed"] for run in runs), runs


def test_what_the_screen_shows_as_complete_is_on_disk_and_shown_again_whenever_it_is_killed(
    server_url: str, tmp_path: Path
) -> None:
    """On the same disks; each session is resumed after the kill, and killed again."""
    runs = run_harness("killed_screens_harness.py", server_url, tmp_path, SCREEN_KILLS)
    lost = [run for run in runs if run["missing"]]
    assert not lost, (len(lost), lost[:3])
    stuck = [run["screen"] for run in runs if not (run["shown"] and run["resumed"])]
    assert not stuck, f"{len(stuck)} of them:\n{stuck[0]}"
