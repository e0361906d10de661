"""One response from `response.created` to `response.done`.

Words come in pieces, are cut into clauses, and each clause is spoken by itself: the first sound
does not wait for the last word.
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
from tui_voice.server.conversation import Conversation
from tui_voice.server.interfaces import ToolCall
from tui_voice.server.items import ASSISTANT_MS_PER_TOKEN, Entry, Weight
from tui_voice.server.jobs import Speak
from tui_voice.server.outbox import Outbox
from tui_voice.server.prompt import Prompt
from tui_voice.server.response_emitter import ResponseEmitter
from tui_voice.server.settings import Settings
from tui_voice.server.speculative_reply import Words, same_sound, speech
from tui_voice.server.usage import Count, usage


class Response:
    """`conversation` None: out of band. `context`: the items that it reads."""

    def __init__(
        self,
        outbox: Outbox,
        settings: Settings,
        conversation: Conversation | None,
        context: list[Entry],
        metadata: dict[str, str] | None,
        count: Count,
    ) -> None:
        self.id = outbox.ids("resp")
        self.settings = settings
        self.conversation, self.context, self.metadata = conversation, context, metadata
        self.words: Words | None = None
        """Set once the reply is being made; until then the response waits for its context."""
        self.speaking: int | None = None
        """The job that speaks the present clause."""
        self.status = "in_progress"
        self.first_sound_at: float | None = None
        self._outbox, self._count = outbox, count
        self._details: wire.StatusDetails | None = None
        self._ladder = ResponseEmitter(
            outbox, self.id, conversation, settings.modality, settings.output_format
        )
        self._clauses = ClauseSplitter()
        self._clause = ""
        self._queue: deque[str | ToolCall | None] = deque()
        self._said = False
        self._ahead: Speak | None = None
        self._stop = Event()
        self._left = settings.max_tokens
        self._read, self._cached = Weight(), Weight()

    @property
    def over(self) -> bool:
        return self.status != "in_progress"

    @property
    def voiced_ms(self) -> float:
        return self._ladder.voiced_ms

    def begin(self) -> None:
        self._outbox.emit(wire.ResponseCreated(response=self._told()))

    def reads(self, prompt: Prompt, cached: Weight) -> None:
        """What it is made from; for the bill."""
        for unit in prompt.units:
            self._read += unit.weight
        self._cached = cached

    def listen(self, words: Words, ahead: Speak | None = None) -> None:
        """From now on the reply comes from `words`, of which some may be there already; the
        first clause may be spoken `ahead`."""
        self.words, self._ahead = words, ahead
        self.hear()

    def hear(self) -> None:
        """Takes in what has come in `words`."""
        words = self.words
        while words is not None and words.pieces and not self.over:
            if piece := words.pieces.popleft():
                self._take(piece)
        if words is None or self.over:
            return
        if words.broke is not None:
            self.fail("server_error", words.broke)
        elif words.ended:
            self._queue.extend(self._clauses.flush())
            self._queue.append(None)
            self._advance()

    def _take(self, piece: str | ToolCall) -> None:
        if isinstance(piece, ToolCall):
            self._queue.extend(self._clauses.flush())
            self._queue.append(piece)
        elif self.settings.modality == "audio":
            self._queue.extend(self._clauses.feed(piece))
        else:
            self._queue.append(piece)
        self._advance()

    def _advance(self) -> None:
        """Does what is next, as far as no clause is being spoken."""
        while self.speaking is None and self._queue and not self.over:
            match self._queue.popleft():
                case None:
                    self._finish("completed")
                case ToolCall() as call:
                    self._call(call)
                case text if self.settings.modality == "audio":
                    self._speak(text)
                case text:
                    self._write(text)

    def _speak(self, clause: str) -> None:
        self._clause = f" {clause}" if self._said else clause
        self._said = True
        wanted = speech(self._outbox.next_job(), clause, self.settings, self._stop)
        ahead, self._ahead = self._ahead, None
        if ahead is not None and same_sound(ahead, wanted):
            self.speaking = ahead.job
        else:
            self.speaking = wanted.job
            self._outbox.start(wanted)

    def spoken(self, pcm: bytes, sent: bytes, now: float) -> None:
        """The present clause as sound, `pcm` at 24 kHz and `sent` in the client's format."""
        self.speaking = None
        if self.first_sound_at is None:
            self.first_sound_at = now
        delta, over = self._clause, False
        if self._left is not None:
            ms = len(pcm) / BYTES_PER_MS
            cost = self._count(delta) + math.ceil(ms / ASSISTANT_MS_PER_TOKEN)
            over = cost > self._left
            if over:
                share = self._left / cost
                delta = delta[: math.floor(len(delta) * share)]
                room = max(0, self._left - self._count(delta)) * ASSISTANT_MS_PER_TOKEN
                pcm = pcm[: room * BYTES_PER_MS]
                sent = encode(pcm, self.settings.output_format)
            self._left -= min(cost, self._left)
        self._ladder.voice(delta, pcm, sent)
        if over:
            self._run_out()
        else:
            self._advance()

    def _write(self, text: str) -> None:
        if self._left is not None and self._count(text) > self._left:
            left = self._left
            fitting = bisect_right(range(len(text)), left, key=lambda n: self._count(text[:n])) - 1
            if fitting > 0:
                self._ladder.text(text[:fitting])
            self._run_out()
            return
        if self._left is not None:
            self._left -= self._count(text)
        self._ladder.text(text)

    def _call(self, call: ToolCall) -> None:
        if self._left is not None:
            self._left -= self._count(call.name + call.arguments)
            if self._left < 0:
                self._run_out()
                return
        self._ladder.call(call)

    def _run_out(self) -> None:
        self._finish(
            "incomplete", wire.StatusDetails(type="incomplete", reason="max_output_tokens")
        )

    def cancel(self, reason: str) -> None:
        """`turn_detected` or `client_cancelled`."""
        self._finish("cancelled", wire.StatusDetails(type="cancelled", reason=reason))

    def fail(self, code: str, message: str) -> None:
        error = wire.StatusError(type="server_error", code=code, message=message)
        self._finish("failed", wire.StatusDetails(type="failed", error=error))

    def broke(self, message: str) -> None:
        """The present clause cannot be spoken."""
        self.speaking = None
        self.fail("server_error", message)

    def _finish(self, status: str, details: wire.StatusDetails | None = None) -> None:
        self.halt()
        self._ladder.close("completed" if status == "completed" else "incomplete")
        self.status, self._details = status, details
        self._outbox.emit(wire.ResponseDone(response=self._told()))

    def halt(self) -> None:
        """Stops all work for it."""
        self._stop.set()
        if self.words is not None:
            self.words.stop.set()

    @property
    def tokens(self) -> Weight:
        """What it read and made."""
        return self._read + self._ladder.weight(self._count)

    def _told(self) -> wire.Response:
        settings = self.settings
        voiced: Any = wire.VoicedOutput(format=settings.output_format, voice=settings.voice)
        made = self._ladder.weight(self._count) if self.over else Weight()
        return wire.Response(
            id=self.id,
            status=self.status,
            status_details=self._details,
            output=self._ladder.output,
            conversation_id=self.conversation.id if self.conversation is not None else None,
            output_modalities=[settings.modality],
            max_output_tokens=settings.max_tokens if settings.max_tokens is not None else "inf",
            audio=wire.VoicedAudio(output=voiced),
            usage=usage(self._read, self._cached, made) if self.over else None,
            metadata=self.metadata,
        )
