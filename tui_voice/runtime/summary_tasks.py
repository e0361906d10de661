"""Has summaries and a title written in tasks of their own, while the session continues."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.conversation import Snapshot
from tui_voice.runtime import titles
from tui_voice.runtime.background_tasks import BackgroundTasks
from tui_voice.runtime.summariser import Summariser
from tui_voice.runtime.summary_questions import SummaryQuestions
from tui_voice.runtime.writers import AskOutOfBand


class SummaryTasks:
    """`ask` sends out-of-band requests to the running server session; `post` takes events."""

    def __init__(
        self,
        summariser: Summariser,
        ask: AskOutOfBand,
        post: Callable[[e.Event], None],
        tasks: BackgroundTasks,
        questions: SummaryQuestions | None = None,
    ) -> None:
        """`questions`: asks about each summary; None: nothing is asked."""
        self._questions = questions
        self._summariser = summariser
        summariser.on_billed = post
        self._ask = ask
        self._post = post
        self._tasks = tasks
        self._running: dict[str, asyncio.Task[None]] = {}  # by compaction id
        self._reported_faults = {""}
        self._asked_for_title = False

    def begin_summary(self, request: x.RequestSummary) -> None:
        """Asks for the summary. The decision, `SummaryRequested`, is journaled already."""
        self._running[request.compaction_id] = self._tasks.start(self._summarise(request))

    def cancel_summaries(self) -> None:
        """Stops all summaries: after a reconnect the conversation asks for new ones."""
        for task in self._running.values():
            task.cancel()

    def title_if_wanted(self, now: Snapshot) -> None:
        """Asks for a title if one is due now; at most once in each run of the program."""
        if not self._asked_for_title and titles.is_title_due(now):
            self._asked_for_title = True
            self._tasks.start(self._title(titles.turns_for_title(now)))

    async def _summarise(self, request: x.RequestSummary) -> None:
        try:
            result = await self._summariser.summarise(request, self._ask)
        finally:
            self._running.pop(request.compaction_id, None)
        self._post(result)
        if isinstance(result, e.SummaryReady):
            self._report_faults(result)
            if self._questions is not None:
                self._tasks.start(self._question(self._questions, request, result.text))

    async def _question(
        self, questions: SummaryQuestions, request: x.RequestSummary, summary: str
    ) -> None:
        asked, paid = await questions.ask(request, summary)
        for written in paid:
            if written.usd != 0.0:
                billed = e.WritingBilled(purpose="questions", usd=written.usd, usage=written.usage)
                self._post(billed)
        if asked is not None:
            self._post(asked)

    def _report_faults(self, summary: e.SummaryReady) -> None:
        """Shows what is wrong with a summary. Each fault is shown once, since it usually repeats.

        The journal has them all.
        """
        for fault, text in (
            (summary.shortfall, f"The summary by {summary.source} is {summary.shortfall}."),
            (summary.passed_over, f"{summary.source} wrote the summary, as {summary.passed_over}."),
        ):
            if fault not in self._reported_faults:
                self._reported_faults.add(fault)
                self._post(e.Noticed(text=text, severity="warning"))

    async def _title(self, turns: list[x.SourceTurn]) -> None:
        renamed = await self._summariser.entitle(turns, self._ask)
        if renamed is not None:
            self._post(renamed)
