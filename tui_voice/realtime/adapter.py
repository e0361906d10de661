"""Wire ⇄ facts and intentions: the one room that knows both vocabularies. No socket, no clock.

`receive` turns what a server says into events and sound, `send` turns effects into what a server
is told. One adapter serves one connection; it remembers only what is needed to tell our own items
from the server's, late sound from sound that counts, and which of our messages an error is about.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.realtime.names import Names
from tui_voice.realtime.replies import Again, Answer, Heard, OutOfBandResponse, Replies
from tui_voice.realtime.wire import (
    UNSET,
    ClientEvent,
    ServerEvent,
    UnsetType,
    client,
    items,
    server,
)
from tui_voice.realtime.wire.contract import ResponseMetadata
from tui_voice.realtime.wire.usage import TranscriptionSeconds, TranscriptionTokens

BYTES_PER_MS = 48
"""s16le, mono, 24 kHz."""

BENIGN = frozenset(
    {
        "response_cancel_not_active",
        "input_audio_buffer_commit_empty",
        "item_create_duplicate_item_id",
        "item_truncate_invalid_item_id",
        "unsupported_content_type",
    }
)
"""Error codes that only say that something had already happened by itself."""

ACTIVE = "conversation_already_has_active_response"
_QUOTED = re.compile(r"'([^']+)'")


@dataclass(slots=True)
class Adapter:
    """`price`: USD of a usage, None where the model's price is unknown. `transcription_price`:
    USD of `(seconds, tokens)`. `audio`: whether replies were asked for as sound. `manual`: turns
    end by our commit, not by the server's ear.
    """

    audio: bool = True
    manual: bool = False
    price: Callable[[e.Usage], float | None] = lambda _usage: None
    transcription_price: Callable[[float, int], float | None] = lambda _seconds, _tokens: None
    last_error: server.ErrorDetail | None = None
    """The error after which nothing else has come: a close that follows is explained by it."""

    _replies: Replies = field(init=False)
    _creating: dict[str, x.CreateItem] = field(default_factory=dict)
    _ours: set[str] = field(default_factory=set)
    _names: Names = field(default_factory=Names)
    _sent_ms: float = 0.0
    _committed_ms: float = 0.0
    _speaking: tuple[str, float] | None = None  # the running turn, and where it began
    _told_ms: float = 0.0

    def __post_init__(self) -> None:
        self._replies = Replies(self.audio, self.price)

    # ── what the server says ────────────────────────────────────────────────────────────────

    def receive(self, event: ServerEvent) -> Sequence[Answer]:
        """What one message of the server amounts to; [] for what does not matter to us."""
        self.last_error = event.error if isinstance(event, server.Error) else None
        match event:
            case server.InputAudioBufferSpeechStarted():
                self._speaking = (event.item_id, float(event.audio_start_ms))
                self._told_ms = self._sent_ms
                return [e.SpeechStarted(item_id=event.item_id, audio_start_ms=event.audio_start_ms)]
            case server.InputAudioBufferSpeechStopped():
                began = self._speaking[1] if self._speaking else event.audio_end_ms
                self._speaking = None
                length = max(0, round(event.audio_end_ms - began))
                return [e.SpeechStopped(item_id=event.item_id, audio_ms=length)]
            case server.InputAudioBufferCommitted():
                return [self._committed(event)]
            case server.ConversationItemAdded() | server.ConversationItemCreated():
                return self._added(event.item, event.previous_item_id)
            case server.ConversationItemDone():
                return self._item_done(event.item, event.previous_item_id)
            case server.ConversationItemRetrieved(item=items.Message() as item):
                key = f"retrieve:{self._names.ours(str(item.id))}"
                return [OutOfBandResponse(key=key, text=item.words(), status="completed")]
            case server.ConversationItemDeleted():
                return [e.ItemDeleted(item_id=self._names.ours(event.item_id))]
            case server.ConversationItemTruncated():
                item_id = self._names.ours(event.item_id)
                return [e.ItemTruncated(item_id=item_id, audio_ms=event.audio_end_ms)]
            case server.TranscriptionDelta():
                text = event.delta
                return [e.TranscriptGrew(item_id=event.item_id, text=text)] if text else []
            case server.TranscriptionCompleted():
                return [self._transcribed(event)]
            case server.TranscriptionFailed():
                why = (event.error.message if event.error else "") or "not transcribed"
                return [e.TranscriptFailed(item_id=event.item_id, reason=why)]
            case server.Error():
                return self._erred(event.error)
            case _:
                return self._replies.receive(event)

    def _committed(self, event: server.InputAudioBufferCommitted) -> e.Event:
        length = None
        if self._speaking is not None and self._speaking[0] == event.item_id:
            length = max(0, round(self._sent_ms - self._speaking[1]))
            self._speaking = None
        elif self._committed_ms < self._sent_ms and self.manual:
            length = round(self._sent_ms - self._committed_ms)
        self._committed_ms = self._sent_ms
        return e.SpeechCommitted(
            item_id=event.item_id,
            previous_item_id=self._names.ours(event.previous_item_id),
            audio_ms=length,
        )

    def _added(self, item: items.Item, previous: str | None) -> list[Heard]:
        item_id = self._names.ours(item.id) if isinstance(item.id, str) else ""
        previous = self._names.ours(previous)
        if item_id in self._creating:
            del self._creating[item_id]
            return [e.ItemPlaced(item_id=item_id)]
        if not item_id or item_id in self._ours or not isinstance(item, items.Message):
            return []
        if item.role == "user":
            spoken = any(isinstance(part, items.InputAudio) for part in item.content)
            modality: e.Modality = "audio" if spoken else "text"
        else:
            modality = "audio" if self.audio else "text"
        role: e.Role = "user" if item.role == "user" else "assistant"
        if item.role == "system":
            role = "system"
        return [
            e.TurnAdded(
                item_id=item_id,
                role=role,
                previous_item_id=previous,
                modality=modality,
                text=item.words() if item.role != "assistant" else "",
            )
        ]

    def _item_done(self, item: items.Item, previous: str | None) -> list[Heard]:
        """Some servers only send `done`; a function call is whole only now."""
        if isinstance(item, items.FunctionCall) and isinstance(item.id, str):
            return self._replies.called(item, self._names.ours(previous))
        if isinstance(item.id, str) and self._names.ours(item.id) in self._creating:
            return self._added(item, previous)
        return []

    def _transcribed(self, event: server.TranscriptionCompleted) -> e.Event:
        seconds, tokens = 0.0, 0
        match event.usage:
            case TranscriptionSeconds():
                seconds = event.usage.seconds
            case TranscriptionTokens():
                tokens = event.usage.total_tokens
        usd = self.transcription_price(seconds, tokens) if event.usage else None
        return e.TranscriptDone(item_id=event.item_id, text=event.transcript.strip(), usd=usd)

    def _erred(self, error: server.ErrorDetail) -> Sequence[Answer]:
        """An error belongs to the message of ours that it names; else it speaks for itself."""
        code = error.code or ""
        kind, subject = self._meant(error, code)
        match kind:
            case "create" if subject in self._creating:
                return self._create_failed(subject, error, code)
            case "delete" if subject:
                unknown = code == "item_delete_invalid_item_id" or _no_such_item(error)
                return [e.DeleteRefused(item_id=subject, unknown=unknown, message=error.message)]
            case "respond":
                self._replies.keep_next()
                refused = e.ResponseRefused(code=code, message=error.message)
                return [refused] if code == ACTIVE else [refused, _notice(error)]
            case "commit" if code == "input_audio_buffer_commit_empty" and self.manual:
                return [e.SpeechDiscarded(item_id="", reason="nothing was said")]
            case "retrieve":
                key = f"retrieve:{subject}"
                return [OutOfBandResponse(key=key, text="", status="failed", reason=error.message)]
            case "side":
                return [
                    OutOfBandResponse(key=subject, text="", status="failed", reason=error.message)
                ]
            case "cancel":
                self._replies.keep_next()
                return []
            case "truncate" | "clear":
                return []
        return [] if code in BENIGN else [_notice(error)]

    def _meant(self, error: server.ErrorDetail, code: str) -> tuple[str, str]:
        """Which of our messages was wrong, as `event_id` says; a server that does not give it
        back is understood by its code and what it quotes.
        """
        if error.event_id:
            kind, _, subject = error.event_id.partition(":")
            return kind, subject
        quoted = [self._names.ours(name) for name in _QUOTED.findall(error.message)]
        if code == "item_delete_invalid_item_id":
            return "delete", quoted[-1] if quoted else ""
        if code.startswith("item_create_"):
            for item_id, wanted in self._creating.items():
                if item_id in quoted or wanted.previous_item_id in quoted:
                    return "create", item_id
        if code == ACTIVE:
            return "respond", ""
        if code == "input_audio_buffer_commit_empty":
            return "commit", ""
        return "", ""

    def _create_failed(
        self, item_id: str, error: server.ErrorDetail, code: str
    ) -> Sequence[Answer]:
        wanted = self._creating.pop(item_id)
        if code == "item_create_duplicate_item_id":  # it is there: that is what we wanted
            return [e.ItemPlaced(item_id=item_id)]
        anchored = wanted.previous_item_id not in (None, "root")
        if anchored and (code == "item_create_invalid_previous_item_id" or _no_such_item(error)):
            # What it was to follow is gone: the end of the list is better than nowhere.
            return [Again(tuple(self.send(replace(wanted, previous_item_id=None))))]
        return [e.ItemRefused(item_id=item_id, code=code, message=error.message)]

    # ── what we want ────────────────────────────────────────────────────────────────────────

    def send(self, effect: x.Effect) -> list[ClientEvent]:
        """The messages that carry out an effect; none for effects that are not the server's."""
        match effect:
            case x.CreateItem():
                self._creating[effect.item_id] = effect
                self._ours.add(effect.item_id)
                previous = effect.previous_item_id
                return [
                    client.ConversationItemCreate(
                        event_id=f"create:{effect.item_id}",
                        item=_message(
                            effect.role, effect.text, self._names.fitting(effect.item_id)
                        ),
                        previous_item_id=UNSET if previous is None else self._names.wire(previous),
                    )
                ]
            case x.DeleteItem():
                return [
                    client.ConversationItemDelete(
                        event_id=f"delete:{effect.item_id}",
                        item_id=self._names.wire(effect.item_id),
                    )
                ]
            case x.TruncateItem():
                return [
                    client.ConversationItemTruncate(
                        event_id=f"truncate:{effect.item_id}",
                        item_id=self._names.wire(effect.item_id),
                        content_index=0,
                        audio_end_ms=effect.audio_ms,
                    )
                ]
            case x.CreateResponse():
                return [client.ResponseCreate(event_id="respond:")]
            case x.CancelResponse():
                if not effect.late_counts:
                    self._replies.drop(effect.response_id)
                return [
                    client.ResponseCancel(
                        event_id="cancel:", response_id=effect.response_id or UNSET
                    )
                ]
            case x.CommitInput():
                return [client.InputAudioBufferCommit(event_id="commit:")]
            case x.ClearInput():
                self._committed_ms = self._sent_ms
                return [client.InputAudioBufferClear(event_id="clear:")]
            case _:
                return []

    def answer(self, item_id: str, call_id: str, output: str) -> ClientEvent:
        """The output of a function, under an item id of our own; acknowledged by `ItemPlaced`."""
        self._creating[item_id] = x.CreateItem(item_id=item_id, role="tool", text=output)
        self._ours.add(item_id)
        return client.ConversationItemCreate(
            event_id=f"create:{item_id}",
            item=items.FunctionCallOutput(
                id=self._names.fitting(item_id), call_id=call_id, output=output
            ),
        )

    def aside(
        self, turns: Sequence[tuple[str, str]], prompt: str, metadata: ResponseMetadata
    ) -> ClientEvent:
        """Asks for an out-of-band response in text, made from `turns` (role, text) and `prompt`
        alone. It ends as an `OutOfBandResponse` under the key in `metadata`.
        """
        asked: list[items.InputItem] = [_message(role, text) for role, text in turns]
        return client.ResponseCreate(
            event_id=f"side:{metadata.key}",
            response=client.ResponseParams(
                conversation="none",
                output_modalities=["text"],
                tools=[],
                metadata=metadata.to_wire(),
                input=[*asked, _message("user", prompt)],
            ),
        )

    def unfinished(self) -> tuple[str, ...]:
        """Items of replies whose sound has begun to come and not ended."""
        return self._replies.unfinished()

    def retrieve(self, item_id: str) -> ClientEvent:
        """Asks for an item as the server holds it. The answer is an `OutOfBandResponse` with its
        text, under the key `retrieve:<item_id>`."""
        return client.ConversationItemRetrieve(
            event_id=f"retrieve:{item_id}", item_id=self._names.wire(item_id)
        )

    def append(self, pcm: bytes) -> tuple[ClientEvent, e.Event | None]:
        """A frame of the microphone for the server; about once a second a fact with it."""
        self._sent_ms += len(pcm) / BYTES_PER_MS
        grew: e.Event | None = None
        if self._speaking is not None and self._sent_ms - self._told_ms >= 1000:
            self._told_ms = self._sent_ms
            item_id, began = self._speaking
            grew = e.SpeechGrew(item_id=item_id, audio_ms=round(self._sent_ms - began))
        return client.InputAudioBufferAppend(audio=pcm), grew


def _message(role: str, text: str, item_id: str | UnsetType = UNSET) -> items.Message:
    """Words of one side; what is neither the user's nor the model's is the system's."""
    part = items.OutputText if role == "assistant" else items.InputText
    role = role if role in ("user", "assistant") else "system"
    return items.Message(id=item_id, role=role, content=[part(text=text)])


def _notice(error: server.ErrorDetail) -> e.Event:
    return e.ServerErred(code=error.code or "", message=error.message)


def _no_such_item(error: server.ErrorDetail) -> bool:
    return "does not exist" in error.message or "not found" in error.message
