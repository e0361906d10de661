"""The rule above the prompt. It becomes a sentence when something is wrong."""

from __future__ import annotations

from rich.cells import cell_len
from textual.reactive import reactive

from tui_voice.ui.notices import Notice
from tui_voice.ui.widgets.line_widget import BlockWidget, StyledText
from tui_voice.ui.wrapping import clean, wrap

_MOST_ROWS = 3
_DISMISS = "Esc: dismiss"


class NoticeLine(BlockWidget):
    DEFAULT_CSS = "NoticeLine { height: auto; width: 1fr; }"

    notice: reactive[Notice] = reactive(Notice(), layout=True)

    def _rows(self, width: int) -> list[str]:
        notice = self.notice
        text = clean(notice.text).rstrip(".")
        if text.partition(" ")[0].isalpha():  # an address or the name of a model stays as it is
            text = text[:1].upper() + text[1:]
        if notice.hint:
            text = f"{text}. {clean(notice.hint)}"
        text = text.replace("\n", " ")
        return [text[begin:end] for begin, end in wrap(text, max(8, width - 4))][:_MOST_ROWS]

    def lines(self, width: int) -> list[list[StyledText]]:
        if not self.notice.text:
            return [[(self._glyphs.rule * width, "rule")]]
        style = {"error": "alarm", "warning": "words", "info": "machine"}[self.notice.severity]
        sign = self._glyphs.dot if self.notice.severity == "info" else self._glyphs.warning
        found: list[list[StyledText]] = [
            [(f" {sign if number == 0 else ' '} ", style), (row, style)]
            for number, row in enumerate(self._rows(width))
        ]
        room = width - 4 - cell_len(found[-1][1][0])
        if self.notice.can_dismiss and room > len(_DISMISS) + 2:
            found[-1] += [(" " * (room - len(_DISMISS)), style), (_DISMISS, "quiet")]
        return found
