"""Writes what a profile wants at the end of a session, and says so on standard error."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tui_voice.cli.output import OutputError
from tui_voice.cli.table import short
from tui_voice.config import Settings
from tui_voice.errors import TuiVoiceError

if TYPE_CHECKING:
    from tui_voice.runtime.outcomes import Outcome

_DONE = {
    "memory": "The next session of this profile begins with what was said in this one.",
    "minutes": "The minutes are in {file}.",
    "ticket": "The ticket is in {file}.",
}


def write_outcomes(closed: Mapping[Path, Settings]) -> list[Outcome]:
    """Writes the outcome of each closed session whose profile wants one; journal → settings.

    A failure is one line on standard error: the session itself is saved already. A signal
    (`EndedBySignal`) ends it.
    """
    if all(settings.session.at_end == "nothing" for settings in closed.values()):
        return []
    from tui_voice.runtime.outcomes import is_wanted, write_outcome

    found = []
    for journal, settings in closed.items():
        kind = settings.session.at_end
        try:
            if not is_wanted(journal, settings):
                continue
            _print(f"writing the {kind} … (Ctrl+C leaves it out)")
            outcome = write_outcome(journal, settings)
        except TuiVoiceError as error:
            _print(f"{error} {error.hint}".rstrip())
            continue
        found.append(outcome)
        _print(_DONE[kind].format(file=short(outcome.file) if outcome.file else ""))
        if not outcome.source:
            _print(f"No model wrote the {kind}, so it quotes you.")
    return found


def _print(sentence: str) -> None:
    with suppress(OSError, OutputError):  # it is closed or full
        print(f"tui-voice: {sentence}", file=sys.stderr, flush=True)
