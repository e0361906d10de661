"""One time zone, one folder of saved talks, and a way to wait for the screen."""

from __future__ import annotations

import shutil
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.ui.scripted import ScriptedDoor, kyoto
from tui_voice.conversation.limits import Limits
from tui_voice.ui.app import VoiceApp
from tui_voice.ui.options import ExitSummary, Options
from tui_voice.ui.screens import sessions

RECORDED = Path(__file__).resolve().parents[2] / "sessions"


@pytest.fixture(autouse=True)
def greenwich(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Times are the same wherever the tests run; caches are the test's own."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(sessions, "today", lambda: datetime.fromisoformat("2026-04-20T12:00+00:00"))
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The recorded talks of the repository, as a user's own."""
    talks = tmp_path / "talks"
    talks.mkdir()
    for name in ("v1-kyoto-in-april.jsonl", "v1-soft-eggs.jsonl"):
        shutil.copy(RECORDED / name, talks)
    return talks


Build = Callable[..., VoiceApp]


@pytest.fixture
def build(folder: Path) -> Build:
    """`build(fill, **options)`: the application in front of a scripted talk (`app.scripted`)."""

    def make(fill: Callable[[ScriptedDoor], object] = kyoto, **options: object) -> VoiceApp:
        door = ScriptedDoor(Limits(trigger=16_000, keep=2))
        fill(door)
        told = {"live": False, "budget": 2.0, "sessions": folder} | options
        app = VoiceApp(lambda _talk: door, Options(**told))
        app.animation_level = "none"
        app.scripted = door
        return app

    return make


async def settle(pilot: Pilot[ExitSummary]) -> None:
    """Until nothing is under way any more: threads have answered, and it has been drawn."""
    for _ in range(3):
        await pilot.pause()
        await pilot.app.workers.wait_for_complete()
    await pilot.pause()


Settle = Callable[[Pilot[ExitSummary]], Awaitable[None]]
