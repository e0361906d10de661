"""The rule above the input, which turns into one clear sentence when something is the matter."""

from __future__ import annotations

from rich.cells import cell_len
from textual.reactive import reactive

from tui_voice.ui.notices import Notice
from tui_voice.ui.widgets.card import Card, Part
from tui_voice.ui.wrapping import clean, wrap

_MOST_ROWS = 3
_AWAY = "Esc: read"


class NoticeLine(Card):
    DEFAULT_CSS = "NoticeLine { height: auto; width: 1fr; }"

    notice: reactive[Notice] = reactive(Notice(), layout=True)

    def _rows(self, width: int) -> list[str]:
        notice = self.notice
        text = clean(notice.text).rstrip(".")
        if text.partition(" ")[0].isalpha():  # an address or a model's name stays as it is
            text = text[:1].upper() + text[1:]
        if notice.hint:
            text = f"{text}. {clean(notice.hint)}"
        text = text.replace("\n", " ")
        return [text[begin:end] for begin, end in wrap(text, max(8, width - 4))][:_MOST_ROWS]

    def lines(self, width: int) -> list[list[Part]]:
        if not self.notice.text:
            return [[(self._glyphs.rule * width, "rule")]]
        style = {"error": "alarm", "warning": "words", "info": "machine"}[self.notice.severity]
        sign = self._glyphs.dot if self.notice.severity == "info" else self._glyphs.warning
        found: list[list[Part]] = [
            [(f" {sign if number == 0 else ' '} ", style), (row, style)]
            for number, row in enumerate(self._rows(width))
        ]
        room = width - 4 - cell_len(found[-1][1][0])
        if self.notice.passing and room > len(_AWAY) + 2:
            found[-1] += [(" " * (room - len(_AWAY)), style), (_AWAY, "quiet")]
        return found
