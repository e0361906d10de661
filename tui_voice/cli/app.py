"""The full-screen app: `tui-voice`, and `tui-voice resume [ID]`."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tui_voice.audio.stderr_redirect import redirected_stderr
from tui_voice.cli.arguments import find_session
from tui_voice.cli.flags import editor_of, sessions_dir_of, settings_for_session
from tui_voice.cli.outcomes import write_outcomes
from tui_voice.cli.output import OutputError
from tui_voice.cli.resume_hint import is_inside, resume_lines
from tui_voice.cli.welcome import is_first_start, remember, who_answers
from tui_voice.config import Settings, log_path
from tui_voice.errors import ExitStatus, UsageError
from tui_voice.signals import EndedBySignal, handled, ignored

if TYPE_CHECKING:
    from tui_voice.conversation.events import Event
    from tui_voice.conversation.ledger import Ledger
    from tui_voice.runtime.session_handle import SessionHandle
    from tui_voice.ui.app import VoiceApp
    from tui_voice.ui.options import ExitSummary


def run(args: argparse.Namespace) -> int:
    """Runs the app until the user quits or a signal ends it, then prints how to resume."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "The full-screen app needs a terminal.", "`tui-voice say` works without one."
        )
    editor = editor_of(args)
    settings = editor.settings
    folder = sessions_dir_of(args)
    first = _first_session(args, folder)
    # The heavy modules (openai, numpy, the server) are imported after the first paint.
    from tui_voice.runtime.sound_test import DeviceTest
    from tui_voice.runtime.turn_player import TurnPlayer
    from tui_voice.ui.app import VoiceApp
    from tui_voice.ui.options import AppOptions, Welcome

    opened: dict[Path, Settings] = {}

    def open_handle(session_id: str | None) -> SessionHandle:
        try:
            return open_saved_or_new(session_id)
        finally:
            if not gc.isenabled():  # `__main__` disabled it until the first session is open
                # A full collection would look at every object of the imported modules: 90 ms in
                # which no thread runs, neither the screen nor the sound.
                gc.freeze()
                gc.enable()

    def open_saved_or_new(session_id: str | None) -> SessionHandle:
        from tui_voice.runtime.session_factory import SessionOptions, open_session
        from tui_voice.store.catalog import find

        resume = find(folder, session_id).path if session_id else None
        chosen = settings_for_session(editor, resume)
        session = open_session(
            SessionOptions(settings=chosen, folder=folder, resume=resume, can_ask=True)
        )
        opened[session.path] = chosen
        return session

    def write_minutes(ledger: Ledger, post: Callable[[Event], object]) -> str:
        from tui_voice.runtime.minutes import minutes

        return minutes(ledger, editor.settings, post)[0]

    def loudspeaker() -> str | None:
        return editor.settings.audio.output_device

    def hear_voice(voice: str) -> None:
        from tui_voice.cli.voice_sample import play_sample

        play_sample(voice, editor.settings.backend.speed, loudspeaker())

    options = AppOptions(
        **appearance(settings),
        manual=settings.backend.turn_detection == "manual",
        sound=not settings.audio.text_only,
        play_turn=TurnPlayer(settings.audio.output_device).play,
        devices=_device_names,
        budget=settings.cost.limit,
        minutes=write_minutes,
        sessions=folder,
        change_settings=editor.choose,
        editor=editor,
        welcome=Welcome(lambda: who_answers(editor.settings), remember)
        if is_first_start(args, folder)
        else None,
        sound_test=DeviceTest(loudspeaker),
        hear_voice=hear_voice,
    )
    # While the screen draws, the session's thread waits for Python's global lock. A shorter
    # switch interval reduces that delay from 16 ms to 3–5 ms (`benchmarks/sound.py`).
    sys.setswitchinterval(0.0005)
    choose = args.command == "resume" and first is None
    app = VoiceApp(open_handle, options, session_id=first, choose_session=choose, signals=handled())
    ended = run_in_terminal(app)
    if ended is not None:
        named = getattr(args, "sessions_dir", None) is not None
        with suppress(*([OSError, OutputError] if app.ended_by else [])):  # the terminal is gone
            for line in resume_lines(ended.path, folder, named=named):
                print(line)
            sys.stdout.flush()
    status = status_of_app(app)
    write_outcomes(opened)
    return status


def run_in_terminal(app: VoiceApp) -> ExitSummary | None:
    """Runs the app and closes its sessions, however it ends. Returns the session that was opened
    last; None where none was.
    """
    with redirected_stderr(log_path()):
        try:
            app.run()
        finally:
            with ignored():  # the app has ended already
                failure = app.handles.close_all()
                app.failure = app.failure or failure
    return app.handles.last


def status_of_app(app: VoiceApp) -> int:
    """Returns the exit status of an app that has ended. Raises the error, or the signal
    (`EndedBySignal`), that ended it.
    """
    if app.failure is not None:
        raise app.failure
    if app.ended_by is not None:
        raise EndedBySignal(app.ended_by)
    return ExitStatus.DONE


def _device_names(direction: Literal["input", "output"]) -> list[tuple[str, str]]:
    """Returns ids and names of the devices; those that capture what is played come last."""
    from tui_voice.audio.devices import list_devices

    able = [device for device in list_devices() if device.channels(direction)]
    able.sort(key=lambda device: device.monitor)
    marks = {True: "  (what a loudspeaker plays)", False: ""}
    return [(device.id, device.name + marks[device.monitor]) for device in able]


def appearance(settings: Settings) -> dict[str, Any]:
    """Returns the settings groups `ui` and `keys` as arguments for the app's `AppOptions`.

    A terminal whose locale is not UTF-8, such as with LC_ALL=POSIX, gets the ASCII form.
    """
    from tui_voice.cli.locale_form import is_utf8

    ui = settings.ui
    encoding = getattr(sys.__stderr__, "encoding", None) or "utf-8"  # Textual draws there
    return {
        "theme": ui.theme,
        "ascii": ui.ascii or not encoding.lower().startswith("utf") or not is_utf8(os.environ),
        "encoding": encoding,
        "side_panel": ui.side_panel,
        "timeline": ui.timeline,
        "bell": ui.bell,
        "notify": ui.notify,
        "timestamps": ui.timestamps,
        "keys": settings.keys,
    }


def _first_session(args: argparse.Namespace, folder: Path) -> str | None:
    """Returns the id, or path, of the session that the arguments name; None where they name none.

    Raises `StoreError` where there is no such session.
    """
    wanted = getattr(args, "id", None)
    if wanted is None and not args.continue_last:
        return None
    found = find_session(folder, "last" if wanted is None else wanted)
    return found.id if is_inside(folder, found.path) else str(found.path)
