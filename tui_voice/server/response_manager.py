"""The responses in progress: at most one that writes into the conversation, others out of band."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tui_voice.realtime.wire.items import InputAudio, Message
from tui_voice.server.errors import (
    RefusedError,
    no_active_response,
    response_already_active,
    too_many_responses,
)
from tui_voice.server.interfaces import ToolCall
from tui_voice.server.item_list import ItemList
from tui_voice.server.item_record import ItemRecord, StoredAudio
from tui_voice.server.limits import SessionLimits, TokenRateLimiter
from tui_voice.server.output_queue import OutputQueue
from tui_voice.server.prompt import ResponsePrompt, build_prompt
from tui_voice.server.reply_stream import ReplyStream
from tui_voice.server.response import RunningResponse
from tui_voice.server.session_settings import SessionSettings
from tui_voice.server.speculative_reply import SpeculativeReply
from tui_voice.server.usage import CountTokens, PromptCache, sum_tokens


class ResponseManager:
    """Calls `on_done(response)` after each `response.done`."""

    def __init__(
        self,
        queue: OutputQueue,
        items: ItemList,
        limits: SessionLimits,
        count_tokens: CountTokens,
        on_done: Callable[[RunningResponse], None],
    ) -> None:
        self._queue, self._items, self._limits = queue, items, limits
        self._count_tokens, self._on_done = count_tokens, on_done
        self._cache = PromptCache()
        self._rate_limiter = TokenRateLimiter(limits.tokens_per_minute)
        self._active: list[RunningResponse] = []
        self._streams: dict[int, ReplyStream] = {}
        """By job id."""
        self._speculative: SpeculativeReply | None = None
        self.now = 0.0
        """Seconds of the server's clock; the protocol sets it before every call."""
        self.has_spoken = False
        """The model has sent audio in this session."""

    @property
    def conversation_response(self) -> RunningResponse | None:
        """Returns the response in progress that writes into the conversation."""
        return next((each for each in self._active if not each.is_out_of_band), None)

    def __iter__(self) -> Iterator[RunningResponse]:
        return iter(tuple(self._active))

    def create(
        self,
        settings: SessionSettings,
        *,
        out_of_band: bool = False,
        context: list[ItemRecord] | None = None,
        metadata: dict[str, str] | None = None,
    ) -> None:
        """Starts a response. `context`: what it reads instead of the whole conversation.

        Raises `RefusedError` where there is a response already.
        """
        active = self.conversation_response
        if not out_of_band and active is not None:
            raise response_already_active(active.id)
        if not out_of_band:
            self._items.check_room()
        if len(self._active) >= self._limits.max_responses:
            raise too_many_responses(self._limits.max_responses)
        response = RunningResponse(
            self._queue,
            settings,
            None if out_of_band else self._items,
            list(self._items) if context is None else context,
            metadata,
            self._count_tokens,
        )
        self._active.append(response)
        response.begin()
        self.start_ready()

    def start_ready(self) -> None:
        """Starts generating the responses whose context is completely transcribed."""
        for response in self:
            if response.stream is None and all(each.is_transcribed for each in response.context):
                self._start(response)
        self._remove_finished()

    def _start(self, response: RunningResponse) -> None:
        try:
            prompt = self._prompt(response.settings, response.context, response.metadata or {})
        except RefusedError as error:
            response.fail(error.code or "", error.message)
            return
        if not self._rate_limiter.has_room(sum_tokens(prompt.parts).total, self.now):
            response.fail(
                "inference_rate_limit_exceeded",
                f"Rate limit reached: {self._limits.tokens_per_minute} tokens per minute. Wait "
                "and try again.",
            )
            return
        for record in prompt.dropped:
            record.is_dropped = True
        response.set_prompt(prompt, self._cache.read(prompt.parts, self.now))
        speculative = None if response.is_out_of_band else self._speculative
        if speculative is not None and speculative.stream.request == prompt.request:
            self._speculative = None
            response.attach(speculative.stream, speculative.first_job)
            if speculative.first_job is not None and speculative.first_speech is not None:
                self.speech_ready(speculative.first_job.job_id, *speculative.first_speech)
            return
        if speculative is not None:
            self.drop_speculative()
        response.attach(self._generate(prompt))

    def _prompt(
        self, settings: SessionSettings, context: list[ItemRecord], metadata: dict[str, str]
    ) -> ResponsePrompt:
        return build_prompt(
            settings,
            context,
            self._items.function_names(),
            metadata,
            self._count_tokens,
            self._limits.window_tokens,
        )

    def _generate(self, prompt: ResponsePrompt) -> ReplyStream:
        stream = ReplyStream(self._queue.next_job_id(), prompt.request)
        self._streams[stream.job_id] = stream
        self._queue.start(stream.job)
        return stream

    def start_speculative(self, settings: SessionSettings, item_id: str, text: str) -> None:
        """Starts a reply in case the spoken turn ends here with the transcript `text`."""
        self.drop_speculative()
        if self.conversation_response is not None:
            return
        item = Message(role="user", content=[InputAudio()], id=item_id)
        turn = ItemRecord(item, {0: StoredAudio(None, text=text)})
        try:
            prompt = self._prompt(settings, [*self._items, turn], {})
        except RefusedError:
            return  # the response itself will report it
        self._speculative = SpeculativeReply(self._generate(prompt), settings)

    def drop_speculative(self) -> None:
        """Stops and forgets the speculative reply, if there is one."""
        if self._speculative is not None:
            self._speculative.stream.stop.set()
            del self._streams[self._speculative.stream.job_id]
            self._speculative = None

    def cancel(self, response_id: str | None, reason: str) -> None:
        """Cancels a response; without an id, that of the conversation.

        Raises `RefusedError` where there is none.
        """
        response = self.conversation_response
        if response_id is not None:
            response = next((each for each in self._active if each.id == response_id), None)
        if response is None:
            raise no_active_response()
        response.cancel(reason)
        self._remove_finished()

    def reply_piece(self, job_id: int, piece: str | ToolCall) -> None:
        if stream := self._streams.get(job_id):
            stream.pieces.append(piece)
            self._process(stream)

    def reply_ended(self, job_id: int) -> None:
        if stream := self._streams.get(job_id):
            stream.is_ended = True
            self._process(stream)

    def speech_ready(self, job_id: int, sound: bytes, encoded: bytes) -> None:
        if self._speculative is not None and self._speculative.owns_job(job_id):
            self._speculative.first_speech = (sound, encoded)
        elif response := self._speaking_response(job_id):
            self.has_spoken = True
            response.speech_ready(sound, encoded, self.now)
            self._remove_finished()

    def job_failed(self, job_id: int, message: str) -> None:
        """The job that generated text, or that synthesised a clause, failed."""
        if stream := self._streams.get(job_id):
            stream.error = message
            self._process(stream)
        elif self._speculative is not None and self._speculative.owns_job(job_id):
            self._speculative.first_job, self._speculative.speech_failed = None, True
        elif response := self._speaking_response(job_id):
            response.speech_failed(message)
            self._remove_finished()

    def _process(self, stream: ReplyStream) -> None:
        if self._speculative is not None and self._speculative.stream is stream:
            job = self._speculative.next_speak_job(self._queue.next_job_id())
            if job is not None:
                self._queue.start(job)
            return
        for response in self:
            if response.stream is stream:
                response.process_stream()
        self._remove_finished()

    def _speaking_response(self, job_id: int) -> RunningResponse | None:
        return next((each for each in self._active if each.speaking_job_id == job_id), None)

    def _remove_finished(self) -> None:
        """Removes responses that are over and sends `rate_limits.updated` for each."""
        for response in self:
            if response.is_over:
                self._active.remove(response)
                if response.stream is not None:
                    self._streams.pop(response.stream.job_id, None)
                self._queue.send(self._rate_limiter.use(response.total_tokens, self.now))
                self._on_done(response)

    def stop_jobs(self) -> None:
        """Stops all workers: the connection is closed."""
        self.drop_speculative()
        for response in self._active:
            response.stop_jobs()
