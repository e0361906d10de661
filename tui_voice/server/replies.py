"""The responses in progress: one of the conversation at most, and others beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tui_voice.realtime.wire.items import InputAudio, Message
from tui_voice.server.conversation import Conversation
from tui_voice.server.errors import (
    RefusedError,
    already_responding,
    nothing_to_cancel,
    too_many_responses,
)
from tui_voice.server.interfaces import ToolCall
from tui_voice.server.items import Entry, Sound
from tui_voice.server.limits import Bucket, Limits
from tui_voice.server.outbox import Outbox
from tui_voice.server.prompt import Prompt, compose
from tui_voice.server.response import Response
from tui_voice.server.settings import Settings
from tui_voice.server.speculative_reply import SpeculativeReply, Words
from tui_voice.server.usage import Count, PromptCache, total


class Replies:
    """`done(response)` is called after each `response.done`."""

    def __init__(
        self,
        outbox: Outbox,
        conversation: Conversation,
        limits: Limits,
        count: Count,
        done: Callable[[Response], None],
    ) -> None:
        self._outbox, self._conversation, self._limits = outbox, conversation, limits
        self._count, self._done = count, done
        self._cache = PromptCache()
        self._bucket = Bucket(limits.tokens_per_minute)
        self._active: list[Response] = []
        self._words: dict[int, Words] = {}
        self._draft: SpeculativeReply | None = None
        self.now = 0.0
        """Seconds of the engine's clock; set before every call."""
        self.voiced = False
        """The model has spoken in this session."""

    @property
    def default(self) -> Response | None:
        """The response in progress that writes into the conversation."""
        return next((r for r in self._active if r.conversation is not None), None)

    def __iter__(self) -> Iterator[Response]:
        return iter(tuple(self._active))

    def create(
        self,
        settings: Settings,
        *,
        beside: bool = False,
        context: list[Entry] | None = None,
        metadata: dict[str, str] | None = None,
    ) -> None:
        """`beside`: write nothing into the conversation. `context`: read this instead of it.

        Raises `RefusedError` where there is a response already.
        """
        if not beside and self.default is not None:
            raise already_responding(self.default.id)
        if not beside:
            self._conversation.check_room()
        if len(self._active) >= self._limits.max_responses:
            raise too_many_responses(self._limits.max_responses)
        response = Response(
            self._outbox,
            settings,
            None if beside else self._conversation,
            list(self._conversation) if context is None else context,
            metadata,
            self._count,
        )
        self._active.append(response)
        response.begin()
        self.proceed()

    def proceed(self) -> None:
        """Starts the responses whose context is written down."""
        for response in self:
            if response.words is None and not any(e.unwritten for e in response.context):
                self._start(response)
        self._sweep()

    def _start(self, response: Response) -> None:
        try:
            prompt = self._compose(response.settings, response.context, response.metadata or {})
        except RefusedError as error:
            response.fail(error.code or "", error.message)
            return
        read = total(prompt.units).total
        if not self._bucket.has_room(read, self.now):
            response.fail(
                "inference_rate_limit_exceeded",
                f"Rate limit reached: {self._bucket.limit} tokens per minute. Wait and try again.",
            )
            return
        for entry in prompt.dropped:
            entry.dropped = True
        response.reads(prompt, self._cache.read(prompt.units, self.now))
        draft = self._draft if response.conversation is not None else None
        if draft is None or draft.words.request != prompt.request:
            if draft is not None:
                self.drop_draft()
            response.listen(self._begin(prompt))
            return
        self._draft = None
        response.listen(draft.words, draft.speech)
        if draft.speech is not None and draft.sound is not None:
            self.spoken(draft.speech.job, *draft.sound)

    def _compose(
        self, settings: Settings, context: list[Entry], metadata: dict[str, str]
    ) -> Prompt:
        names = self._conversation.function_names()
        return compose(settings, context, names, metadata, self._count, self._limits.window)

    def _begin(self, prompt: Prompt) -> Words:
        words = Words(self._outbox.next_job(), prompt.request)
        self._words[words.job] = words
        self._outbox.start(words.reply)
        return words

    def draft(self, settings: Settings, item_id: str, text: str) -> None:
        """Begins a reply on the chance that the turn that sounds like `text` is over."""
        self.drop_draft()
        if self.default is not None:
            return
        item = Message(role="user", content=[InputAudio()], id=item_id)
        heard = Entry(item, {0: Sound(None, text=text)})
        try:
            prompt = self._compose(settings, [*self._conversation, heard], {})
        except RefusedError:
            return  # the response itself will say so
        self._draft = SpeculativeReply(self._begin(prompt), settings)

    def drop_draft(self) -> None:
        if self._draft is not None:
            self._draft.words.stop.set()
            del self._words[self._draft.words.job]
            self._draft = None

    def cancel(self, response_id: str | None, reason: str) -> None:
        """Without an id: the one of the conversation. Raises `RefusedError` where there is none."""
        wanted = self.default
        if response_id is not None:
            wanted = next((r for r in self._active if r.id == response_id), None)
        if wanted is None:
            raise nothing_to_cancel()
        wanted.cancel(reason)
        self._sweep()

    def said(self, job: int, piece: str | ToolCall) -> None:
        if words := self._words.get(job):
            words.pieces.append(piece)
            self._hear(words)

    def said_all(self, job: int) -> None:
        if words := self._words.get(job):
            words.ended = True
            self._hear(words)

    def broke(self, job: int, message: str) -> None:
        """The job that made the words, or the sound, failed."""
        if words := self._words.get(job):
            words.broke = message
            self._hear(words)
        elif self._draft is not None and self._draft.speaks(job):
            self._draft.speech, self._draft.mute = None, True
        elif response := self._speaker(job):
            response.broke(message)
            self._sweep()

    def spoken(self, job: int, pcm: bytes, sent: bytes) -> None:
        draft = self._draft
        if draft is not None and draft.speaks(job):
            draft.sound = (pcm, sent)
        elif response := self._speaker(job):
            self.voiced = True
            response.spoken(pcm, sent, self.now)
            self._sweep()

    def _hear(self, words: Words) -> None:
        draft = self._draft
        if draft is not None and draft.words is words:
            if (ahead := draft.next_speech(self._outbox.next_job())) is not None:
                self._outbox.start(ahead)
            return
        for response in self:
            if response.words is words:
                response.hear()
        self._sweep()

    def _speaker(self, job: int) -> Response | None:
        return next((r for r in self._active if r.speaking == job), None)

    def _sweep(self) -> None:
        """Lets go of what is over, and bills it."""
        for response in self:
            if response.over:
                self._active.remove(response)
                if response.words is not None:
                    self._words.pop(response.words.job, None)
                self._outbox.emit(self._bucket.use(response.tokens.total, self.now))
                self._done(response)

    def halt(self) -> None:
        """The connection is gone: stops all work."""
        self.drop_draft()
        for response in self._active:
            response.halt()
