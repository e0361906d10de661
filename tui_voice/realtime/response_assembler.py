"""Assembles the responses of one server session from their wire events: audio, text, usage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tui_voice.audio.pcm_format import BYTES_PER_MS
from tui_voice.conversation import events as e
from tui_voice.protocol.messages import AudioChunk, AudioEnd, Incoming, OutOfBandResponse
from tui_voice.realtime.usage import as_usage
from tui_voice.realtime.wire import ServerEvent, items, server
from tui_voice.realtime.wire.contract import ResponseMetadata

SAMPLE_BYTES = 2
REPORT_EVERY_MS = 1000
"""Milliseconds of audio between two events with the length of a reply, or of a user's turn."""


@dataclass(slots=True)
class _OutputItem:
    """The part of one item of a response that was received so far."""

    response_id: str
    received_bytes: int = 0
    rest: bytes = b""  # the first half of a sample whose second half has not come
    reported_ms: int = -1  # length of audio that was last reported; -1 before the first time
    ended: bool = False
    texts: dict[int, str] = field(default_factory=dict)  # by content index


@dataclass(slots=True)
class _OutOfBand:
    """An out-of-band response under way."""

    key: str
    pieces: list[str] = field(default_factory=list)


class ResponseAssembler:
    """Tells apart the active response, responses that were cancelled, and out-of-band responses.
    `audio`: replies are spoken. `price`: USD of a usage, None where unknown.
    """

    def __init__(self, audio: bool, price: Callable[[e.Usage], float | None]) -> None:
        self._audio = audio
        self._price = price
        self._active = ""  # id of the response under way
        self._dropped: set[str] = set()
        self._drop_next = False
        self._out_of_band: dict[str, _OutOfBand] = {}
        self._items: dict[str, _OutputItem] = {}
        self._called: set[str] = set()
        self._known: set[str] = set()  # ids of responses that were announced
        self._done_ids: set[str] = set()
        self._expected: set[str] = set()  # keys of out-of-band requests without an answer

    def drop(self, response_id: str) -> None:
        """Ignores all that is still received of this response. "": the response under way, or the
        next one if the server has not announced any yet.
        """
        if dropped := response_id or self._active:
            self._dropped.add(dropped)
        else:
            self._drop_next = True

    def keep_next(self) -> None:
        """Takes back `drop("")`: the server refused the response, or had none to cancel."""
        self._drop_next = False

    def expect(self, key: str) -> None:
        """An out-of-band response was asked for."""
        self._expected.add(key)

    @property
    def under_way(self) -> bool:
        """Whether a response in the server's conversation was announced and has not ended."""
        return bool(self._active)

    def unfinished(self) -> tuple[str, ...]:
        """Returns the ids of items of which some audio, but not the last, has come."""
        return tuple(
            item_id
            for item_id, item in self._items.items()
            if item.received_bytes and not item.ended and item.response_id not in self._dropped
        )

    def function_called(self, call: items.FunctionCall, previous: str | None) -> list[Incoming]:
        """Returns the function call once, however often the server repeats it."""
        call_id = call.call_id if isinstance(call.call_id, str) else ""
        complete = call.status not in ("incomplete", "in_progress")
        if not call_id or not complete or call_id in self._called or not isinstance(call.id, str):
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

    def receive(self, event: ServerEvent) -> list[Incoming]:
        """Returns what one event means; [] where it is not about responses."""
        match event:
            case server.ResponseCreated(response=response):
                return self._created(response)
            case server.ResponseDone(response=response):
                return self._done(response)
            case server.ResponseOutputTextDelta() if event.response_id in self._out_of_band:
                self._out_of_band[event.response_id].pieces.append(event.delta)
                return []
            case server.ResponseOutputTextDelta() | server.ResponseOutputAudioTranscriptDelta():
                return self._text_delta(event.response_id, event.item_id, event.delta)
            case server.ResponseOutputTextDone(text=text):
                return self._text_done(event, text)
            case server.ResponseOutputAudioTranscriptDone(transcript=text):
                return self._text_done(event, text)
            case server.ResponseOutputAudioDelta():
                return self._audio_delta(event)
            case server.ResponseOutputAudioDone():
                return self._audio_end(event.item_id, event.response_id)
            case _:
                return []

    def _created(self, response: server.Response) -> list[Incoming]:
        response_id = response.id or ""
        if response_id and response_id in self._known | self._done_ids:
            return []
        self._known.add(response_id)
        key = ResponseMetadata.from_wire(response.metadata).key
        if key:
            self._out_of_band[response_id] = _OutOfBand(key)
            return []
        self._active = response_id
        if self._drop_next:
            self._drop_next = False
            self._dropped.add(response_id)
        return [e.ResponseStarted(response_id=response_id)]

    def _item(self, item_id: str, response_id: str) -> _OutputItem:
        return self._items.setdefault(item_id, _OutputItem(response_id))

    def _text_delta(self, response_id: str, item_id: str, delta: str) -> list[Incoming]:
        if response_id in self._dropped or response_id in self._out_of_band or not delta:
            return []
        if self._may_be_out_of_band(response_id):
            return []
        return [e.TranscriptGrew(item_id=item_id, text=delta)]

    def _text_done(
        self,
        event: server.ResponseOutputTextDone | server.ResponseOutputAudioTranscriptDone,
        text: str,
    ) -> list[Incoming]:
        if response := self._out_of_band.get(event.response_id):
            response.pieces = [text] if text else response.pieces
            return []
        if self._may_be_out_of_band(event.response_id):
            return []
        item = self._item(event.item_id, event.response_id)
        item.texts[event.content_index] = text
        complete = "".join(item.texts[index] for index in sorted(item.texts)).strip()
        # A cancelled reply keeps the words that had come before it was cancelled.
        if event.response_id in self._dropped or not complete:
            return []
        return [e.TranscriptDone(item_id=event.item_id, text=complete)]

    def _audio_delta(self, event: server.ResponseOutputAudioDelta) -> list[Incoming]:
        if event.response_id in self._dropped:
            return []
        item = self._item(event.item_id, event.response_id)
        pcm = item.rest + event.delta
        whole = len(pcm) - len(pcm) % SAMPLE_BYTES  # a delta may end within a sample
        pcm, item.rest = pcm[:whole], pcm[whole:]
        if not pcm:
            return []
        item.received_bytes += len(pcm)
        item.ended = False  # the item may have a second audio part
        incoming: list[Incoming] = [AudioChunk(event.item_id, pcm)]
        ms = item.received_bytes // BYTES_PER_MS
        if item.reported_ms < 0 or ms - item.reported_ms >= REPORT_EVERY_MS:
            item.reported_ms = ms
            incoming.append(_audio_received(event.item_id, item))
        return incoming

    def _audio_end(self, item_id: str, response_id: str) -> list[Incoming]:
        item = self._items.get(item_id)
        if item is None or item.ended or response_id in self._dropped or not item.received_bytes:
            return []
        item.ended = True
        return [_audio_received(item_id, item), AudioEnd(item_id)]

    def _done(self, response: server.Response) -> list[Incoming]:
        response_id = response.id or ""
        if response_id and response_id in self._done_ids:
            return []
        self._done_ids.add(response_id)
        usage = as_usage(response.usage)
        out_of_band = self._out_of_band.pop(response_id, None) or _OutOfBand(
            ResponseMetadata.from_wire(response.metadata).key
        )
        if out_of_band.key:
            self._expected.discard(out_of_band.key)
            written = "".join(one.words() for one in _messages(response))
            return [
                OutOfBandResponse(
                    key=out_of_band.key,
                    text="".join(out_of_band.pieces) or written,
                    status=response.status or "failed",
                    usage=usage,
                    reason=_reason(response),
                )
            ]
        incoming: list[Incoming] = []
        finished = {k: one for k, one in self._items.items() if one.response_id == response_id}
        for item_id in finished:
            incoming += self._audio_end(item_id, response_id)
            del self._items[item_id]
        dropped = response_id in self._dropped
        if not dropped:
            with_text = {item_id for item_id, item in finished.items() if item.texts}
            incoming += self._rest_of_output(response, with_text)
        if self._active == response_id:
            self._active = ""
        without_audio = (
            self._audio
            and not any(item.received_bytes for item in finished.values())
            and not dropped
            and response.status == "completed"
            and bool(_messages(response))
        )
        incoming.append(
            e.ResponseDone(
                response_id=response_id,
                status=response.status or "completed",
                reason=_reason(response),
                usage=usage,
                usd=self._price(usage) if usage else None,
                audio=not without_audio,
            )
        )
        return incoming

    def _may_be_out_of_band(self, response_id: str) -> bool:
        """Whether the start of this response was lost while an out-of-band response is expected.

        Its text is no reply then. `response.done` tells which of the two it is.
        """
        return bool(self._expected) and response_id not in self._known

    def _rest_of_output(self, response: server.Response, with_text: set[str]) -> list[Incoming]:
        """Returns function calls, and the text of items whose own text events did not come."""
        incoming: list[Incoming] = []
        for output in response.output or []:
            if isinstance(output, items.FunctionCall):
                incoming += self.function_called(output, None)
            elif (
                isinstance(output, items.Message)
                and isinstance(output.id, str)
                and output.id not in with_text
                and (text := output.words())
            ):
                incoming.append(e.TranscriptDone(item_id=output.id, text=text))
        return incoming


def _audio_received(item_id: str, item: _OutputItem) -> e.Event:
    ms = item.received_bytes // BYTES_PER_MS
    return e.AudioReceived(item_id=item_id, response_id=item.response_id, audio_ms=ms)


def _reason(response: server.Response) -> str:
    """Returns why the response ended as it did, in the server's words; "" where it did not say."""
    details = response.status_details
    if details is None:
        return ""
    error = details.error if isinstance(details.error, server.StatusError) else None
    message = error.message if error and isinstance(error.message, str) else ""
    reason = details.reason if isinstance(details.reason, str) else ""
    return message or reason or (error.code if error and error.code else "")


def _messages(response: server.Response) -> list[items.Message]:
    return [output for output in response.output or [] if isinstance(output, items.Message)]
