"""Runs a whole session without devices: server, connection, media and journal.

The session has its own event loop in its own thread, as in the product. The test waits on its own
loop until an event or a snapshot has arrived. Nothing sleeps.

    async with toy_server() as server, running_session(server.url, tmp_path) as harness:
        await harness.say("hello Anna")
        assert harness.turns() == [("user", "hello Anna"), ("assistant", "hello Anna")]
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from tests.patience_harness import patience
from tests.server.toy_engines_harness import ToyEngines, speech
from tui_voice.audio.null import NullMicrophone, NullSpeaker
from tui_voice.audio.sound import SoundDevices
from tui_voice.config import AudioSettings, BackendSettings, ContextSettings, Settings
from tui_voice.conversation import events as e
from tui_voice.conversation.conversation import Conversation, Snapshot
from tui_voice.conversation.limits import Limits
from tui_voice.conversation.states import State
from tui_voice.conversation.timeouts import ConversationTimeouts
from tui_voice.protocol.client import ProtocolClient
from tui_voice.protocol.session_config import Pricing, ServerSessionConfig
from tui_voice.realtime.client import RealtimeClient
from tui_voice.realtime.transport import ServerAddress
from tui_voice.runtime.headless import HeadlessSession
from tui_voice.runtime.live import LiveBackend, OpenSound
from tui_voice.runtime.mcp_servers import McpServers
from tui_voice.runtime.session import Session
from tui_voice.runtime.session_factory import SessionOptions
from tui_voice.runtime.summariser import Summariser
from tui_voice.runtime.timeouts import ConnectionTimeouts
from tui_voice.runtime.tools import Tool, Tools
from tui_voice.runtime.writers import SessionWriter, SummaryWriter
from tui_voice.server.realtime_server import RealtimeServer, ServerOptions, start_server
from tui_voice.store.journal import Journal

E = TypeVar("E", bound=e.Event)
NewClient = Callable[[ServerAddress, ServerSessionConfig, Pricing], ProtocolClient]
SHORT_TIMEOUTS = ConnectionTimeouts(
    open_s=5, configure_s=5, ping_s=20, first_retry_s=0.01, max_retry_s=0.05, stable_s=30
)
WAIT_S = float(os.environ.get("TUI_VOICE_TEST_WAIT_S", "30"))
"""Seconds after which a test that waits for something fails."""
SILENCE = bytes(48 * 700)
"""700 ms: the server's turn detection ends a turn after it."""
NEVER = Limits(trigger=10_000_000, policy="none")
"""Limits under which nothing is pruned."""


def utterance(words: str) -> bytes:
    """Return audio of the words and of the silence that ends the turn."""
    return speech(words) + SILENCE


class FixedEndpoint:
    """A server that is already running. A test may change its `url`."""

    loading = engines = ""

    def __init__(self, url: str, new_client: NewClient = RealtimeClient) -> None:
        self.url = url
        self._new_client = new_client
        self.stopped = False
        self.asked = 0
        """Number of attempts to connect."""

    async def new_client(self, config: ServerSessionConfig, pricing: Pricing) -> ProtocolClient:
        self.asked += 1
        address = ServerAddress(f"{self.url}?model=toy", {})
        return self._new_client(address, config, pricing)

    async def stop(self) -> None:
        self.stopped = True


@dataclass
class SessionHarness:
    """One running session. `events`: all of them, in the order of the journal."""

    session: Session
    endpoint: FixedEndpoint
    backend: LiveBackend
    events: list[e.Event] = field(default_factory=list)
    snapshot: Snapshot = field(init=False)
    """The newest."""
    sound: SoundDevices | None = None
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)

    async def until(self, fits: Callable[[Snapshot], object]) -> Snapshot:
        """Wait for a snapshot that fits, and return it."""
        try:
            async with asyncio.timeout(patience(WAIT_S)):
                async with self._changed:
                    await self._changed.wait_for(lambda: fits(self.snapshot))
        except TimeoutError:
            raise AssertionError(f"no such snapshot; last events:\n{self.tail()}") from None
        return self.snapshot

    async def event(self, kind: type[E], fits: Callable[[E], object] = bool, since: int = 0) -> E:
        """Wait for an event of this kind at index `since` or later, and for a snapshot after it."""

        def found() -> E | None:
            for event in self.events[since:]:
                if isinstance(event, kind) and fits(event):
                    return event if self.snapshot.ledger.at >= event.at else None
            return None

        try:
            async with asyncio.timeout(patience(WAIT_S)):
                async with self._changed:
                    await self._changed.wait_for(lambda: found() is not None)
        except TimeoutError:
            raise AssertionError(f"no {kind.__name__}; last events:\n{self.tail()}") from None
        event = found()
        assert event is not None
        return event

    def tail(self) -> str:
        return "\n".join(str(event) for event in self.events[-40:])

    async def online(self) -> Snapshot:
        return await self.until(
            lambda s: s.ledger.connection.status == "online" and not s.situation.seeding.under_way
        )

    async def until_on_loop(self, fits: Callable[[], object]) -> None:
        """Wait, on the session's own loop, for a condition that no event announces."""

        async def poll() -> None:
            while not fits():  # noqa: ASYNC110  (there is no event to wait for)
                await asyncio.sleep(0)

        async with asyncio.timeout(patience(WAIT_S)):
            await asyncio.wrap_future(self.session.call(poll()))

    async def settled(self) -> Snapshot:
        """Wait until nobody speaks and every transcript is complete."""
        return await self.until(settled)

    async def say(self, text: str) -> Snapshot:
        """Type a turn and wait for the complete reply."""
        count = len(self.events)
        self.session.post(e.TextSubmitted(item_id=f"typed_{count}", text=text))
        await self.event(e.ResponseDone, lambda done: done.status == "completed", since=count)
        return await self.settled()

    async def feed(self, pcm: bytes) -> None:
        """Put audio into the microphone, 1000 times as fast as real time."""
        await self.until(lambda _: self.sound is not None)
        assert self.sound is not None
        microphone = self.sound.microphone
        assert isinstance(microphone, NullMicrophone)
        await asyncio.wrap_future(self.session.call(microphone.feed(pcm, speed=1000.0)))

    async def speak(self, words: str) -> Snapshot:
        """Speak a turn that the server's turn detection ends, and wait for the complete reply."""
        count = len(self.events)
        if not self.snapshot.situation.microphone.open:
            self.session.post(e.TalkPressed())
            await self.until(lambda s: s.situation.microphone.open)
        await self.feed(utterance(words))
        await self.event(e.ResponseDone, lambda done: done.status == "completed", since=count)
        return await self.settled()

    async def feed_turn(self, words: str) -> None:
        """Speak a turn into the open microphone, and wait until it is transcribed."""
        count = len(self.events)
        await self.until(lambda s: s.situation.microphone.open)
        await self.feed(utterance(words))
        await self.event(e.TranscriptDone, since=count)
        await self.settled()

    def turns(self) -> list[tuple[str, str]]:
        """Return role and text of every turn."""
        return [(turn.role, turn.text) for turn in self.snapshot.ledger.turns]

    async def close(self) -> None:
        await asyncio.to_thread(self.session.close)

    # ── called in the session's thread ──

    def _on_event(self, event: e.Event) -> None:
        self.events.append(event)
        self._wake()

    def _on_snapshot(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._wake()

    def _wake(self) -> None:
        async def notify() -> None:
            async with self._changed:
                self._changed.notify_all()

        def start() -> None:
            asyncio.ensure_future(notify())  # noqa: RUF006  (it ends within the same loop turn)

        try:
            self._loop.call_soon_threadsafe(start)
        except RuntimeError:
            return  # the test is over and its loop is closed


def settings_for(url: str, **groups: object) -> Settings:
    """Return settings for a session with the server at `url`; `groups` replaces whole groups."""
    backend = BackendSettings(kind="ws", url=url, model="toy")
    given = {"audio": AudioSettings(), "context": ContextSettings(policy="notebook"), **groups}
    return replace(Settings(backend=backend), **given)  # type: ignore[arg-type]  # groups by name


async def drive(
    options: SessionOptions, use: Callable[[HeadlessSession], object], **more: Any
) -> Path:
    """Run `use` with a headless session in a thread, and return the journal.

    The test's own loop stays free for the server.
    """

    def run() -> Path:
        with HeadlessSession(options, **more) as session:
            use(session)
            return session.path

    return await asyncio.to_thread(run)


def settled(now: Snapshot) -> bool:
    """Return whether nobody speaks and every transcript is complete."""
    return (
        now.state is State.IDLE
        and now.ledger.connection.status == "online"
        and not now.situation.seeding.under_way
        and now.ledger.compaction is None
        and all(turn.words != "open" for turn in now.ledger.turns)
    )


@asynccontextmanager
async def toy_server(
    engines: ToyEngines | None = None, **options: Any
) -> AsyncIterator[RealtimeServer]:
    """The embedded server on loopback with the tests' engines, which repeat what they hear."""
    server = await start_server("127.0.0.1", 0, engines or ToyEngines(), ServerOptions(**options))
    try:
        await server.loaded.wait()
        yield server
    finally:
        await server.close()


@asynccontextmanager
async def running_session(
    url: str,
    folder: Path,
    *,
    limits: Limits = NEVER,
    timeouts: ConnectionTimeouts = SHORT_TIMEOUTS,
    writers: Iterable[SummaryWriter] | None = None,
    tools: tuple[Tool, ...] = (),
    tool_servers: McpServers | None = None,
    wait_online: bool = True,
    waits: ConversationTimeouts | None = None,
    keep_replies: bool = True,
    new_client: NewClient = RealtimeClient,
    open_sound: OpenSound | None = None,
    learn_names: bool = False,
    **profile: Any,
) -> AsyncIterator[SessionHarness]:
    """A running session with the server at `url`.

    `waits`: how long the conversation waits for what does not come.
    `wait_online`: waits for the connection first. `keep_replies`: the speaker keeps the audio of
    replies in memory. `profile`: fields of `ServerSessionConfig`.
    """
    endpoint = FixedEndpoint(url, new_client)
    wanted = ServerSessionConfig(
        model="toy", voice="marin", tools=Tools(tools).declared(), **profile
    )
    harness: SessionHarness

    async def open_null_devices(
        on_frame: Callable[[bytes], None],
        on_finished: Callable[[str, int], None],
        _on_change: object,
    ) -> SoundDevices:
        microphone = NullMicrophone(on_frame)
        microphone.gate(False)
        speaker = NullSpeaker(None, on_finished, speed=100.0, record=keep_replies)
        harness.sound = SoundDevices(microphone, speaker)
        harness._wake()
        return harness.sound

    backend = LiveBackend(
        wanted,
        endpoint,
        open_sound or open_null_devices,
        Summariser(
            [SessionWriter("toy", lambda _: 0.0)] if writers is None else list(writers),
            timeout_s=patience(10),
            retry_after_s=0.0,
        ),
        Tools(tools),
        Pricing(reply=lambda _: 0.0),
        timeouts,
        tool_servers=tool_servers,
        learn_names=learn_names,
    )
    opened = e.SessionOpened(
        id="talk", started="2026-11-22T12:00:00+00:00", backend="ws", model="toy"
    )
    conversation = Conversation(limits, waits)
    conversation.replay(opened)
    journal = Journal.create(folder, opened)
    session = Session("talk", conversation, journal, backend, manual=wanted.manual)
    harness = SessionHarness(session, endpoint, backend)
    harness.events.append(opened)
    session.listen(harness._on_event)
    harness.snapshot = session.subscribe(harness._on_snapshot)
    session.start()
    try:
        if wait_online:
            await harness.online()
        yield harness
    finally:
        await harness.close()
