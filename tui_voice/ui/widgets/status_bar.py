"""The line below the header: the state, the states that may follow, and the microphone."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.events import Click
from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from tui_voice.conversation.states import State, next_states
from tui_voice.ui.glyphs import UNICODE, Glyphs
from tui_voice.ui.view import StatusView
from tui_voice.ui.widgets.line_widget import LineWidget, StyledText
from tui_voice.ui.wrapping import clean, fit_phrase

if TYPE_CHECKING:
    from tui_voice.runtime.session_handle import Meters

METER = 10
"""Columns of the loudspeaker's level, and levels of each kind that are kept."""
_MICROPHONE_METER = 5
_MODE = len("push-to-talk")
_WORD = 18
"""Columns for the word beside the states, so that nothing moves when it changes."""
NARROW = 60
"""Columns below which only the current state is named, and the microphone has a short form."""
_LIVE_STYLES = {State.LISTENING: "user", State.SPEAKING: "voice"}
"""The colour of a live state; a filled label has it as its ground."""


def word(status: StatusView, progress: str, silent: str = "") -> tuple[str, bool]:
    """Returns the word beside the state, "" for none, and whether the user has to act."""
    if progress:
        return progress, False
    if status.connection and silent != "replay":  # a replay needs no connection
        wait = "" if status.retry_in is None else f" {status.retry_in} s"
        return f"{status.connection}{wait}", status.connection == "offline"
    if status.seeding:
        return "sending history", False
    if status.tool:
        return f"waits for {clean(status.tool)}", False
    return ("paused", True) if status.paused else ("", False)


class StatusBar(LineWidget):
    """Shows the status; `draw_level` moves the levels one column."""

    DEFAULT_CSS = "StatusBar { height: 1; width: 1fr; }"

    status: reactive[StatusView] = reactive(StatusView())
    progress: reactive[str] = reactive("")
    opening_sound: reactive[bool] = reactive(default=False)
    """Whether the sound devices are being opened: nothing is heard yet."""
    silent: reactive[str] = reactive("")
    """Why the user cannot speak, in two words; "" where they can."""

    class MicrophoneClicked(Message):
        """The user clicked on the microphone."""

    def __init__(
        self, *, glyphs: Glyphs = UNICODE, mode: str = "hands-free", id: str | None = None
    ) -> None:
        """`mode`: who ends the turns where the session has no mode of its own."""
        super().__init__(glyphs=glyphs, id=id)
        self._mode = mode
        self._heard: deque[int] = deque([0] * METER, METER)
        self._played: deque[int] = deque([0] * METER, METER)
        self._meters_at: list[tuple[int, int]] = []  # first column and width of each level

    def draw_level(self, meters: Meters) -> None:
        """Adds a column to both levels. Draws only where the picture changes."""
        self.progress, self.opening_sound = meters.progress, meters.opening_sound
        before = self._levels
        top = len(self._glyphs.levels) - 1
        for levels, level in ((self._heard, meters.microphone), (self._played, meters.speaker)):
            levels.append(min(top, max(0, round(level * top))))
        if self._levels != before:
            self.refresh(*(Region(x, 0, width, 1) for x, width in self._meters_at))

    @property
    def _levels(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return tuple(self._heard), tuple(self._played)

    @property
    def silent_level(self) -> bool:
        """Whether both levels show silence."""
        return not any(map(any, self._levels))

    def render_line(self, y: int) -> Strip:
        if y:
            return self.styled_line([])
        self._meters_at = []
        width = self.size.width
        right = self._microphone()
        room = width - _cells(right)
        left = self._states(room) if width >= NARROW else self._state_alone(room)
        return self.styled_line([*left, (" " * max(0, room - _cells(left)), "quiet"), *right])

    def on_click(self, event: Click) -> None:
        if event.x >= self.size.width - _cells(self._microphone()) and not self.silent:
            self.post_message(self.MicrophoneClicked())

    # ── the microphone ──────────────────────────────────────────────────────────────────────

    def _microphone(self) -> list[StyledText]:
        """Returns the mode in one word and the microphone; both always take the same columns."""
        status, glyphs, narrow = self.status, self._glyphs, self.size.width < NARROW
        if self.silent:
            # The header has a chip where there is no microphone, except on a narrow screen.
            text = "" if self.silent == "no microphone" and not narrow else self.silent
            return [(f"{text} ", "quiet")]
        if status.muted:
            sign, name, style = glyphs.crossed, "muted", "strong"
        elif status.microphone_open and self.opening_sound:
            sign, name, style = glyphs.ring, "starts", "machine"
        elif status.microphone_open:
            sign, name, style = glyphs.live, "open", "live-user"
        else:
            sign, name, style = glyphs.ring, "closed", "machine"
        meter = 1 if narrow else _MICROPHONE_METER
        levels = self._meter(self._heard, meter) if style == "live-user" else " " * meter
        mode = status.mode or self._mode
        if narrow:
            parts = [(f"{mode:>{_MODE}} ", "quiet"), (f"{sign} mic {levels}", style)]
            self._meters_at.append((self.size.width - meter, meter))
        else:
            parts = [
                (f"{mode:>{_MODE}} ", "quiet"),
                (f" {sign} mic {name:<6} {levels} ", style),
                (" ", "quiet"),
            ]
            self._meters_at.append((self.size.width - meter - 2, meter))
        return parts

    def _meter(self, levels: deque[int], width: int) -> str:
        return "".join(self._glyphs.levels[level] for level in list(levels)[-width:])

    # ── the states ──────────────────────────────────────────────────────────────────────────

    def _states(self, room: int) -> list[StyledText]:
        """Returns all states, each always at the same place; where there is no room for that, the
        live one and those that may follow, or what is unusual instead of these.
        """
        after, beside = next_states(self.status.state), self._beside(room)
        parts = [(" ", "quiet"), *self._row(after)]
        used = _cells(parts) + 1
        if used + max(_WORD, _cells(beside)) < room:
            if not beside and self.status.state is State.SPEAKING:
                beside = [(self._meter(self._played, METER), "voice")]
                self._meters_at.append((used, METER))
            return [*parts, (" ", "quiet"), *beside]
        parts = [(" ", "quiet"), *self._live(), (" ", "quiet"), *beside]
        for state in after if not beside else ():
            part = (f" {self._glyphs.ring} {state.value}", "machine")
            if _cells([*parts, part]) < room:
                parts.append(part)
        return parts

    def _row(self, after: tuple[State, ...]) -> list[StyledText]:
        """Returns all states. The live one fills the blank before the next one, too."""
        parts: list[StyledText] = []
        blank = " "
        for state in State:
            if state is self.status.state:
                parts += self._live()
                blank = ""
                continue
            sign, style = (self._glyphs.ring, "machine") if state in after else (" ", "quiet")
            parts.append((f"{blank}{sign} {state.value}", style))
            blank = " "
        return [*parts, (blank, "quiet")]

    def _live(self) -> list[StyledText]:
        """Returns the live state as a filled label."""
        state, glyphs = self.status.state, self._glyphs
        colour = _LIVE_STYLES.get(state, "machine")
        filled = "live" if colour == "machine" else f"live-{colour}"
        label = f"{glyphs.live} {state.value}"
        return [(glyphs.chip_left, colour), (label, filled), (glyphs.chip_right, colour)]

    def _beside(self, room: int) -> list[StyledText]:
        """Returns the word beside the states, if any; it has room at least beside the live one."""
        text, alarm = word(self.status, self.progress, self.silent)
        if not text:
            return []
        text = fit_phrase(text, room - _cells(self._live()) - 3, self._glyphs.more)
        return [(text, "alarm" if alarm else "words")]

    def _state_alone(self, room: int) -> list[StyledText]:
        """Returns the live state, or what is unusual in its place."""
        text, alarm = word(self.status, self.progress, self.silent)
        if text:
            text = fit_phrase(text, room - 2, self._glyphs.more)
            return [(f" {text}", "alarm" if alarm else "words")]
        parts = self._live()
        if _cells(parts) <= room:
            return parts
        label, style = parts[1]
        return [(label[: max(0, room)], style)]


def _cells(parts: list[StyledText]) -> int:
    return sum(cell_len(text) for text, _ in parts)
