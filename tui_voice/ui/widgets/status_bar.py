"""The state strip: the machine's five names, the live one filled, the level beside them."""

from __future__ import annotations

from collections import deque
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual.geometry import Region
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from tui_voice.conversation.states import State
from tui_voice.runtime.door import Meters
from tui_voice.ui.glyphs import UNICODE, Glyphs
from tui_voice.ui.view import Status

_COMPONENTS = ("name", "ring", "joint", "live", "live-user", "user", "voice", "word", "alarm")
METER = 10
"""Cells of the level meter."""
_WORD = 15
"""Cells kept for the words beside it, so that they may change and nothing moves."""
NARROW = 60
"""Below this many columns only the live state is named."""


def word(status: Status, progress: str) -> tuple[str, bool]:
    """What stands beside the states, and whether it needs a hand."""
    if progress:
        return progress, False
    if status.line:
        return status.line, status.line == "offline"
    if status.muted:
        return "muted", False
    if status.seeding:
        return "catching up", False
    if status.state is State.SPEAKING:
        return "voice", False
    return ("mic open" if status.microphone_open else "mic closed"), False


class StatusBar(Widget):
    """`status` is a slice of the view; the levels are pushed by `tick` as often as they move."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"status--{name}" for name in _COMPONENTS}
    DEFAULT_CSS = "StatusBar { height: 1; width: 1fr; }"

    status: reactive[Status] = reactive(Status())
    progress: reactive[str] = reactive("")

    def __init__(self, *, glyphs: Glyphs = UNICODE, id: str | None = None) -> None:
        super().__init__(id=id)
        self._glyphs = glyphs
        self._levels: deque[int] = deque([0] * METER, METER)
        self._meter_at = 0

    def tick(self, meters: Meters) -> None:
        """The next column of the level meter. Draws only where the picture changes."""
        self.progress = meters.progress
        level = meters.speaker if self.status.state is State.SPEAKING else meters.microphone
        top = len(self._glyphs.levels) - 1
        before = tuple(self._levels)
        self._levels.append(min(top, max(0, round(level * top))))
        if tuple(self._levels) != before:
            self.refresh(Region(self._meter_at, 0, METER, 1))

    @property
    def still(self) -> bool:
        """The meter shows silence."""
        return not any(self._levels)

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        ground = self.rich_style
        if y:
            return Strip.blank(width, ground)
        styles = {
            name: self.get_component_rich_style(f"status--{name}", partial=True)
            for name in _COMPONENTS
        }
        text, alarm = word(self.status, self.progress)
        segments = [Segment(part, styles[style]) for part, style in self._states(width)]
        used = sum(cell_len(segment.text) for segment in segments)
        room = width - used
        if room >= METER + 2:
            gap = min(6, max(2, room - METER - _WORD - 2))
            self._meter_at = used + gap
            speaking = self.status.state is State.SPEAKING
            levels = "".join(self._glyphs.levels[level] for level in self._levels)
            tail = [Segment(" " * gap), Segment(levels, styles["voice" if speaking else "user"])]
            left = room - gap - METER - 1
            important = bool(self.progress or self.status.line or self.status.muted)
            if left >= len(text):
                tail.append(Segment(f" {text}", styles["alarm" if alarm else "word"]))
            elif important:
                shown = text[: room - 3]
                tail = [Segment("  "), Segment(shown, styles["alarm" if alarm else "word"])]
            segments += tail
        elif room > 2 and (self.progress or self.status.line or self.status.muted):
            segments.append(Segment(f"  {text}"[: room - 1], styles["alarm" if alarm else "word"]))
        return Strip(segments).adjust_cell_length(width).apply_style(ground)

    def _states(self, width: int) -> list[tuple[str, str]]:
        """The five names, as airy as the width allows; narrow, the live one alone."""
        if width < NARROW:
            return [(" ", "joint"), *self._live(self.status.state, " ")]
        joints = (f" {self._glyphs.joint} ", "  ", " ")
        pads = (" ", " ", "")
        spare = (METER + _WORD + 4, _WORD, 0)
        for joint, pad, more in zip(joints, pads, spare, strict=True):
            parts = self._row(joint, pad)
            if sum(cell_len(text) for text, _ in parts) + more <= width:
                return parts
        return self._row(" ", "", tight=True)

    def _row(self, joint: str, pad: str, *, tight: bool = False) -> list[tuple[str, str]]:
        parts: list[tuple[str, str]] = [(" ", "joint")]
        for number, state in enumerate(State):
            if number:
                parts.append((joint, "joint"))
            if state is self.status.state:
                parts += self._live(state, pad, tight=tight)
            else:
                space = "" if tight else " "
                parts += [
                    (f"{pad}{self._glyphs.ring}{space}", "ring"),
                    (f"{state.value}{pad}", "name"),
                ]
        return parts

    def _live(self, state: State, pad: str, *, tight: bool = False) -> list[tuple[str, str]]:
        space = "" if tight else " "
        style = "live-user" if state is State.LISTENING else "live"
        return [(f"{pad}{self._glyphs.live}{space}{state.value}{pad}", style)]
