"""What a command prints about the session that it leaves behind."""

from __future__ import annotations

import shlex
from pathlib import Path

from tui_voice.config.program_form import PLAIN, working_form


def resume_lines(journal: Path, folder: Path, *, named: bool) -> list[str]:
    """Returns the lines that say under which name a session is saved and how it is resumed.

    A session in which nothing was said is not kept.

    `folder`: the folder of the sessions; `named`: the command line named it.
    """
    if not journal.exists():
        return ["Nothing was said, so no session is saved."]
    inside = is_inside(folder, journal)
    session = journal.stem if inside else str(journal)
    flag = f" --sessions-dir {shlex.quote(str(folder))}" if named and inside else ""
    form = working_form()
    here = f" (here: {form})" if form != PLAIN else ""
    return [
        f"The session is saved as {journal.stem}.",
        f"Resume it: tui-voice resume {shlex.quote(session)}{flag}{here}",
    ]


def is_inside(folder: Path, journal: Path) -> bool:
    """Returns whether an id is enough to find the journal; else it needs its path."""
    return journal.parent in (folder.absolute(), folder)
