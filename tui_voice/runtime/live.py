"""The live backend: line, sound, summaries and tools of one talk, on the session's loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.conversation import Snapshot
from tui_voice.conversation.states import State
from tui_voice.realtime.adapter import Adapter
from tui_voice.realtime.link import Target
from tui_voice.realtime.profile import Profile
from tui_voice.realtime.replies import Heard, SideReply, Sound, SoundEnd
from tui_voice.realtime.wire import encode
from tui_voice.runtime.door import Meters
from tui_voice.runtime.line import Line
from tui_voice.runtime.media import Media
from tui_voice.runtime.summariser import Aside, Summariser
from tui_voice.runtime.tools import Tools

if TYPE_CHECKING:
    from tui_voice.audio.sound import Sound as SoundPair

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
    ) -> None:
        self._endpoint = endpoint
        self._open_sound = open_sound
        self._summariser = summariser
        self._tools = tools
        self._asides: dict[str, asyncio.Future[SideReply]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._sound: SoundPair | None = None
        self._post: Callable[[e.Event], None] = _nobody
        self._media = Media(self._send_sound, self._tell)
        self._line = Line(
            profile,
            target=endpoint.target,
            adapter=adapter,
            hear=self._hear,
            post=self._line_says,
        )

    # ── the session calls ───────────────────────────────────────────────────────────────────

    async def start(self, post: Callable[[e.Event], None]) -> None:
        self._post = post
        opening = asyncio.create_task(self._prepare_sound())
        try:
            await self._line.run()
        finally:
            opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._sound is not None:
            await self._sound.close()
        await self._endpoint.stop()

    def meters(self) -> Meters:
        place = self._endpoint
        return replace(self._media.meters(), progress=place.loading, engines=place.engines)

    def seen(self, now: Snapshot) -> None:
        last = now.ledger.turns.last
        settled = last is None or last.words != "open"
        idle = now.state is State.IDLE and not now.seeding
        self._line.quiet(idle and settled and now.ledger.compaction is None)

    def perform(self, effect: x.Effect) -> None:
        match effect:
            case x.OpenMicrophone():
                self._media.gate(True)
            case x.CloseMicrophone():
                self._media.gate(False)
            case x.MuteMicrophone(muted=muted):
                self._media.mute(muted)
            case x.InterruptPlayback():
                self._media.interrupt()
            case x.RequestSummary():
                self._spawn(self._summarise(effect))
            case x.AnswerTool():
                self._spawn(self._answer(effect))
        connection = self._line.connection
        if connection is not None:
            for event in connection.adapter.send(effect):
                connection.send(event)

    def _tell(self, event: e.Event) -> None:
        self._post(event)

    # ── what happens on the line ────────────────────────────────────────────────────────────

    def _line_says(self, event: e.Event) -> None:
        if isinstance(event, e.LinkLost):
            self._media.line_lost()
            for key in list(self._asides):
                self._hear(SideReply(key=key, text="", status="failed", reason="the line broke"))
        self._post(event)  # on `LinkOpened` this sends all that the new server must know
        if isinstance(event, e.LinkOpened):
            self._media.line_back()

    def _hear(self, heard: Heard) -> None:
        match heard:
            case Sound(item_id=item_id, pcm=pcm):
                self._media.play(item_id, pcm)
            case SoundEnd(item_id=item_id):
                self._media.play_ends(item_id)
            case SideReply(key=key):
                waiting = self._asides.pop(key, None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(heard)
            case e.SpeechStarted():
                self._media.speech_began()
                self._post(heard)
            case e.SpeechCommitted():
                self._media.committed(heard.item_id)
                self._post(heard)
            case e.TranscriptDone() | e.TranscriptFailed():
                self._media.transcribed(heard.item_id)
                self._post(heard)
            case _:
                self._post(heard)

    def _send_sound(self, pcm: bytes) -> bool:
        connection = self._line.connection
        if connection is None:
            return False
        event, grew = connection.adapter.append(pcm)
        connection.outbox.put(encode(event), sound=True)
        if grew is not None:
            self._post(grew)
        return True

    # ── sound, summaries, tools ─────────────────────────────────────────────────────────────

    async def _prepare_sound(self) -> None:
        sound = await self._open_sound(
            self._media.frame,
            self._media.finished,
        )
        self._sound = sound
        self._media.attach(sound)
        if sound.notice:
            self._post(e.Noticed(text=sound.notice, severity="warning"))

    async def _summarise(self, request: x.RequestSummary) -> None:
        self._post(
            e.SummaryRequested(
                compaction_id=request.compaction_id,
                drop=tuple(turn.item_id for turn in request.turns),
                window=request.window,
                cause=request.cause,
            )
        )
        self._post(await self._summariser.summarise(request, self._aside))

    async def _aside(self, aside: Aside) -> SideReply:
        """An out-of-band response in the running session."""
        connection = self._line.connection
        if connection is None:
            return SideReply(key=aside.key, text="", status="failed", reason="there is no line")
        waiting: asyncio.Future[SideReply] = asyncio.get_running_loop().create_future()
        self._asides[aside.key] = waiting
        connection.send(
            connection.adapter.aside(aside.key, aside.turns, aside.prompt, aside.metadata)
        )
        try:
            return await waiting
        finally:
            self._asides.pop(aside.key, None)

    async def _answer(self, effect: x.AnswerTool) -> None:
        output = await self._tools.call(effect.tool, effect.arguments)
        item_id = f"out_{effect.call_id}"[-32:]
        connection = self._line.connection
        if connection is not None:
            connection.send(connection.adapter.answer(item_id, effect.call_id, output))
        self._post(e.ToolAnswered(item_id=item_id, call_id=effect.call_id, output=output))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _nobody(_event: e.Event) -> None:
    raise AssertionError("a fact before the session has started")
