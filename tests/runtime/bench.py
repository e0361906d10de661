"""A whole talk without devices: session, line, media and journal, with every fact at hand.

The talk runs on its own loop in its own thread, as always; the test waits on its own loop until a
fact or a snapshot is as it should be. Nothing sleeps, and time decides nothing.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tests.server.engines import ToyEngines, speech
from tui_voice.audio.null import NullMicrophone, NullSpeaker
from tui_voice.audio.sound import Sound
from tui_voice.conversation import events as e
from tui_voice.conversation.conversation import REPLY_PATIENCE, Conversation, Snapshot
from tui_voice.conversation.policy import Limits
from tui_voice.conversation.states import State
from tui_voice.conversation.turns import Turn
from tui_voice.realtime.adapter import Adapter
from tui_voice.realtime.link import Target
from tui_voice.realtime.profile import Profile
from tui_voice.runtime.live import LiveBackend
from tui_voice.runtime.session import Session
from tui_voice.runtime.summariser import Summariser
from tui_voice.runtime.timeouts import ConnectionTimeouts
from tui_voice.runtime.tools import Tool, Tools
from tui_voice.runtime.writers import SessionWriter, Writer
from tui_voice.server.serve import ServeOptions, Server, serve
from tui_voice.store.journal import Journal

E = TypeVar("E", bound=e.Event)
IMPATIENT = ConnectionTimeouts(open=5, configure=5, ping=20, first=0.01, longest=0.05, proven=30)
WAIT_S = float(os.environ.get("TUI_VOICE_TEST_WAIT_S", "30"))
PAUSE = bytes(48 * 700)
"""Silence after which the server's ear holds a turn for ended."""
NEVER = Limits(trigger=10_000_000, policy="none")
USER = ("user", "assistant")


def spoken(words: str) -> bytes:
    """What a user says, and the silence that ends it."""
    return speech(words) + PAUSE


class Place:
    """A server that is somewhere; the address may change."""

    loading = engines = ""

    def __init__(self, url: str) -> None:
        self.url = url
        self.stopped = False
        self.asked = 0
        """How often somebody wanted to connect."""

    async def target(self) -> Target:
        self.asked += 1
        return Target(f"{self.url}?model=toy", {})

    async def stop(self) -> None:
        self.stopped = True


@dataclass
class Bench:
    """One talk. `facts`: all of them, as journaled."""

    session: Session
    place: Place
    backend: LiveBackend
    facts: list[e.Event] = field(default_factory=list)
    now: Snapshot = field(init=False)
    sound: Sound | None = None
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)

    async def until(self, true: Callable[[Snapshot], object]) -> Snapshot:
        """Waits for a snapshot that fits."""
        try:
            async with asyncio.timeout(WAIT_S):
                async with self._changed:
                    await self._changed.wait_for(lambda: true(self.now))
        except TimeoutError:
            raise AssertionError(f"it never came to that; facts: {self.tail()}") from None
        return self.now

    async def fact(self, kind: type[E], fits: Callable[[E], object] = bool, since: int = 0) -> E:
        """Waits for a fact of this kind, at place `since` or later, and for a snapshot with it."""

        def found() -> E | None:
            for event in self.facts[since:]:
                if isinstance(event, kind) and fits(event):
                    return event if self.now.ledger.at >= event.at else None
            return None

        try:
            async with asyncio.timeout(WAIT_S):
                async with self._changed:
                    await self._changed.wait_for(lambda: found() is not None)
        except TimeoutError:
            raise AssertionError(f"no {kind.__name__}; facts: {self.tail()}") from None
        event = found()
        assert event is not None
        return event

    def tail(self) -> str:
        return "\n".join(str(fact) for fact in self.facts[-40:])

    async def online(self) -> Snapshot:
        return await self.until(lambda s: s.ledger.connection.status == "online" and not s.seeding)

    async def on_the_loop(self, true: Callable[[], object]) -> None:
        """Until this is so; for what is no fact. It is looked at on the talk's own loop."""

        async def turn_by_turn() -> None:
            while not true():  # noqa: ASYNC110  (there is no event: nobody needs to know of it)
                await asyncio.sleep(0)

        async with asyncio.timeout(WAIT_S):
            await asyncio.wrap_future(self.session.call(turn_by_turn()))

    async def settled(self) -> Snapshot:
        """Nobody speaks and every word has come."""
        return await self.until(settled)

    async def say(self, text: str) -> Snapshot:
        """A typed turn, until it is answered."""
        count = len(self.facts)
        self.session.post(e.TextSubmitted(item_id=f"typed_{count}", text=text))
        await self.fact(e.ResponseDone, lambda done: done.status == "completed", since=count)
        return await self.settled()

    async def feed(self, pcm: bytes) -> None:
        """Into the microphone, as fast as it goes."""
        await self.until(lambda _: self.sound is not None)
        assert self.sound is not None
        microphone = self.sound.microphone
        assert isinstance(microphone, NullMicrophone)
        await asyncio.wrap_future(self.session.call(microphone.feed(pcm, speed=1000.0)))

    async def speak(self, words: str) -> Snapshot:
        """A spoken turn that the server's ear ends, until it is answered."""
        count = len(self.facts)
        if not self.now.microphone_open:
            self.session.post(e.TalkPressed())
            await self.until(lambda s: s.microphone_open)
        await self.feed(spoken(words))
        await self.fact(e.ResponseDone, lambda done: done.status == "completed", since=count)
        return await self.settled()

    def turns(self) -> list[tuple[str, str]]:
        return [(turn.role, turn.text) for turn in self.now.ledger.turns]

    async def close(self) -> None:
        await asyncio.to_thread(self.session.close)

    # ── called in the talk's thread ──

    def _hear(self, event: e.Event) -> None:
        self.facts.append(event)
        self._tell(self._noticed)

    def _see(self, now: Snapshot) -> None:
        self.now = now
        self._tell(self._noticed)

    def _tell(self, call: Callable[[], Any]) -> None:
        try:
            self._loop.call_soon_threadsafe(lambda: asyncio.ensure_future(call()))
        except RuntimeError:
            return  # the test is over

    async def _noticed(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def settled(now: Snapshot) -> bool:
    return (
        now.state is State.IDLE
        and now.ledger.connection.status == "online"
        and not now.seeding
        and now.ledger.compaction is None
        and all(turn.words != "open" for turn in now.ledger.turns)
    )


@asynccontextmanager
async def served(engines: ToyEngines | None = None, **options: Any) -> AsyncIterator[Server]:
    """The embedded server on loopback, with small engines that really work."""
    server = await serve("127.0.0.1", 0, engines or ToyEngines(), ServeOptions(**options))
    try:
        await server.loaded.wait()
        yield server
    finally:
        await server.close()


@asynccontextmanager
async def talk(
    url: str,
    folder: Path,
    *,
    limits: Limits = NEVER,
    patience: ConnectionTimeouts = IMPATIENT,
    writers: Iterable[Writer] | None = None,
    tools: tuple[Tool, ...] = (),
    opening: bool = True,
    reply_patience: float = REPLY_PATIENCE,
    keep_replies: bool = True,
    **profile: Any,
) -> AsyncIterator[Bench]:
    """A running talk with the server at `url`. `keep_replies`: their sound stays in memory."""
    place = Place(url)
    wanted = Profile(model="toy", voice="marin", tools=Tools(tools).declared(), **profile)
    bench: Bench

    async def ends(
        on_frame: Callable[[bytes], None], on_finished: Callable[[str, int], None]
    ) -> Sound:
        microphone = NullMicrophone(on_frame)
        microphone.gate(False)
        speaker = NullSpeaker(None, on_finished, speed=100.0, record=keep_replies)
        bench.sound = Sound(microphone, speaker)
        bench._tell(bench._noticed)
        return bench.sound

    backend = LiveBackend(
        wanted,
        place,
        ends,
        Summariser(
            [SessionWriter("toy", lambda _: 0.0)] if writers is None else list(writers),
            timeout_s=10,
            retry_after_s=0.0,
        ),
        Tools(tools),
        lambda: Adapter(audio=wanted.audio, manual=wanted.manual, price=lambda _: 0.0),
        patience,
    )
    opened = e.SessionOpened(
        id="talk", started="2026-11-22T12:00:00+00:00", backend="ws", model="toy"
    )
    conversation = Conversation(limits, reply_patience=reply_patience)
    conversation.receive(opened)
    journal = Journal.create(folder, opened)
    session = Session("talk", conversation, journal, backend, manual=wanted.manual)
    bench = Bench(session, place, backend)
    bench.facts.append(opened)
    session.listen(bench._hear)
    bench.now = session.subscribe(bench._see)
    session.start()
    try:
        if opening:
            await bench.online()
        yield bench
    finally:
        await bench.close()


def words(turns: Iterable[Turn]) -> list[tuple[str, str]]:
    return [(turn.role, turn.text) for turn in turns if turn.role in USER]
