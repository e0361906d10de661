"""Tables and other forms of output that several commands share."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from io import StringIO
from pathlib import Path
from unicodedata import combining, east_asian_width

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
    width = (terminal_width() or _UNLIMITED) - indent
    if (lines := _plain_lines(rows, right, width)) is not None:
        return "\n".join((" " * indent + line).rstrip() for line in lines)
    # Importing rich takes 90 ms, half of the time of `config show`: only what needs it waits.
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
    console = Console(
        file=StringIO(), width=width, markup=False, emoji=False, highlight=False, color_system=None
    )
    with console.capture() as printed:
        console.print(grid)
    return "\n".join((" " * indent + line).rstrip() for line in printed.get().splitlines())


def _plain_lines(
    rows: Sequence[Sequence[str]], right: Sequence[int], width: int
) -> list[str] | None:
    """Returns the rows as lines where nothing is wrapped and each character takes one column.

    Otherwise returns None: rich knows how wide characters are, and where lines break.
    """
    if not all(_is_narrow(cell) for row in rows for cell in row):
        return None
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    if sum(widths) + 2 * len(widths) > width:
        return None
    return [
        "  ".join(
            cell.rjust(size) if number in right else cell.ljust(size)
            for number, (cell, size) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def _is_narrow(text: str) -> bool:
    return text.isprintable() and (
        text.isascii()
        or all(east_asian_width(one) not in "WF" and not combining(one) for one in text)
    )


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
