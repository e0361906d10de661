"""What a talk needs: a clean home, a room with sound in it, the app on a screen."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.heard import Ear
from tests.e2e.room import Room, need
from tests.e2e.talk import Start, Talk
from tests.sound_server_harness import VirtualSound
from tui_voice.server.local.engines import LocalEngines


@pytest.fixture(scope="session")
def ear() -> Ear:
    return Ear(LocalEngines(probe=False))


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """The environment of a user who has just arrived: no settings, no key, no talks, no sound."""
    ours = ("TUI_VOICE_", "OPENAI_", "AZURE_", "XDG_", "PULSE_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    (tmp_path / "home").mkdir()
    # Nobody on this machine is asked for a chat model, and no other sound server is found.
    nowhere = str(tmp_path / "nowhere")
    return env | {
        "HOME": str(tmp_path / "home"),
        "XDG_RUNTIME_DIR": nowhere,
        "PULSE_SERVER": f"unix:{nowhere}",
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the talks are saved."""
    path = tmp_path / "talks"
    path.mkdir()
    return path


@pytest.fixture
def start(home: dict[str, str], folder: Path) -> Iterator[Start]:
    """Starts the app: `start("--text", size=(80, 24), env=…)`."""
    running: list[Talk] = []

    def begin(
        *arguments: str, env: dict[str, str] | None = None, size: tuple[int, int] = (120, 36)
    ) -> Talk:
        talk = Talk(*arguments, env={**home, **(env or {})}, folder=folder, size=size)
        running.append(talk)
        return talk

    yield begin
    for talk in running:
        talk.close()


@pytest.fixture
def room(virtual_sound: VirtualSound, tmp_path: Path) -> Room:
    need(shutil.which("flite"), "nobody to speak: apt install flite")
    return Room(virtual_sound, tmp_path)
