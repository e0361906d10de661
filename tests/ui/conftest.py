"""Fixtures of the screen's tests: one time zone, a folder of saved sessions, an application."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.worker import WorkerCancelled

from tests.ui import parsed_styles_harness, quiet_harness
from tests.ui.scripted_session_harness import ScriptedSession, kyoto_session
from tui_voice.config import program_form
from tui_voice.conversation.limits import Limits
from tui_voice.ui.app import VoiceApp
from tui_voice.ui.options import AppOptions, ExitSummary
from tui_voice.ui.screens import sessions

RECORDED = Path(__file__).resolve().parents[2] / "sessions"


@pytest.fixture(autouse=True)
def fixed_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Sets the time zone to UTC, today to a fixed day, and the caches to the test's folder."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TUI_VOICE_SESSIONS_DIR", str(tmp_path / "sessions"))
    monkeypatch.setattr(sessions, "today", lambda: datetime.fromisoformat("2026-04-20T12:00+00:00"))
    monkeypatch.setattr(program_form, "working_form", lambda: program_form.PLAIN)
    quiet_harness.use(monkeypatch)
    parsed_styles_harness.use(monkeypatch)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A user's folder with two recorded sessions of the repository."""
    saved = tmp_path / "saved"
    saved.mkdir()
    for name in ("v1-kyoto-in-april", "v1-soft-eggs"):
        shutil.copy(RECORDED / f"{name}.jsonl", saved)
    return saved


Opener = Callable[[str | None], ScriptedSession]


class AppUnderTest(VoiceApp):
    """The application with the scripted session that it shows first."""

    scripted: ScriptedSession


Build = Callable[..., AppUnderTest]


@pytest.fixture
def build(folder: Path) -> Build:
    """`build(fill, open_handle=…, **options)` returns an application that shows a scripted
    session, which `fill` has filled. `open_handle` replaces the function that opens sessions.
    """

    def make(
        fill: Callable[[ScriptedSession], object] = kyoto_session,
        open_handle: Opener | None = None,
        **options: object,
    ) -> AppUnderTest:
        session = ScriptedSession(Limits(trigger=16_000, keep=2))
        fill(session)
        values = {"live": False, "budget": 2.0, "sessions": folder} | options
        app = AppUnderTest(open_handle or (lambda _id: session), AppOptions(**values))
        app.animation_level = "none"
        app.scripted = session
        return app

    return make


async def settle(pilot: Pilot[ExitSummary]) -> None:
    """Waits until all worker threads have ended and their results are drawn."""
    for _ in range(3):
        await pilot.pause()
        with suppress(WorkerCancelled):  # a newer one has taken its place, as in a search
            await pilot.app.workers.wait_for_complete()
    await quiet_harness.next_reading(pilot.app.screen)
    await pilot.pause()
