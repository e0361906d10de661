"""Long pasted texts that the prompt shows as one short label each: `[paste 1: 42 lines]`."""

from __future__ import annotations

from tui_voice.ui.number_format import plural

MOST_LINES = 5
"""Lines of a pasted text that the prompt shows as they are."""
MOST_CHARACTERS = 600
"""Characters of a pasted text that the prompt shows as they are."""


class FoldedPastes:
    """The texts behind the labels of one prompt."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def fold(self, text: str) -> str:
        """Returns the label for a long text, or the text itself."""
        lines = text.count("\n") + 1
        if lines <= MOST_LINES and len(text) <= MOST_CHARACTERS:
            return text
        size = plural(lines, "line") if lines > 1 else plural(len(text), "character")
        label = f"[paste {len(self._texts) + 1}: {size}]"
        self._texts[label] = text
        return label

    def expand(self, text: str) -> str:
        """Returns a text with each label replaced by what it stands for."""
        for label, folded in self._texts.items():
            text = text.replace(label, folded)
        return text

    def text_of(self, label: str) -> str:
        return self._texts[label]

    def spans(self, line: str) -> list[tuple[int, int, str]]:
        """Returns begin, end and label of each label in a line."""
        found = []
        for label in self._texts:
            at = line.find(label)
            while at >= 0:
                found.append((at, at + len(label), label))
                at = line.find(label, at + len(label))
        return found

    def forget(self) -> None:
        """Forgets all texts: the prompt is empty."""
        self._texts.clear()
