"""Looks in a new summary for what the turns that are about to be pruned said, without a model.

A detail is a sentence of the user, or of the earlier memory, that has a name, a number or a
negation. It is kept if one line of the summary has its numbers, at least `MIN_SHARE` of its other
content words and its negation, and the summary has its names. Where the summary is in another
language than the turns, only names and numbers are compared.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from tui_voice.conversation import effects as x
from tui_voice.conversation.memory import HEADINGS, json_object, read_memory
from tui_voice.languages.corrections import ELISION, find_corrections
from tui_voice.languages.negation import knows_negation
from tui_voice.languages.sentences import is_question, sentences
from tui_voice.languages.statements import Statement, language_code, statements

MIN_SHARE = 0.5
"""Share of the content words of a sentence, 0–1, that a line of the summary must have."""
NEAR_QUOTE = 0.7
"""Share of all words, 0–1, from which a line counts as a quotation of the sentence. In a language
whose negations are not known, no short word may be missing then, since it may be the negation."""
BY_ASSISTANT = "(assistant)"
"""Marks an entry of the memory that only the assistant said."""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """How much of what the turns said is in a summary."""

    details: int = 0
    """Number of sentences with a name, a number or a negation."""
    missing: tuple[str, ...] = ()
    """Those of them that the summary lacks, as they were said."""

    @property
    def kept(self) -> int:
        return self.details - len(self.missing)


@dataclass(frozen=True, slots=True)
class SummaryProbe:
    """The details of one request. Make it with `of`."""

    details: tuple[Statement, ...] = ()
    code: str = ""
    """ISO 639-1 code of the language of the turns, "" for unknown."""
    user_marks: frozenset[str] = field(default_factory=frozenset)
    assistant_marks: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def of(cls, request: x.RequestSummary) -> SummaryProbe:
        """Takes the details from the turns and the memory of a request.

        Details that a later sentence corrects are left out. May load a language model: do not call
        it on an event loop.
        """
        memory = [part for entry in read_memory(request.memory) for part in sentences(entry.text)]
        user = [part for t in request.turns if t.role == "user" for part in sentences(t.text)]
        assistant = [p for t in request.turns if t.role == "assistant" for p in sentences(t.text)]
        code = language_code(" ".join([*memory, *user]))
        said = statements([*memory, *user], code)
        answered = statements(assistant, code)
        asserted = [one for one in said if not is_question(one.text)]
        corrected = {one.earlier for one in find_corrections(asserted)}
        details = {
            one.text: one
            for number, one in enumerate(asserted)
            if number not in corrected
            and (one.marks or one.negated)
            and ELISION not in one.text
            and BY_ASSISTANT not in one.text
        }
        return cls(
            tuple(details.values()),
            code,
            frozenset(mark for one in said for mark in one.marks),
            frozenset(mark for one in answered for mark in one.marks),
        )

    def look_in(self, summary: str) -> ProbeResult:
        """Returns which details are in `summary`. May load a language model."""
        texts = [part for entry in read_memory(summary) for part in sentences(entry.text)]
        spoken = language_code(" ".join(texts))
        same = not (spoken and self.code and spoken != self.code)
        lines = statements(texts, self.code if same else spoken)
        everywhere = frozenset(
            [stem for one in lines for stem in one.stems]
            + [mark for one in lines for mark in one.marks]
            + [one.text[word.start : word.end].casefold() for one in lines for word in one.words]
        )
        missing = [
            detail.text
            for detail in self.details
            if not any(_holds(line, detail, everywhere, self.code, same) for line in lines)
        ]
        return ProbeResult(len(self.details), tuple(missing))

    def marked(self, text: str) -> str:
        """Returns a summary in lines with `BY_ASSISTANT` behind each line whose names and numbers
        only the assistant said. Other texts are returned as they are.
        """
        lines = []
        for line in text.splitlines():
            (statement,) = statements([line], self.code)
            marks = statement.marks
            foreign = marks and marks <= self.assistant_marks - self.user_marks
            is_item = line.lstrip().startswith(("- ", "* ", "• "))
            by_assistant = foreign and is_item and BY_ASSISTANT not in line
            lines.append(f"{line} {BY_ASSISTANT}" if by_assistant else line)
        return "\n".join(lines)


def _holds(
    line: Statement, detail: Statement, everywhere: frozenset[str], code: str, same_language: bool
) -> bool:
    figures = {word.key for word in detail.words if word.kind == "figure"}
    names = {word.key for word in detail.words if word.kind == "name"}
    has_figures = figures <= {word.key for word in line.words if word.kind == "figure"}
    if not has_figures or not names <= everywhere:
        return False
    if not same_language:
        return True
    content = detail.content
    if content and len(content & line.stems) < MIN_SHARE * len(content):
        return False
    if not content and not figures and not names & (line.marks | line.stems):
        return False
    if knows_negation(code):
        return line.negated or not detail.negated
    stems = detail.stems
    near = len(stems & line.stems) >= NEAR_QUOTE * len(stems)
    return not near or stems - content <= line.stems


def with_word_for_word(text: str, missing: Sequence[str], room: int) -> tuple[str, tuple[str, ...]]:
    """Returns the summary with missing sentences added as far as `room` (characters) allows, and
    those for which there is no room. Short ones come first.
    """
    if not missing:
        return text, ()
    added: list[str] = []
    for sentence in sorted(missing, key=len):
        if len(sentence) + 3 <= room:
            added.append(sentence)
            room -= len(sentence) + 3
    left = tuple(one for one in missing if one not in added)
    if not added:
        return text, left
    data = json_object(text)
    if data is not None:
        return json.dumps(data | {"word_for_word": added}, ensure_ascii=False), left
    return "\n".join([text, f"{HEADINGS['word_for_word']}:", *(f"- {one}" for one in added)]), left
