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
from tui_voice.errors import TuiVoiceError
from tui_voice.realtime.wire.contract import MAX_TITLE_LENGTH, ResponseMetadata
from tui_voice.runtime.prompts import TITLE_PROMPT, summary_prompt
from tui_voice.runtime.summary_styles import SummaryForm
from tui_voice.runtime.summary_validation import problem_of, without_wrapping
from tui_voice.runtime.writers import AskOutOfBand, SummaryWriter, WritingTask, Written

RETRY_AFTER_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """A text that is wanted, and how to check it."""

    attempts: tuple[WritingTask, WritingTask]
    problem: Callable[[str], str]
    """Why a text cannot be used, "" where it can."""
    shortfall: Callable[[str], str]
    """How a usable text differs from what was wanted, "" where it does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Result:
    """A usable text. `usd`: of all attempts together."""

    written: Written
    writer: SummaryWriter
    shortfall: str
    usd: float | None


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
        """Returns what all attempts cost; None where the price of one is not known."""
        charged = [one.usd for one in self.paid if one.usd is not None or one.usage is not None]
        known = [usd for usd in charged if usd is not None]
        return sum(known) if known and len(known) == len(charged) else None


class Summariser:
    """Asks `writers` in their order. Each attempt may take `timeout_s`."""

    def __init__(
        self,
        writers: Sequence[SummaryWriter],
        form: SummaryForm | None = None,
        timeout_s: float = 20.0,
        retry_after_s: float = RETRY_AFTER_S,
    ) -> None:
        self.writers = tuple(writers)
        self._form = form or SummaryForm()
        self._timeout_s = timeout_s
        self._retry_after_s = retry_after_s

    async def summarise(
        self, request: x.RequestSummary, ask: AskOutOfBand
    ) -> e.SummaryReady | e.SummaryFailed:
        """Returns the summary, or why there is none. Raises nothing but `CancelledError`."""
        began = time.monotonic()
        attempts = _Attempts()
        result = await self._write(self._summary_job(request), attempts, ask)
        if result is None:
            return e.SummaryFailed(
                compaction_id=request.compaction_id,
                reason=attempts.reasons() or "no writer is set",
                hint="Nothing was removed. Ctrl+S tries again.",
            )
        first = self.writers[0]
        return e.SummaryReady(
            compaction_id=request.compaction_id,
            text=result.written.text,
            source=result.written.source,
            usage=result.written.usage,
            usd=result.usd,
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
        job = _Job(attempts=(task, task), problem=_title_problem, shortfall=lambda _text: "")
        result = await self._write(job, _Attempts(), ask)
        if result is None:
            return None
        return e.SessionRenamed(title=one_line(result.written.text), usd=result.usd)

    def _summary_job(self, request: x.RequestSummary) -> _Job:
        style = self._form.spec
        metadata = ResponseMetadata(
            purpose="summary",
            form=style.prompt,
            layout=style.layout,
            language=self._form.language,
            focus=request.focus,
            timeout_s=self._timeout_s,
        )
        first = WritingTask(
            source=request,
            prompt=summary_prompt(self._form, request.focus),
            metadata=metadata,
            schema=style.schema,
        )
        second = WritingTask(
            source=request,
            prompt=summary_prompt(self._form, request.focus, repeated=True),
            metadata=replace(metadata, second_attempt=True),
            schema=None,  # some servers refuse a schema
        )
        return _Job(
            attempts=(first, second),
            problem=lambda text: problem_of(text, request),
            shortfall=self._form.shortfall,
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
                    written = await self._attempt(writer, task, ask)
                except TuiVoiceError as error:
                    attempts.failures.append((writer.name, str(error)))
                    continue
                attempts.paid.append(written)
                if problem := job.problem(written.text):
                    attempts.failures.append((writer.name, problem))
                    continue
                shortfall = await asyncio.to_thread(job.shortfall, written.text)
                if not shortfall:
                    return _Result(written=written, writer=writer, shortfall="", usd=attempts.usd())
                spare = spare or (written, shortfall)
            if spare is not None:
                return _Result(
                    written=spare[0], writer=writer, shortfall=spare[1], usd=attempts.usd()
                )
        return None

    async def _attempt(
        self, writer: SummaryWriter, task: WritingTask, ask: AskOutOfBand
    ) -> Written:
        """Returns what the writer wrote within `timeout_s`. Raises `TuiVoiceError`."""
        try:
            async with asyncio.timeout(self._timeout_s):
                written = await writer.write(task, ask)
        except TimeoutError:
            raise TuiVoiceError(f"no answer within {self._timeout_s:.0f} s") from None
        except TuiVoiceError:
            raise
        except Exception as error:
            raise TuiVoiceError(f"{type(error).__name__}: {error}") from error
        return replace(written, text=without_wrapping(written.text))


def one_line(title: str) -> str:
    """Returns a title on one line, without the quotation marks and marks of Markdown around it."""
    return " ".join(title.split()).strip(" \"'“”«»*#.")


def _title_problem(text: str) -> str:
    return "" if 0 < len(one_line(text)) <= MAX_TITLE_LENGTH else "the title was empty or too long"
