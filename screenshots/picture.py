"""Converts a screenshot of Textual from SVG to PNG, with our font and text in its columns."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

_TEXT = re.compile(
    r'(<text class="[^"]*-r\d+" x=")([\d.]+)("[^>]*?) textLength="([\d.]+)"([^>]*>)([^<]*)'
)
FONT = "JetBrains Mono"


def steady(svg: str) -> str:
    """Returns the SVG with our font. Leading blanks become a distance: not every renderer keeps
    them.
    """

    def place(match: re.Match[str]) -> str:
        head, x, rest, length, tail, text = match.groups()
        plain = text.replace("&#160;", " ").replace("\u00a0", " ")
        count = len(re.sub(r"&[#\w]+;", "x", plain))
        lead = len(plain) - len(plain.lstrip(" "))
        cell = float(length) / count if count else 0.0
        shown = plain.strip(" ").replace(" ", "&#160;")
        return f"{head}{float(x) + lead * cell:g}{rest}{tail}{shown}"

    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.S)
    return (
        _TEXT.sub(place, svg)
        .replace("Fira Code", FONT)
        .replace("font-size: 20px", "font-size: 20.3333px")
    )


def save(svg: str, path: Path) -> bool:
    """Writes the PNG. Returns False where `rsvg-convert` is not installed."""
    tool = shutil.which("rsvg-convert")
    if tool is None:
        return False
    subprocess.run([tool, "-o", str(path)], input=steady(svg).encode(), check=True)
    return True
