"""The input side of a session: takes appended audio, detects turns, and makes items of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from tui_voice.audio import pcm
from tui_voice.realtime.wire import server as s
from tui_voice.realtime.wire.items import InputAudio, Message
from tui_voice.server.audio_formats import InputDecoder, bytes_per_ms, has_whole_samples
from tui_voice.server.end_of_turn import is_complete_sentence
from tui_voice.server.errors import RefusedError, buffer_full, buffer_too_short, invalid_value
from tui_voice.server.idle_timer import IdleTimer
from tui_voice.server.interfaces import SpeechDetector
from tui_voice.server.item_list import ItemList
from tui_voice.server.item_record import ItemRecord, StoredAudio
from tui_voice.server.limits import SessionLimits
from tui_voice.server.output_queue import OutputQueue
from tui_voice.server.response_manager import ResponseManager
from tui_voice.server.session_settings import SessionSettings, TurnDetectionSettings
from tui_voice.server.transcription import Transcriber
from tui_voice.server.turn_detector import (
    Pause,
    TurnDetector,
    TurnSignal,
    VoicePaused,
    VoiceResumed,
    VoiceStarted,
)
from tui_voice.server.utterance import Utterance

MAX_APPEND_BYTES = 15 * 2**20
SLICE_MS = 320
"""Audio processed at once; between slices the server works for its other connections."""
_MIN_COMMIT_MS = 100.0


class InputAudioBuffer:
    """Calls `on_turn_end()` when a turn was committed that is to be answered."""

    def __init__(
        self,
        queue: OutputQueue,
        items: ItemList,
        responses: ResponseManager,
        idle_timer: IdleTimer,
        limits: SessionLimits,
        settings: SessionSettings,
        on_turn_end: Callable[[], None],
    ) -> None:
        self._queue, self._items, self._responses = queue, items, responses
        self._idle_timer, self._limits, self._on_turn_end = idle_timer, limits, on_turn_end
        self._settings = settings
        self.transcriber = Transcriber(queue, items, self._pause_text, responses.start_ready)
        self._decoder = InputDecoder(settings.input_format)
        self._detector: TurnDetector | None = None
        self._slices: deque[bytes] = deque()
        """Appended audio, in the client's format, that is not yet processed."""
        self.unprocessed_bytes = 0

    @property
    def is_ready(self) -> bool:
        """The speech detector is loaded."""
        return self._detector is not None

    @property
    def has_unprocessed_audio(self) -> bool:
        return bool(self._slices)

    @property
    def is_speaking(self) -> bool:
        """The user is speaking."""
        return self._detector is not None and self._detector.is_speaking

    def set_detector(self, detector: SpeechDetector) -> None:
        """The engines are loaded: audio can be processed."""
        self._detector = TurnDetector(detector, self._limits.max_input_ms)
        self._detector.configure(self._settings.turn_detection)

    def configure(self, settings: SessionSettings) -> None:
        """Applies a `session.update`."""
        if settings.input_format != self._decoder.audio_format:
            if self._detector is not None:
                self._process(self._decoder.flush(), self._detector)
            self._decoder = InputDecoder(settings.input_format)
        self._settings = settings
        if settings.turn_detection is None:
            self.transcriber.drop()
            self._responses.drop_speculative()
        if self._detector is not None:
            self._detector.configure(settings.turn_detection)
        self.transcriber.sends_transcripts = settings.transcription is not None
        self.transcriber.sends_logprobs = settings.logprobs

    def append(self, audio: bytes) -> None:
        """Handles `input_audio_buffer.append`: processes the first slice, keeps the others for
        `process_next`. Raises `RefusedError`.
        """
        detector, audio_format = self._require_detector(), self._settings.input_format
        if len(audio) > MAX_APPEND_BYTES:
            raise invalid_value("Invalid 'audio': at most 15 MiB may be appended at once.", "audio")
        if not has_whole_samples(audio, audio_format):
            raise invalid_value(
                f"Invalid 'audio': expected whole 16-bit samples, but got {len(audio)} bytes, an "
                "odd number.",
                "audio",
            )
        if detector.is_full:
            raise buffer_full(self._limits.max_input_ms)
        if audio:
            step = SLICE_MS * bytes_per_ms(audio_format)
            self._slices.extend(audio[at : at + step] for at in range(0, len(audio), step))
            self.unprocessed_bytes += len(audio)
            self.process_next()

    def process_next(self) -> None:
        """Decodes the next slice and looks for turns in it."""
        audio = self._slices.popleft()
        self.unprocessed_bytes -= len(audio)
        self._process(self._decoder.feed(audio), self._require_detector())

    def _process(self, sound: bytes, detector: TurnDetector) -> None:
        for signal in detector.write(sound):
            self._handle(signal, detector)
        turn_detection = self._settings.turn_detection
        if detector.is_speaking and not detector.silence_ms and turn_detection is not None:
            is_answered = turn_detection.create_response
            self.transcriber.transcribe_partially(detector, is_answered=is_answered)

    def _handle(self, signal: TurnSignal, detector: TurnDetector) -> None:
        turn_detection = self._settings.turn_detection
        assert turn_detection is not None, "there are signals only while turns are detected"
        match signal:
            case VoiceStarted(start_ms=start_ms):
                self._begin_turn(start_ms, turn_detection)
            case VoicePaused():
                self.transcriber.pause(detector, judges_end=turn_detection.eagerness is not None)
            case VoiceResumed():
                self.transcriber.resume()
                self._responses.drop_speculative()
            case ended:
                self._end_turn(ended.end_ms, turn_detection, detector)

    def _begin_turn(self, start_ms: float, turn_detection: TurnDetectionSettings) -> None:
        """Sends `input_audio_buffer.speech_started`; interrupts the response in progress."""
        self._idle_timer.stop()
        item_id = self._queue.new_id("item")
        self.transcriber.begin(item_id, start_ms)
        self._queue.send(
            s.InputAudioBufferSpeechStarted(item_id=item_id, audio_start_ms=round(start_ms))
        )
        if turn_detection.interrupt_response and self._responses.conversation_response is not None:
            self._responses.cancel(None, "turn_detected")

    def _end_turn(
        self, end_ms: float, turn_detection: TurnDetectionSettings, detector: TurnDetector
    ) -> None:
        """Sends `input_audio_buffer.speech_stopped` and commits the turn. A turn without words, as
        a laugh or a cough, that would be answered is dropped: `input_audio_buffer.cleared`.
        """
        utterance = self.transcriber.utterance
        assert utterance is not None, "only a turn that began can end"
        item_id = utterance.item_id
        self._queue.send(
            s.InputAudioBufferSpeechStopped(item_id=item_id, audio_end_ms=round(end_ms))
        )
        is_wordless = utterance.final_text(detector.voice_end_ms) == "" and not utterance.sent_text
        if is_wordless and turn_detection.create_response:
            self.transcriber.drop()
            detector.take(utterance.start_ms, end_ms)
            self._queue.send(s.InputAudioBufferCleared())
            return
        try:
            self._commit(item_id, utterance.start_ms, end_ms, detector.voice_end_ms, detector)
        except RefusedError as error:  # no client event asked for the commit
            self.transcriber.drop()
            self._queue.send(error.to_event())
            return
        if turn_detection.create_response:
            self._on_turn_end()

    def commit(self) -> None:
        """Handles `input_audio_buffer.commit`: the whole buffer becomes an item.

        Raises `RefusedError`.
        """
        detector = self._require_detector()
        self._process(self._decoder.flush(), detector)
        if detector.length_ms < _MIN_COMMIT_MS:
            raise buffer_too_short(detector.length_ms)
        utterance = self.transcriber.utterance
        item_id = utterance.item_id if utterance else self._queue.new_id("item")
        self._responses.drop_speculative()
        self._commit(item_id, detector.start_ms, detector.end_ms, detector.end_ms, detector)
        detector.clear()

    def _commit(
        self,
        item_id: str,
        start_ms: float,
        end_ms: float,
        voice_end_ms: float | None,
        detector: TurnDetector,
    ) -> None:
        """Makes an item of a part of the buffer and sends `input_audio_buffer.committed`,
        `conversation.item.added` and `.done`.

        `voice_end_ms`: end of the speech in it; None where it is only silence. Raises
        `RefusedError` where the conversation is full.
        """
        self._items.check_room()
        self._idle_timer.stop()
        sound = detector.take(start_ms, end_ms)
        item = Message(
            role="user",
            content=[InputAudio(transcript=None)],
            id=item_id,
            object="realtime.item",
            status="completed",
        )
        duration_ms = pcm.duration_ms(sound)
        record = ItemRecord(item, {0: StoredAudio(bytearray(sound), duration_ms)})
        previous_id = self._items.append(record)
        self._queue.send(s.InputAudioBufferCommitted(item_id=item_id, previous_item_id=previous_id))
        self._queue.send(s.ConversationItemAdded(item=item, previous_item_id=previous_id))
        self._queue.send(s.ConversationItemDone(item=item, previous_item_id=previous_id))
        self.transcriber.commit(record, end_ms - duration_ms, voice_end_ms)
        self._items.delete_excess_audio()

    def clear(self) -> None:
        """Handles `input_audio_buffer.clear`."""
        self._decoder.flush()
        self.transcriber.drop()
        self._responses.drop_speculative()
        self._require_detector().clear()
        self._queue.send(s.InputAudioBufferCleared())

    def time_out(self) -> None:
        """The user was silent for `idle_timeout_ms`: sends `input_audio_buffer.timeout_triggered`
        and makes an item of the silence. Raises `RefusedError` where the conversation is full.
        """
        detector = self._require_detector()
        item_id = self._queue.new_id("item")
        start_ms, end_ms = detector.start_ms, detector.end_ms
        self._queue.send(
            s.InputAudioBufferTimeoutTriggered(
                item_id=item_id, audio_start_ms=round(start_ms), audio_end_ms=round(end_ms)
            )
        )
        self._commit(item_id, start_ms, end_ms, None, detector)

    def _pause_text(self, utterance: Utterance, finished: bool | None) -> None:
        """The text before a pause is known: notes whether the speaker has finished, as a model
        heard or else by the words, and starts a speculative reply."""
        turn_detection, detector = self._settings.turn_detection, self._require_detector()
        text = utterance.final_text(detector.voice_end_ms)
        if turn_detection is None or not text:  # no words, or speech has gone on meanwhile
            return
        if finished is None:
            detector.pause = Pause.AFTER_SENTENCE if is_complete_sentence(text) else Pause.WITHIN
        else:
            detector.pause = Pause.FINISHED if finished else Pause.UNFINISHED
        if turn_detection.create_response:
            self._responses.start_speculative(self._settings, utterance.item_id, text)

    def _require_detector(self) -> TurnDetector:
        assert self._detector is not None, "events wait until the engines are loaded"
        return self._detector
