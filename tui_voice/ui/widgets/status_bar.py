"""The state strip: the names of the five states, the current one filled, and the sound level."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.geometry import Region
from textual.reactive import reactive
from textual.strip import Strip

from tui_voice.conversation.states import State
from tui_voice.ui.glyphs import UNICODE, Glyphs
from tui_voice.ui.view import StatusView
from tui_voice.ui.widgets.line_widget import LineWidget, StyledText

if TYPE_CHECKING:
    from tui_voice.runtime.session_handle import Meters

METER = 10
"""Cells of the level meter."""
_WORD = 15
"""Cells for the word beside it, so that nothing moves when the word changes."""
NARROW = 60
"""Columns below which only the current state is named."""


def word(status: StatusView, progress: str, silent: str = "") -> tuple[str, bool]:
    """Returns the word beside the states, and whether the user has to act."""
    if progress:
        return progress, False
    if status.connection:
        wait = "" if status.retry_in is None else f" {status.retry_in} s"
        return f"{status.connection}{wait}", status.connection == "offline"
    if status.seeding:
        return "sending history", False
    if silent:
        return silent, False
    if status.paused:
        return "paused", True
    mode = f", {status.mode}" if status.mode else ""
    if status.muted:
        return f"muted{mode}", False
    if status.state is State.SPEAKING:
        return "voice", False
    return ("mic open" if status.microphone_open else "mic closed") + mode, False


class StatusBar(LineWidget):
    """Shows the status; `draw_level` moves the level meter one column."""

    DEFAULT_CSS = "StatusBar { height: 1; width: 1fr; }"

    status: reactive[StatusView] = reactive(StatusView())
    progress: reactive[str] = reactive("")
    silent: reactive[str] = reactive("")
    """Why the user cannot speak, in two words; "" where they can."""

    def __init__(self, *, glyphs: Glyphs = UNICODE, id: str | None = None) -> None:
        super().__init__(glyphs=glyphs, id=id)
        self._levels: deque[int] = deque([0] * METER, METER)
        self._meter_at = 0

    def draw_level(self, meters: Meters) -> None:
        """Adds a column to the level meter. Draws only where the picture changes."""
        self.progress = meters.progress
        level = meters.speaker if self.status.state is State.SPEAKING else meters.microphone
        top = len(self._glyphs.levels) - 1
        before = tuple(self._levels)
        self._levels.append(min(top, max(0, round(level * top))))
        if tuple(self._levels) != before:
            self.refresh(Region(self._meter_at, 0, METER, 1))

    @property
    def silent_level(self) -> bool:
        """Whether the meter shows silence."""
        return not any(self._levels)

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y:
            return self.styled_line([])
        parts = self._states(width)
        used = sum(cell_len(text) for text, _ in parts)
        return self.styled_line(parts + self._beside(used, width - used))

    def _beside(self, used: int, room: int) -> list[StyledText]:
        """Returns the meter and the word; the more important one where both do not fit."""
        status = self.status
        text, alarm = word(status, self.progress, self.silent)
        style = "alarm" if alarm else "machine"
        gap = min(6, max(2, room - METER - _WORD - 2))
        self._meter_at = used + gap
        if room - gap - METER - 1 > len(text) or (room > METER + 2 and not self._unusual):
            levels = "".join(self._glyphs.levels[level] for level in self._levels)
            voice = "voice" if status.state is State.SPEAKING else "user"
            parts = [(" " * gap, "quiet"), (levels, voice)]
            if room - gap - METER - 1 > len(text):
                parts.append((f" {text}", style))
            return parts
        self._meter_at = self.size.width
        return [(f"  {text}"[: max(0, room - 1)], style)] if self._unusual else []

    @property
    def _unusual(self) -> bool:
        """Whether the word beside the states reports something unusual."""
        return bool(self.progress or self.status.connection or self.status.muted or self.silent)

    def _states(self, width: int) -> list[StyledText]:
        """Returns the five names, as far apart as fits; where narrow, the current one alone."""
        if width < NARROW:
            return [(" ", "faint"), *self._live(self.status.state, " ")]
        joints = (f" {self._glyphs.joint} ", "  ", " ")
        pads = (" ", " ", "")
        spare = (METER + _WORD + 4, _WORD, 0)
        for joint, pad, more in zip(joints, pads, spare, strict=True):
            parts = self._row(joint, pad)
            if sum(cell_len(text) for text, _ in parts) + more <= width:
                return parts
        return self._row(" ", "", tight=True)

    def _row(self, joint: str, pad: str, *, tight: bool = False) -> list[StyledText]:
        parts: list[StyledText] = [(" ", "faint")]
        for number, state in enumerate(State):
            if number:
                parts.append((joint, "faint"))
            if state is self.status.state:
                parts += self._live(state, pad, tight=tight)
            else:
                space = "" if tight else " "
                parts += [
                    (f"{pad}{self._glyphs.ring}{space}", "quiet"),
                    (f"{state.value}{pad}", "quiet"),
                ]
        return parts

    def _live(self, state: State, pad: str, *, tight: bool = False) -> list[StyledText]:
        space = "" if tight else " "
        style = {State.LISTENING: "live-user", State.SPEAKING: "live-voice"}.get(state, "live")
        return [(f"{pad}{self._glyphs.live}{space}{state.value}{pad}", style)]
