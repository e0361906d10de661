"""The full-screen app: `tui-voice`, and `tui-voice resume [ID]`."""

from __future__ import annotations

import argparse
import gc
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui_voice.audio.stderr_redirect import keep_terminal
from tui_voice.cli.flags import sessions_dir_of, settings_of
from tui_voice.config import Settings, log_path
from tui_voice.errors import UsageError

if TYPE_CHECKING:
    from tui_voice.conversation.ledger import Ledger
    from tui_voice.runtime.session_handle import SessionHandle


def run(args: argparse.Namespace) -> int:
    """Runs until the user leaves; then says how to go on. Exit status 0."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "The full-screen app needs a terminal.", "`tui-voice say` talks without one."
        )
    settings = settings_of(args)
    folder = sessions_dir_of(args)
    first = _first_talk(args, folder)
    # What is heavy (openai, numpy, the server) waits until the first picture is on the screen.
    from tui_voice.ui.app import VoiceApp
    from tui_voice.ui.options import Options

    def open_door(session_id: str | None) -> SessionHandle:
        gc.enable()  # the first picture is on the screen (`__main__` turned it off)
        from tui_voice.runtime.session_factory import SessionOptions, open_session
        from tui_voice.store.catalog import find

        resume = find(folder, session_id).path if session_id else None
        return open_session(SessionOptions(settings=settings, folder=folder, resume=resume))

    def take_minutes(ledger: Ledger) -> str:
        from tui_voice.runtime.minutes import minutes

        return minutes(ledger, settings)

    options = Options(
        **looks(settings),
        manual=settings.backend.turn_detection == "manual",
        sound=not settings.audio.text_only,
        budget=settings.cost.limit,
        minutes=take_minutes,
        sessions=folder,
    )
    # A screen that draws for long must not keep the talk's thread waiting for its turn: measured,
    # 16 ms of delay become 3–5 (`benchmarks/sound.py`).
    sys.setswitchinterval(0.0005)
    with keep_terminal(log_path()):
        app = VoiceApp(open_door, options, session_id=first)
        left = app.run()
    if app.failure is not None:
        raise app.failure
    if left is not None:
        place = f" --sessions-dir {shlex.quote(str(folder))}" if _elsewhere(args) else ""
        print(f"The talk is saved as {left.session_id}.")
        print(f"Go on with it: tui-voice resume {left.session_id}{place}")
    return 0


def looks(settings: Settings) -> dict[str, Any]:
    """The settings' groups `ui` and `keys` as the application takes them."""
    ui = settings.ui
    return {
        "theme": ui.theme,
        "ascii": ui.ascii,
        "side_panel": ui.side_panel,
        "timestamps": ui.timestamps,
        "keys": settings.keys,
    }


def _first_talk(args: argparse.Namespace, folder: Path) -> str | None:
    """The talk to open first; None for a new one. Raises `StoreError` where it is not there."""
    wanted = getattr(args, "id", None)
    if wanted is None and not args.continue_last:
        return None
    from tui_voice.store.catalog import find

    return find(folder, wanted or "last").id


def _elsewhere(args: argparse.Namespace) -> bool:
    return getattr(args, "sessions_dir", None) is not None
