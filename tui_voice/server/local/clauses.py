"""Cuts a growing text into what can be said at once, so that speech starts before the text ends."""

from __future__ import annotations

import re

_SENTENCE_END = re.compile(r"[.!?…]+[\"'”’)\]*_]*(?=\s)|\n+")
_CLAUSE_END = re.compile(r"[,;:](?=\s)|\s[–—-]+(?=\s)|—")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\"'“‘])(?:Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|vs|etc|approx|No|e\.g|i\.e|[A-HJ-Z])\.$"
)
_LIST_NUMBER = re.compile(r"(?:^|\n)\s*\d{1,2}\.$")


class Clauses:
    """`feed` pieces as they come; what is whole comes back, the rest waits for more or `flush`."""

    def __init__(self, first: int = 12, shortest: int = 8, longest: int = 240) -> None:
        """Lengths in characters: of the first clause at least, of a sentence at least, at most."""
        self._first, self._shortest, self._longest = first, shortest, longest
        self._text = ""
        self._said = False

    def feed(self, text: str) -> list[str]:
        """The clauses and sentences that `text` makes whole, in order, without outer blanks."""
        self._text += text
        out: list[str] = []
        while (cut := self._cut()) is not None:
            clause, self._text = self._text[:cut].strip(), self._text[cut:]
            if clause:
                out.append(clause)
                self._said = True
        return out

    def flush(self) -> list[str]:
        """What is left, and everything anew."""
        rest, self._text, self._said = self._text.strip(), "", False
        return [rest] if rest else []

    def _cut(self) -> int | None:
        text = self._text
        least = self._shortest if self._said else self._first
        for match in _SENTENCE_END.finditer(text):
            if match.end() - _lead(text) >= least and not _within(text, match):
                return self._sooner(text, match.end())
        return self._sooner(text, None)

    def _sooner(self, text: str, end: int | None) -> int | None:
        """A place before `end` (of the sentence): always in the first, later only if too long."""
        if not self._said:
            for match in _CLAUSE_END.finditer(text, 0, end or len(text)):
                if match.end() - _lead(text) >= self._first:
                    return match.end()
            return self._forced(text, end)
        return self._forced(text, end)

    def _forced(self, text: str, end: int | None) -> int | None:
        if (end or len(text)) <= self._longest:
            return end
        places = [m.end() for m in _CLAUSE_END.finditer(text, 0, self._longest)]
        if places and places[-1] >= self._first:
            return places[-1]
        blank = text.rfind(" ", self._first, self._longest)
        return blank if blank > 0 else self._longest


def _lead(text: str) -> int:
    return len(text) - len(text.lstrip())


def _within(text: str, match: re.Match[str]) -> bool:
    """The full stop belongs to an abbreviation, an initial or a list number."""
    if match[0] != ".":
        return False
    head = text[: match.end()]
    if _LIST_NUMBER.search(head):
        return True
    return _ABBREVIATION.search(head[-12:]) is not None
