"""The talk: what was said on the left, what it weighs on the right, a line to type in below."""

from __future__ import annotations

import math
from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Static

from tui_voice.conversation.states import State
from tui_voice.ui.document import Mark
from tui_voice.ui.keys import ACTIONS, BY_ID, binding, key_name
from tui_voice.ui.options import Options
from tui_voice.ui.view import Notice, View
from tui_voice.ui.widgets.brief import Brief
from tui_voice.ui.widgets.footer import KeyLine
from tui_voice.ui.widgets.header import HeaderLine
from tui_voice.ui.widgets.notice import NoticeLine
from tui_voice.ui.widgets.status_bar import StatusBar
from tui_voice.ui.widgets.transcript import Transcript

if TYPE_CHECKING:
    from tui_voice.conversation.events import Event
    from tui_voice.ui.widgets.cost_card import CostCard
    from tui_voice.ui.widgets.memory_card import MemoryCard
    from tui_voice.ui.widgets.prompt import Prompt
    from tui_voice.ui.widgets.pruning_log import PruningLog
    from tui_voice.ui.widgets.token_bar import WindowCard

PANEL_FROM = 100
"""Columns from which the side panel has room beside the talk."""
HELD = 0.35
"""Seconds from which a press of the talk key was a hold; shorter, it is a toggle."""
SECOND_PRESS = 0.4
"""Seconds within which a second press of `summarise` asks what matters."""


class TalkScreen(Screen[None]):
    """Draws views, posts facts. `Posted` carries what the user did to the talk."""

    BINDINGS: ClassVar[list[BindingType]] = [
        binding("talk"),
        binding("stop"),
        binding("mute"),
        binding("pin"),
        binding("copy"),
        binding("summarise", priority=True),
        binding("restore", priority=True),
        binding("panel", priority=True),
        binding("export", priority=True),
        ("tab", "next_place", "onwards"),
    ]
    AUTO_FOCUS = "#transcript"

    class Posted(Message):
        def __init__(self, event: Event) -> None:
            super().__init__()
            self.event = event

    class Wanted(Message):
        """Something beyond the talk: `export`, `focus`, `memory`, `pruning`, …"""

        def __init__(self, what: str, detail: object = None) -> None:
            super().__init__()
            self.what = what
            self.detail = detail

    def __init__(self, options: Options) -> None:
        super().__init__()
        self._options = options
        glyphs = options.glyphs
        self.header = HeaderLine(glyphs=glyphs, id="header")
        self.status = StatusBar(glyphs=glyphs, sound=options.sound, id="status")
        self.transcript = Transcript(
            glyphs=glyphs,
            timestamps=options.timestamps,
            rates=options.rates,
            empty=self._welcome("opening the talk" + glyphs.more),
            id="transcript",
        )
        self._notice = NoticeLine(glyphs=glyphs, id="notice")
        self._brief = Brief(glyphs=glyphs, id="brief")
        self._keys = KeyLine(glyphs=glyphs, id="keys")
        self.view = View()
        self.furnished = False
        self.prompt: Prompt
        self._window: WindowCard
        self._cost: CostCard
        self._log: PruningLog
        self._memory: MemoryCard
        self.problem: Notice | None = None
        """What keeps the talk from being opened."""
        self._panel_wanted: bool | None = None
        self._pressed_at = math.inf  # when the talk key opened the microphone
        self._summarise_timer: Timer | None = None

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
        self._show_keys()

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

    def _key(self, action: str) -> str:
        return key_name(self._options.key(action), self._options.glyphs.control)

    def _invitation(self) -> str:
        if not self._options.sound:
            return "type here"
        return f"type here, or press {self._key('talk')} and talk"

    def _welcome(self, line: str) -> tuple[str, ...]:
        how = (
            f"Press {self._key('talk')} and talk, or just type."
            if self._options.sound
            else "Just type; this talk is without sound."
        )
        return (
            how,
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
        self.transcript.show(view.turns, view.compactions, view.started)
        if not view.turns:
            line = view.status.line
            self.transcript.set_empty(
                self._welcome(f"{line}{self._options.glyphs.more}" if line else "")
            )
        self._window.gauge = view.gauge
        self._cost.cost = view.cost
        self._log.prunings = view.prunings
        self._memory.memory = view.memory
        brief = self._brief
        brief.gauge, brief.cost, brief.prunings = view.gauge, view.cost, view.prunings
        self._show_notice()
        if view.keys != before.keys or view.status != before.status:
            self._show_keys()

    def show_problem(self, notice: Notice | None) -> None:
        self.problem = notice
        self._show_notice()

    def _show_notice(self) -> None:
        self._notice.notice = self.problem or self.view.notice

    def _show_keys(self) -> None:
        typing = self.typing
        hints = []
        if typing:
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
        if action == "pin" and (turn := self.transcript.chosen_turn) and turn.pinned:
            return "unpin"
        return BY_ID[action].word

    @property
    def typing(self) -> bool:
        """Whether the line to type in has the focus."""
        return self.furnished and self.focused is self.prompt

    @property
    def live_keys(self) -> frozenset[str]:
        """Ids of what works now, the chosen turn included."""
        keys = self.view.keys
        if not self._options.sound:
            keys -= {"talk", "mute"}
        if self.transcript.chosen_turn is not None:
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

    # ── keys ────────────────────────────────────────────────────────────────────────────────

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        del parameters
        return action == "stop" or action not in BY_ID or self.works(action)

    def on_key(self, event: events.Key) -> None:
        """Whatever can be typed and means nothing here is the beginning of a typed turn."""
        if event.key.startswith(("repeated+", "released+")):
            self._held(released=event.key.startswith("released+"))
            return
        if self.typing or not (self.furnished and event.is_printable and event.character):
            return
        active = self.active_bindings.get(event.key)
        if active is not None and active.enabled:
            return
        event.stop()
        self.prompt.begin(event.character)

    def _held(self, *, released: bool) -> None:
        """The talk key was held down, or let go: who held it to speak has spoken."""
        if released and monotonic() - self._pressed_at >= HELD:
            self._pressed_at = math.inf
            if self.view.status.microphone_open:
                self.action_talk()

    def on_paste(self, event: events.Paste) -> None:
        if self.furnished and not self.typing:
            self.prompt.begin(" ".join(event.text.split()))

    def on_descendant_focus(self, _event: events.DescendantFocus) -> None:
        self._show_keys()

    def action_next_place(self) -> None:
        if self.typing:
            self.transcript.focus()
        else:
            self.focus_next()

    def action_talk(self) -> None:
        from tui_voice.conversation.events import TalkPressed, TalkReleased

        if self.view.status.microphone_open:
            self.post_message(self.Posted(TalkReleased()))
        else:
            self._pressed_at = monotonic()
            self.post_message(self.Posted(TalkPressed(manual=self._options.manual)))

    def action_stop(self) -> None:
        """The reply first; then the line that is being typed; then the chosen turn."""
        from tui_voice.conversation.events import StopPressed

        if "stop" in self.view.keys:
            self.post_message(self.Posted(StopPressed()))
        elif self.typing or not isinstance(self.focused, Transcript):
            self.transcript.focus()
        else:
            self.transcript.release()

    def action_mute(self) -> None:
        from tui_voice.conversation.events import MuteChanged

        self.post_message(self.Posted(MuteChanged(muted=not self.view.status.muted)))

    def action_summarise(self) -> None:
        if self._summarise_timer is not None:
            self._summarise_timer.stop()
            self._summarise_timer = None
            self.post_message(self.Wanted("focus"))
        else:
            self._summarise_timer = self.set_timer(SECOND_PRESS, self._summarise)

    def _summarise(self) -> None:
        from tui_voice.conversation.events import SummaryAsked

        self._summarise_timer = None
        self.post_message(self.Posted(SummaryAsked()))

    def action_restore(self) -> None:
        """What is chosen, or all of the last pruning."""
        from tui_voice.conversation.events import RestoreAsked

        chosen = self.transcript.chosen
        ids: tuple[str, ...] = ()
        if isinstance(chosen, Mark):
            ids = chosen.compaction.turns
        elif chosen is not None and chosen.pruned_in:
            ids = (chosen.id,)
        self.post_message(self.Posted(RestoreAsked(turn_ids=ids)))

    def action_pin(self) -> None:
        """The chosen turn, or the newest."""
        from tui_voice.conversation.events import TurnPinned

        if isinstance(self.transcript.chosen, Mark):
            return
        turns = self.view.turns
        turn = self.transcript.chosen_turn or (turns.last if turns is not None else None)
        if turn is not None:
            self.post_message(self.Posted(TurnPinned(item_id=turn.id, pinned=not turn.pinned)))

    def action_copy(self) -> None:
        turn = self.transcript.chosen_turn
        if turn is not None:
            self.app.copy_to_clipboard(turn.heard_text)
            self.notify("copied", timeout=2)

    def action_export(self) -> None:
        self.post_message(self.Wanted("export"))

    # ── what the widgets say ────────────────────────────────────────────────────────────────

    def on_input_submitted(self, event: Prompt.Submitted) -> None:
        from secrets import token_hex

        from tui_voice.conversation.events import TextSubmitted

        event.stop()
        text = event.value.strip()
        if not text:
            self.transcript.focus()
            return
        if "send" not in self.view.keys:
            return
        self.prompt.clear()
        self.transcript.action_to_end()
        item_id = f"typed_{token_hex(8)}"
        self.post_message(self.Posted(TextSubmitted(item_id=item_id, text=text)))

    def on_prompt_left(self) -> None:
        self.transcript.focus()
        self.transcript.action_choose(-1)

    def on_transcript_chosen(self) -> None:
        self._show_keys()

    def on_transcript_opened(self, event: Transcript.Opened) -> None:
        if event.block is None:
            self.prompt.focus()

    def on_pruning_log_opened(self, event: PruningLog.Opened) -> None:
        self.post_message(self.Wanted("pruning", event.pruning))

    def on_memory_card_opened(self, event: MemoryCard.Opened) -> None:
        self.post_message(self.Wanted("memory", event.edit))

    async def on_key_line_clicked(self, event: KeyLine.Clicked) -> None:
        if event.action == "send":
            await self.prompt.action_submit()
        elif hasattr(self, f"action_{event.action}"):
            await self.run_action(event.action)
        else:
            await self.app.run_action(event.action)

    @property
    def moving(self) -> bool:
        """Whether a level may move just now."""
        status = self.view.status
        return status.microphone_open or status.state is State.SPEAKING
