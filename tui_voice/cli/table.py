"""Aligned columns for the commands that print."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any


def columns(rows: Iterable[Sequence[str]], indent: int = 2) -> str:
    """The rows, each column as wide as its widest cell; lines end without blanks."""
    rows = [tuple(row) for row in rows]
    if not rows:
        return ""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    return "\n".join(" " * indent + line for line in lines)


def short(path: Path | str) -> str:
    """The path as people write it: `~` for the home folder."""
    home = str(Path.home())
    text = str(path)
    return "~" + text[len(home) :] if text.startswith(home) and len(home) > 1 else text


def print_json(value: Any) -> None:
    """For programs: two blanks deep, words of any language as they are."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))
