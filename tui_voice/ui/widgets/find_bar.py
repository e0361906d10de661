"""The line that finds words in one session, in the session screen and in the reader."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Static

from tui_voice.ui.widgets.transcript import Transcript


class FindBar(Horizontal):
    """Lights every hit while the user types. Enter leaves the words, and goes on to the hits."""

    def __init__(self, transcript: Transcript, *, done: Callable[[], object], id: str) -> None:
        """`done()` is called when the user has typed the words."""
        super().__init__(id=id)
        self._transcript = transcript
        self._done = done
        self._input = Input(compact=True, placeholder="words in this session")

    def compose(self) -> ComposeResult:
        yield Static("find", classes="sign")
        yield self._input
        yield Static("", classes="count", markup=False)

    @property
    def is_typing(self) -> bool:
        """Whether the user is typing the words."""
        return self._input.has_focus

    def open(self, words: str = "") -> None:
        """Shows the line with these words, and takes the focus."""
        self.add_class("-open")
        if words:
            self._input.value = words
            self._find(words)
        self.screen.set_focus(self._input)

    def close(self) -> bool:
        """Hides the line, and lights no hits. Returns whether it was open."""
        if not self.has_class("-open"):
            return False
        self.remove_class("-open")
        self._input.value = ""
        self._transcript.light("")
        return True

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self.has_class("-open"):
            self._find(event.value)

    def _find(self, words: str) -> None:
        self._transcript.light(words)
        self._transcript.action_hit(0)
        self.show_count()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value.strip():
            self._done()

    def show_count(self) -> None:
        """Shows which of the hits is chosen, and how many there are."""
        self.query_one(".count", Static).update(self._transcript.hits_shown)
