"""A Realtime server without a socket, a clock or a thread: events in, events and jobs out.

One engine serves one connection. `receive` takes what the client sends, `learn` what the workers
found, `pump` a slice of the audio that waits, `tick` the passing of time; each returns what is to
be sent and done, in order. All times are seconds of one monotonic clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from tui_voice.realtime.wire import WireError
from tui_voice.realtime.wire import client as c
from tui_voice.realtime.wire import server as s
from tui_voice.realtime.wire.items import ItemReference, Message
from tui_voice.server import jobs
from tui_voice.server.admission import admitted
from tui_voice.server.conversation import Conversation
from tui_voice.server.errors import OUR_FAULT, RefusedError, wrong_value
from tui_voice.server.idle import IdleTimer
from tui_voice.server.ids import Ids, random_ids
from tui_voice.server.input_audio import InputAudioBuffer
from tui_voice.server.items import Entry
from tui_voice.server.limits import Limits
from tui_voice.server.outbox import Outbox, Output
from tui_voice.server.replies import Replies
from tui_voice.server.response import Response
from tui_voice.server.session import Circumstances, State
from tui_voice.server.usage import Count

_METADATA_PAIRS, _METADATA_KEY, _METADATA_VALUE = 16, 64, 512


class Engine:
    """`count`: tokens of a text; `unix_now`: seconds since 1970, for `expires_at`."""

    def __init__(
        self,
        model: str,
        count: Count,
        now: float,
        unix_now: float,
        limits: Limits | None = None,
        ids: Ids | None = None,
        transcription_only: bool = False,
    ) -> None:
        limits = limits or Limits()
        self._limits = limits
        self._outbox = out = Outbox(ids or random_ids())
        self._now, self._cap = now, now + limits.session_seconds
        expires = int(unix_now + limits.session_seconds)
        self.state = State.new(out.ids("sess"), model, expires, transcription_only)
        self.conversation = Conversation(out.ids("conv"), limits.max_items, limits.max_sound_bytes)
        self._idle = IdleTimer()
        self.replies = Replies(out, self.conversation, limits, count, self._responded)
        self._hearing = InputAudioBuffer(
            out,
            self.conversation,
            self.replies,
            self._idle,
            limits,
            self.state.settings,
            self._respond_by_itself,
        )
        self._voices: tuple[str, ...] = ()
        self._inbox: deque[c.ClientEvent] = deque()
        """Events that wait until the audio before them is heard."""
        self._handlers: dict[type, Callable[[Any], None]] = {
            c.SessionUpdateEvent: self._update,
            c.InputAudioBufferAppend: lambda event: self._hearing.append(event.audio),
            c.InputAudioBufferCommit: lambda _event: self._hearing.commit(),
            c.InputAudioBufferClear: lambda _event: self._hearing.clear(),
            c.OutputAudioBufferClear: self._clear_output,
            c.ConversationItemCreate: self._create_item,
            c.ConversationItemRetrieve: self._retrieve,
            c.ConversationItemTruncate: self._truncate,
            c.ConversationItemDelete: self._delete,
            c.ResponseCreate: self._respond,
            c.ResponseCancel: self._cancel,
        }
        out.emit(s.SessionCreated(session=self.state.told))

    # ——— what comes in ———

    def receive(self, event: c.ClientEvent | WireError, now: float) -> list[Output]:
        """An event from the client, or what was wrong with one."""
        self._at(now)
        if isinstance(event, WireError):
            error = RefusedError(event.code, event.message, event.param)
            self._outbox.emit(error.event(event.event_id))
        elif self._must_wait(event):
            self._inbox.append(event)
        else:
            self._handle(event)
        return self._outbox.take()

    def learn(self, fact: jobs.Fact, now: float) -> list[Output]:
        """Something that a worker found."""
        self._at(now)
        match fact:
            case jobs.Ready(detector=detector, voices=voices):
                self._voices = voices
                self._hearing.equip(detector)
            case jobs.Unavailable(message=message):
                error = RefusedError("engines_unavailable", message, kind=OUR_FAULT)
                self._outbox.emit(error.event())
                self._outbox.close(1011, "The engines are not available.")
            case jobs.Transcribed(job=job, text=text):
                self._hearing.scribe.result(job, text)
            case jobs.Said(job=job, piece=piece):
                self.replies.said(job, piece)
            case jobs.SaidAll(job=job):
                self.replies.said_all(job)
            case jobs.Spoken(job=job, pcm=pcm, sent=sent):
                self.replies.spoken(job, pcm, sent)
            case broke:
                self._hearing.scribe.broke(broke.job, broke.message)
                self.replies.broke(broke.job, broke.message)
        return self._outbox.take()

    @property
    def hungry(self) -> bool:
        """`pump` has something to do."""
        return self._hearing.ready and (self._hearing.hungry or bool(self._inbox))

    @property
    def waiting_bytes(self) -> int:
        """Audio that was taken in and not yet heard."""
        waiting = (e for e in self._inbox if isinstance(e, c.InputAudioBufferAppend))
        return self._hearing.waiting_bytes + sum(len(event.audio) for event in waiting)

    def pump(self, now: float) -> list[Output]:
        """While `hungry`: hears one slice of the audio that waits, or handles one event that
        waited for it."""
        self._at(now)
        if self._hearing.hungry:
            self._hearing.hear()
        else:
            self._handle(self._inbox.popleft())
        return self._outbox.take()

    @property
    def deadline(self) -> float:
        """When `tick` wants to be called next."""
        return self._cap if self._idle.at is None else min(self._cap, self._idle.at)

    def tick(self, now: float) -> list[Output]:
        self._at(now)
        if now >= self._cap:
            self._outbox.close(1001, self._limits.cap_reason)
        elif self._idle.at is not None and now >= self._idle.at:
            self._idle.stop()
            self._time_out()
        return self._outbox.take()

    def halt(self) -> None:
        """The connection is gone: stops all work."""
        self._hearing.scribe.drop()
        self.replies.halt()

    def _at(self, now: float) -> None:
        self._now = self.replies.now = now

    def _must_wait(self, event: c.ClientEvent) -> bool:
        if isinstance(event, c.ResponseCancel):
            return False
        if self._hearing.hungry or self._inbox:
            return True
        return not self._hearing.ready and not isinstance(event, c.SessionUpdateEvent)

    def _handle(self, event: c.ClientEvent) -> None:
        try:
            self._handlers[type(event)](event)
        except RefusedError as error:
            self._outbox.emit(error.event(event.event_id or None))

    # ——— session ———

    def _update(self, event: c.SessionUpdateEvent) -> None:
        responding = self.replies.default is not None
        so_far = Circumstances(self._voices, self.replies.voiced, responding)
        self.state = self.state.updated(event.session, so_far)
        self._hearing.configure(self.state.settings)
        self._outbox.emit(s.SessionUpdated(session=self.state.told))

    def _clear_output(self, _event: c.OutputAudioBufferClear) -> None:
        raise wrong_value(
            "output_audio_buffer.clear is only available over WebRTC and SIP.", "type"
        )

    # ——— items ———

    def _create_item(self, event: c.ConversationItemCreate) -> None:
        calls = self.conversation.function_names()
        form = self.state.settings.input_format
        entry = admitted(event.item, form, self._outbox.ids, calls)
        utterance = self._hearing.scribe.utterance
        if utterance is not None and utterance.item_id == entry.id:
            raise wrong_value(f"The id '{entry.id}' is taken by a turn in progress.", "item.id")
        previous = self.conversation.insert(entry, event.previous_item_id or None)
        self._idle.stop()
        self._outbox.emit(s.ConversationItemAdded(item=entry.item, previous_item_id=previous))
        self._outbox.emit(s.ConversationItemDone(item=entry.item, previous_item_id=previous))
        self._hearing.scribe.write(entry)
        self.conversation.forget_sound()

    def _retrieve(self, event: c.ConversationItemRetrieve) -> None:
        entry = self.conversation.entry(event.item_id, "retrieve")
        settings = self.state.settings
        ours = isinstance(entry.item, Message) and entry.item.role == "assistant"
        form = settings.output_format if ours else settings.input_format
        self._outbox.emit(s.ConversationItemRetrieved(item=entry.with_audio(form)))

    def _truncate(self, event: c.ConversationItemTruncate) -> None:
        self.conversation.truncate(event.item_id, event.content_index, event.audio_end_ms)
        self._outbox.emit(
            s.ConversationItemTruncated(
                item_id=event.item_id,
                content_index=event.content_index,
                audio_end_ms=event.audio_end_ms,
            )
        )

    def _delete(self, event: c.ConversationItemDelete) -> None:
        self.conversation.delete(event.item_id)
        self._outbox.emit(s.ConversationItemDeleted(item_id=event.item_id))

    # ——— responses ———

    def _respond(self, event: c.ResponseCreate) -> None:
        if self.state.transcription_only:
            raise wrong_value("A transcription session creates no responses.", "type")
        params = event.response or c.ResponseParams()
        settings = self.state.settings.for_response(params, self._voices)
        where = params.conversation or "auto"
        if where not in ("auto", "none", self.conversation.id):
            raise wrong_value(
                f"Invalid value: '{where}'. Supported values are: 'auto' and 'none'.",
                "response.conversation",
            )
        metadata = _checked(params.metadata or None)
        context, new = self._context(params)
        self._idle.stop()
        self.replies.create(settings, beside=where == "none", context=context, metadata=metadata)
        for entry in new:
            self._hearing.scribe.write(entry)

    def _context(self, params: c.ResponseParams) -> tuple[list[Entry] | None, list[Entry]]:
        """What the response reads instead of the conversation, and what of it is new."""
        if not isinstance(params.input, list):
            return None, []
        context: list[Entry] = []
        new: list[Entry] = []
        calls = set(self.conversation.function_names())
        for index, item in enumerate(params.input):
            here = f"response.input[{index}]"
            if isinstance(item, ItemReference):
                found = self.conversation.get(item.id)
                if found is None:
                    raise wrong_value(f"Item with id '{item.id}' not found.", f"{here}.id")
                context.append(found)
                continue
            form = self.state.settings.input_format
            entry = admitted(item, form, self._outbox.ids, calls, here)
            calls.add(str(getattr(entry.item, "call_id", "")))
            context.append(entry)
            new.append(entry)
        return context, new

    def _respond_by_itself(self) -> None:
        """As turn detection does: silently not, where a response is in progress."""
        if self.replies.default is None:
            try:
                self.replies.create(self.state.settings)
            except RefusedError as error:  # no event of the client's is to blame
                self._outbox.emit(error.event())

    def _cancel(self, event: c.ResponseCancel) -> None:
        self.replies.cancel(event.response_id or None, "client_cancelled")

    def _responded(self, response: Response) -> None:
        """A response is over; from here on the silence of the user is counted."""
        self.conversation.forget_sound()
        if not self._hearing.speaking:
            self._idle.start(response, self.state.settings.turns, self._now)

    def _time_out(self) -> None:
        try:
            self._hearing.time_out()
        except RefusedError as error:
            self._outbox.emit(error.event())
            return
        self._respond_by_itself()


def _checked(metadata: dict[str, str] | None) -> dict[str, str] | None:
    """Raises `RefusedError` where it is more than may be."""
    metadata = metadata or {}
    param = "response.metadata"
    if len(metadata) > _METADATA_PAIRS:
        raise wrong_value(f"Invalid '{param}': at most {_METADATA_PAIRS} pairs.", param)
    for key, value in metadata.items():
        if len(key) > _METADATA_KEY or len(value) > _METADATA_VALUE:
            raise wrong_value(
                f"Invalid '{param}': keys have at most {_METADATA_KEY} characters, values at "
                f"most {_METADATA_VALUE}.",
                param,
            )
    return metadata or None
