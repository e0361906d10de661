"""Typed turns: sent at once, or kept until a session is open. Drafts and inputs are saved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tui_voice.ui.open_session import OpenSession

if TYPE_CHECKING:
    from tui_voice.ui.widgets.prompt_input import PromptInput


class TypedTurns:
    """The application owns one. All methods are called in the application's thread."""

    def __init__(self, session: OpenSession, folder: Callable[[], Path], *, saves: bool) -> None:
        """`folder` returns the folder of the saved sessions. `saves`: False in a replay."""
        self._session = session
        self._folder = folder
        self._saves = saves
        self.opening = False
        """A session is being opened; what is sent meanwhile is kept for it."""
        self.waiting: list[str] = []
        """Turns for the session that is being opened."""
        self._drafts: dict[str, str] = {}
        self._saved = ("", "")  # session and text of the draft that was saved last

    # ── sending ─────────────────────────────────────────────────────────────────────────────

    def send(self, text: str) -> bool:
        """Sends a typed turn, or keeps it until the session is open. Returns False where there is
        no session and none is being opened.
        """
        if self.opening:
            self.waiting.append(text)
        elif self._session.handle is None:
            return False
        else:
            self._submit(text)
        if self._saves:
            from tui_voice.store import typed_inputs

            typed_inputs.save_sent(self._folder(), text)
        return True

    def _submit(self, text: str) -> None:
        from secrets import token_hex

        from tui_voice.conversation.events import TextSubmitted

        self._session.post(TextSubmitted(item_id=f"typed_{token_hex(8)}", text=text))

    def opened(self) -> None:
        """The session is open: sends what was kept for it."""
        self.opening = False
        waiting, self.waiting = self.waiting, []
        for text in waiting:
            self._submit(text)

    def refused(self, prompt: PromptInput) -> None:
        """No session could be opened: the turns go back to the prompt."""
        self.opening = False
        waiting, self.waiting = self.waiting, []
        if waiting:
            prompt.value = "\n".join([*waiting, *filter(None, [prompt.value])])

    # ── drafts and inputs ───────────────────────────────────────────────────────────────────

    def load(self, prompt: PromptInput) -> None:
        """Reads what was typed in earlier runs."""
        if self._saves:
            from tui_voice.store import typed_inputs

            typed = typed_inputs.load(self._folder())
            prompt.inputs.load(typed.sent)
            self._drafts = dict(typed.drafts)

    def save_draft(self, prompt: PromptInput) -> None:
        """Saves what is half typed, where it changed."""
        key, text = self._key, prompt.value
        before, self._saved = self._saved, (key, text)
        if before[0] != key and before[1]:
            self._save("", before[0])  # it belongs to another session now
        if text != (before[1] if before[0] == key else ""):
            self._save(text, key)

    def _save(self, text: str, session: str) -> None:
        if self._saves:
            from tui_voice.store import typed_inputs

            typed_inputs.save_draft(self._folder(), session, text)
            self._drafts[session] = text

    def leave_session(self, prompt: PromptInput) -> None:
        """Another session is opened: the draft of this one is kept for it. Where nothing has been
        said yet, the draft goes on into the other session.
        """
        self.save_draft(prompt)
        if self._key:
            prompt.value = ""
            self._saved = ("", "")

    def enter_session(self, prompt: PromptInput) -> None:
        """A session is open: shows its draft. Where the user has begun to type, the up key shows
        it.
        """
        draft = self._drafts.get(self._key, "")
        if prompt.is_empty:
            prompt.value = draft
            self._saved = (self._key, draft)
        elif draft and draft != prompt.value:
            prompt.inputs.add(draft)

    @property
    def _key(self) -> str:
        """Id of the open session; "" where nothing has been said yet: it is not kept."""
        handle, snapshot = self._session.handle, self._session.snapshot
        return handle.id if handle and snapshot and snapshot.ledger.turns else ""
