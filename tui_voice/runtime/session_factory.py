"""From settings to a talk that runs: open or fold a journal, join the parts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tui_voice.config import Settings
from tui_voice.conversation import events as e
from tui_voice.conversation.conversation import Conversation
from tui_voice.errors import StoreError
from tui_voice.protocol.session_config import ServerSessionConfig
from tui_voice.runtime.backends import backend_of, keys_to_hide
from tui_voice.runtime.budget import Budget
from tui_voice.runtime.factories import limits_of, prices_of, profile_of, summariser_of
from tui_voice.runtime.live import LiveBackend, OpenSound
from tui_voice.runtime.recall import Recall
from tui_voice.runtime.recorder import Recorder
from tui_voice.runtime.session import Session
from tui_voice.runtime.tools import Tools
from tui_voice.store.catalog import new_id
from tui_voice.store.journal import Journal
from tui_voice.store.reading import load
from tui_voice.store.secrets import Redactor

if TYPE_CHECKING:
    from tui_voice.audio.device_stream import DeviceChange
    from tui_voice.audio.sound import Sound


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOptions:
    """What a talk is opened with. `resume`: the journal of the talk to go on with."""

    settings: Settings
    folder: Path
    """Where journals live."""
    resume: Path | None = None
    open_sound: OpenSound | None = None
    """Other ends for the sound than the machine's devices."""
    tools: Tools = field(default_factory=Tools)
    server_limit: int = 0
    """See `ServerSessionConfig.server_limit`."""
    on_fact: Callable[[e.Event], None] | None = None
    """Hears every fact from the first one on, in the talk's own thread."""


class _Posts:
    """Facts from other threads, kept until there is a session to post them to."""

    def __init__(self) -> None:
        self._session: Session | None = None
        self._early: list[e.Event] = []

    def __call__(self, event: e.Event) -> None:
        if self._session is None:
            self._early.append(event)
        else:
            self._session.post(event)

    def lead_to(self, session: Session) -> None:
        self._session = session
        for event in self._early:
            session.post(event)

    def trouble(self, text: str | None) -> None:
        """The disk does not take the talk, or takes it again (None)."""
        if text is None:
            self(e.Noticed(text="The talk is being saved again, with all that was held."))
        else:
            self(e.Noticed(text=text, severity="error"))

    def device_changed(self, change: DeviceChange) -> None:
        """A microphone or loudspeaker went away, or came back."""
        self(e.Noticed(text=change.message, severity="info" if change.back else "warning"))


def open_session(opening: SessionOptions) -> Session:
    """A running `Session`. Raises `TuiVoiceError` where there can be no talk at all."""
    settings, posts = opening.settings, _Posts()
    prices = prices_of(settings)
    recall, tools = Recall(opening.folder), opening.tools
    if settings.context.recall:
        tools = tools.and_(recall.tool())
    profile = profile_of(settings, tools)
    limits, caution = limits_of(settings, profile)
    drops_at = limits.trigger if limits.spec.server_truncates else 0
    profile = replace(profile, server_limit=opening.server_limit or drops_at)
    backend = LiveBackend(
        profile,
        backend_of(settings).endpoint(settings),
        opening.open_sound or _devices(settings, posts.device_changed),
        summariser_of(settings),
        tools,
        prices.pricing(),
        budget=Budget(settings.cost.limit),
    )
    conversation = Conversation(limits, reply_timeout=settings.backend.reply_timeout_s)
    join = _resumed if opening.resume is not None else _begun
    session = join(opening, backend, profile, conversation, posts)
    recall.held = session.held
    if settings.audio.record:
        backend.record_with(Recorder(session.path, posts.trouble))
    session.start()
    posts.lead_to(session)
    if caution is not None:
        session.post(caution)
    return session


def _begun(
    opening: SessionOptions,
    backend: LiveBackend,
    profile: ServerSessionConfig,
    conversation: Conversation,
    posts: _Posts,
) -> Session:
    now = datetime.now().astimezone()
    clean = Redactor(keys_to_hide(opening.settings)).event
    opened = e.SessionOpened(
        id=new_id(now),
        started=now.isoformat(timespec="milliseconds"),
        backend=backend_of(opening.settings).name,
        model=profile.model,
        voice=profile.voice,
        instructions=profile.instructions,
    )
    opened = clean(opened)  # the session cleans all later events; this one is written before it
    journal = Journal.create(opening.folder, opened, on_trouble=posts.trouble)
    conversation.replay(opened)
    session = Session(
        opened.id,
        conversation,
        journal,
        backend,
        manual=profile.manual,
        clean=clean,
    )
    if opening.on_fact is not None:
        opening.on_fact(opened)
        session.listen(opening.on_fact)
    return session


def _resumed(
    opening: SessionOptions,
    backend: LiveBackend,
    profile: ServerSessionConfig,
    conversation: Conversation,
    posts: _Posts,
) -> Session:
    assert opening.resume is not None  # the caller looked
    # Taken before it is read: what another process still writes would be missing here.
    journal = Journal.open(opening.resume, on_trouble=posts.trouble)
    try:
        ledger, notes = load(opening.resume)
        if ledger.opened is None:
            raise StoreError(
                f"{opening.resume} is not a talk.",
                "`tui-voice sessions list` shows those there are.",
            )
    except BaseException:
        journal.close()
        raise
    started = datetime.fromisoformat(ledger.opened.started)
    base = max(ledger.at, time.time() - started.timestamp())
    conversation.ledger = ledger
    session = Session(
        ledger.opened.id,
        conversation,
        journal,
        backend,
        base=base,
        manual=profile.manual,
        clean=Redactor(keys_to_hide(opening.settings)).event,
    )
    if opening.on_fact is not None:
        session.listen(opening.on_fact)
    session.begin_with(
        e.SessionResumed(
            backend=backend_of(opening.settings).name, model=profile.model, voice=profile.voice
        ),
        *(e.Noticed(text=note, severity="warning") for note in notes),
        *([e.Noticed(text=_recovered(journal.recovered))] if journal.recovered else ()),
    )
    return session


def _recovered(count: int) -> str:
    events = f"{count} event{'' if count == 1 else 's'}"
    return f"What could not be saved the last time is in the session again: {events}."


def _devices(settings: Settings, changed: Callable[[DeviceChange], None]) -> OpenSound:
    async def open_devices(
        on_frame: Callable[[bytes], None], on_finished: Callable[[str, int], None]
    ) -> Sound:
        from tui_voice.audio.sound import open_sound  # numpy: only in the talk's own thread

        return await open_sound(
            on_frame,
            on_finished=on_finished,
            on_change=changed,
            input_device=settings.audio.input_device,
            output_device=settings.audio.output_device,
            enabled=not settings.audio.text_only,
            cancel_echo=settings.audio.echo_cancellation,
            frame_ms=settings.audio.frame_ms,
            pre_roll_ms=settings.audio.preroll_ms,
            volume=settings.audio.volume,
        )

    return open_devices
