"""Measures in a picture (SVG) of a screen the contrast of each text to its background."""

from __future__ import annotations

import re
from html import unescape
from typing import Any, NamedTuple
from xml.etree import ElementTree

from textual.app import App
from textual.color import Color

from tui_voice.ui.theme import LEAST_CONTRAST, contrast

_ROW = 24.4
"""Height of a line of the terminal in the picture."""
_COLUMN = 12.2
"""Width of a character in the picture."""
_RULE = re.compile(r"\.terminal-(?:\d+-)?(r\d+) \{([^}]*)\}")


class ShownText(NamedTuple):
    text: str
    column: int
    row: int
    colour: str
    ground: str

    @property
    def contrast(self) -> float:
        return contrast(Color.parse(self.colour), Color.parse(self.ground))


def shown_texts(svg: str) -> list[ShownText]:
    """Returns each piece of text that has a letter or a digit, with its two colours."""
    colours = {
        name: re.search(r"fill: (#\w+)", rules)[1]  # type: ignore[index]  # Rich always writes one
        for name, rules in _RULE.findall(svg)
    }
    boxes: list[tuple[int, float, float, str]] = []
    found: list[ShownText] = []
    for element in ElementTree.fromstring(svg).iter():
        tag = element.tag.rpartition("}")[2]
        if tag == "rect" and element.get("shape-rendering"):
            x, y, width = (float(element.attrib[name]) for name in ("x", "y", "width"))
            boxes.append((round(y / _ROW), x, x + width, element.attrib["fill"]))
        elif tag == "text" and "-r" in element.get("class", ""):
            text = unescape(element.text or "")
            if not any(map(str.isalnum, text)):
                continue
            row = round((float(element.attrib["y"]) - 20) / _ROW)
            x = float(element.attrib["x"])
            grounds = [fill for at, x0, x1, fill in boxes if at == row and x0 <= x + 1 < x1]
            name = element.attrib["class"].rpartition("-")[2]
            found.append(ShownText(text, round(x / _COLUMN), row, colours[name], grounds[-1]))
    return found


def unreadable(app: App[Any], svg: str) -> list[tuple[str, str, str, float]]:
    """Returns text, colours and contrast of each text of the top screen that cannot be read in its
    picture. The texts of a screen below a dialog do not count: they are dim on purpose.
    """
    leaves = [widget for widget in app.screen.query("*") if not widget.children]
    own = [app.screen.find_widget(leaf).visible_region for leaf in leaves if leaf.region.area]
    return [
        (one.text, one.colour, one.ground, round(one.contrast, 2))
        for one in shown_texts(svg)
        if one.contrast < LEAST_CONTRAST
        and any(region.contains(one.column, one.row) for region in own)
    ]
