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
from tui_voice.realtime.wire.items import InputAudio, ItemReference, Message
from tui_voice.server import jobs
from tui_voice.server.admission import admitted
from tui_voice.server.conversation import Conversation
from tui_voice.server.ear import Began, Ear, Ended, Paused, Resumed, Signal
from tui_voice.server.endpoint import sounds_finished
from tui_voice.server.errors import RefusedError, buffer_full, commit_empty, wrong_value
from tui_voice.server.ids import Ids, random_ids
from tui_voice.server.items import Entry, Sound
from tui_voice.server.limits import Limits
from tui_voice.server.outbox import Outbox, Output
from tui_voice.server.replies import Replies
from tui_voice.server.response import Response
from tui_voice.server.scribe import Scribe
from tui_voice.server.session import Circumstances, State
from tui_voice.server.sound import Intake, milliseconds, sent_ms, whole
from tui_voice.server.usage import Count

MAX_APPEND_BYTES = 15 * 2**20
SLICE_MS = 320
"""Audio heard at once; between slices the server turns to its other connections."""
_LEAST_COMMIT_MS = 100.0
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
        self._limits = limits or Limits()
        self._outbox = Outbox(ids or random_ids())
        self._now = now
        self._cap = now + self._limits.session_seconds
        self._idle_at: float | None = None
        expires = int(unix_now + self._limits.session_seconds)
        self.state = State.new(self._outbox.ids("sess"), model, expires, transcription_only)
        self.conversation = Conversation(
            self._outbox.ids("conv"), self._limits.max_items, self._limits.max_sound_bytes
        )
        self._scribe = Scribe(self._outbox, self.conversation, self._guessed, self._written)
        self.replies = Replies(
            self._outbox, self.conversation, self._limits, count, self._responded
        )
        self._ear: Ear | None = None
        self._voices: tuple[str, ...] = ()
        self._intake = Intake(self.state.settings.input_format)
        self._raw: deque[bytes] = deque()
        """Slices of audio that were taken and not yet heard."""
        self._inbox: deque[c.ClientEvent] = deque()
        """Events that wait until the audio before them is heard."""
        self._handlers: dict[type, Callable[[Any], None]] = {
            c.SessionUpdateEvent: self._update,
            c.InputAudioBufferAppend: self._append,
            c.InputAudioBufferCommit: self._commit_by_hand,
            c.InputAudioBufferClear: self._clear,
            c.OutputAudioBufferClear: self._clear_output,
            c.ConversationItemCreate: self._create_item,
            c.ConversationItemRetrieve: self._retrieve,
            c.ConversationItemTruncate: self._truncate,
            c.ConversationItemDelete: self._delete,
            c.ResponseCreate: self._respond,
            c.ResponseCancel: self._cancel,
        }
        self._outbox.emit(s.SessionCreated(session=self.state.told))

    # ——— what comes in ———

    def receive(self, event: c.ClientEvent | WireError, now: float) -> list[Output]:
        """An event from the client, or what was wrong with one."""
        self._now = now
        if isinstance(event, WireError):
            self._outbox.emit(
                RefusedError(event.code, event.message, event.param).event(event.event_id)
            )
        elif self._must_wait(event):
            self._inbox.append(event)
        else:
            self._handle(event)
        return self._outbox.take()

    def learn(self, fact: jobs.Fact, now: float) -> list[Output]:
        """Something that a worker found."""
        self._now = now
        match fact:
            case jobs.Ready(detector=detector, voices=voices):
                self._voices = voices
                self._ear = Ear(detector, self._limits.max_input_ms)
                self._ear.set_turns(self.state.settings.turns)
            case jobs.Transcribed(job=job, text=text):
                self._scribe.result(job, text)
            case jobs.Said(job=job, piece=piece):
                self.replies.said(job, piece, now)
            case jobs.SaidAll(job=job):
                self.replies.said_all(job, now)
            case jobs.Spoken(job=job, pcm=pcm, sent=sent):
                self.replies.spoken(job, pcm, sent, now)
            case jobs.Broke(job=job, message=message):
                self._scribe.broke(job, message)
                self.replies.broke(job, message, now)
        return self._outbox.take()

    @property
    def hungry(self) -> bool:
        """`pump` has something to do."""
        return self._ear is not None and bool(self._raw or self._inbox)

    @property
    def waiting_bytes(self) -> int:
        """Audio that was taken in and not yet heard."""
        waiting = sum(len(each) for each in self._raw)
        return waiting + sum(
            len(each.audio) for each in self._inbox if isinstance(each, c.InputAudioBufferAppend)
        )

    def pump(self, now: float) -> list[Output]:
        """Hears one slice of the audio that waits, or handles one event that waited for it."""
        self._now = now
        if self._raw:
            self._hear(self._raw.popleft())
        elif self._inbox:
            self._handle(self._inbox.popleft())
        return self._outbox.take()

    @property
    def deadline(self) -> float:
        """When `tick` wants to be called next."""
        return min(self._cap, self._idle_at if self._idle_at is not None else self._cap)

    def tick(self, now: float) -> list[Output]:
        self._now = now
        if now >= self._cap:
            self._outbox.close(1001, self._limits.cap_reason)
        elif self._idle_at is not None and now >= self._idle_at:
            self._idle_at = None
            self._time_out()
        return self._outbox.take()

    def halt(self) -> None:
        """The connection is gone: stops all work."""
        self._scribe.drop()
        self.replies.halt()

    def _must_wait(self, event: c.ClientEvent) -> bool:
        if isinstance(event, c.ResponseCancel):
            return False
        if self._raw or self._inbox:
            return True
        return self._ear is None and not isinstance(event, c.SessionUpdateEvent)

    def _handle(self, event: c.ClientEvent) -> None:
        try:
            self._handlers[type(event)](event)
        except RefusedError as error:
            self._outbox.emit(error.event(event.event_id or None))

    # ——— session ———

    def _update(self, event: c.SessionUpdateEvent) -> None:
        so_far = Circumstances(self._voices, self.replies.voiced, self.replies.default is not None)
        self.state = self.state.updated(event.session, so_far)
        settings = self.state.settings
        if settings.input_format != self._intake.form:
            self._hear_rest()
            self._intake = Intake(settings.input_format)
        if settings.turns is None:
            self._scribe.drop()
        if self._ear is not None:
            self._ear.set_turns(settings.turns)
        self._scribe.told = settings.transcription is not None
        self._outbox.emit(s.SessionUpdated(session=self.state.told))

    # ——— hearing ———

    def _append(self, event: c.InputAudioBufferAppend) -> None:
        assert self._ear is not None, "appends wait for the engines"
        form = self.state.settings.input_format
        if len(event.audio) > MAX_APPEND_BYTES:
            raise wrong_value("Invalid 'audio': at most 15 MiB may be appended at once.", "audio")
        if not whole(event.audio, form):
            raise wrong_value(
                f"Invalid 'audio': expected whole 16-bit samples, but got {len(event.audio)} "
                "bytes, an odd number.",
                "audio",
            )
        if self._ear.full:
            raise buffer_full(self._limits.max_input_ms)
        step = round(SLICE_MS * len(event.audio) / sent_ms(event.audio, form)) if event.audio else 1
        for first in range(0, len(event.audio), step):
            self._raw.append(event.audio[first : first + step])
        if self._raw:
            self._hear(self._raw.popleft())

    def _hear(self, raw: bytes) -> None:
        self._listen(self._intake.feed(raw))

    def _hear_rest(self) -> None:
        self._listen(self._intake.flush())

    def _listen(self, pcm: bytes) -> None:
        if self._ear is None:
            return
        for signal in self._ear.hear(pcm):
            self._heed(signal, self._ear)
        if self._ear.speaking and self._ear.silence_ms == 0:
            self._scribe.listen(self._ear)

    def _heed(self, signal: Signal, ear: Ear) -> None:
        turns = self.state.settings.turns
        assert turns is not None, "signals come only while turns are listened for"
        match signal:
            case Began(start_ms=start):
                self._idle_at = None
                item_id = self._outbox.ids("item")
                self._scribe.begin(item_id, start)
                self._outbox.emit(
                    s.InputAudioBufferSpeechStarted(item_id=item_id, audio_start_ms=round(start))
                )
                if turns.interrupt and self.replies.default is not None:
                    self.replies.cancel(None, "turn_detected", self._now)
            case Paused():
                self._scribe.pause(ear)
            case Resumed():
                self._scribe.resume()
                self.replies.drop_draft()
            case Ended(end_ms=end):
                utterance = self._scribe.utterance
                assert utterance is not None, "only a turn that began can end"
                self._outbox.emit(
                    s.InputAudioBufferSpeechStopped(
                        item_id=utterance.item_id, audio_end_ms=round(end)
                    )
                )
                self._commit(utterance.item_id, utterance.start_ms, end, ear.voiced_ms, ear)
                if turns.create and not self.state.transcription_only:
                    self._respond_by_itself()

    def _commit_by_hand(self, _event: c.InputAudioBufferCommit) -> None:
        self._hear_rest()
        ear = self._ear
        assert ear is not None, "commits wait for the engines"
        if ear.length_ms < _LEAST_COMMIT_MS:
            raise commit_empty(ear.length_ms)
        utterance = self._scribe.utterance
        item_id = utterance.item_id if utterance else self._outbox.ids("item")
        self.replies.drop_draft()
        self._commit(item_id, ear.start_ms, ear.end_ms, ear.end_ms, ear)
        ear.clear()

    def _commit(
        self, item_id: str, start_ms: float, end_ms: float, voiced_ms: float, ear: Ear
    ) -> Entry:
        """Makes an item of a stretch of the buffer. Raises `RefusedError` if there is no room."""
        self._idle_at = None
        pcm = ear.take(start_ms, end_ms)
        item = Message(
            role="user",
            content=[InputAudio(transcript=None)],
            id=item_id,
            object="realtime.item",
            status="completed",
        )
        entry = Entry(item, {0: Sound(bytearray(pcm), milliseconds(pcm))})
        try:
            previous = self.conversation.insert(entry)
        except RefusedError:
            self._scribe.drop()
            raise
        self._outbox.emit(s.InputAudioBufferCommitted(item_id=item_id, previous_item_id=previous))
        self._added(entry, previous)
        self._scribe.commit(entry, end_ms - entry.sounds[0].ms, voiced_ms)
        self.conversation.forget_sound()
        return entry

    def _clear(self, _event: c.InputAudioBufferClear) -> None:
        assert self._ear is not None, "clears wait for the engines"
        self._intake.flush()
        self._scribe.drop()
        self.replies.drop_draft()
        self._ear.clear()
        self._outbox.emit(s.InputAudioBufferCleared())

    def _clear_output(self, _event: c.OutputAudioBufferClear) -> None:
        raise wrong_value(
            "output_audio_buffer.clear is only available over WebRTC and SIP.", "type"
        )

    def _guessed(self, item_id: str, text: str) -> None:
        """A pause may have been the end: judge the words, and begin to answer them."""
        turns, ear = self.state.settings.turns, self._ear
        if turns is None or ear is None or not ear.silence_ms:
            return
        ear.sounds_finished = sounds_finished(text)
        if turns.create and text and not self.state.transcription_only:
            self.replies.draft(self.state.settings, item_id, text)

    def _written(self, _entry: Entry) -> None:
        self.replies.proceed(self._now)

    def _time_out(self) -> None:
        """The user has said nothing for so long that the model speaks first."""
        ear = self._ear
        if ear is None or ear.speaking or self.replies.default is not None:
            return
        item_id = self._outbox.ids("item")
        start, end = ear.start_ms, ear.end_ms
        self._outbox.emit(
            s.InputAudioBufferTimeoutTriggered(
                item_id=item_id, audio_start_ms=round(start), audio_end_ms=round(end)
            )
        )
        self._commit(item_id, start, end, end, ear)
        self._respond_by_itself()

    # ——— items ———

    def _create_item(self, event: c.ConversationItemCreate) -> None:
        calls = self.conversation.function_names()
        form = self.state.settings.input_format
        entry = admitted(event.item, form, self._outbox.ids, calls)
        utterance = self._scribe.utterance
        if utterance is not None and utterance.item_id == entry.id:
            raise wrong_value(f"The id '{entry.id}' is taken by a turn in progress.", "item.id")
        previous = self.conversation.insert(entry, event.previous_item_id or None)
        self._idle_at = None
        self._added(entry, previous)
        self._scribe.write(entry)
        self.conversation.forget_sound()

    def _added(self, entry: Entry, previous: str | None) -> None:
        self._outbox.emit(s.ConversationItemAdded(item=entry.item, previous_item_id=previous))
        self._outbox.emit(s.ConversationItemDone(item=entry.item, previous_item_id=previous))

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
        self.replies.create(
            settings, self._now, beside=where == "none", context=context, metadata=metadata
        )
        self._idle_at = None
        for entry in new:
            self._scribe.write(entry)

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
            self.replies.create(self.state.settings, self._now)

    def _cancel(self, event: c.ResponseCancel) -> None:
        self.replies.cancel(event.response_id or None, "client_cancelled", self._now)

    def _responded(self, response: Response) -> None:
        """Something is over; from here on the silence of the user is counted."""
        turns = self.state.settings.turns
        self.conversation.forget_sound()
        if response.conversation is None or turns is None or turns.idle_ms is None:
            return
        if self._ear is not None and self._ear.speaking:
            return
        begun = response.first_sound_at if response.first_sound_at is not None else self._now
        played = max(self._now, begun + response.voiced_ms / 1000)
        self._idle_at = played + turns.idle_ms / 1000


def _checked(metadata: dict[str, str] | None) -> dict[str, str] | None:
    if metadata is None:
        return None
    if len(metadata) > _METADATA_PAIRS:
        raise wrong_value("Invalid 'response.metadata': at most 16 pairs.", "response.metadata")
    for key, value in metadata.items():
        if len(key) > _METADATA_KEY or len(value) > _METADATA_VALUE:
            raise wrong_value(
                f"Invalid 'response.metadata': keys have at most {_METADATA_KEY} characters and "
                f"values {_METADATA_VALUE}.",
                "response.metadata",
            )
    return metadata
