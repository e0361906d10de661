"""Asks questions about saved sessions: whether recall finds the evidence, and the model answers."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tui_voice.config import Settings
from tui_voice.errors import CostLimitError
from tui_voice.lab.question_files import KINDS, Question
from tui_voice.languages.token_estimate import estimate_text_tokens
from tui_voice.runtime.headless import HeadlessSession
from tui_voice.runtime.recall import MAX_HITS, Recall
from tui_voice.runtime.session_factory import SessionOptions
from tui_voice.runtime.tools import Tools
from tui_voice.store.evidence import SURE, Evidence, find_evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionResult:
    """What came of one question."""

    question: str
    kind: str
    found: bool
    """A turn of the evidence, or a word of the answer, is among the hits or beside one. Of a
    question of kind `never`: nothing sure was found."""
    seconds: float
    """How long the search took."""
    tokens: int
    """Estimated tokens of what `recall` gives to the model."""
    answered: bool | None = None
    """The model's reply has a word of the answer; None: the model was not asked. Of a question of
    kind `never`, and without `answers`, nobody can tell without reading the reply: None."""
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionReport:
    """The results of a file. `tokens`, `usd`: of the model's session; 0 if it was not asked."""

    results: tuple[QuestionResult, ...]
    tokens: int = 0
    usd: float = 0.0

    @property
    def median_ms(self) -> float:
        """Median time of a search, in ms."""
        return statistics.median(one.seconds for one in self.results) * 1e3

    def of_kind(self, kind: str) -> list[QuestionResult]:
        return [one for one in self.results if one.kind == kind]

    @property
    def kinds(self) -> list[str]:
        return [kind for kind in KINDS if self.of_kind(kind)]


def search_all(
    questions: Sequence[Question], folder_of: Callable[[Question], Path]
) -> Iterator[QuestionResult]:
    """Yields what recall finds for each question. The first search in a folder makes its index."""
    fresh: set[Path] = set()
    for question in questions:
        folder = folder_of(question)
        if folder not in fresh:
            find_evidence(folder, question.text)
            fresh.add(folder)
        start = time.perf_counter()
        hits = find_evidence(folder, question.text, limit=MAX_HITS, refresh=False)
        seconds = time.perf_counter() - start
        yield QuestionResult(
            question=question.text,
            kind=question.kind,
            found=is_found(question, hits),
            seconds=seconds,
            tokens=sum(
                estimate_text_tokens(said.text)
                for hit in hits
                for said in (hit.before, hit.said, hit.after)
                if said is not None
            ),
        )


def is_found(question: Question, hits: Sequence[Evidence]) -> bool:
    """Returns whether hits hold the answer; of a question of kind `never`, whether none is sure."""
    if question.kind == "never":
        return not hits or max(hit.share for hit in hits) < SURE
    said = [one for hit in hits for one in (hit.before, hit.said, hit.after) if one is not None]
    if question.evidence:
        return any(one.turn in question.evidence for one in said)
    texts = [one.text.casefold() for one in said]
    return any(answer.casefold() in text for answer in question.answers for text in texts)


def ask_model(
    results: Sequence[QuestionResult],
    questions: Sequence[Question],
    folder: Path,
    settings: Settings,
    sessions: Path,
) -> QuestionReport:
    """Asks a model that has the tool `recall` over `folder` each question, in one session.

    Its journal goes into `sessions`. Stops at `cost.limit`. Raises `TuiVoiceError`.
    """
    context = replace(settings.context, recall=False)  # the tool given here is used instead
    options = SessionOptions(
        settings=replace(settings, context=context),
        folder=sessions,
        tools=Tools((Recall(folder).tool(),)),
    )
    answered = list(results)
    with HeadlessSession(options) as session:
        for number, question in enumerate(questions):
            try:
                turns = session.say(question.text)
            except CostLimitError:
                break
            reply = " ".join(turn.text for turn in turns if turn.role == "assistant")
            right = any(answer.casefold() in reply.casefold() for answer in question.answers)
            known = bool(question.answers) and question.kind != "never"
            answered[number] = replace(
                answered[number], said=reply, answered=right if known else None
            )
        ledger = session.snapshot.ledger
    return QuestionReport(
        results=tuple(answered),
        tokens=ledger.usage.input + ledger.usage.output,
        usd=ledger.cost,
    )
