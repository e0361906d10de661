"""Splits a growing text into clauses, so that speech can start before the text is complete."""

from __future__ import annotations

import re

_SENTENCE_END = re.compile(r"[.!?…]+[\"'”’)\]*_]*(?=\s)|\n+")
_CLAUSE_END = re.compile(r"[,;:](?=\s)|\s[–—-]+(?=\s)|—")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\"'“‘])(?:Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|vs|etc|approx|No|e\.g|i\.e|[A-HJ-Z])\.$"
)
_LIST_NUMBER = re.compile(r"(?:^|\n)\s*\d{1,2}\.$")


class ClauseSplitter:
    """Takes text piece by piece in `feed` and returns each clause as soon as it is complete.

    The first clause may end at a comma ("Well, I think"), later ones end with their sentence.
    """

    def __init__(
        self, min_first_chars: int = 12, min_sentence_chars: int = 8, max_chars: int = 240
    ) -> None:
        self._min_first_chars = min_first_chars
        self._min_sentence_chars = min_sentence_chars
        self._max_chars = max_chars
        self._text = ""
        self._is_first = True

    def feed(self, text: str) -> list[str]:
        """Returns the clauses that `text` completes, in order, without surrounding blanks."""
        self._text += text
        clauses: list[str] = []
        while (end := self._clause_end()) is not None:
            clause, self._text = self._text[:end].strip(), self._text[end:]
            if clause:
                clauses.append(clause)
                self._is_first = False
        return clauses

    def flush(self) -> list[str]:
        """Returns the incomplete rest as one clause, or nothing; then starts a new text."""
        rest, self._text, self._is_first = self._text.strip(), "", True
        return [rest] if rest else []

    def _clause_end(self) -> int | None:
        """Returns the index at which the next complete clause ends."""
        min_chars = self._min_first_chars if self._is_first else self._min_sentence_chars
        sentence_end = next(
            (
                match.end()
                for match in _SENTENCE_END.finditer(self._text)
                if match.end() - self._leading_blanks() >= min_chars
                and not _is_inside_sentence(self._text, match)
            ),
            None,
        )
        if self._is_first:
            for match in _CLAUSE_END.finditer(self._text, 0, sentence_end or len(self._text)):
                if match.end() - self._leading_blanks() >= self._min_first_chars:
                    return match.end()
        return self._limited(sentence_end)

    def _limited(self, sentence_end: int | None) -> int | None:
        """Returns `sentence_end`, or an earlier place where the sentence is too long."""
        if (sentence_end or len(self._text)) <= self._max_chars:
            return sentence_end
        ends = [match.end() for match in _CLAUSE_END.finditer(self._text, 0, self._max_chars)]
        if ends and ends[-1] >= self._min_first_chars:
            return ends[-1]
        blank = self._text.rfind(" ", self._min_first_chars, self._max_chars)
        return blank if blank > 0 else self._max_chars

    def _leading_blanks(self) -> int:
        return len(self._text) - len(self._text.lstrip())


def _is_inside_sentence(text: str, match: re.Match[str]) -> bool:
    """Whether the full stop belongs to an abbreviation, an initial or a list number."""
    if match[0] != ".":
        return False
    head = text[: match.end()]
    return _LIST_NUMBER.search(head) is not None or _ABBREVIATION.search(head[-12:]) is not None
