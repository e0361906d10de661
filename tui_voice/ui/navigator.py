"""What the user goes and does beside the talk: look at saved ones, search, export, edit.

Each screen is loaded when it is first asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import App

from tui_voice.ui.messages import Wanted
from tui_voice.ui.number_format import plural, spaced, usd
from tui_voice.ui.options import ExitSummary, Options
from tui_voice.ui.pruning_rows import Pruning
from tui_voice.ui.screens.session import SessionScreen

if TYPE_CHECKING:
    from tui_voice.conversation.conversation import Snapshot
    from tui_voice.conversation.events import Event
    from tui_voice.runtime.session_handle import SessionHandle
    from tui_voice.ui.screens.listing import Open


class Navigator(App[ExitSummary]):
    """The half of the application that leaves the talk's own screen, and comes back to it."""

    options: Options
    talk: SessionScreen
    door: SessionHandle | None
    snapshot: Snapshot | None

    def post(self, event: Event) -> None:
        raise NotImplementedError

    def open_session(self, session_id: str | None) -> None:
        raise NotImplementedError

    def put_away(self) -> None:
        raise NotImplementedError

    @property
    def folder(self) -> Path:
        """Where the talks are saved."""
        if self.options.sessions is not None:
            return self.options.sessions
        from tui_voice.config import sessions_dir

        return sessions_dir()

    # ── other talks ─────────────────────────────────────────────────────────────────────────

    def action_sessions(self) -> None:
        from tui_voice.ui.screens.sessions import SessionsScreen

        current = self.door.id if self.door else ""
        self.push_screen(SessionsScreen(self.options, self.folder, current), self._go_to)

    def action_search(self) -> None:
        from tui_voice.ui.screens.search import SearchScreen

        self.push_screen(SearchScreen(self.options, self.folder), self._go_to)

    def _go_to(self, wanted: Open | None) -> None:
        if wanted is None:
            return
        if self.door is None or wanted.session_id != self.door.id:
            self.open_session(wanted.session_id)
        elif wanted.turn:
            self.talk.transcript.go_to(wanted.turn)

    def action_new(self) -> None:
        self.open_session(None)

    def rename(self) -> None:
        from tui_voice.ui.screens.dialogs import Ask

        def answered(title: str | None) -> None:
            from tui_voice.conversation.events import SessionRenamed

            if title:
                self.post(SessionRenamed(title=" ".join(title.split())))

        self.push_screen(Ask("rename the talk", "", self.talk.view.header.title), answered)

    # ── the whole talk ──────────────────────────────────────────────────────────────────────

    def export(self) -> None:
        from tui_voice.ui.screens.export import ExportDialog

        def answered(chosen: tuple[str, Path] | None) -> None:
            if chosen is None or self.snapshot is None:
                return
            from tui_voice.ui.writing import write_out

            write_out(
                self,
                self.options,
                self.snapshot.ledger,
                chosen,
                lambda line: self.notify(line, markup=False),
                lambda error: self.notify(f"{error} {error.hint}", severity="error", markup=False),
            )

        self.push_screen(ExportDialog(self.options.glyphs, Path.cwd()), answered)

    def copy_all(self) -> None:
        if self.snapshot is not None:
            from tui_voice.store.export import render

            self.copy_to_clipboard(render(self.snapshot.ledger, "txt"))
            self.notify("the whole talk is copied", timeout=2)

    # ── what is remembered ──────────────────────────────────────────────────────────────────

    def ask_focus(self) -> None:
        from tui_voice.ui.screens.dialogs import Ask

        def answered(focus: str | None) -> None:
            from tui_voice.conversation.events import SummarisePressed

            if focus is not None:
                self.post(SummarisePressed(focus=focus))

        about = "What must the summary not lose? Leave it empty to summarise as always."
        example = "names, sums and dates of the trip"
        self.push_screen(Ask("summarise now", about, placeholder=example), answered)

    def show_memory(self, edit: bool) -> None:
        from tui_voice.ui.screens.dialogs import Edit, Page

        text = self.talk.view.memory
        if not edit:
            about = (
                "What the model still knows of the turns that were pruned. e in the panel edits."
            )
            self.push_screen(Page("memory", about, [("", text)]))
            return

        def answered(text: str | None) -> None:
            from tui_voice.conversation.events import MemoryEdited

            if text is not None:
                self.post(MemoryEdited(text=text))

        about = "The model gets it as you leave it, in place of the pruned turns."
        self.push_screen(Edit("memory", about, text), answered)

    def show_pruning(self, pruning: Pruning) -> None:
        """The summary, and the turns that it stands for."""
        from tui_voice.ui.screens.dialogs import Page

        if self.snapshot is None:
            return
        if pruning.kind == "limits":
            sentence = f"{pruning.error[:1].upper()}{pruning.error[1:]}."
            self.push_screen(Page(f"limits at {pruning.when}", "", [("", sentence)]))
            return
        names = {"user": "you", "assistant": "voice", "tool": "tool", "system": "note"}
        ledger, body = self.snapshot.ledger, []
        wanted = set(pruning.ids)
        for compaction in (c for c in ledger.compactions if c.id in wanted):
            if compaction.error:
                body.append(("why not", f"{compaction.error}. {compaction.hint}".strip()))
            if compaction.summary:
                source = f" by {compaction.source}" if compaction.source else ""
                body.append((f"summary{source}", compaction.summary))
            for turn in map(ledger.turns.get, compaction.turns):
                if turn is not None:
                    body.append((names[turn.role], turn.heard_text or turn.note or "no words"))
        dot = f" {self.options.glyphs.dot} "
        after = (
            "" if pruning.after is None else f" {self.options.glyphs.arrow} {spaced(pruning.after)}"
        )
        facts = [plural(pruning.turns, "turn"), f"{spaced(pruning.before)}{after} tokens"]
        if pruning.kind == "summary" and pruning.stage == "done":
            facts.append(f"{pruning.seconds:.1f} s")
        if pruning.usd is not None:
            facts.append(usd(pruning.usd))
        if (worth := pruning.worth) is not None:
            if worth.broken:
                facts.append(f"{spaced(worth.broken)} read uncached once")
            if worth.replies is not None:
                facts.append(f"pays back in {plural(worth.replies, 'reply', 'replies')}")
            facts.append(f"saves {usd(worth.usd_per_hour)} an hour")
        titles = {
            "summary": "summarised",
            "textify": "made text",
            "voice": "turned into notes",
            "restore": "put back",
        }
        self.push_screen(Page(f"{titles[pruning.kind]} at {pruning.when}", dot.join(facts), body))

    def change_limits(self) -> None:
        from tui_voice.ui.screens.dialogs import Ask

        door = self.door
        if door is None:
            return
        limits = door.limits

        def answered(text: str | None) -> None:
            from dataclasses import replace

            from tui_voice.conversation.limits import refuse

            if not text or door is not self.door:
                return
            numbers = [int(word) for word in text.split() if word.isdecimal()]
            if len(numbers) != 2 or not 0 < numbers[0] <= limits.size:
                hint = f"Write two whole numbers, the first up to {limits.size}."
                self.notify(f"Those are no limits. {hint}", severity="error")
                return
            wanted = replace(limits, trigger=numbers[0], keep=numbers[1])
            fixed = self.snapshot.ledger.fixed_tokens if self.snapshot else 0
            if (refusal := refuse(wanted, fixed)) is not None:
                found = getattr(wanted, refusal.setting)
                text = f"{refusal.setting} {found:,} {refusal.reason}. {refusal.remedy}"
                self.notify(text, severity="error", markup=False)
                return
            door.set_limits(wanted)
            self.talk.show(self.talk.view)
            self.redraw()

        about = "Two numbers: tokens in the window from which it summarises, and turns it keeps."
        self.push_screen(Ask("limits", about, f"{limits.trigger} {limits.keep}"), answered)

    def redraw(self) -> None:
        raise NotImplementedError

    # ── help, and everything ────────────────────────────────────────────────────────────────

    def action_help(self) -> None:
        from tui_voice.ui.screens.help import HelpScreen

        self.push_screen(HelpScreen(self.options))

    def action_palette(self) -> None:
        self.action_command_palette()

    def more_deeds(self) -> list[tuple[str, str, Callable[[], object]]]:
        """What the palette offers and no key does: name, explanation, deed."""
        view, transcript = self.talk.view, self.talk.transcript
        found: list[tuple[str, str, Callable[[], object]]] = []
        if "summarise" in view.keys:
            found.append(
                ("summarise, and say what matters", "a focus for the summary", self.ask_focus)
            )
        if view.memory:
            found.append(("read the memory", "the summary", lambda: self.show_memory(False)))
        if self.door is not None:
            about = "correct what is remembered, or tell the model something for good"
            found.append(("edit the memory", about, lambda: self.show_memory(True)))
            found.append(("limits", "when it summarises, and what it keeps", self.change_limits))
            found.append(("rename this talk", "give it another title", self.rename))
        if view.prunings:
            newest = view.prunings[0]
            about = "the summary, and the turns it stands for"
            found.append(("read the newest pruning", about, lambda: self.show_pruning(newest)))
        if view.turns:
            found.append(("copy the whole talk", "as text, to the clipboard", self.copy_all))
            found.append(("fold all prunings", "or unfold them", transcript.fold_all))
        found.append(("theme", "other colours", self.action_change_theme))
        return found

    def on_wanted(self, message: Wanted) -> None:
        if message.what == "export":
            self.export()
        elif message.what == "focus":
            self.ask_focus()
        elif message.what == "memory":
            self.show_memory(bool(message.detail))
        elif message.what == "put away":
            self.put_away()
        elif isinstance(message.detail, Pruning):
            self.show_pruning(message.detail)
