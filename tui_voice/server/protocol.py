"""The Realtime protocol of one connection, without a socket, a clock or a thread.

`ServerProtocol` takes client events and job results and returns outputs: events to send, jobs to
start, and the end of the connection, in this order. Its owner must

- call `receive` for each client event and `job_result` for each result of a job,
- call `process_next` while `has_pending_work`, and `tick` at `deadline`,
- carry out the outputs that each of these calls returns.

All times are in seconds of one monotonic clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from tui_voice.realtime.wire import WireError
from tui_voice.realtime.wire import client as c
from tui_voice.realtime.wire import server as s
from tui_voice.realtime.wire.items import ItemReference
from tui_voice.server import jobs
from tui_voice.server.admission import admit_item, check_length
from tui_voice.server.errors import SERVER_ERROR, RefusedError, invalid_value
from tui_voice.server.idle_timer import IdleTimer
from tui_voice.server.ids import IdFactory, random_ids
from tui_voice.server.input_audio import InputAudioBuffer
from tui_voice.server.item_list import ItemList
from tui_voice.server.item_record import ItemRecord
from tui_voice.server.limits import SessionLimits
from tui_voice.server.output_queue import Output, OutputQueue
from tui_voice.server.response import RunningResponse
from tui_voice.server.response_manager import ResponseManager
from tui_voice.server.session_state import ServerSessionState, UpdateContext
from tui_voice.server.usage import CountTokens

_MAX_METADATA_PAIRS, _MAX_METADATA_KEY_CHARS, _MAX_METADATA_VALUE_CHARS = 16, 64, 512


class ServerProtocol:
    """`unix_now`: seconds since 1970, for `session.expires_at`."""

    def __init__(
        self,
        model: str,
        count_tokens: CountTokens,
        now: float,
        unix_now: float,
        limits: SessionLimits | None = None,
        new_id: IdFactory | None = None,
        transcription_only: bool = False,
    ) -> None:
        self._limits = limits = limits or SessionLimits()
        self._queue = queue = OutputQueue(new_id or random_ids())
        self._now, self._session_end = now, now + limits.session_seconds
        self._state = ServerSessionState.new(
            queue.new_id("sess"),
            model,
            int(unix_now + limits.session_seconds),
            transcription_only,
        )
        self.items = ItemList(queue.new_id("conv"), limits.max_items, limits.max_audio_bytes)
        self._idle_timer = IdleTimer()
        self.responses = ResponseManager(
            queue, self.items, limits, count_tokens, self._response_done
        )
        self._input = InputAudioBuffer(
            queue,
            self.items,
            self.responses,
            self._idle_timer,
            limits,
            self._state.settings,
            self._respond_automatically,
        )
        self._voices: tuple[str, ...] = ()
        self._waiting: deque[tuple[c.ClientEvent, int]] = deque()
        """Events that wait until the audio before them is processed, each with its size."""
        self._waiting_bytes = 0
        self._handlers: dict[type, Callable[[Any], None]] = {
            c.SessionUpdateEvent: self._update_session,
            c.InputAudioBufferAppend: lambda event: self._input.append(event.audio),
            c.InputAudioBufferCommit: lambda _event: self._input.commit(),
            c.InputAudioBufferClear: lambda _event: self._input.clear(),
            c.OutputAudioBufferClear: self._clear_output_audio,
            c.ConversationItemCreate: self._create_item,
            c.ConversationItemRetrieve: self._retrieve_item,
            c.ConversationItemTruncate: self._truncate_item,
            c.ConversationItemDelete: self._delete_item,
            c.ResponseCreate: self._create_response,
            c.ResponseCancel: self._cancel_response,
        }
        queue.send(s.SessionCreated(session=self._state.wire_session))

    # Inputs

    def receive(
        self, event: c.ClientEvent | WireError, now: float, frame_bytes: int = 0
    ) -> list[Output]:
        """Handles a client event, or answers a frame that is none with `error`.

        `frame_bytes`: the size of the frame, which counts while the event waits.
        """
        self._set_time(now)
        if isinstance(event, WireError):
            error = RefusedError(event.code, event.message, event.param)
            self._queue.send(error.to_event(event.event_id))
        elif self._must_wait(event):
            size = frame_bytes
            if isinstance(event, c.InputAudioBufferAppend):
                size = len(event.audio)
            self._waiting.append((event, size))
            self._waiting_bytes += size
        else:
            self._handle(event)
        return self._queue.take()

    def job_result(self, result: jobs.JobResult, now: float) -> list[Output]:
        """Handles what a worker reports."""
        self._set_time(now)
        match result:
            case jobs.EnginesReady(detector=detector, voices=voices):
                self._voices = voices
                self._input.set_detector(detector)
            case jobs.EnginesUnavailable(message=message):
                error = RefusedError("engines_unavailable", message, error_type=SERVER_ERROR)
                self._queue.send(error.to_event())
                self._queue.close(1011, "The engines are not available.")
            case jobs.TranscriptReady():
                self._input.transcriber.job_done(result)
            case jobs.ReplyPiece(job_id=job_id, piece=piece):
                self.responses.reply_piece(job_id, piece)
            case jobs.ReplyEnded(job_id=job_id):
                self.responses.reply_ended(job_id)
            case jobs.SpeechReady(job_id=job_id, sound=sound, encoded=encoded):
                self.responses.speech_ready(job_id, sound, encoded)
            case failed:
                self._input.transcriber.job_failed(failed.job_id, failed.message)
                self.responses.job_failed(failed.job_id, failed.message)
        return self._queue.take()

    @property
    def has_pending_work(self) -> bool:
        """`process_next` has something to do."""
        return self._input.is_ready and (self._input.has_unprocessed_audio or bool(self._waiting))

    @property
    def pending_bytes(self) -> int:
        """Size of the audio and the frames that were received and are not yet processed."""
        return self._input.unprocessed_bytes + self._waiting_bytes

    def process_next(self, now: float) -> list[Output]:
        """Processes one slice of the unprocessed audio, or else the oldest waiting event."""
        self._set_time(now)
        if self._input.has_unprocessed_audio:
            self._input.process_next()
        else:
            event, size = self._waiting.popleft()
            self._waiting_bytes -= size
            self._handle(event)
        return self._queue.take()

    @property
    def deadline(self) -> float:
        """When `tick` must be called next."""
        idle_deadline = self._idle_timer.deadline
        return self._session_end if idle_deadline is None else min(self._session_end, idle_deadline)

    def tick(self, now: float) -> list[Output]:
        """Ends the session at its maximum duration; handles the idle timeout."""
        self._set_time(now)
        idle_deadline = self._idle_timer.deadline
        if now >= self._session_end:
            self._queue.close(1001, self._limits.session_end_reason)
        elif idle_deadline is not None and now >= idle_deadline:
            self._idle_timer.stop()
            self._idle_timeout()
        return self._queue.take()

    def stop_jobs(self) -> None:
        """Stops all workers: the connection is closed."""
        self._input.transcriber.drop()
        self.responses.stop_jobs()

    def _set_time(self, now: float) -> None:
        self._now = self.responses.now = now

    def _must_wait(self, event: c.ClientEvent) -> bool:
        """Returns whether earlier audio, or the loading of the engines, comes before `event`."""
        if isinstance(event, c.ResponseCancel):
            return False
        if self._input.has_unprocessed_audio or self._waiting:
            return True
        return not self._input.is_ready and not isinstance(event, c.SessionUpdateEvent)

    def _handle(self, event: c.ClientEvent) -> None:
        try:
            self._handlers[type(event)](event)
        except RefusedError as error:
            self._queue.send(error.to_event(event.event_id or None))

    # Session

    def _update_session(self, event: c.SessionUpdateEvent) -> None:
        """Handles `session.update`; sends `session.updated`."""
        context = UpdateContext(
            voices=self._voices,
            has_spoken=self.responses.has_spoken,
            is_responding=self.responses.conversation_response is not None,
        )
        check_length(getattr(event.session, "instructions", ""), "session.instructions")
        self._state = self._state.updated(event.session, context)
        self._input.configure(self._state.settings)
        self._queue.send(s.SessionUpdated(session=self._state.wire_session))

    def _clear_output_audio(self, _event: c.OutputAudioBufferClear) -> None:
        raise invalid_value(
            "output_audio_buffer.clear is only available over WebRTC and SIP.", "type"
        )

    # Items

    def _create_item(self, event: c.ConversationItemCreate) -> None:
        """Handles `conversation.item.create`; sends `conversation.item.added` and `.done`."""
        record = admit_item(
            event.item,
            self._state.settings.input_format,
            self._queue.new_id,
            self.items.function_names(),
        )
        utterance = self._input.transcriber.utterance
        if utterance is not None and utterance.item_id == record.id:
            raise invalid_value(f"The id '{record.id}' is used by a turn in progress.", "item.id")
        previous_id = self.items.insert(record, event.previous_item_id or None)
        self._idle_timer.stop()
        self._queue.send(s.ConversationItemAdded(item=record.item, previous_item_id=previous_id))
        self._queue.send(s.ConversationItemDone(item=record.item, previous_item_id=previous_id))
        if record.audio:
            self._input.transcriber.transcribe_item(record)
            self.items.delete_excess_audio()

    def _retrieve_item(self, event: c.ConversationItemRetrieve) -> None:
        """Handles `conversation.item.retrieve`; sends `conversation.item.retrieved`."""
        record = self.items.require(event.item_id, "retrieve")
        settings = self._state.settings
        is_output = record.is_assistant_message
        audio_format = settings.output_format if is_output else settings.input_format
        self._queue.send(s.ConversationItemRetrieved(item=record.with_audio(audio_format)))

    def _truncate_item(self, event: c.ConversationItemTruncate) -> None:
        """Handles `conversation.item.truncate`; sends `conversation.item.truncated`."""
        self.items.truncate(event.item_id, event.content_index, event.audio_end_ms)
        self._queue.send(
            s.ConversationItemTruncated(
                item_id=event.item_id,
                content_index=event.content_index,
                audio_end_ms=event.audio_end_ms,
            )
        )

    def _delete_item(self, event: c.ConversationItemDelete) -> None:
        """Handles `conversation.item.delete`; sends `conversation.item.deleted`."""
        self.items.delete(event.item_id)
        self._queue.send(s.ConversationItemDeleted(item_id=event.item_id))

    # Responses

    def _create_response(self, event: c.ResponseCreate) -> None:
        """Handles `response.create`; the response itself sends `response.created` and the rest."""
        if self._state.transcription_only:
            raise invalid_value("A transcription session creates no responses.", "type")
        params = event.response or c.ResponseParams()
        check_length(params.instructions, "response.instructions")
        settings = self._state.settings.for_response(params, self._voices)
        conversation = params.conversation or "auto"
        if conversation not in ("auto", "none", self.items.id):
            raise invalid_value(
                f"Invalid value: '{conversation}'. Supported values are: 'auto' and 'none'.",
                "response.conversation",
            )
        metadata = _checked_metadata(params.metadata or None)
        context, new_records = self._response_context(params)
        self._idle_timer.stop()
        self.responses.create(
            settings, out_of_band=conversation == "none", context=context, metadata=metadata
        )
        for record in new_records:
            self._input.transcriber.transcribe_item(record)

    def _response_context(
        self, params: c.ResponseParams
    ) -> tuple[list[ItemRecord] | None, list[ItemRecord]]:
        """Returns the items of `response.input` (None: the whole conversation), and those of them
        that are new."""
        if not isinstance(params.input, list):
            return None, []
        context: list[ItemRecord] = []
        new_records: list[ItemRecord] = []
        call_ids = set(self.items.function_names())
        for index, item in enumerate(params.input):
            path = f"response.input[{index}]"
            if isinstance(item, ItemReference):
                referenced = self.items.get(item.id)
                if referenced is None:
                    raise invalid_value(f"Item with id '{item.id}' not found.", f"{path}.id")
                context.append(referenced)
                continue
            audio_format = self._state.settings.input_format
            record = admit_item(item, audio_format, self._queue.new_id, call_ids, path)
            call_ids.add(str(getattr(record.item, "call_id", "")))
            context.append(record)
            new_records.append(record)
        return context, new_records

    def _respond_automatically(self) -> None:
        """Creates the response after a detected turn; does nothing where one is in progress."""
        if self.responses.conversation_response is None:
            try:
                self.responses.create(self._state.settings)
            except RefusedError as error:  # no client event asked for it
                self._queue.send(error.to_event())

    def _cancel_response(self, event: c.ResponseCancel) -> None:
        """Handles `response.cancel`."""
        self.responses.cancel(event.response_id or None, "client_cancelled")

    def _response_done(self, response: RunningResponse) -> None:
        """A response is over: starts the idle timer."""
        self.items.delete_excess_audio()
        if not self._input.is_speaking:
            self._idle_timer.start(response, self._state.settings.turn_detection, self._now)

    def _idle_timeout(self) -> None:
        try:
            self._input.time_out()
        except RefusedError as error:
            self._queue.send(error.to_event())
            return
        self._respond_automatically()


def _checked_metadata(metadata: dict[str, str] | None) -> dict[str, str] | None:
    """Returns the metadata of a response; raises `RefusedError` beyond the API's limits."""
    metadata = metadata or {}
    param = "response.metadata"
    if len(metadata) > _MAX_METADATA_PAIRS:
        raise invalid_value(f"Invalid '{param}': at most {_MAX_METADATA_PAIRS} pairs.", param)
    for key, value in metadata.items():
        if len(key) > _MAX_METADATA_KEY_CHARS or len(value) > _MAX_METADATA_VALUE_CHARS:
            raise invalid_value(
                f"Invalid '{param}': keys have at most {_MAX_METADATA_KEY_CHARS} characters, "
                f"values at most {_MAX_METADATA_VALUE_CHARS}.",
                param,
            )
    return metadata or None
