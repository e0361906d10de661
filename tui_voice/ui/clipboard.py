"""Copies text to the clipboard, by every way that there is here, and says which one it was.

The terminal is always asked, by the control sequence OSC 52: it works over SSH, too. But no
terminal answers whether it did, and some do nothing. So on the user's own machine a program of the
system copies as well.
https://invisible-island.net/xterm/ctlseqs/ctlseqs.html#h3-Operating-System-Commands
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from textual.app import App

PROGRAM_SECONDS = 2.0
"""How long a program may take."""
_WITHOUT_OSC_52 = {"TERM": ("linux", "dumb"), "TERM_PROGRAM": ("Apple_Terminal",)}
NOTHING = (
    "Nothing could be copied: this terminal has no clipboard (OSC 52), and there is no wl-copy, "
    "xclip or pbcopy."
)


def copy(app: App[Any], text: str, what: str) -> None:
    """Copies the text. `what` names it in the message that says by which way: `3 words`."""
    app.copy_to_clipboard(text)

    def work() -> None:
        program = copy_by_program(text, os.environ)
        if program:
            said, severity = f"{what} copied by {program}", "information"
        elif asks_terminal(os.environ):
            said, severity = f"{what} copied by the terminal (OSC 52)", "information"
        else:
            said, severity = NOTHING, "warning"
        app.call_from_thread(app.notify, said, severity=severity, timeout=3, markup=False)

    app.run_worker(work, thread=True, exit_on_error=False, group="clipboard")


def asks_terminal(environment: Mapping[str, str]) -> bool:
    """Returns whether the terminal may understand OSC 52; False for those that are known not to."""
    return not any(environment.get(name) in known for name, known in _WITHOUT_OSC_52.items())


def copy_by_program(text: str, environment: Mapping[str, str]) -> str:
    """Copies by the first program that can. Returns its name; "" where none could."""
    for command in programs(environment, sys.platform):
        try:
            subprocess.run(
                command,
                input=text.encode(errors="replace"),
                stdout=subprocess.DEVNULL,  # xclip stays, and would keep a pipe open
                stderr=subprocess.DEVNULL,
                timeout=PROGRAM_SECONDS,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            continue
        return os.path.basename(command[0])
    return ""


def programs(environment: Mapping[str, str], platform: str) -> Sequence[Sequence[str]]:
    """Returns the commands that copy their standard input, best first. Over SSH the programs would
    fill the clipboard of the other machine; tmux hands the text to the user's terminal.
    """
    found: list[list[str]] = []
    if not environment.get("SSH_CONNECTION"):
        if platform == "darwin":
            found.append(["pbcopy"])
        if environment.get("WAYLAND_DISPLAY"):
            found.append(["wl-copy"])
        if environment.get("DISPLAY"):
            found.append(["xclip", "-selection", "clipboard"])
    if environment.get("TMUX"):
        found.append(["tmux", "load-buffer", "-w", "-"])
    return [command for command in found if shutil.which(command[0], path=environment.get("PATH"))]
