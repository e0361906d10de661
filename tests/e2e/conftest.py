"""Fixtures: a clean environment, virtual sound devices, and the app in a terminal."""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.app_harness import AppUnderTest, StartApp
from tests.e2e.recorded_audio_harness import SpeechEngines
from tests.e2e.sound_setup_harness import SoundSetup
from tests.requirements_harness import require
from tests.runtime.scripted_server_harness import scripted_server
from tests.sound_server_harness import VirtualSound
from tui_voice.server.local.engines import LocalEngines


@pytest.fixture(scope="session")
def engines() -> SpeechEngines:
    return SpeechEngines(LocalEngines(probe=False))


@pytest.fixture
def clean_env(tmp_path: Path) -> dict[str, str]:
    """The environment of a new user: no settings, no API key, no sessions, no sound server."""
    ours = ("TUI_VOICE_", "OPENAI_", "AZURE_", "XDG_", "PULSE_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    (tmp_path / "home").mkdir()
    missing = str(tmp_path / "missing")
    return env | {
        "HOME": str(tmp_path / "home"),
        "XDG_RUNTIME_DIR": missing,
        "PULSE_SERVER": f"unix:{missing}",
    }


@pytest.fixture
def sessions_folder(tmp_path: Path) -> Path:
    """The folder in which the app saves its sessions."""
    path = tmp_path / "sessions"
    path.mkdir()
    return path


@pytest.fixture
def server() -> Iterator[str]:
    """The address of a server that answers every turn."""
    loop, address, over = asyncio.new_event_loop(), [""], asyncio.Event()
    ready = threading.Event()

    async def serve() -> None:
        async with scripted_server() as url:
            address[0] = url
            ready.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    ready.wait(20)
    yield address[0]
    loop.call_soon_threadsafe(over.set)
    thread.join(20)
    loop.close()


@pytest.fixture
def start_app(clean_env: dict[str, str], sessions_folder: Path) -> Iterator[StartApp]:
    """Starts the app, for example `start_app("--text", size=(80, 24), env=…)`."""
    running: list[AppUnderTest] = []

    def start(
        *arguments: str, env: dict[str, str] | None = None, size: tuple[int, int] = (120, 36)
    ) -> AppUnderTest:
        app = AppUnderTest(
            *arguments, env={**clean_env, **(env or {})}, folder=sessions_folder, size=size
        )
        running.append(app)
        return app

    yield start
    for app in running:
        app.close()


@pytest.fixture
def sound(virtual_sound: VirtualSound, tmp_path: Path) -> SoundSetup:
    require(shutil.which("flite"), "no synthetic voice: apt install flite")
    return SoundSetup(virtual_sound, tmp_path)
