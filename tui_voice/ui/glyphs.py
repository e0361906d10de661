"""The signs on the screen. Common monospace fonts have them; each has an ASCII form."""

from __future__ import annotations

from typing import NamedTuple


class Glyphs(NamedTuple):
    """One set of signs. `levels` runs from silence to the full sound level."""

    live: str = "●"
    ring: str = "○"
    crossed: str = "×"
    joint: str = "─"
    chip_left: str = "▐"
    """The two ends of a filled label: half of each is the ground, so that nothing touches it."""
    chip_right: str = "▌"
    edge: str = "▌"
    edge_pruned: str = "┊"
    pinned: str = "◆"
    folded: str = "▸"
    open: str = "▾"
    caret: str = "▌"
    prompt: str = "›"
    arrow: str = "→"
    to: str = "–"
    """Between the first and the last of a range."""
    down: str = "↓"
    dot: str = "·"
    more: str = "…"
    about: str = "≈"
    rule: str = "─"
    broken: str = "╌"
    dotted: str = "·"
    warning: str = "▲"
    swatch: str = "■"
    cached: str = "█"
    text: str = "█"
    audio: str = "█"
    free: str = "░"
    tick: str = "│"
    levels: str = " ▁▂▃▄▅▆▇█"
    ascii: bool = False


UNICODE = Glyphs()
ASCII = Glyphs(
    live="*",
    ring="o",
    crossed="x",
    joint="-",
    chip_left=" ",
    chip_right=" ",
    edge="|",
    edge_pruned=":",
    pinned="+",
    folded=">",
    open="v",
    caret="_",
    prompt=">",
    arrow="->",
    to="-",
    down="v",
    dot="-",
    more="...",
    about="~",
    rule="-",
    broken="=",
    dotted=".",
    warning="!",
    swatch="#",
    cached="#",
    text="=",
    audio="%",
    free=".",
    tick="|",
    levels=" ._-=+*#@",
    ascii=True,
)
