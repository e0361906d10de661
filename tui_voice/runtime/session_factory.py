"""Opens a session from the settings: creates or resumes its journal and connects its parts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tui_voice.config import Settings
from tui_voice.config.paths import data_dir
from tui_voice.conversation import events as e
from tui_voice.conversation.attention import SpokenWords
from tui_voice.conversation.conversation import Conversation
from tui_voice.conversation.timeouts import ConversationTimeouts
from tui_voice.errors import StoreError
from tui_voice.protocol.session_config import ServerSessionConfig
from tui_voice.runtime.approvals import Approvals
from tui_voice.runtime.backends import backend_of, keys_to_hide, with_chosen_backend
from tui_voice.runtime.budget import Budget
from tui_voice.runtime.carried_memory import carried_memory
from tui_voice.runtime.factories import (
    check_cost_limit,
    limits_of,
    prices_of,
    questions_of,
    session_config_of,
    summariser_of,
)
from tui_voice.runtime.live import LiveBackend, OpenSound
from tui_voice.runtime.mcp_servers import McpServers
from tui_voice.runtime.privacy import check_private, held_at, server_of, settings_for
from tui_voice.runtime.recall import Recall
from tui_voice.runtime.recorder import Recorder
from tui_voice.runtime.session import Session
from tui_voice.runtime.tools import Tools
from tui_voice.store import images
from tui_voice.store.catalog import new_id
from tui_voice.store.delta_secrets import EventRedactor
from tui_voice.store.journal import Journal
from tui_voice.store.reading import load
from tui_voice.store.saved_session import start_time
from tui_voice.store.secrets import Redactor

if TYPE_CHECKING:
    from tui_voice.audio.device_stream import DeviceChange
    from tui_voice.audio.sound import SoundDevices


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOptions:
    """What `open_session` opens."""

    settings: Settings
    folder: Path
    """Folder of the journals."""
    resume: Path | None = None
    """Journal of the session to resume; None: a new session."""
    open_sound: OpenSound | None = None
    """Used instead of the machine's devices."""
    tools: Tools = field(default_factory=Tools)
    can_ask: bool = False
    """There is a screen that asks the user whether the model may call a function."""
    server_limit: int = 0
    """See `ServerSessionConfig.server_limit`."""
    on_event: Callable[[e.Event], None] | None = None
    """Called with every event from the first one on, in the session's thread."""
    on_saved_event: Callable[[e.Event], None] | None = None
    """The same, but what completes a turn only once it is on disk (`Session.listen_saved`)."""
    on_end: Callable[[], None] | None = None
    """Called once the session has ended for any reason, in the session's thread."""


def open_session(options: SessionOptions) -> Session:
    """Returns a running session. Raises `TuiVoiceError` where it cannot be opened."""
    settings, poster = options.settings, _Poster()
    moved = ""
    if options.resume is not None and options.resume.is_file():
        settings, moved = settings_for(settings, load(options.resume).ledger)
    settings = with_chosen_backend(settings)
    if settings.privacy.private:
        check_private(settings)
    options = replace(options, settings=settings)
    check_cost_limit(settings)
    prices = prices_of(settings)
    approvals = Approvals(data_dir() / "allowed-tools.json", can_ask=options.can_ask)
    reached = None if settings.privacy.recall_everywhere else held_at(settings)
    recall, tools = Recall(options.folder, held_with=reached), options.tools
    if settings.context.recall:
        tools = tools.and_(recall.tool())
    config = session_config_of(settings, tools)
    limits, caution = limits_of(settings, config)
    server_drops_at = limits.trigger if limits.spec.server_truncates else 0
    config = replace(config, server_limit=options.server_limit or server_drops_at)
    backend = LiveBackend(
        config,
        backend_of(settings).endpoint(settings),
        options.open_sound or _devices(settings),
        summariser_of(settings),
        tools,
        prices.pricing(),
        budget=Budget(settings.cost.limit),
        questions=questions_of(settings),
        cues=settings.audio.cues,
        learn_names=settings.backend.learn_names,
        interrupt_ms=settings.audio.interrupt_ms,
        pause_when_lost=settings.audio.loudspeaker_lost == "pause",
        tool_servers=McpServers(settings.tools, approvals, poster.notify),
    )
    wanted = settings.session
    timeouts = ConversationTimeouts(
        reply_s=settings.backend.reply_timeout_s,
        idle_s=wanted.idle_s,
        disconnect_s=wanted.disconnect_s,
    )
    words = SpokenWords(name=wanted.call_name or "", goodbyes=wanted.goodbye_words)
    conversation = Conversation(limits, timeouts, settings.audio.interrupt_words, words)
    start = _resumed if options.resume is not None else _new
    session = start(options, backend, config, conversation, poster)
    recall.held = session.held
    session.approvals = approvals
    recall.reach = replace(recall.reach, own=session.path.name)
    if options.on_event is not None:
        session.listen(options.on_event)
    if options.on_saved_event is not None:
        session.listen_saved(options.on_saved_event)
    if options.on_end is not None:
        session.on_end(options.on_end)
    if settings.audio.record and not settings.audio.text_only:
        backend.record_with(Recorder(session.path, session.seconds, poster.disk_trouble))
    backend.image_uri = partial(images.data_uri, session.path)
    session.start()
    poster.connect(session)
    if caution is not None:
        session.post(caution)
    if moved:
        session.post(e.Noticed(text=moved, severity="warning"))
    return session


class _Poster:
    """Posts notices to the session. Notices from before it exists are kept until it does."""

    def __init__(self) -> None:
        self._session: Session | None = None
        self._early: list[e.Event] = []

    def connect(self, session: Session) -> None:
        self._session = session
        for event in self._early:
            session.post(event)

    def disk_trouble(self, text: str | None) -> None:
        """Posts why the disk does not take the session's data (`text`); None: it takes it again."""
        if text is None:
            text = "The session is being saved again, with everything that was held in memory."
            self._post(e.Noticed(text=text))
        else:
            self._post(e.Noticed(text=text, severity="error"))

    def journal_rewritten(self) -> None:
        """Posts that the journal was deleted or replaced under the session, and is there again."""
        text = "The session's file was deleted or replaced. It has been written again, complete."
        self._post(e.Noticed(text=text, severity="warning"))

    def notify(self, text: str) -> None:
        self._post(e.Noticed(text=text, severity="warning"))

    def _post(self, event: e.Event) -> None:
        if self._session is None:
            self._early.append(event)
        else:
            self._session.post(event)


def _new(
    options: SessionOptions,
    backend: LiveBackend,
    config: ServerSessionConfig,
    conversation: Conversation,
    poster: _Poster,
) -> Session:
    now = datetime.now().astimezone()
    redactor = Redactor(keys_to_hide(options.settings))
    # The session cleans all later events; this one is written before the session exists.
    opened = redactor.event(
        e.SessionOpened(
            id=new_id(now),
            started=now.isoformat(timespec="milliseconds"),
            backend=backend_of(options.settings).name,
            model=config.model,
            voice=config.voice,
            instructions=config.instructions,
            server=server_of(options.settings),
            profile=options.settings.profile or "",
        )
    )
    journal = Journal.create(
        options.folder,
        opened,
        on_trouble=poster.disk_trouble,
        on_rewritten=poster.journal_rewritten,
    )
    conversation.replay(opened)
    session = Session(
        opened.id,
        conversation,
        journal,
        backend,
        manual=config.manual,
        clean=EventRedactor(redactor).events,
        first=(*_mark(options.settings, conversation), *_carried(options)),
        on_unused=journal.discard,
    )
    for on_event in (options.on_event, options.on_saved_event):
        if on_event is not None:
            on_event(opened)
    return session


def _resumed(
    options: SessionOptions,
    backend: LiveBackend,
    config: ServerSessionConfig,
    conversation: Conversation,
    poster: _Poster,
) -> Session:
    assert options.resume is not None  # `open_session` checks it
    # The journal is locked before it is read, so that no other process still writes to it.
    journal = Journal.open(
        options.resume, on_trouble=poster.disk_trouble, on_rewritten=poster.journal_rewritten
    )
    try:
        ledger, notes = load(options.resume)
        if ledger.opened is None:
            raise StoreError(
                f"{options.resume} is not a session.",
                "`tui-voice sessions list` shows the saved sessions.",
            )
    except BaseException:
        journal.close()
        raise
    conversation.ledger = ledger
    started = start_time(ledger.opened.started)
    since = time.time() - started.timestamp() if started else 0.0
    resumed = e.SessionResumed(
        backend=backend_of(options.settings).name,
        model=config.model,
        voice=config.voice,
        server=server_of(options.settings),
        profile=options.settings.profile or "",
    )
    notices = [e.Noticed(text=note, severity="warning") for note in notes]
    if journal.recovered:
        notices.append(e.Noticed(text=_recovered(journal.recovered)))
    return Session(
        _session_id(ledger.opened.id, options.resume),
        conversation,
        journal,
        backend,
        base=max(ledger.at, since),
        manual=config.manual,
        clean=EventRedactor(Redactor(keys_to_hide(options.settings))).events,
        first=(resumed, *_mark(options.settings, conversation), *notices),
        on_unused=journal.discard,
    )


def _mark(settings: Settings, conversation: Conversation) -> tuple[e.Event, ...]:
    """Returns the event that marks a session private, where the settings say so."""
    wanted = settings.privacy.private and not conversation.ledger.private
    return (e.PrivacyChanged(),) if wanted else ()


def _carried(options: SessionOptions) -> tuple[e.Event, ...]:
    """Returns the event that gives a new session the memory of the last one of its profile."""
    memory = carried_memory(options.folder, options.settings)
    return (e.MemoryEdited(text=memory),) if memory else ()


def _session_id(first_id: str, journal: Path) -> str:
    """Returns the id by which the session is found again: of a copy, the name of its file."""
    if first_id == journal.stem:
        return first_id
    try:
        journal.with_stem(first_id).stat()
        is_copy = True
    except FileNotFoundError:
        is_copy = False
    except (OSError, ValueError):  # a damaged id, which can be no file name
        is_copy = True
    return journal.stem if is_copy else first_id


def _recovered(count: int) -> str:
    events = "1 event" if count == 1 else f"{count} events"
    return f"What could not be saved last time has been recovered: {events}."


def _devices(settings: Settings) -> OpenSound:
    """Returns a function that opens the machine's microphone and loudspeaker."""

    async def open_devices(
        on_frame: Callable[[bytes], None],
        on_finished: Callable[[str, int], None],
        on_change: Callable[[DeviceChange], None],
    ) -> SoundDevices:
        from tui_voice.audio.sound import open_sound  # imports numpy

        return await open_sound(
            on_frame,
            on_finished=on_finished,
            on_change=on_change,
            input_device=settings.audio.input_device,
            output_device=settings.audio.output_device,
            enabled=not settings.audio.text_only,
            cancel_echo=settings.audio.echo_cancellation,
            frame_ms=settings.audio.frame_ms,
            pre_roll_ms=settings.audio.preroll_ms,
            volume=settings.audio.volume,
        )

    return open_devices
