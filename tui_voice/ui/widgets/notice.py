"""The rule above the prompt. It becomes a sentence when there is something to say."""

from __future__ import annotations

from rich.cells import cell_len
from textual.reactive import reactive
from textual.timer import Timer

from tui_voice.ui.notices import ANSWER_SECONDS, Notice
from tui_voice.ui.widgets.line_widget import BlockWidget, StyledText
from tui_voice.ui.wrapping import clean, fit_phrase, wrap

_MOST_ROWS = 3
_DISMISS = "Esc: dismiss"


class NoticeLine(BlockWidget):
    DEFAULT_CSS = "NoticeLine { height: auto; width: 1fr; }"

    notice: reactive[Notice] = reactive(Notice(), layout=True)
    """What is the case."""
    _answer: reactive[Notice] = reactive(Notice(), layout=True)
    _timer: Timer | None = None

    def answer(self, notice: Notice) -> None:
        """Shows what a key has done, for a few seconds, instead of what is the case."""
        if self._timer is not None:
            self._timer.stop()
        self._answer = notice
        self._timer = self.set_timer(ANSWER_SECONDS[notice.severity], self._end_answer)

    def _end_answer(self) -> None:
        self._answer = Notice()

    @property
    def shown(self) -> Notice:
        """The notice that is drawn; an empty one for the rule."""
        return self._answer if self._answer.text else self.notice

    def _rows(self, width: int) -> list[str]:
        from tui_voice.config.program_form import in_working_form  # not for the first picture

        notice, more = self.shown, self._glyphs.more
        text = clean(notice.text).rstrip(".")
        if text.partition(" ")[0].isalpha():  # an address or the name of a model stays as it is
            text = text[:1].upper() + text[1:]
        if notice.hint:
            text = f"{text}. {clean(notice.hint)}"
        text, room = in_working_form(text).replace("\n", " "), max(8, width - 4)
        spans = wrap(text, room)
        rows = [text[begin:end] for begin, end in spans[:_MOST_ROWS]]
        if len(spans) > _MOST_ROWS:
            rows[-1] = fit_phrase(text[spans[_MOST_ROWS - 1][0] :], room, more)
        return rows

    def lines(self, width: int) -> list[list[StyledText]]:
        notice = self.shown
        if not notice.text:
            return [[(self._glyphs.rule * width, "rule")]]
        style = {"error": "alarm", "warning": "words", "info": "machine"}[notice.severity]
        sign = self._glyphs.dot if notice.severity == "info" else self._glyphs.warning
        found: list[list[StyledText]] = [
            [(f" {sign if number == 0 else ' '} ", style), (row, style)]
            for number, row in enumerate(self._rows(width))
        ]
        room = width - 4 - cell_len(found[-1][1][0])
        if notice.can_dismiss and room > len(_DISMISS) + 2:
            found[-1] += [(" " * (room - len(_DISMISS)), style), (_DISMISS, "quiet")]
        return found
