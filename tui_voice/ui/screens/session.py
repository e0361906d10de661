"""The talk: what was said on the left, what it weighs on the right, a line to type in below."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.timer import Timer
from textual.widgets import Static

from tui_voice.conversation.states import State
from tui_voice.ui.keys import ACTIONS, BY_ID, key_name
from tui_voice.ui.notices import Notice
from tui_voice.ui.options import Options
from tui_voice.ui.screens.session_keys import SessionKeys
from tui_voice.ui.view import View
from tui_voice.ui.widgets.footer import KeyLine
from tui_voice.ui.widgets.header import HeaderLine
from tui_voice.ui.widgets.notice import NoticeLine
from tui_voice.ui.widgets.panel_line import PanelLine
from tui_voice.ui.widgets.status_bar import StatusBar
from tui_voice.ui.widgets.transcript import Transcript

if TYPE_CHECKING:
    from tui_voice.ui.widgets.cost_card import CostCard
    from tui_voice.ui.widgets.memory_card import MemoryCard
    from tui_voice.ui.widgets.prompt import Prompt
    from tui_voice.ui.widgets.pruning_log import PruningLog
    from tui_voice.ui.widgets.token_bar import WindowCard

PANEL_FROM = 100
"""Columns from which the side panel has room beside the talk."""


ESTIMATES = 0.5
"""Seconds between two estimates of the window that are shown while words come in."""


class SessionScreen(SessionKeys):
    """Draws views; what the user does is in `SessionKeys`."""

    AUTO_FOCUS = "#transcript"

    def __init__(self, options: Options) -> None:
        super().__init__()
        self._options = options
        self._hears = True
        glyphs = options.glyphs
        self.view = View()
        self.header = HeaderLine(glyphs=glyphs, id="header")
        self.status = StatusBar(glyphs=glyphs, id="status")
        self.transcript = Transcript(
            glyphs=glyphs,
            timestamps=options.timestamps,
            empty=self._welcome("opening the talk" + glyphs.more),
            id="transcript",
        )
        self._notice = NoticeLine(glyphs=glyphs, id="notice")
        self._brief = PanelLine(glyphs=glyphs, id="brief")
        self._keys = KeyLine(glyphs=glyphs, id="keys")
        self.furnished = False
        self.prompt: Prompt
        self._window: WindowCard
        self._cost: CostCard
        self._log: PruningLog
        self._memory: MemoryCard
        self.problem: Notice | None = None
        """What keeps the talk from being opened."""
        self._panel_wanted: bool | None = None
        self._gauged = 0.0  # when the window was last drawn
        self._gauge_timer: Timer | None = None
        self.status.silent = self.silent

    # ── what it is made of ──────────────────────────────────────────────────────────────────

    def compose(self) -> ComposeResult:
        glyphs = self._options.glyphs
        self._arrange(*self.app.size)
        yield self.header
        yield self.status
        with Horizontal(id="body"):
            yield self.transcript
            yield Vertical(id="panel")
        yield self._notice
        yield self._brief
        with Horizontal(id="entry"):
            yield Static(glyphs.prompt, id="sign")
        yield self._keys

    def on_mount(self) -> None:
        self._brief.key = self._key("panel")
        self.show_keys()

    async def furnish(self) -> None:
        """What the first paint does not wait for: the cards of the panel, the line to type in."""
        from tui_voice.ui.widgets.cost_card import CostCard
        from tui_voice.ui.widgets.memory_card import MemoryCard
        from tui_voice.ui.widgets.prompt import Prompt
        from tui_voice.ui.widgets.pruning_log import PruningLog
        from tui_voice.ui.widgets.token_bar import WindowCard

        glyphs = self._options.glyphs
        self._window = WindowCard(glyphs=glyphs, id="window")
        self._cost = CostCard(glyphs=glyphs, id="cost")
        self._log = PruningLog(glyphs=glyphs, id="log")
        self._memory = MemoryCard(glyphs=glyphs, id="memory")
        self.prompt = Prompt(id="prompt", compact=True, placeholder=self._invitation())
        self._window.terse = self.size.height < 32
        await self.query_one("#panel").mount(self._window, self._cost, self._log, self._memory)
        await self.query_one("#entry").mount(self.prompt)
        self.furnished = True
        self.show(self.view)
        if self.silent and self._options.live:
            self.set_focus(self.prompt)

    def _key(self, action: str) -> str:
        return key_name(self._options.key(action), self._options.glyphs.control)

    @property
    def silent(self) -> str:
        """Why nothing can be spoken here, in two words; "" where it can."""
        if self._options.replay:
            return "replay"
        if not self._options.sound:
            return "text only"
        return "" if self._hears else "no microphone"

    def learn(self, *, hears: bool) -> None:
        """Whether there is a microphone: known only once devices have been asked for."""
        if hears == self._hears or not self.furnished:
            return
        self._hears = hears
        self.status.silent = self.silent
        self.prompt.placeholder = self._invitation()
        if self.silent and self.focused is self.transcript and self.transcript.cursor is None:
            self.set_focus(self.prompt)
        self.show(self.view)
        self.show_keys()

    def _invitation(self) -> str:
        match self.silent:
            case "":
                return f"type here, or {self._how_to_talk()}"
            case "replay":
                return f"this talk is played as it was; {self._key('quit')} leaves"
            case "no microphone" if not self.view.turns:
                return "type here (no microphone: see tui-voice devices)"
            case _:
                return "type here"

    def _how_to_talk(self) -> str:
        status, key = self.view.status, self._key("talk")
        if not status.microphone_open:
            return f"press {key} and talk"
        if status.muted:
            return f"press {self._key('mute')} and talk"
        return f"talk, then press {key}" if self._options.manual else "talk"

    def _welcome(self, line: str) -> tuple[str, ...]:
        talk = self._how_to_talk()
        how = {
            "": f"{talk[:1].upper()}{talk[1:]}, or just type.",
            "replay": "A recorded talk, as it was.",
            "text only": "Just type: this talk is without sound.",
            "no microphone": "Just type: no microphone was found. `tui-voice devices` lists what "
            "there is.",
        }
        return (
            how[self.silent],
            "",
            "Whatever is said is saved at once. When the window is full, the oldest turns are "
            "summarised for the model; here they stay to be read.",
            "",
            f"{self._key('help')} explains the numbers, {self._key('sessions')} finds your "
            "earlier talks.",
            *(("", line) if line else ()),
        )

    # ── what it is told ─────────────────────────────────────────────────────────────────────

    def show(self, view: View) -> None:
        """Hands each slice to its widget; a slice that is equal is not drawn again."""
        before, self.view = self.view, view
        if not self.furnished:
            return
        self.header.header = view.header
        self.status.status = view.status
        self.transcript.show(view.turns, view.compactions, view.started, view.prunings)
        if not view.turns:
            line = view.status.line
            self.transcript.set_empty(
                self._welcome(f"{line}{self._options.glyphs.more}" if line else "")
            )
        self._show_gauge()
        self._cost.cost = view.cost
        self._log.prunings = view.prunings
        self._memory.memory = view.memory
        self._brief.cost, self._brief.prunings = view.cost, view.prunings
        self.prompt.placeholder = self._invitation()  # a reactive: equal ones paint nothing
        self._show_notice()
        if view.keys != before.keys or view.status != before.status:
            self.show_keys()

    def _show_gauge(self) -> None:
        """What is counted at once, but estimates, which grow with every word, at times only:
        figures that run are not read, and each of them would be drawn.
        """
        gauge, shown = self.view.gauge, self._window.gauge
        if gauge == shown:
            return
        if not (gauge.exact or shown.exact) and monotonic() - self._gauged < ESTIMATES:
            if self._gauge_timer is None:
                self._gauge_timer = self.set_timer(ESTIMATES, self._show_gauge)
            return
        if self._gauge_timer is not None:
            self._gauge_timer.stop()
            self._gauge_timer = None
        self._gauged = monotonic()
        self._window.gauge = self._brief.gauge = gauge

    def show_problem(self, notice: Notice | None) -> None:
        self.problem = notice
        self._show_notice()

    def _show_notice(self) -> None:
        self._notice.notice = self.problem or self.view.notice

    def show_keys(self) -> None:
        typing = self.typing
        hints = []
        if typing and not self._options.replay:
            hints.append(("send", self._key("send"), "send"))
        for action in ACTIONS:
            works = self.works(action.id)
            by_letter = len(self._options.key(action.id)) == 1 or action.id == "talk"
            if not action.footer or not works or (typing and by_letter):
                continue
            hints.append((action.id, self._key(action.id), self.word(action.id)))
        self._keys.hints = tuple(hints)

    def works(self, action: str) -> bool:
        """Whether it would do anything now."""
        needs = BY_ID[action].needs
        return not needs or needs in self.live_keys

    def word(self, action: str) -> str:
        status = self.view.status
        if action == "talk" and status.microphone_open:
            return "send" if self._options.manual else "close mic"
        if action == "mute" and status.muted:
            return "unmute"
        if action == "copy" and self.transcript.text_selection is not None:
            return "copy selection"
        if action == "pin" and (turn := self.transcript.chosen_turn) and turn.pinned:
            return "unpin"
        return BY_ID[action].word

    @property
    def live_keys(self) -> frozenset[str]:
        """Ids of what works now, the chosen turn included."""
        keys = self.view.keys
        if self.silent:
            keys -= {"talk", "mute"}
        if self._options.replay:
            keys -= {"stop", "summarise", "restore", "pin"}
        if self.transcript.chosen_turn is not None or self.transcript.text_selection is not None:
            keys |= {"chosen"}
        return keys

    # ── room ────────────────────────────────────────────────────────────────────────────────

    def on_resize(self, event: events.Resize) -> None:
        self._arrange(event.size.width, event.size.height)
        if self.furnished:
            self._window.terse = event.size.height < 32

    def _arrange(self, width: int, height: int) -> None:
        wide = width >= PANEL_FROM
        shown = self._options.side_panel and wide
        if self._panel_wanted is not None:
            shown = self._panel_wanted
        classes = {
            "-panel": shown,
            "-narrow": not wide,
            "-low": height < 32,
            "-tiny": height < 16,
        }
        wanted = frozenset(name for name, holds in classes.items() if holds)
        if wanted != self.classes:
            self.set_classes(wanted)

    def action_panel(self) -> None:
        self._panel_wanted = not self.has_class("-panel")
        self._arrange(self.size.width, self.size.height)
        if not self._panel_wanted and self.focused is None:
            self.transcript.focus()

    @property
    def moving(self) -> bool:
        """Whether a level may move just now."""
        status = self.view.status
        return status.microphone_open or status.state is State.SPEAKING
