"""Asks one writer after the other for a summary or a title, until a text can be used.

A writer gets two attempts. The session continues meanwhile; a failure leaves every turn in place.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.memory import with_facts
from tui_voice.errors import TuiVoiceError
from tui_voice.languages.token_estimate import CHARACTERS_PER_TOKEN, estimate_text_tokens
from tui_voice.languages.topics import topics_of
from tui_voice.realtime.wire.contract import MAX_TITLE_LENGTH, ResponseMetadata
from tui_voice.runtime.kept_facts import facts_that_hold
from tui_voice.runtime.prompts import SHORTER_TITLE_PROMPT, TITLE_PROMPT, summary_prompt
from tui_voice.runtime.summary_probe import ProbeResult, SummaryProbe, with_word_for_word
from tui_voice.runtime.summary_styles import SummaryForm
from tui_voice.runtime.summary_validation import problem_of, source_tokens, without_wrapping
from tui_voice.runtime.ticket import TICKET_PROMPT, TICKET_SCHEMA, ticket_fault
from tui_voice.runtime.writers import (
    AskOutOfBand,
    SummaryWriter,
    WritingFailed,
    WritingTask,
    Written,
)

RETRY_AFTER_S = 1.0
MAX_ADDED_TOKENS = 400
"""Tokens of the sentences that are added to a summary because it had lost them, at most."""
MARGIN_TOKENS = 20
"""Tokens by which a summary with added sentences is shorter than what it summarises, at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """A text that is wanted, and how to check it."""

    attempts: tuple[WritingTask, WritingTask]
    problem: Callable[[str], str]
    """Why a text cannot be used, "" where it can."""
    shortfall: Callable[[str], str]
    """How a usable text differs from what was wanted, "" where it does not."""
    render: Callable[[str], str] = str
    """The text in the form in which it is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Result:
    """A usable text."""

    written: Written
    writer: SummaryWriter
    shortfall: str


@dataclass(slots=True)
class _Attempts:
    """The results of the attempts so far."""

    paid: list[Written] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    """Name of the writer and reason, in order."""

    def reasons(self, writer: str | None = None) -> str:
        """Returns each different reason once, of all writers or of one."""
        chosen = [f"{name}: {why}" for name, why in self.failures if writer in (None, name)]
        return "; ".join(dict.fromkeys(chosen))

    def usd(self) -> float | None:
        """Returns what the attempts of known price cost; None where there are none."""
        known = [one.usd for one in self.paid if one.usd is not None]
        return sum(known) if known else None

    @property
    def unpriced(self) -> bool:
        """Whether an attempt used tokens whose price is not known."""
        return any(one.usd is None and one.usage is not None for one in self.paid)

    def billed(self, purpose: str) -> list[e.WritingBilled]:
        """Returns the event that accounts for them where nothing came of them; none if free."""
        if not self.unpriced and not self.usd():
            return []
        usages = [one.usage for one in self.paid if one.usage is not None]
        usage = sum(usages, e.Usage()) if usages else None
        return [e.WritingBilled(purpose=purpose, usd=self.usd(), usage=usage)]


def _ignore(_event: e.Event) -> None:
    pass


class Summariser:
    """Asks `writers` in their order. Each attempt may take `timeout_s`."""

    def __init__(
        self,
        writers: Sequence[SummaryWriter],
        form: SummaryForm | None = None,
        timeout_s: float = 20.0,
        retry_after_s: float = RETRY_AFTER_S,
        probe: bool = False,
    ) -> None:
        """`probe`: looks for what the turns said in each summary; see `summary_probe`."""
        self.writers = tuple(writers)
        self.on_billed: Callable[[e.Event], None] = _ignore
        """Takes a `WritingBilled` for what was paid when no text comes of it."""
        self._probe = probe
        self._form = form or SummaryForm()
        self._timeout_s = timeout_s
        self._retry_after_s = retry_after_s

    async def summarise(
        self, request: x.RequestSummary, ask: AskOutOfBand
    ) -> e.SummaryReady | e.SummaryFailed:
        """Returns the summary, or why there is none. Raises nothing but `CancelledError`."""
        began = time.monotonic()
        attempts = _Attempts()
        try:
            result = await self._write(self._summary_job(request), attempts, ask)
            found = ProbeResult()
            if result is not None and self._probe:
                result, found = await self._probed(request, result, attempts, ask)
        except asyncio.CancelledError:
            for event in attempts.billed("summary"):
                self.on_billed(event)
            raise
        if result is None:
            return e.SummaryFailed(
                compaction_id=request.compaction_id,
                reason=attempts.reasons() or "no writer is set",
                hint="Nothing was removed. Ctrl+S tries again.",
                usd=attempts.usd(),
                unpriced=attempts.unpriced,
            )
        first = self.writers[0]
        kept = await asyncio.to_thread(facts_that_hold, request) if request.facts else ()
        return e.SummaryReady(
            compaction_id=request.compaction_id,
            text=with_facts(result.written.text, kept),
            topics=await asyncio.to_thread(topics_of, [turn.text for turn in request.turns]),
            source=result.written.source,
            usage=result.written.usage,
            usd=attempts.usd(),
            unpriced=attempts.unpriced,
            details=found.details,
            missing=found.missing,
            seconds=round(time.monotonic() - began, 2),
            shortfall=result.shortfall,
            passed_over=attempts.reasons(first.name) if result.writer is not first else "",
        )

    async def entitle(
        self, turns: Sequence[x.SourceTurn], ask: AskOutOfBand
    ) -> e.SessionRenamed | None:
        """Returns a title of a few words and its cost; None where no writer gave a good one."""
        source = x.RequestSummary(compaction_id="title", turns=tuple(turns), memory="")
        task = WritingTask(
            source=source, prompt=TITLE_PROMPT, metadata=ResponseMetadata(purpose="title")
        )
        shorter = replace(task, prompt=SHORTER_TITLE_PROMPT)
        job = _Job(attempts=(task, shorter), problem=_title_problem, shortfall=lambda _text: "")
        attempts = _Attempts()
        result = await self._write(job, attempts, ask)
        if result is None:
            for event in attempts.billed("title"):
                self.on_billed(event)
            return None
        return e.SessionRenamed(title=one_line(result.written.text), usd=attempts.usd())

    async def ticket(
        self, source: x.RequestSummary, ask: AskOutOfBand
    ) -> tuple[str, str, list[e.WritingBilled]]:
        """Returns a ticket as JSON that follows `TICKET_SCHEMA`, the model that wrote it, and the
        event that accounts for the attempts. Text and model are "" where no writer gave one.
        """
        first = WritingTask(
            source=source, prompt=TICKET_PROMPT, metadata=ResponseMetadata(), schema=TICKET_SCHEMA
        )
        second = replace(first, schema=None)  # some servers refuse a schema
        job = _Job(attempts=(first, second), problem=ticket_fault, shortfall=lambda _text: "")
        attempts = _Attempts()
        result = await self._write(job, attempts, ask)
        billed = attempts.billed("ticket")
        if result is None:
            return "", "", billed
        return result.written.text, result.written.source, billed

    async def _probed(
        self, request: x.RequestSummary, result: _Result, attempts: _Attempts, ask: AskOutOfBand
    ) -> tuple[_Result, ProbeResult]:
        """Returns the summary with what it had lost, as far as there is room, and what is missing.

        Where something is missing the writer is asked once more, with the list of it.
        """
        probe = await asyncio.to_thread(SummaryProbe.of, request)
        text = probe.marked(result.written.text)
        found = await asyncio.to_thread(probe.look_in, text)
        if found.missing:
            job = self._summary_job(request, lost=found.missing)
            try:
                again = await self._attempt(result.writer, job.attempts[0], ask, attempts)
                second = probe.marked(job.render(again.text))
                if not job.problem(again.text) and not job.shortfall(second):
                    better = await asyncio.to_thread(probe.look_in, second)
                    if len(better.missing) < len(found.missing):
                        text, found = second, better
            except TuiVoiceError as error:
                attempts.failures.append((result.writer.name, str(error)))
        tokens = min(MAX_ADDED_TOKENS, source_tokens(request) - estimate_text_tokens(text))
        room = int((tokens - MARGIN_TOKENS) * CHARACTERS_PER_TOKEN)
        text, missing = with_word_for_word(text, found.missing, room)
        written = replace(result.written, text=text)
        return replace(result, written=written), replace(found, missing=missing)

    def _summary_job(self, request: x.RequestSummary, lost: Sequence[str] = ()) -> _Job:
        style = self._form.spec
        kept = [fact.text for fact in request.facts]
        metadata = ResponseMetadata(
            purpose="summary",
            own_prompt=bool(self._form.prompt),
            form=style.prompt,
            layout=style.layout,
            language=self._form.language,
            focus="; ".join(filter(None, [request.focus, *lost])),
            timeout_s=self._timeout_s,
        )
        first = WritingTask(
            source=request,
            prompt=summary_prompt(self._form, request.focus, lost=lost, kept=kept),
            metadata=metadata,
            schema=style.schema,
            has_places=bool(self._form.prompt),
        )
        second = WritingTask(
            source=request,
            prompt=summary_prompt(self._form, request.focus, repeated=True, kept=kept),
            metadata=replace(metadata, second_attempt=True),
            schema=None,  # some servers refuse a schema
            has_places=bool(self._form.prompt),
        )
        return _Job(
            attempts=(first, second),
            problem=lambda text: problem_of(text, request),
            shortfall=self._form.shortfall,
            render=style.render,
        )

    async def _write(self, job: _Job, attempts: _Attempts, ask: AskOutOfBand) -> _Result | None:
        """Returns the first usable text. A text with a shortfall is used only if the second attempt
        of the same writer is no better.
        """
        for writer in self.writers:
            spare: tuple[Written, str] | None = None
            for number, task in enumerate(job.attempts):
                if number and spare is None:
                    await asyncio.sleep(self._retry_after_s)
                try:
                    written = await self._attempt(writer, task, ask, attempts)
                except TuiVoiceError as error:
                    attempts.failures.append((writer.name, str(error)))
                    continue
                if problem := job.problem(written.text):
                    attempts.failures.append((writer.name, problem))
                    continue
                shortfall = await asyncio.to_thread(job.shortfall, written.text)
                written = replace(written, text=job.render(written.text))
                if not shortfall:
                    return _Result(written=written, writer=writer, shortfall="")
                spare = spare or (written, shortfall)
            if spare is not None:
                return _Result(written=spare[0], writer=writer, shortfall=spare[1])
        return None

    async def _attempt(
        self, writer: SummaryWriter, task: WritingTask, ask: AskOutOfBand, attempts: _Attempts
    ) -> Written:
        """Returns what the writer wrote within `timeout_s`; `attempts` gets what it cost.

        Raises `TuiVoiceError`.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                written = await writer.write(task, ask)
        except TimeoutError:
            if (estimate := writer.unanswered(task)) is not None:
                attempts.paid.append(estimate)
            raise TuiVoiceError(f"no answer within {self._timeout_s:.0f} s") from None
        except WritingFailed as failed:
            attempts.paid.append(failed.written)
            raise
        except TuiVoiceError:
            raise
        except Exception as error:
            raise TuiVoiceError(f"{type(error).__name__}: {error}") from error
        attempts.paid.append(written)
        return replace(written, text=without_wrapping(written.text))


def one_line(title: str) -> str:
    """Returns a title on one line, without the quotation marks and marks of Markdown around it."""
    return " ".join(title.split()).strip(" \"'“”«»*#.")


def _title_problem(text: str) -> str:
    return "" if 0 < len(one_line(text)) <= MAX_TITLE_LENGTH else "the title was empty or too long"
