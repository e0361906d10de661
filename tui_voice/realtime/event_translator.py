"""Translates the wire events of one server session into conversation events, and effects into
wire events. It has no socket and reads no clock.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tui_voice.audio.pcm_format import BYTES_PER_MS
from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.protocol.messages import (
    AudioChunk,
    Incoming,
    Outgoing,
    OutOfBandRequest,
    OutOfBandResponse,
    Resend,
    RetrieveItem,
    ToolAnswer,
)
from tui_voice.protocol.session_config import Pricing
from tui_voice.realtime.client_messages import create_item, out_of_band, tool_output
from tui_voice.realtime.item_ids import ItemIds
from tui_voice.realtime.repeated_events import RepeatedEvents
from tui_voice.realtime.response_assembler import REPORT_EVERY_MS, ResponseAssembler
from tui_voice.realtime.server_errors import (
    HARMLESS_ERRORS,
    NOTHING_TO_CANCEL,
    SPEED_REFUSED,
    as_event,
    no_such_item,
    says_another_is_active,
)
from tui_voice.realtime.session_update import speed_update
from tui_voice.realtime.uncertain_words import uncertain_words
from tui_voice.realtime.wire import (
    UNSET,
    ClientEvent,
    ServerEvent,
    client,
    items,
    server,
)
from tui_voice.realtime.wire.usage import (
    TranscriptionSeconds,
    TranscriptionTokenDetails,
    TranscriptionTokens,
)

SURPLUS_MS = 500
"""Our commit can reach a server that has just ended the turn itself. It then makes an item of the
audio that was on its way, which is shorter than this: nothing was said in it."""

_QUOTED = re.compile(r"'([^']+)'")


@dataclass(slots=True)
class EventTranslator:
    """`receive` translates what the server sends, `encode` and `encode_audio` what we send.

    It keeps only what the translation needs: which items are ours, which responses were
    cancelled, and to which of our messages an error belongs. The `event_id` of each message that
    we send says so: its kind, a colon and its subject, for example `create:item_1`.
    """

    audio: bool = True
    """Replies are spoken."""
    manual: bool = False
    """Our commits end the turns of the user, not the server's turn detection."""
    pricing: Pricing = field(default_factory=Pricing)
    uncertain_below: float = 0.0
    """See `ServerSessionConfig.uncertain_below`."""
    last_error: server.ErrorDetail | None = None
    """The error event, if it was the newest event; it explains a close that follows."""

    _responses: ResponseAssembler = field(init=False)
    _pending_creates: dict[str, x.CreateItem] = field(default_factory=dict)
    _our_items: set[str] = field(default_factory=set)
    _repeats: RepeatedEvents = field(default_factory=RepeatedEvents)
    _user_turns: set[str] = field(default_factory=set)  # items of the user's audio
    _model_turns: set[str] = field(default_factory=set)  # items of the model
    _surplus: set[str] = field(default_factory=set)  # items of silence, which we delete again
    _transcribed_items: set[str] = field(default_factory=set)
    _commit_asked_ms: float | None = None  # `_sent_ms` at our commit, if it is not answered yet
    _ended_turn: str = ""  # item id of the last turn that the server ended itself
    _ended_ms: float = 0.0  # of `_sent_ms`, where that turn ended
    _ids: ItemIds = field(default_factory=ItemIds)
    _sent_ms: float = 0.0
    _committed_ms: float = 0.0  # of `_sent_ms`, at the last commit
    _speaking: tuple[str, float] | None = None  # item id and start (ms) of the turn under way
    _speed: x.SetSpeed | None = None  # the newest one
    _speed_waits: bool = False  # for the end of a response
    _reported_ms: float = 0.0  # of `_sent_ms`, when the length of that turn was last reported

    def __post_init__(self) -> None:
        self._responses = ResponseAssembler(self.audio, self.pricing.reply)

    # ── from the server ─────────────────────────────────────────────────────────────────────

    def receive(self, event: ServerEvent) -> Sequence[Incoming | Resend]:
        """Returns what one event of the server means; [] where it changes nothing for us."""
        self.last_error = event.error if isinstance(event, server.Error) else None
        if self._repeats.contains(event):
            return []
        match event:
            case server.InputAudioBufferSpeechStarted():
                self._speaking = (event.item_id, float(event.audio_start_ms))
                self._reported_ms = self._sent_ms
                return [e.SpeechStarted(item_id=event.item_id, audio_start_ms=event.audio_start_ms)]
            case server.InputAudioBufferSpeechStopped():
                began = self._speaking[1] if self._speaking else event.audio_end_ms
                self._speaking = None
                self._ended_turn, self._ended_ms = event.item_id, float(event.audio_end_ms)
                length = max(0, round(event.audio_end_ms - began))
                return [e.SpeechStopped(item_id=event.item_id, audio_ms=length)]
            case server.InputAudioBufferCleared():
                return self._cleared()
            case server.InputAudioBufferTimeoutTriggered():
                silence_ms = max(0, round(event.audio_end_ms - event.audio_start_ms))
                return [e.SilenceTimedOut(item_id=event.item_id, audio_ms=silence_ms)]
            case server.InputAudioBufferCommitted():
                return self._committed(event.item_id, event.previous_item_id)
            case server.ConversationItemAdded() | server.ConversationItemCreated():
                return self._added(event.item, event.previous_item_id)
            case server.ConversationItemDone():
                return self._item_done(event.item, event.previous_item_id)
            case server.ConversationItemRetrieved(item=items.Message() as item):
                key = f"retrieve:{self._ids.from_wire(str(item.id))}"
                return [OutOfBandResponse(key=key, text=item.words(), status="completed")]
            case server.ConversationItemDeleted():
                return [e.ItemDeleted(item_id=self._ids.from_wire(event.item_id))]
            case server.ConversationItemTruncated():
                item_id = self._ids.from_wire(event.item_id)
                return [e.ItemTruncated(item_id=item_id, audio_ms=event.audio_end_ms)]
            case server.TranscriptionDelta():
                if not event.delta or event.item_id in self._surplus:
                    return []
                return [e.TranscriptGrew(item_id=event.item_id, text=event.delta)]
            case server.TranscriptionCompleted():
                return [*self._committed(event.item_id, None), *self._transcribed(event)]
            case server.TranscriptionFailed():
                if event.item_id in self._surplus:
                    return []
                why = (event.error.message if event.error else "") or "not transcribed"
                failed = e.TranscriptFailed(item_id=event.item_id, reason=why)
                return [*self._committed(event.item_id, None), failed]
            case server.Error():
                return self._error(event.error)
            case server.ResponseDone() if self._speed_waits and self._speed is not None:
                self._speed_waits = False
                return [*self._with_turns(self._responses.receive(event)), Resend(self._speed)]
            case _:
                return self._with_turns(self._responses.receive(event))

    def _cleared(self) -> list[Incoming | Resend]:
        """Returns the end of a turn that the server ended and did not commit: the embedded server
        drops a turn without words.
        """
        item_id = self._ended_turn
        if not item_id or item_id in self._user_turns:
            return []
        self._user_turns.add(item_id)
        return [e.SpeechDiscarded(item_id=item_id, reason="no words")]

    def _committed(self, item_id: str, previous: str | None) -> list[Incoming | Resend]:
        """Returns the commit of a user's turn, once: the events of its item, and its transcript,
        say as much as `input_audio_buffer.committed`, which may not come.
        """
        if not item_id or item_id in self._user_turns:
            return []
        self._user_turns.add(item_id)
        self._responses.keep_next()  # the next response answers this turn, not one before it
        length, begun = None, self._speaking is not None and self._speaking[0] == item_id
        if self._speaking is not None and begun:
            length = max(0, round(self._sent_ms - self._speaking[1]))
            self._speaking = None
        elif self._committed_ms < self._sent_ms and self.manual:
            length = round(self._sent_ms - self._committed_ms)
        self._committed_ms = self._sent_ms
        if item_id != self._ended_turn:  # that one the server committed without us
            asked_ms, self._commit_asked_ms = self._commit_asked_ms, None
            surplus_ms = None if asked_ms is None or begun else asked_ms - self._ended_ms
            if self._ended_turn and surplus_ms is not None and surplus_ms < SURPLUS_MS:
                self._surplus.add(item_id)
                return [Resend(x.DeleteItem(item_id=item_id))]
        return [
            e.SpeechCommitted(
                item_id=item_id,
                previous_item_id=self._ids.from_wire(previous),
                audio_ms=length,
            )
        ]

    def _added(self, item: items.Item, previous: str | None) -> list[Incoming | Resend]:
        item_id = self._ids.from_wire(item.id) if isinstance(item.id, str) else ""
        previous = self._ids.from_wire(previous)
        if item_id in self._pending_creates:
            del self._pending_creates[item_id]
            return [e.ItemPlaced(item_id=item_id)]
        if not item_id or item_id in self._our_items or not isinstance(item, items.Message):
            return []
        role: e.Role = "assistant"
        spoken = self.audio
        committed: list[Incoming | Resend] = []
        if item.role == "user":
            role = "user"
            spoken = any(isinstance(part, items.InputAudio) for part in item.content)
            committed = self._committed(item_id, previous) if spoken else []
            if item_id in self._surplus:
                return committed
        elif item.role == "system":
            role = "system"
        elif item_id in self._model_turns:
            return []
        else:
            self._model_turns.add(item_id)
        # The words of a reply follow. An item that is complete already is outside any response.
        complete = role != "assistant" or item.status == "completed"
        turn = e.TurnAdded(
            item_id=item_id,
            role=role,
            previous_item_id=previous,
            modality="audio" if spoken else "text",
            text=item.words() if complete and not self._responses.under_way else "",
        )
        return [*committed, turn]

    def _item_done(self, item: items.Item, previous: str | None) -> list[Incoming | Resend]:
        """Reads `conversation.item.done`: a function call is complete only here, and some servers
        send no other event when they have created an item.
        """
        if not isinstance(item.id, str):
            return []
        if isinstance(item, items.FunctionCall):
            return [*self._responses.function_called(item, self._ids.from_wire(previous))]
        item_id = self._ids.from_wire(item.id)
        known = item_id in self._user_turns or item_id in self._model_turns
        return (
            []
            if known or item_id in self._our_items - self._pending_creates.keys()
            else (self._added(item, previous))
        )

    def _with_turns(self, incoming: list[Incoming]) -> list[Incoming | Resend]:
        """Puts the start of a turn before the first event of each reply item, where the server
        sends no `conversation.item.added` for it.
        """
        found: list[Incoming | Resend] = []
        for one in incoming:
            match one:
                case (
                    AudioChunk(item_id=item_id)
                    | e.TranscriptGrew(item_id=item_id)
                    | e.TranscriptDone(item_id=item_id)
                ) if item_id not in self._model_turns:
                    self._model_turns.add(item_id)
                    modality: e.Modality = "audio" if self.audio else "text"
                    found.append(e.TurnAdded(item_id=item_id, role="assistant", modality=modality))
            found.append(one)
        return found

    def _transcribed(self, event: server.TranscriptionCompleted) -> list[Incoming]:
        if event.item_id in self._surplus or event.item_id in self._transcribed_items:
            return []
        self._transcribed_items.add(event.item_id)
        seconds, tokens = 0.0, 0
        match event.usage:
            case TranscriptionSeconds():
                seconds = event.usage.seconds
            case TranscriptionTokens():
                tokens = _heard_tokens(event.usage)
        usd = self.pricing.transcription(seconds, tokens) if event.usage else None
        text = event.transcript.strip()
        uncertain = uncertain_words(text, event.logprobs or (), self.uncertain_below)
        done = e.TranscriptDone(item_id=event.item_id, text=text, uncertain=uncertain, usd=usd)
        return [done]

    def _error(self, error: server.ErrorDetail) -> Sequence[Incoming | Resend]:
        """Returns what an error means for the message of ours that caused it, or else a notice."""
        code = error.code or ""
        kind, subject = self._cause(error, code)
        match kind:
            case "create" if subject in self._pending_creates:
                return self._create_failed(subject, error, code)
            case "delete" if subject:
                unknown = code == "item_delete_invalid_item_id" or no_such_item(error)
                return [e.DeleteRefused(item_id=subject, unknown=unknown, message=error.message)]
            case "respond":
                self._responses.keep_next()
                code = e.ALREADY_ACTIVE if says_another_is_active(error) else code
                refused = e.ResponseRefused(code=code, message=error.message)
                return [refused] if code == e.ALREADY_ACTIVE else [refused, as_event(error)]
            case "commit" if code == "input_audio_buffer_commit_empty":
                return self._commit_refused()
            case "retrieve":
                key = f"retrieve:{subject}"
                return [OutOfBandResponse(key=key, text="", status="failed", reason=error.message)]
            case "out_of_band":
                return [
                    OutOfBandResponse(key=subject, text="", status="failed", reason=error.message)
                ]
            case "cancel":
                self._responses.keep_next()
                return [e.CancelRefused()] if code == NOTHING_TO_CANCEL else []
            case "speed" if code == SPEED_REFUSED:  # a response began while it was on its way
                self._speed_waits = True
                return []
            case "truncate" | "names":
                return []
        return [] if code in HARMLESS_ERRORS else [as_event(error)]

    def _commit_refused(self) -> list[Incoming | Resend]:
        """Returns the end of the turn that was to be committed, if nothing committed it before."""
        if self._commit_asked_ms is None:
            return []
        self._commit_asked_ms = None
        speaking, self._speaking = self._speaking, None
        if not self.manual and speaking is None:
            return []
        item_id = speaking[0] if speaking else ""
        return [e.SpeechDiscarded(item_id=item_id, reason="nothing was said")]

    def _cause(self, error: server.ErrorDetail, code: str) -> tuple[str, str]:
        """Returns kind and subject of the message of ours that caused the error.

        They are in the `event_id`. Where a server does not send it back, the error code and the
        ids that the error message quotes show which message it was; ("", "") where they do not.
        """
        if error.event_id:
            kind, _, subject = error.event_id.partition(":")
            return kind, subject
        quoted = [self._ids.from_wire(name) for name in _QUOTED.findall(error.message)]
        if code == "item_delete_invalid_item_id":
            return "delete", quoted[-1] if quoted else ""
        if code.startswith("item_create_"):
            for item_id, effect in self._pending_creates.items():
                if item_id in quoted or effect.previous_item_id in quoted:
                    return "create", item_id
        if code == "unsupported_content_type":
            images = (one.item_id for one in self._pending_creates.values() if one.image)
            if item_id := next(images, ""):
                return "create", item_id
        if code == e.ALREADY_ACTIVE or says_another_is_active(error):
            return "respond", ""
        if code == NOTHING_TO_CANCEL:
            return "cancel", ""
        if code == SPEED_REFUSED:
            return "speed", ""
        if code == "input_audio_buffer_commit_empty":
            return "commit", ""
        return "", ""

    def _create_failed(
        self, item_id: str, error: server.ErrorDetail, code: str
    ) -> Sequence[Incoming | Resend]:
        effect = self._pending_creates.pop(item_id)
        if code == "item_create_duplicate_item_id":  # the item exists, as we wanted
            return [e.ItemPlaced(item_id=item_id)]
        anchored = effect.previous_item_id not in (None, "root")
        if anchored and (code == "item_create_invalid_previous_item_id" or no_such_item(error)):
            # The item before it no longer exists: put this one at the end of the conversation.
            return [Resend(replace(effect, previous_item_id=None))]
        return [e.ItemRefused(item_id=item_id, code=code, message=error.message)]

    # ── to the server ───────────────────────────────────────────────────────────────────────

    def encode(self, outgoing: Outgoing) -> list[ClientEvent]:
        """Returns the messages that carry this out; [] for effects that the server has no part
        in, such as opening the microphone.
        """
        match outgoing:
            case OutOfBandRequest():
                self._responses.expect(outgoing.key)
                return [out_of_band(outgoing)]
            case ToolAnswer():
                return [self._tool_answer(outgoing)]
            case RetrieveItem(item_id=item_id):
                return [
                    client.ConversationItemRetrieve(
                        event_id=outgoing.key, item_id=self._ids.to_wire(item_id)
                    )
                ]
            case _:
                return self._effect(outgoing)

    def _effect(self, effect: x.Effect) -> list[ClientEvent]:
        match effect:
            case x.CreateItem():
                self._pending_creates[effect.item_id] = effect
                self._our_items.add(effect.item_id)
                return [create_item(effect, self._ids)]
            case x.DeleteItem():
                return [
                    client.ConversationItemDelete(
                        event_id=f"delete:{effect.item_id}",
                        item_id=self._ids.to_wire(effect.item_id),
                    )
                ]
            case x.TruncateItem():
                return [
                    client.ConversationItemTruncate(
                        event_id=f"truncate:{effect.item_id}",
                        item_id=self._ids.to_wire(effect.item_id),
                        content_index=0,
                        audio_end_ms=effect.audio_ms,
                    )
                ]
            case x.CreateResponse(without_tools=without_tools):
                only = client.ResponseParams(tool_choice="none") if without_tools else UNSET
                return [client.ResponseCreate(event_id="respond:", response=only)]
            case x.CancelResponse():
                if not effect.keep_if_late:
                    self._responses.drop(effect.response_id)
                return [
                    client.ResponseCancel(
                        event_id="cancel:", response_id=effect.response_id or UNSET
                    )
                ]
            case x.ClearInput():
                self._speaking, self._committed_ms = None, self._sent_ms
                return [client.InputAudioBufferClear(event_id="clear:")]
            case x.CommitInput():
                self._commit_asked_ms = self._sent_ms
                return [client.InputAudioBufferCommit(event_id="commit:")]
            case x.SetSpeed():
                self._speed = effect
                self._speed_waits = self._responses.under_way
                return [] if self._speed_waits else [speed_update(effect.speed)]
            case _:
                return []

    def _tool_answer(self, answer: ToolAnswer) -> ClientEvent:
        """Returns the message; the server acknowledges its item like any other that we create."""
        self._pending_creates[answer.item_id] = x.CreateItem(
            item_id=answer.item_id, role="tool", text=answer.output
        )
        self._our_items.add(answer.item_id)
        return tool_output(answer, self._ids)

    def encode_audio(self, pcm: bytes) -> tuple[ClientEvent, e.Event | None]:
        """Returns the message for this audio, and about once a second of speech an event with the
        length of the turn so far.
        """
        self._sent_ms += len(pcm) / BYTES_PER_MS
        grew: e.Event | None = None
        if self._speaking and self._sent_ms - self._reported_ms >= REPORT_EVERY_MS:
            self._reported_ms = self._sent_ms
            item_id, began = self._speaking
            grew = e.SpeechGrew(item_id=item_id, audio_ms=round(self._sent_ms - began))
        return client.InputAudioBufferAppend(audio=pcm), grew

    def unfinished_replies(self) -> tuple[str, ...]:
        """Returns the ids of reply items of which some audio, but not the last, has come."""
        return self._responses.unfinished()


def _heard_tokens(usage: TranscriptionTokens) -> int:
    """Returns the tokens of the transcribed audio, or all where only their sum is known."""
    details = usage.input_token_details
    audio = details.audio_tokens if isinstance(details, TranscriptionTokenDetails) else None
    return audio or usage.total_tokens
