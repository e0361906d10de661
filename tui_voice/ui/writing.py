"""Writing a talk into a file; minutes take a while, so they are written beside the screen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.app import App

from tui_voice.errors import TuiVoiceError
from tui_voice.ui.options import Options

if TYPE_CHECKING:
    from tui_voice.conversation.ledger import Ledger

MINUTES = "minutes"
"""A form of export beside those of `store.export`."""


def write_out(
    app: App[Any],
    options: Options,
    ledger: Ledger,
    chosen: tuple[str, Path],
    said: Callable[[str], object],
    failed: Callable[[TuiVoiceError], object],
) -> None:
    """`chosen`: form, and folder or file. What came of it is told, on the application's thread."""
    from tui_voice.store.export import export, export_minutes

    form, target = chosen
    if form != MINUTES:
        try:
            said(f"written to {export(ledger, form, target)}")
        except TuiVoiceError as error:
            failed(error)
        return
    if options.minutes is None:
        failed(TuiVoiceError("Nobody is here to write minutes."))
        return
    take = options.minutes
    said("the minutes are being written")

    def work() -> None:
        try:
            written = export_minutes(ledger, take(ledger), target)
        except TuiVoiceError as error:
            app.call_from_thread(failed, error)
        else:
            app.call_from_thread(said, f"written to {written}")

    app.run_worker(work, thread=True, exit_on_error=False, group="minutes")
