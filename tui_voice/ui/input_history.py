"""The inputs that the user has sent before, for the up key in the prompt."""

from __future__ import annotations

from collections.abc import Iterable

MOST_INPUTS = 500


class InputHistory:
    """The inputs, and which of them is shown in the prompt, if any."""

    def __init__(self, inputs: Iterable[str] = ()) -> None:
        self._inputs = list(inputs)[-MOST_INPUTS:]
        self._at: int | None = None

    def load(self, inputs: Iterable[str]) -> None:
        """Puts the inputs of earlier sessions before those of this one."""
        self._inputs = [*inputs, *self._inputs][-MOST_INPUTS:]
        self._at = None

    def add(self, text: str) -> None:
        """Adds what was sent; the same input twice in a row is one."""
        if not self._inputs or self._inputs[-1] != text:
            self._inputs = [*self._inputs, text][-MOST_INPUTS:]
        self._at = None

    def shows(self, text: str) -> bool:
        """Returns whether this text is an earlier input that `step` returned, unchanged."""
        return self._at is not None and self._inputs[self._at] == text

    def step(self, by: int) -> str | None:
        """Returns the input before (-1) or after (1) the one that is shown. After the newest one
        comes "". None: there is no other.
        """
        at = (len(self._inputs) if self._at is None else self._at) + by
        if at == len(self._inputs) and self._at is not None:
            self._at = None
            return ""
        if not 0 <= at < len(self._inputs):
            return None
        self._at = at
        return self._inputs[at]

    def leave(self) -> None:
        """The prompt shows something else."""
        self._at = None
