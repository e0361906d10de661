"""Responses as they come down the line: their sound, their words, what they cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tui_voice.conversation import events as e
from tui_voice.realtime.wire import ClientEvent, ServerEvent, items, server
from tui_voice.realtime.wire import usage as wire_usage
from tui_voice.realtime.wire.contract import ResponseMetadata

_BYTES_PER_MS = 48
_TELL_EVERY_MS = 1000


@dataclass(frozen=True, slots=True)
class Sound:
    """Some more of a reply: s16le, mono, 24 kHz, for the speaker."""

    item_id: str
    pcm: bytes


@dataclass(frozen=True, slots=True)
class SoundEnd:
    """No more sound will come for this item."""

    item_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfBandResponse:
    """An out-of-band response is over. `key`: `metadata.key` of its request."""

    key: str
    text: str
    status: str
    usage: e.Usage | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Again:
    """What was refused is to be sent once more, in another form."""

    messages: tuple[ClientEvent, ...]


Heard = e.Event | Sound | SoundEnd | OutOfBandResponse
"""What one message of a server can amount to."""
Answer = Heard | Again


@dataclass(slots=True)
class _Item:
    """What has come of one item of a response."""

    response_id: str
    received: int = 0  # bytes of sound
    told_ms: int = -1
    ended: bool = False
    parts: dict[int, str] = field(default_factory=dict)


class Replies:
    """Keeps apart the reply that counts, replies that were stopped, and asides."""

    def __init__(self, audio: bool, price: Callable[[e.Usage], float | None]) -> None:
        self._audio = audio
        self._price = price
        self._dropped: set[str] = set()
        self._active = ""
        self._drop_next = False
        self._asides: dict[str, tuple[str, list[str]]] = {}
        self._items: dict[str, _Item] = {}
        self._called: set[str] = set()

    def drop(self, response_id: str) -> None:
        """What still comes of this response is not to be heard. "": the one that is active, or,
        where the server has told of none yet, the next one.
        """
        if name := response_id or self._active:
            self._dropped.add(name)
        else:
            self._drop_next = True

    def unfinished(self) -> tuple[str, ...]:
        """Items whose sound has begun to come, counts, and has not ended."""
        return tuple(
            item_id
            for item_id, item in self._items.items()
            if item.received and not item.ended and item.response_id not in self._dropped
        )

    def keep_next(self) -> None:
        """The next one will not come: there was nothing to be stopped, or it was refused."""
        self._drop_next = False

    def called(self, call: items.FunctionCall, previous: str | None) -> list[Heard]:
        """A function call, told once however often the server repeats it."""
        call_id = call.call_id if isinstance(call.call_id, str) else ""
        whole = call.status not in ("incomplete", "in_progress")
        if not call_id or not whole or call_id in self._called or not isinstance(call.id, str):
            return []
        self._called.add(call_id)
        return [
            e.ToolCalled(
                item_id=call.id,
                call_id=call_id,
                tool=call.name,
                arguments=call.arguments,
                previous_item_id=previous,
            )
        ]

    def receive(self, event: ServerEvent) -> list[Heard]:
        match event:
            case server.ResponseCreated(response=response):
                return self._created(response)
            case server.ResponseDone(response=response):
                return self._done(response)
            case server.ResponseOutputTextDelta() if event.response_id in self._asides:
                self._asides[event.response_id][1].append(event.delta)
                return []
            case server.ResponseOutputTextDelta() | server.ResponseOutputAudioTranscriptDelta():
                return self._words(event.response_id, event.item_id, event.delta)
            case server.ResponseOutputTextDone(text=text):
                return self._words_done(event, text)
            case server.ResponseOutputAudioTranscriptDone(transcript=text):
                return self._words_done(event, text)
            case server.ResponseOutputAudioDelta():
                return self._sound(event)
            case server.ResponseOutputAudioDone():
                return self._sound_end(event.item_id, event.response_id)
            case _:
                return []

    def _created(self, response: server.Response) -> list[Heard]:
        response_id = response.id or ""
        key = ResponseMetadata.from_wire(response.metadata).key
        if key:
            self._asides[response_id] = (key, [])
            return []
        self._active = response_id
        if self._drop_next:
            self._drop_next = False
            self._dropped.add(response_id)
        return [e.ResponseStarted(response_id=response_id)]

    def _item(self, item_id: str, response_id: str) -> _Item:
        return self._items.setdefault(item_id, _Item(response_id))

    def _words(self, response_id: str, item_id: str, delta: str) -> list[Heard]:
        if response_id in self._dropped or response_id in self._asides or not delta:
            return []
        return [e.TranscriptGrew(item_id=item_id, text=delta)]

    def _words_done(
        self,
        event: server.ResponseOutputTextDone | server.ResponseOutputAudioTranscriptDone,
        text: str,
    ) -> list[Heard]:
        if event.response_id in self._asides:
            _key, pieces = self._asides[event.response_id]
            pieces[:] = [text] if text else pieces
            return []
        item = self._item(event.item_id, event.response_id)
        item.parts[event.content_index] = text
        whole = "".join(item.parts[index] for index in sorted(item.parts)).strip()
        # A reply that was stopped ends with the words that had come; more is not told of it.
        if event.response_id in self._dropped or not whole:
            return []
        return [e.TranscriptDone(item_id=event.item_id, text=whole)]

    def _sound(self, event: server.ResponseOutputAudioDelta) -> list[Heard]:
        if event.response_id in self._dropped:
            return []
        item = self._item(event.item_id, event.response_id)
        item.received += len(event.delta)
        item.ended = False  # another part of it, after one that had ended
        heard: list[Heard] = [Sound(event.item_id, event.delta)]
        ms = item.received // _BYTES_PER_MS
        if item.told_ms < 0 or ms - item.told_ms >= _TELL_EVERY_MS:
            item.told_ms = ms
            heard.append(self._received(event.item_id, item, ms))
        return heard

    def _sound_end(self, item_id: str, response_id: str) -> list[Heard]:
        item = self._items.get(item_id)
        if item is None or item.ended or response_id in self._dropped or not item.received:
            return []
        item.ended = True
        ms = item.received // _BYTES_PER_MS
        return [self._received(item_id, item, ms), SoundEnd(item_id)]

    def _received(self, item_id: str, item: _Item, ms: int) -> e.Event:
        return e.AudioReceived(item_id=item_id, response_id=item.response_id, audio_ms=ms)

    def _done(self, response: server.Response) -> list[Heard]:
        response_id = response.id or ""
        details = response.status_details
        reason = ""
        if details is not None:
            error = details.error if isinstance(details.error, server.StatusError) else None
            said = details.reason if isinstance(details.reason, str) else ""
            message = error.message if error and isinstance(error.message, str) else ""
            reason = message or said or (error.code if error and error.code else "")
        usage = as_usage(response.usage)
        told = ResponseMetadata.from_wire(response.metadata).key
        key, pieces = self._asides.pop(response_id, (told, []))
        if key:
            said = "".join(pieces) or "".join(one.words() for one in _messages(response))
            status = response.status or "failed"
            return [
                OutOfBandResponse(key=key, text=said, status=status, usage=usage, reason=reason)
            ]
        heard: list[Heard] = []
        sounded, worded = False, set()
        for item_id, item in list(self._items.items()):
            if item.response_id == response_id:
                sounded = sounded or item.received > 0
                if item.parts:
                    worded.add(item_id)
                heard += self._sound_end(item_id, response_id)
                del self._items[item_id]
        dropped = response_id in self._dropped
        for output in [] if dropped else response.output or []:
            if isinstance(output, items.FunctionCall):
                heard += self.called(output, None)
            elif (
                isinstance(output, items.Message)
                and isinstance(output.id, str)
                and output.id not in worded
                and (text := output.words())
            ):
                heard.append(e.TranscriptDone(item_id=output.id, text=text))
        if self._active == response_id:
            self._active = ""
        silent = (
            self._audio
            and not sounded
            and not dropped
            and response.status == "completed"
            and bool(_messages(response))
        )
        heard.append(
            e.ResponseDone(
                response_id=response_id,
                status=response.status or "completed",
                reason=reason,
                usage=usage,
                usd=self._price(usage) if usage else None,
                audio=not silent,
            )
        )
        return heard


def _messages(response: server.Response) -> list[items.Message]:
    return [output for output in response.output or [] if isinstance(output, items.Message)]


def as_usage(usage: wire_usage.Usage | None) -> e.Usage | None:
    """The ledger's usage; None where the server gave none. Image tokens count as text."""
    if usage is None or not (usage.input_tokens or usage.output_tokens):
        return None
    text, audio = _split(usage.input_tokens, usage.input_token_details)
    given = usage.input_token_details
    cached = given.cached_tokens_details if given else None
    if cached is not None:
        cached_text = (cached.text_tokens or 0) + (cached.image_tokens or 0)
        cached_audio = cached.audio_tokens or 0
    else:  # told only in sum: text stands in front, so it is what a cache holds first
        whole = (given.cached_tokens or 0) if given else 0
        cached_text = min(whole, text)
        cached_audio = min(whole - cached_text, audio)
    output_text, output_audio = _split(usage.output_tokens, usage.output_token_details)
    return e.Usage(
        input_text=text,
        input_audio=audio,
        cached_text=cached_text,
        cached_audio=cached_audio,
        output_text=output_text,
        output_audio=output_audio,
    )


def _split(
    total: int | None,
    details: wire_usage.InputTokenDetails | wire_usage.OutputTokenDetails | None,
) -> tuple[int, int]:
    """Text and audio tokens; all of it text where the server does not tell them apart."""
    if details is None:
        return total or 0, 0
    images = getattr(details, "image_tokens", 0) or 0
    text, audio = (details.text_tokens or 0) + images, details.audio_tokens or 0
    return (text, audio) if text or audio else (total or 0, 0)
