"""The dialogs about the open session: its title, its memory, its prunings, its limits."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal

from textual.app import App

from tui_voice.ui.commands import PaletteCommand
from tui_voice.ui.open_session import OpenSession
from tui_voice.ui.options import AppOptions
from tui_voice.ui.pruning_rows import PruningRow
from tui_voice.ui.screen_context import ExportChoice, ScreenContext
from tui_voice.ui.view import SessionView, is_correctable

if TYPE_CHECKING:
    from tui_voice.conversation.turns import Turn
    from tui_voice.runtime.session_handle import ApprovalRequest, Decision, SessionHandle
    from tui_voice.ui.screens.approval import ApprovalDialog

DEVICES_KNOWN_S = 5.0
"""Seconds for which a list of the devices is used: others may be plugged in."""


class SessionDialogs:
    """The application owns one. Each dialog ends in an event, or changes nothing."""

    def __init__(
        self,
        app: App[Any],
        options: AppOptions,
        session: OpenSession,
        view: Callable[[], SessionView],
        limits_changed: Callable[[], object],
    ) -> None:
        """`view` returns the view that is shown. `limits_changed` is called after the user set
        new limits.
        """
        self._app = app
        self._options = options
        self._session = session
        self._view = view
        self._limits_changed = limits_changed
        self._question: ApprovalDialog | None = None
        self._device_names: dict[str, Sequence[str]] = {}
        self._devices_listed_at = -math.inf  # by `time.monotonic()`

    def commands(self) -> list[PaletteCommand]:
        """Returns the commands of the palette for which there is no key."""
        view = self._view()
        found: list[PaletteCommand] = []
        if "summarise" in view.live_keys and not self._options.replay:
            about = "summarise now, and say what the summary must keep"
            found.append(PaletteCommand("summarise with a focus", about, self.summarise_with_focus))
        if self._session.handle is not None:
            about = "when to summarise, and how many turns to keep"
            found.append(PaletteCommand("limits", about, self.change_limits))
            about = "give this session another title"
            found.append(PaletteCommand("rename the session", about, self.rename))
            name = "not private any more" if self._is_private else "mark as private"
            about = "a private session is never recalled by another, and never sent elsewhere"
            found.append(PaletteCommand(name, about, self.change_privacy))
        if self._options.devices is not None and self._session.handle is not None:
            about = "choose it for this session; nothing that is said meanwhile is lost"
            found += [
                PaletteCommand("microphone", about, lambda: self.choose_device("input")),
                PaletteCommand("loudspeaker", about, lambda: self.choose_device("output")),
            ]
        if view.pruning_rows:
            newest = view.pruning_rows[0]
            about = "the summary, and the turns that it replaced"
            found.append(
                PaletteCommand("read the newest pruning", about, lambda: self.read_pruning(newest))
            )
        if view.turns:
            about = "copy the whole session as text to the clipboard"
            found.append(PaletteCommand("copy the session", about, self.copy_session))
        return found

    def welcome(self, context: ScreenContext, talk: Callable[[], object]) -> None:
        """Shows the welcome at the first start. `talk`: what the talk key does."""
        if self._options.welcome is None:
            return
        from tui_voice.ui.screens.welcome import WelcomeScreen

        def closed(talks: bool | None) -> None:
            if talks:
                talk()

        self._app.push_screen(WelcomeScreen(context, self._options.welcome), closed)

    def choose_device(self, direction: Literal["input", "output"]) -> None:
        """Asks which microphone ("input") or loudspeaker is used from now on."""
        from tui_voice.ui.screens.device_dialog import DeviceDialog

        def answered(device: str | None) -> None:
            from tui_voice.conversation.events import DeviceChosen

            if device is not None:
                self._session.post(DeviceChosen(direction=direction, device=device))

        level = partial(self._session.level, direction)
        self._app.push_screen(DeviceDialog(direction, self._options, level), answered)

    def device_names(self, direction: str, listed: Callable[[], object]) -> Sequence[str]:
        """Returns the names of the devices for "input" or "output" as they were listed last. They
        are listed in a thread, again after `DEVICES_KNOWN_S`; `listed` is called after that.
        """
        list_devices = self._options.devices
        if list_devices is not None and monotonic() - self._devices_listed_at > DEVICES_KNOWN_S:
            self._devices_listed_at = monotonic()

            def work() -> None:
                self._device_names = {
                    "input": [name for _id, name in list_devices("input")],
                    "output": [name for _id, name in list_devices("output")],
                }
                self._app.call_from_thread(listed)

            self._app.run_worker(work, thread=True, exit_on_error=False, group="devices")
        return self._device_names.get(direction, ())

    def export(self, choice: ExportChoice) -> None:
        """Writes the open session to a file, and says where."""
        if self._session.snapshot is None:
            return
        from tui_voice.ui.export_writer import write_export

        write_export(
            self._app,
            self._options,
            self._session.snapshot.ledger,
            choice,
            self._session.handle.post if self._session.handle else self._session.post,
            lambda text: self._app.notify(text, markup=False),
            lambda error: self._app.notify(f"{error} {error.hint}", severity="error", markup=False),
        )

    def follow_calls(self, waiting: ApprovalRequest | None, may_ask: Callable[[], bool]) -> None:
        """Asks about a call that waits for the user; `may_ask`: whether a dialog may open now.
        Closes the question about a call that waits no longer: it was stopped, or given up.
        """
        if self._question is not None and self._question.request != waiting:
            self._question.dismiss("refuse")
        elif waiting is not None and may_ask():
            self._ask_for(waiting)

    def _ask_for(self, request: ApprovalRequest) -> None:
        """Asks whether the model may call a function."""
        from tui_voice.ui.screens.approval import ApprovalDialog

        handle = self._session.handle

        def answered(decision: Decision | None) -> None:
            self._question = None
            if handle is not None:
                handle.decide(request.number, decision or "refuse")

        self._question = ApprovalDialog(request)
        self._app.push_screen(self._question, answered)

    def rename(self) -> None:
        from tui_voice.ui.screens.dialogs import TextQuestion

        def answered(title: str | None) -> None:
            from tui_voice.conversation.events import SessionRenamed

            if title:
                self._session.post(SessionRenamed(title=" ".join(title.split())))

        title = self._view().header.title
        self._app.push_screen(TextQuestion("rename the session", "", title), answered)

    @property
    def _is_private(self) -> bool:
        snapshot = self._session.snapshot
        return snapshot is not None and snapshot.ledger.private

    def change_privacy(self) -> None:
        """Marks the session private, or takes the mark away, and says what that means."""
        from tui_voice.conversation.events import PrivacyChanged

        private = not self._is_private
        self._session.post(PrivacyChanged(private=private))
        said = (
            "This session is private: no other session recalls it, and it is resumed on this "
            "machine only. Its server keeps what it has been sent."
            if private
            else "This session is not private any more."
        )
        self._app.notify(said)

    def copy_session(self) -> None:
        """Copies the whole transcript to the clipboard, as plain text."""
        if self._session.snapshot is not None:
            from tui_voice.store.export import render
            from tui_voice.ui.clipboard import copy

            copy(self._app, render(self._session.snapshot.ledger, "txt"), "The whole session")

    def summarise_with_focus(self) -> None:
        from tui_voice.ui.screens.dialogs import TextQuestion

        def answered(focus: str | None) -> None:
            from tui_voice.conversation.events import SummarisePressed

            if focus is not None:
                self._session.post(SummarisePressed(focus=focus))

        about = "What must the summary keep? Leave it empty for a usual summary."
        example = "names, sums and dates of the trip"
        self._app.push_screen(TextQuestion("summarise now", about, placeholder=example), answered)

    def correct(self, turn: Turn) -> None:
        """Asks for the right words of a spoken turn."""
        from tui_voice.ui.screens.dialogs import TextQuestion

        def answered(text: str | None) -> None:
            if text and text != turn.text:
                self._post_correction(turn, text)

        about = "What did you say? The model and the memory get the corrected words."
        self._app.push_screen(TextQuestion("correct your words", about, turn.text), answered)

    def correct_newest(self, text: str) -> None:
        """Corrects the newest spoken turn of the user. Raises `ValueError` where there is none."""
        snapshot = self._session.snapshot
        turns = reversed(snapshot.ledger.turns) if snapshot is not None else ()
        turn = next((turn for turn in turns if is_correctable(turn)), None)
        if turn is None:
            raise ValueError("There is no spoken turn with words to correct.")
        self._post_correction(turn, text)

    def _post_correction(self, turn: Turn, text: str) -> None:
        from tui_voice.conversation.events import TurnCorrected

        self._session.post(TurnCorrected(item_id=turn.id, text=text))

    def read_pruning(self, row: PruningRow) -> None:
        from tui_voice.ui.pruning_details import pruning_details
        from tui_voice.ui.screens.dialogs import TextPage

        if self._session.snapshot is not None:
            ledger = self._session.snapshot.ledger
            self._app.push_screen(TextPage(*pruning_details(row, ledger, self._options.glyphs)))

    def change_limits(self) -> None:
        from tui_voice.ui.screens.dialogs import TextQuestion

        handle = self._session.handle
        if handle is None:
            return
        limits = handle.limits

        def answered(text: str | None) -> None:
            if not text or handle is not self._session.handle:
                return
            try:
                self.set_limits_from(text)
            except ValueError as refused:
                self._app.notify(str(refused), severity="error", markup=False)

        about = "Two numbers: summarise from so many tokens on, and keep so many turns."
        values = f"{limits.trigger} {limits.keep}"
        self._app.push_screen(TextQuestion("limits", about, values), answered)

    def set_limits_from(self, text: str) -> None:
        """Sets the limits that the user wrote, trigger and keep. Raises `ValueError` with the
        reason and the remedy where they cannot be used.
        """
        limits = self._open_handle.limits
        numbers = [int(word) for word in text.split() if word.isdecimal()]
        if len(numbers) != 2 or not 0 < numbers[0] <= limits.size:
            raise ValueError(
                f"These are no limits. Write two whole numbers, the first up to {limits.size}."
            )
        self.set_limits(trigger=numbers[0], keep=numbers[1])

    def set_limits(self, **changed: Any) -> None:
        """Sets some fields of the limits of the open session. Raises `ValueError` as above."""
        from dataclasses import replace

        from tui_voice.conversation.limits import refuse

        handle = self._open_handle
        wanted = replace(handle.limits, **changed)
        snapshot = self._session.snapshot
        refusal = refuse(wanted, snapshot.ledger.fixed_tokens if snapshot else 0)
        if refusal is not None:
            found = getattr(wanted, refusal.setting)
            raise ValueError(f"{refusal.setting} {found:,} {refusal.reason}. {refusal.remedy}")
        handle.set_limits(wanted)
        self._limits_changed()

    @property
    def _open_handle(self) -> SessionHandle:
        """The open session. Raises `ValueError` where there is none."""
        if self._session.handle is None:
            raise ValueError("No session is open yet.")
        return self._session.handle
