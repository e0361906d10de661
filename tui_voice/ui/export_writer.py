"""Writes a session to a file. Minutes take seconds to write, so they are written in a thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from textual.app import App

from tui_voice.errors import TuiVoiceError
from tui_voice.ui.options import AppOptions
from tui_voice.ui.screen_context import ExportChoice

if TYPE_CHECKING:
    from tui_voice.conversation.events import Event
    from tui_voice.conversation.ledger import Ledger

MINUTES = "minutes"
"""An export format beside those of `store.export`: a model writes the text."""


def write_export(
    app: App[Any],
    options: AppOptions,
    ledger: Ledger,
    choice: ExportChoice,
    post: Callable[[Event], object],
    report: Callable[[str], object],
    fail: Callable[[TuiVoiceError], object],
) -> None:
    """Writes `ledger` as the user chose. Calls `report` with a sentence, or `fail` with the error,
    in the application's thread. `post` is given the cost of minutes, for the session's total.
    """
    from tui_voice.store.export import export, export_minutes

    if choice.format != MINUTES:
        try:
            report(f"Written to {export(ledger, choice.format, choice.target)}")
        except TuiVoiceError as error:
            fail(error)
        return
    if options.minutes is None:
        fail(TuiVoiceError("Minutes cannot be written here."))
        return
    write_minutes = options.minutes
    report("The minutes are being written.")

    def work() -> None:
        try:
            written = export_minutes(ledger, write_minutes(ledger, post), choice.target)
        except TuiVoiceError as error:
            app.call_from_thread(fail, error)
        else:
            app.call_from_thread(report, f"Written to {written}")

    app.run_worker(work, thread=True, exit_on_error=False, group="minutes")
