"""One response from `response.created` to `response.done`.

The text arrives in pieces and is split into clauses; each clause is synthesised by itself, so that
the first audio is sent before the text is complete.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from threading import Event
from typing import Any

from tui_voice.audio.pcm import BYTES_PER_MS
from tui_voice.realtime.wire import server as wire
from tui_voice.server.audio_formats import encode
from tui_voice.server.clauses import ClauseSplitter
from tui_voice.server.interfaces import ToolCall
from tui_voice.server.item_list import ItemList
from tui_voice.server.item_record import ItemRecord
from tui_voice.server.jobs import SpeakJob
from tui_voice.server.output_queue import OutputQueue
from tui_voice.server.prompt import ResponsePrompt
from tui_voice.server.reply_stream import ReplyStream, gives_same_speech, speak_job
from tui_voice.server.response_emitter import ResponseEmitter
from tui_voice.server.session_settings import SessionSettings
from tui_voice.server.usage import (
    ASSISTANT_MS_PER_TOKEN,
    CountTokens,
    TokenCount,
    sum_tokens,
    wire_usage,
)


class RunningResponse:
    """`items`: the conversation to write into; None for an out-of-band response. `context`: the
    items that the response reads.
    """

    def __init__(
        self,
        queue: OutputQueue,
        settings: SessionSettings,
        items: ItemList | None,
        context: list[ItemRecord],
        metadata: dict[str, str] | None,
        count_tokens: CountTokens,
    ) -> None:
        self.id = queue.new_id("resp")
        self.settings = settings
        self.context, self.metadata = context, metadata
        self.stream: ReplyStream | None = None
        """None until the whole context is transcribed and a worker generates the text."""
        self.speaking_job_id: int | None = None
        """The job that synthesises the current clause."""
        self.status = "in_progress"
        self.first_audio_at: float | None = None
        """Seconds of the server's clock."""
        self._queue, self._items, self._count_tokens = queue, items, count_tokens
        self._status_details: wire.StatusDetails | None = None
        self._emitter = ResponseEmitter(
            queue, self.id, items, settings.modality, settings.output_format
        )
        self._splitter = ClauseSplitter()
        self._clause = ""
        """The clause that is being synthesised, as it will stand in the transcript."""
        self._has_clause = False
        self._steps: deque[str | ToolCall | None] = deque()
        """What is to be sent next: a clause or piece of text, a call, or None for the end."""
        self._speculative_job: SpeakJob | None = None
        self._stop = Event()
        self._tokens_left = settings.max_tokens
        self._prompt_tokens, self._cached_tokens = TokenCount(), TokenCount()

    @property
    def is_out_of_band(self) -> bool:
        return self._items is None

    @property
    def is_over(self) -> bool:
        return self.status != "in_progress"

    @property
    def audio_ms(self) -> float:
        """Audio sent so far."""
        return self._emitter.audio_ms

    @property
    def total_tokens(self) -> int:
        """Tokens of the prompt and of the output so far."""
        return (self._prompt_tokens + self._emitter.output_tokens(self._count_tokens)).total

    def begin(self) -> None:
        """Sends `response.created`."""
        self._queue.send(wire.ResponseCreated(response=self._wire_response()))

    def set_prompt(self, prompt: ResponsePrompt, cached: TokenCount) -> None:
        """Records the token counts of the prompt, for the usage."""
        self._prompt_tokens, self._cached_tokens = sum_tokens(prompt.parts), cached

    def attach(self, stream: ReplyStream, speculative_job: SpeakJob | None = None) -> None:
        """Takes the text from `stream`, which may have pieces already.

        `speculative_job`: the job that already synthesises the first clause, if there is one.
        """
        self.stream, self._speculative_job = stream, speculative_job
        self.process_stream()

    def process_stream(self) -> None:
        """Processes the new pieces of the stream, its error or its end."""
        stream = self.stream
        while stream is not None and stream.pieces and not self.is_over:
            if piece := stream.pieces.popleft():
                self._process_piece(piece)
        if stream is None or self.is_over:
            return
        if stream.error is not None:
            self.fail("server_error", stream.error)
        elif stream.is_ended:
            self._steps.extend(self._splitter.flush())
            self._steps.append(None)
            self._advance()

    def _process_piece(self, piece: str | ToolCall) -> None:
        if isinstance(piece, ToolCall):
            self._steps.extend(self._splitter.flush())
            self._steps.append(piece)
        elif self.settings.modality == "audio":
            self._steps.extend(self._splitter.feed(piece))
        else:
            self._steps.append(piece)
        self._advance()

    def _advance(self) -> None:
        """Carries out the next steps until a clause has to be synthesised."""
        while self.speaking_job_id is None and self._steps and not self.is_over:
            match self._steps.popleft():
                case None:
                    self._finish("completed")
                case ToolCall() as call:
                    self._send_call(call)
                case text if self.settings.modality == "audio":
                    self._synthesise(text)
                case text:
                    self._send_text(text)

    def _synthesise(self, clause: str) -> None:
        self._clause = f" {clause}" if self._has_clause else clause
        self._has_clause = True
        job = speak_job(self._queue.next_job_id(), clause, self.settings, self._stop)
        started, self._speculative_job = self._speculative_job, None
        if started is not None and gives_same_speech(started, job):
            self.speaking_job_id = started.job_id
        else:
            self.speaking_job_id = job.job_id
            self._queue.start(job)

    def speech_ready(self, sound: bytes, encoded: bytes, now: float) -> None:
        """Sends the current clause: `sound` at 24 kHz, `encoded` in the client's format."""
        self.speaking_job_id = None
        if self.first_audio_at is None:
            self.first_audio_at = now
        text, is_cut = self._clause, False
        if self._tokens_left is not None:
            audio_tokens = math.ceil(len(sound) / BYTES_PER_MS / ASSISTANT_MS_PER_TOKEN)
            cost = self._count_tokens(text) + audio_tokens
            is_cut = cost > self._tokens_left
            if is_cut:
                text = text[: math.floor(len(text) * self._tokens_left / cost)]
                audio_tokens = max(0, self._tokens_left - self._count_tokens(text))
                sound = sound[: audio_tokens * ASSISTANT_MS_PER_TOKEN * BYTES_PER_MS]
                encoded = encode(sound, self.settings.output_format)
            self._tokens_left -= min(cost, self._tokens_left)
        self._emitter.add_speech(text, sound, encoded)
        if is_cut:
            self._finish_at_token_limit()
        else:
            self._advance()

    def _send_text(self, text: str) -> None:
        if self._tokens_left is not None:
            left = self._tokens_left
            if self._count_tokens(text) > left:
                lengths = range(len(text))
                length = bisect_right(lengths, left, key=lambda n: self._count_tokens(text[:n])) - 1
                if length > 0:
                    self._emitter.add_text(text[:length])
                self._finish_at_token_limit()
                return
            self._tokens_left -= self._count_tokens(text)
        self._emitter.add_text(text)

    def _send_call(self, call: ToolCall) -> None:
        if self._tokens_left is not None:
            self._tokens_left -= self._count_tokens(call.name + call.arguments)
            if self._tokens_left < 0:
                self._finish_at_token_limit()
                return
        self._emitter.add_function_call(call)

    def _finish_at_token_limit(self) -> None:
        self._finish(
            "incomplete", wire.StatusDetails(type="incomplete", reason="max_output_tokens")
        )

    def cancel(self, reason: str) -> None:
        """Ends the response; `reason`: `turn_detected` or `client_cancelled`."""
        self._finish("cancelled", wire.StatusDetails(type="cancelled", reason=reason))

    def fail(self, code: str, message: str) -> None:
        error = wire.StatusError(type="server_error", code=code, message=message)
        self._finish("failed", wire.StatusDetails(type="failed", error=error))

    def speech_failed(self, message: str) -> None:
        """The current clause cannot be synthesised."""
        self.speaking_job_id = None
        self.fail("server_error", message)

    def _finish(self, status: str, details: wire.StatusDetails | None = None) -> None:
        """Sends the closing events of the open item, then `response.done`."""
        self.stop_jobs()
        self._emitter.close_message("completed" if status == "completed" else "incomplete")
        self.status, self._status_details = status, details
        self._queue.send(wire.ResponseDone(response=self._wire_response()))

    def stop_jobs(self) -> None:
        """Stops the workers that generate or synthesise for this response."""
        self._stop.set()
        if self.stream is not None:
            self.stream.stop.set()

    def _wire_response(self) -> wire.Response:
        settings = self.settings
        voiced: Any = wire.VoicedOutput(format=settings.output_format, voice=settings.voice)
        usage = None
        if self.is_over:
            output_tokens = self._emitter.output_tokens(self._count_tokens)
            usage = wire_usage(self._prompt_tokens, self._cached_tokens, output_tokens)
        return wire.Response(
            id=self.id,
            status=self.status,
            status_details=self._status_details,
            output=self._emitter.output,
            conversation_id=self._items.id if self._items is not None else None,
            output_modalities=[settings.modality],
            max_output_tokens=settings.max_tokens if settings.max_tokens is not None else "inf",
            audio=wire.VoicedAudio(output=voiced),
            usage=usage,
            metadata=self.metadata,
        )
