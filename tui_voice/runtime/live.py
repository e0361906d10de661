"""The live backend: line, sound, summaries and tools of one talk, on the session's loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.compacting import as_item
from tui_voice.conversation.conversation import Snapshot
from tui_voice.conversation.states import State
from tui_voice.conversation.turns import Turn
from tui_voice.realtime.adapter import Adapter
from tui_voice.realtime.link import Target
from tui_voice.realtime.profile import Profile
from tui_voice.realtime.replies import Heard, OutOfBandResponse, Sound, SoundEnd
from tui_voice.realtime.wire import ClientEvent
from tui_voice.runtime import titles
from tui_voice.runtime.budget import Budget
from tui_voice.runtime.connection import Connection
from tui_voice.runtime.media import Media
from tui_voice.runtime.reconnecting_connection import Line
from tui_voice.runtime.recorder import Recorder
from tui_voice.runtime.session_handle import Meters
from tui_voice.runtime.summariser import Summariser
from tui_voice.runtime.timeouts import ConnectionTimeouts
from tui_voice.runtime.tools import Tools
from tui_voice.runtime.writers import OutOfBandRequest

if TYPE_CHECKING:
    from tui_voice.audio.sound import Sound as SoundPair

TOO_SLOW = "The line is too slow for your voice: the oldest of what waits is left out."
UNSETTLED = 8
"""So many of the newest turns may still lack words when it matters."""

OpenSound = Callable[[Callable[[bytes], None], Callable[[str, int], None]], Awaitable["SoundPair"]]
"""Called with what takes frames and what is told of played items; gives both ends of the sound."""


class Endpoint(Protocol):
    """Where the server is: a service on the net, or a child process."""

    @property
    def loading(self) -> str: ...

    @property
    def engines(self) -> str: ...

    async def target(self) -> Target:
        """The address; starts the server first where that is ours to do. May raise
        `TuiVoiceError`."""
        ...

    async def stop(self) -> None: ...


class LiveBackend:
    """See `runtime.session.Backend`."""

    def __init__(
        self,
        profile: Profile,
        endpoint: Endpoint,
        open_sound: OpenSound,
        summariser: Summariser,
        tools: Tools,
        adapter: Callable[[], Adapter],
        patience: ConnectionTimeouts | None = None,
        budget: Budget | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._budget = budget or Budget(None)
        self._open_sound = open_sound
        self._summariser = summariser
        self._tools = tools
        self._asides: dict[str, asyncio.Future[OutOfBandResponse]] = {}
        self._summarising: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._turns_online: int | None = None  # when there last was a line
        self._held_turns = 0
        self._shortfalls = {""}  # of summaries, told already
        self._entitled = False  # a title has been asked for in this run
        self._failed = asyncio.Event()
        self._failure: BaseException | None = None
        self._sound: SoundPair | None = None
        self._post: Callable[[e.Event], None] = _nobody
        self._media = Media(self._send_sound, self._tell, self._send_commit, profile.manual)
        self._line = Line(
            profile,
            target=endpoint.target,
            adapter=adapter,
            hear=self._hear,
            post=self._line_says,
            patience=patience,
        )

    # ── the session calls ───────────────────────────────────────────────────────────────────

    async def start(self, post: Callable[[e.Event], None]) -> None:
        self._post = post
        self._spawn(self._prepare_sound())
        line = asyncio.create_task(self._line.run(), name="line")
        failing = asyncio.create_task(self._failed.wait())
        try:
            await asyncio.wait({line, failing}, return_when=asyncio.FIRST_COMPLETED)
            if self._failure is not None:
                raise self._failure
            await line
        finally:
            line.cancel()
            failing.cancel()
            await asyncio.gather(line, failing, return_exceptions=True)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._sound is not None:
            await self._sound.close()
        if (recorder := self._media.recorder) is not None:
            await asyncio.to_thread(recorder.close)
        await self._endpoint.stop()

    def record_with(self, recorder: Recorder) -> None:
        """Keeps the sound of both sides; before the talk is started."""
        self._media.recorder = recorder

    def meters(self) -> Meters:
        place = self._endpoint
        return replace(
            self._media.meters(),
            progress=place.loading,
            engines=place.engines,
            retry_at=self._line.retry_at,
            held_turns=self._held_turns,
        )

    def seen(self, now: Snapshot) -> None:
        for fact in self._budget.exceeded(now):
            self._post(fact)
        self._count_held(now)
        newest = zip(range(UNSETTLED), reversed(now.ledger.turns), strict=False)
        settled = all(turn.words != "open" for _, turn in newest)
        settled = settled and now.ledger.compaction is None and not self._media.awaits_words
        self._line.quiet(settled and now.state is State.IDLE and not now.seeding)
        if settled and not self._entitled and titles.is_wanted(now):
            self._entitled = True
            self._spawn(self._entitle(titles.named_by(now)))

    def _count_held(self, now: Snapshot) -> None:
        """How many turns wait for a line, for whoever paints it."""
        turns = now.ledger.turns
        if now.ledger.connection.status == "online" or self._turns_online is None:
            self._turns_online, self._held_turns = len(turns), 0
        else:
            newest = islice(reversed(turns), max(0, len(turns) - self._turns_online))
            self._held_turns = sum(turn.role == "user" for turn in newest)

    def perform(self, effect: x.Effect) -> None:
        connection = self._line.connection
        if connection is not None:
            for event in connection.adapter.send(effect):
                connection.send(event)
        match effect:
            case x.OpenMicrophone():
                self._media.gate(True)
            case x.CloseMicrophone():
                self._media.gate(False)
            case x.MuteMicrophone(muted=muted):
                self._media.mute(muted)
            case x.CommitInput():
                self._media.turn_ends()
            case x.InterruptPlayback():
                self._media.interrupt()
            case x.Reconnect():
                self._line.retry_now()
            case x.RequestSummary():
                self._begin_summary(effect)
            case x.AnswerTool():
                self._spawn(self._answer(effect, connection))

    def _tell(self, event: e.Event) -> None:
        self._post(event)

    # ── what happens on the line ────────────────────────────────────────────────────────────

    def _line_says(self, event: e.Event) -> None:
        match event:
            case e.ConnectionLost():
                for task in self._summarising.values():
                    task.cancel()  # the next line asks again, by what the talk is then
                for key in tuple(self._asides):
                    lost = OutOfBandResponse(
                        key=key, text="", status="failed", reason="the line broke"
                    )
                    self._hear(lost)
                self._post(replace(event, again=self._media.line_lost()))
            case e.ConnectionOpened():
                self._media.line_lost()  # where the line was renewed, nobody has told of a loss
                self._post(event)  # this sends all that the new server must know,
                self._media.line_back()  # and then what was said meanwhile
            case _:
                self._post(event)

    def _hear(self, heard: Heard) -> None:
        match heard:
            case Sound(item_id=item_id, pcm=pcm):
                self._media.words_came(item_id)
                self._media.play(item_id, pcm)
                return
            case SoundEnd(item_id=item_id):
                self._media.play_ends(item_id)
                return
            case OutOfBandResponse(key=key):
                waiting = self._asides.pop(key, None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(heard)
                return
            case e.SpeechStarted(item_id=item_id):
                self._media.speech_began(item_id)
            case e.SpeechCommitted(item_id=item_id):
                self._media.committed(item_id)
            case e.SpeechDiscarded():
                self._media.nothing_said()
            case e.TranscriptDone(item_id=item_id):  # without words the sound is all there is
                self._media.transcribed(item_id)
            case e.ResponseStarted():
                self._media.reply_began()
            case e.TranscriptGrew(item_id=item_id):
                self._media.words_came(item_id)
            case e.ResponseDone(status="failed", reason=reason):
                text = f"The model did not answer: {reason or 'the server did not say why'}"
                self._post(e.Noticed(text=text, severity="warning"))
        self._post(heard)

    def _send_sound(self, pcm: bytes) -> bool:
        connection = self._line.connection
        if connection is None:
            return False
        event, grew = connection.adapter.append(pcm)
        whole = not connection.dropped
        connection.send(event, sound=True)
        if whole and connection.dropped:  # told once a line
            self._post(e.Noticed(text=TOO_SLOW, severity="warning"))
        if grew is not None:
            self._post(grew)
        return True

    def _send_commit(self) -> None:
        connection = self._line.connection
        if connection is not None:
            for event in connection.adapter.send(x.CommitInput()):
                connection.send(event)

    # ── sound, summaries, tools ─────────────────────────────────────────────────────────────

    async def _prepare_sound(self) -> None:
        sound = await self._open_sound(self._media.frame, self._media.finished)
        self._sound = sound
        self._media.attach(sound)
        if sound.notice:
            self._post(e.Noticed(text=sound.notice, severity="warning"))

    def _begin_summary(self, request: x.RequestSummary) -> None:
        """The decision is a fact before anything else is heard of it."""
        if request.compaction_id in self._summarising:
            return
        self._post(
            e.SummaryRequested(
                compaction_id=request.compaction_id,
                drop=tuple(turn.item_id for turn in request.turns),
                window=request.window,
                cause=request.cause,
            )
        )
        self._summarising[request.compaction_id] = self._spawn(self._summarise(request))

    async def _summarise(self, request: x.RequestSummary) -> None:
        try:
            told = await self._summariser.summarise(request, self._aside)
        finally:
            self._summarising.pop(request.compaction_id, None)
        self._post(told)
        if isinstance(told, e.SummaryReady):
            self._tell_shortfalls(told)

    def _tell_shortfalls(self, told: e.SummaryReady) -> None:
        """Each kind once a talk; the journal has them all."""
        for fault, text in (
            (told.shortfall, f"The summary by {told.source} is {told.shortfall}."),
            (told.passed_over, f"{told.source} wrote the summary, as {told.passed_over}."),
        ):
            if fault not in self._shortfalls:
                self._shortfalls.add(fault)
                self._post(e.Noticed(text=text, severity="warning"))

    async def _entitle(self, turns: list[x.SourceTurn]) -> None:
        renamed = await self._summariser.entitle(turns, self._aside)
        if renamed is not None:
            self._post(renamed)

    async def _aside(self, aside: OutOfBandRequest) -> OutOfBandResponse:
        """An out-of-band response in the running session."""
        return await self._asked(
            aside.key, lambda to: to.aside(aside.turns, aside.prompt, aside.metadata)
        )

    async def retrieve(self, item_id: str) -> str | None:
        reply = await self._asked(f"retrieve:{item_id}", lambda to: to.retrieve(item_id))
        return reply.text if reply.status == "completed" else None

    async def _asked(
        self, key: str, question: Callable[[Adapter], ClientEvent]
    ) -> OutOfBandResponse:
        """What the server answers to a question that is no part of the talk."""
        connection = self._line.connection
        if connection is None:
            return OutOfBandResponse(key=key, text="", status="failed", reason="there is no line")
        waiting: asyncio.Future[OutOfBandResponse] = asyncio.get_running_loop().create_future()
        self._asides[key] = waiting
        connection.send(question(connection.adapter))
        try:
            return await waiting
        finally:
            self._asides.pop(key, None)

    async def _answer(self, effect: x.AnswerTool, asked: Connection | None) -> None:
        output = await self._tools.call(effect.tool, effect.arguments)
        item_id = f"out_{effect.call_id}"[-32:]
        connection = self._line.connection
        if connection is not None and connection is asked:
            connection.send(connection.adapter.answer(item_id, effect.call_id, output))
        self._post(e.ToolAnswered(item_id=item_id, call_id=effect.call_id, output=output))
        if connection is not None and connection is not asked:
            # A new server session does not know the call: it is told what was found, in words.
            turn = Turn(item_id, "tool", 0.0, output)
            self.perform(as_item(turn, item_id, None))

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)
        return task

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            self._failure = failure  # ours, and so the end of the talk
            self._failed.set()


def _nobody(_event: e.Event) -> None:
    raise AssertionError("a fact before the session has started")
