"""Tables and other forms of output that several commands share."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from io import StringIO
from pathlib import Path

_UNLIMITED = 10_000
"""Columns: no line is cut where a program reads it."""


def table(
    rows: Iterable[Sequence[str]], right: Sequence[int] = (), indent: int = 2, flexible: int = -1
) -> str:
    """Returns the rows as aligned columns, without lines, colours and blanks at the end of a line.

    `right`: numbers of the columns that are set flush right. `flexible`: number of the column
    whose text is wrapped where the terminal is too narrow. In a file or a pipe nothing is wrapped.
    """
    rows = list(rows)
    if not rows:
        return ""
    # Importing rich takes 60 ms: commands that print no table do not wait for it.
    from rich.console import Console
    from rich.table import Table

    grid = Table.grid(padding=(0, 2, 0, 0))
    for number in range(len(rows[0])):
        grid.add_column(
            justify="right" if number in right else "left",
            no_wrap=number != flexible % len(rows[0]),
            overflow="fold",
        )
    for row in rows:
        grid.add_row(*row)
    width = (terminal_width() or _UNLIMITED) - indent
    console = Console(
        file=StringIO(), width=width, markup=False, emoji=False, highlight=False, color_system=None
    )
    with console.capture() as printed:
        console.print(grid)
    return "\n".join((" " * indent + line).rstrip() for line in printed.get().splitlines())


def terminal_width() -> int | None:
    """Returns the columns of the terminal of standard output; None for a file or a pipe."""
    if not sys.stdout.isatty():
        return None
    from shutil import get_terminal_size

    return get_terminal_size().columns


def short(path: Path | str) -> str:
    """Returns the path as people write it: `~` for the home folder."""
    home = str(Path.home())
    text = str(path)
    return "~" + text[len(home) :] if text.startswith(home) and len(home) > 1 else text
