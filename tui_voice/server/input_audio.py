"""The input half of a session: audio taken, turns found in it, and items made of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from tui_voice.audio.pcm import duration_ms as pcm_duration_ms
from tui_voice.realtime.wire import server as s
from tui_voice.realtime.wire.items import InputAudio, Message
from tui_voice.server.audio_formats import InputDecoder, duration_ms, has_whole_samples
from tui_voice.server.conversation import Conversation
from tui_voice.server.endpoint import sounds_finished
from tui_voice.server.errors import RefusedError, buffer_full, commit_empty, wrong_value
from tui_voice.server.idle import IdleTimer
from tui_voice.server.interfaces import SpeechDetector
from tui_voice.server.items import Entry, Sound
from tui_voice.server.limits import Limits
from tui_voice.server.outbox import Outbox
from tui_voice.server.replies import Replies
from tui_voice.server.settings import Settings, Turns
from tui_voice.server.transcription import Transcriber
from tui_voice.server.turn_detector import Began, Paused, Resumed, Signal, TurnDetector
from tui_voice.server.utterance import Utterance

MAX_APPEND_BYTES = 15 * 2**20
SLICE_MS = 320
"""Audio heard at once; between slices the server turns to its other connections."""
_LEAST_COMMIT_MS = 100.0


class InputAudioBuffer:
    """`turn_over()` is called when a turn was committed that wants an answer."""

    def __init__(
        self,
        outbox: Outbox,
        conversation: Conversation,
        replies: Replies,
        idle: IdleTimer,
        limits: Limits,
        settings: Settings,
        turn_over: Callable[[], None],
    ) -> None:
        self._outbox, self._conversation, self._replies = outbox, conversation, replies
        self._idle, self._limits, self._turn_over = idle, limits, turn_over
        self._settings = settings
        self._scribe = Transcriber(outbox, conversation, self._guessed, replies.proceed)
        self._intake = InputDecoder(settings.input_format)
        self._ear: TurnDetector | None = None
        self._raw: deque[bytes] = deque()
        """Slices that were taken and not yet heard."""

    @property
    def scribe(self) -> Transcriber:
        return self._scribe

    @property
    def ready(self) -> bool:
        """There is a detector to hear with."""
        return self._ear is not None

    @property
    def hungry(self) -> bool:
        return bool(self._raw)

    @property
    def waiting_bytes(self) -> int:
        return sum(len(each) for each in self._raw)

    @property
    def speaking(self) -> bool:
        """The user is."""
        return self._ear is not None and self._ear.speaking

    def equip(self, detector: SpeechDetector) -> None:
        self._ear = TurnDetector(detector, self._limits.max_input_ms)
        self._ear.set_turns(self._settings.turns)

    def configure(self, settings: Settings) -> None:
        """The session was updated."""
        if settings.input_format != self._intake.audio_format:
            if self._ear is not None:
                self._listen(self._intake.flush(), self._ear)
            self._intake = InputDecoder(settings.input_format)
        self._settings = settings
        if settings.turns is None:
            self._scribe.drop()
            self._replies.drop_draft()
        if self._ear is not None:
            self._ear.set_turns(settings.turns)
        self._scribe.told = settings.transcription is not None

    def append(self, audio: bytes) -> None:
        """Takes sound in the client's format and hears the first slice of it."""
        ear, form = self._require_ear(), self._settings.input_format
        if len(audio) > MAX_APPEND_BYTES:
            raise wrong_value("Invalid 'audio': at most 15 MiB may be appended at once.", "audio")
        if not has_whole_samples(audio, form):
            raise wrong_value(
                f"Invalid 'audio': expected whole 16-bit samples, but got {len(audio)} bytes, an "
                "odd number.",
                "audio",
            )
        if ear.full:
            raise buffer_full(self._limits.max_input_ms)
        if audio:
            step = round(SLICE_MS * len(audio) / duration_ms(audio, form))
            self._raw.extend(audio[n : n + step] for n in range(0, len(audio), step))
            self.hear()

    def hear(self) -> None:
        """The next slice that waits."""
        self._listen(self._intake.feed(self._raw.popleft()), self._require_ear())

    def _listen(self, pcm: bytes, ear: TurnDetector) -> None:
        for signal in ear.hear(pcm):
            self._heed(signal, ear)
        if ear.speaking and not ear.silence_ms:
            self._scribe.listen(ear)

    def _heed(self, signal: Signal, ear: TurnDetector) -> None:
        turns = self._settings.turns
        assert turns is not None, "signals come only while turns are listened for"
        match signal:
            case Began(start_ms=start):
                self._begin(start, turns)
            case Paused():
                self._scribe.pause(ear)
            case Resumed():
                self._scribe.resume()
                self._replies.drop_draft()
            case ended:
                self._end(ended.end_ms, turns, ear)

    def _begin(self, start_ms: float, turns: Turns) -> None:
        self._idle.stop()
        item_id = self._outbox.ids("item")
        self._scribe.begin(item_id, start_ms)
        self._outbox.emit(
            s.InputAudioBufferSpeechStarted(item_id=item_id, audio_start_ms=round(start_ms))
        )
        if turns.interrupt and self._replies.default is not None:
            self._replies.cancel(None, "turn_detected")

    def _end(self, end_ms: float, turns: Turns, ear: TurnDetector) -> None:
        utterance = self._scribe.utterance
        assert utterance is not None, "only a turn that began can end"
        self._outbox.emit(
            s.InputAudioBufferSpeechStopped(item_id=utterance.item_id, audio_end_ms=round(end_ms))
        )
        try:
            self._commit(utterance.item_id, utterance.start_ms, end_ms, ear.voiced_ms, ear)
        except RefusedError as error:  # nobody asked, so no event of the client's is to blame
            self._scribe.drop()
            self._outbox.emit(error.event())
            return
        if turns.create:
            self._turn_over()

    def commit(self) -> None:
        """By the client's wish: all that is there. Raises `RefusedError`."""
        ear = self._require_ear()
        self._listen(self._intake.flush(), ear)
        if ear.length_ms < _LEAST_COMMIT_MS:
            raise commit_empty(ear.length_ms)
        utterance = self._scribe.utterance
        item_id = utterance.item_id if utterance else self._outbox.ids("item")
        self._replies.drop_draft()
        self._commit(item_id, ear.start_ms, ear.end_ms, ear.end_ms, ear)
        ear.clear()

    def _commit(
        self,
        item_id: str,
        start_ms: float,
        end_ms: float,
        voiced_ms: float | None,
        ear: TurnDetector,
    ) -> None:
        """Makes an item of a stretch of the buffer; `voiced_ms` None: there is no voice in it.

        Raises `RefusedError` if there is no room.
        """
        self._conversation.check_room()
        self._idle.stop()
        pcm = ear.take(start_ms, end_ms)
        item = Message(
            role="user",
            content=[InputAudio(transcript=None)],
            id=item_id,
            object="realtime.item",
            status="completed",
        )
        entry = Entry(item, {0: Sound(bytearray(pcm), pcm_duration_ms(pcm))})
        previous = self._conversation.append(entry)
        self._outbox.emit(s.InputAudioBufferCommitted(item_id=item_id, previous_item_id=previous))
        self._outbox.emit(s.ConversationItemAdded(item=item, previous_item_id=previous))
        self._outbox.emit(s.ConversationItemDone(item=item, previous_item_id=previous))
        self._scribe.commit(entry, end_ms - entry.sounds[0].ms, voiced_ms)
        self._conversation.forget_sound()

    def clear(self) -> None:
        self._intake.flush()
        self._scribe.drop()
        self._replies.drop_draft()
        self._require_ear().clear()
        self._outbox.emit(s.InputAudioBufferCleared())

    def time_out(self) -> None:
        """The user has been silent for too long: that silence becomes an item."""
        ear = self._require_ear()
        item_id = self._outbox.ids("item")
        start, end = ear.start_ms, ear.end_ms
        self._outbox.emit(
            s.InputAudioBufferTimeoutTriggered(
                item_id=item_id, audio_start_ms=round(start), audio_end_ms=round(end)
            )
        )
        self._commit(item_id, start, end, None, ear)

    def _guessed(self, utterance: Utterance) -> None:
        """A pause may have been the end: judge the words, and begin to answer them."""
        turns, ear = self._settings.turns, self._require_ear()
        text = utterance.final(ear.voiced_ms)
        if turns is None or not text:  # nothing, or the voice has gone on since
            return
        ear.sounds_finished = sounds_finished(text)
        if turns.create:
            self._replies.draft(self._settings, utterance.item_id, text)

    def _require_ear(self) -> TurnDetector:
        assert self._ear is not None, "audio waits until the engines are loaded"
        return self._ear
