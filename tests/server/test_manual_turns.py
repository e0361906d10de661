"""Turns committed by the client, ended by semantic VAD or by the idle timeout; appended audio."""

from __future__ import annotations

import base64
import threading
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.server.event_order_harness import (
    RESPONSE_EVENTS,
    TURN_EVENTS,
    server_vad,
    speech_with_silence,
)
from tests.server.protocol_harness import (
    SILENCE,
    ProtocolClient,
    error_of,
    event_types,
    message_item,
)
from tests.server.toy_engines_harness import ToneRecogniser, ToyEngines, speech
from tui_voice.errors import BackendError
from tui_voice.realtime.wire.client import InputAudioBufferAppend, ResponseCancel
from tui_voice.realtime.wire.items import LogProb
from tui_voice.realtime.wire.server import ResponseDone
from tui_voice.realtime.wire.session import AudioFormat, Pcma, Pcmu
from tui_voice.server.audio_formats import encode
from tui_voice.server.interfaces import ContextTurn
from tui_voice.server.jobs import ReplyJob, SpeakJob, TranscribeJob
from tui_voice.server.limits import SessionLimits


class TestCommit:
    def test_push_to_talk(self) -> None:
        client = ProtocolClient()
        client.configure_input(turn_detection=None)
        assert event_types(client.send("input_audio_buffer.clear")) == [
            "input_audio_buffer.cleared"
        ]
        assert client.say(speech_with_silence("hello what is")) == []
        events = client.send("input_audio_buffer.commit")
        assert event_types(events) == TURN_EVENTS[2:]
        events = client.send("response.create")
        assert event_types(events) == RESPONSE_EVENTS
        assert (
            client.last_event("response.output_audio_transcript.done")["transcript"]
            == "hello what is"
        )

    def test_response_waits_for_the_transcript(self) -> None:
        client = ProtocolClient()
        client.configure_input(turn_detection=None)
        client.hold = (TranscribeJob,)
        client.say(speech_with_silence("hello"))
        client.send("input_audio_buffer.commit")
        assert event_types(client.send("response.create")) == ["response.created"]
        assert event_types(client.release()) == RESPONSE_EVENTS[1:]

    def test_second_commit_needs_new_audio(self) -> None:
        client = ProtocolClient()
        client.configure_input(turn_detection=None)
        client.say(speech_with_silence("hello"))
        client.send("input_audio_buffer.commit")
        client.say(SILENCE * 99)
        error = error_of(client.send("input_audio_buffer.commit", event_id="c"))
        assert error["code"] == "input_audio_buffer_commit_empty"
        assert "99.00ms" in error["message"]
        assert error["event_id"] == "c"
        client.say(SILENCE)
        assert event_types(client.send("input_audio_buffer.commit")) == TURN_EVENTS[2:]

    def test_commit_in_the_middle_of_a_detected_turn(self) -> None:
        client = ProtocolClient()
        client.say(SILENCE * 500 + speech("hello what"))
        item_id = client.last_event("input_audio_buffer.speech_started")["item_id"]
        events = client.send("input_audio_buffer.commit")
        assert events[0]["item_id"] == item_id
        assert event_types(client.say(SILENCE * 700)) == []

    def test_commit_after_a_detected_turn_is_refused_as_empty(self) -> None:
        client = ProtocolClient()
        client.configure_input(turn_detection=server_vad(create_response=False))
        client.say(speech_with_silence("hello", after=520))
        error = error_of(client.send("input_audio_buffer.commit"))
        assert error["code"] == "input_audio_buffer_commit_empty"

    def test_clear_drops_a_turn_that_has_started(self) -> None:
        client = ProtocolClient()
        client.say(SILENCE * 500 + speech("hello what"))
        client.send("input_audio_buffer.clear")
        assert client.say(SILENCE * 800) == []
        assert client.item_ids == []

    def test_turn_detection_can_be_switched_off_within_a_turn(self) -> None:
        client = ProtocolClient()
        client.say(SILENCE * 500 + speech("hello what"))
        client.configure_input(turn_detection=None)
        assert client.say(speech("is") + SILENCE * 800) == []
        client.send("input_audio_buffer.commit")
        client.send("response.create")
        assert (
            client.last_event("response.output_audio_transcript.done")["transcript"]
            == "hello what is"
        )
        client.configure_input(turn_detection=server_vad())
        assert "response.done" in event_types(client.say(speech_with_silence("hello")))

    def test_full_buffer_refuses_audio(self) -> None:
        client = ProtocolClient(limits=SessionLimits(max_input_ms=60_000))
        client.configure_input(turn_detection=None)
        assert client.say(SILENCE * 60_000, step_ms=1_000) == []
        error = error_of(client.say(SILENCE * 20))
        assert error["code"] == "input_audio_buffer_full"
        client.send("input_audio_buffer.clear")
        assert client.say(SILENCE * 20) == []


class TestAppend:
    def test_half_a_sample_is_refused(self) -> None:
        client = ProtocolClient()
        error = error_of(
            client.send("input_audio_buffer.append", audio=base64.b64encode(b"abc").decode())
        )
        assert (error["code"], error["param"]) == ("invalid_value", "audio")
        assert "response.done" in event_types(client.say(speech_with_silence("hello")))

    def test_empty_audio_is_ignored(self) -> None:
        assert ProtocolClient().send("input_audio_buffer.append", audio="") == []

    def test_one_append_has_at_most_15_mib(self) -> None:
        client = ProtocolClient()
        client.configure_input(turn_detection=None)
        most = base64.b64encode(bytes(15 * 2**20)).decode()
        assert client.send("input_audio_buffer.append", audio=most) == []
        more = base64.b64encode(bytes(15 * 2**20 + 2)).decode()
        error = error_of(client.send("input_audio_buffer.append", audio=more))
        assert error["param"] == "audio"

    @pytest.mark.parametrize(("kind", "audio_format"), [("pcmu", Pcmu()), ("pcma", Pcma())])
    def test_g711_input(self, kind: str, audio_format: AudioFormat) -> None:
        client = ProtocolClient()
        client.configure_input(
            format={"type": f"audio/{kind}"}, transcription={"model": "whisper-1"}
        )
        sound = encode(speech_with_silence("hello what is the time"), audio_format)
        for at in range(0, len(sound), 160):
            piece = base64.b64encode(sound[at : at + 160]).decode()
            client.send("input_audio_buffer.append", audio=piece)
        done = client.last_event("conversation.item.input_audio_transcription.completed")
        assert done["transcript"] == "hello what is the time"

    def test_input_format_can_change_within_a_turn(self) -> None:
        client = ProtocolClient()
        client.configure_input(turn_detection=None, format={"type": "audio/pcmu"})
        first = encode(speech("hello what"), Pcmu())
        client.send("input_audio_buffer.append", audio=base64.b64encode(first).decode())
        client.configure_input(format={"type": "audio/pcm", "rate": 24000})
        client.say(speech("is the"))
        client.send("input_audio_buffer.commit")
        client.ask("")
        client.ask("window", output_modalities=["text"])
        assert "user: hello what is the |" in client.last_event("response.output_text.done")["text"]

    def test_input_format_can_change_before_the_engines_are_loaded(self) -> None:
        client = ProtocolClient(ready=False)
        client.configure_input(format={"type": "audio/pcmu"})
        client.prepare_engines()
        assert client.last_event("session.updated")["session"]["audio"]["input"]["format"] == {
            "type": "audio/pcmu"
        }


class TestSemanticVad:
    def turn_ends(self, text: str, silence: int, eagerness: str = "medium") -> bool:
        """Returns whether `silence` ms after `text` end the turn."""
        client = ProtocolClient()
        client.configure_input(turn_detection={"type": "semantic_vad", "eagerness": eagerness})
        client.say(speech_with_silence(text, before=300, after=silence))
        return "input_audio_buffer.speech_stopped" in event_types(client.events)

    def test_complete_sentence_ends_the_turn_soon(self) -> None:
        assert self.turn_ends("hello what is the time", 700)
        assert not self.turn_ends("hello what is the time", 400)

    def test_incomplete_sentence_ends_the_turn_late(self) -> None:
        assert not self.turn_ends("tell me a story about", 3_500)
        assert self.turn_ends("tell me a story about", 4_200)

    def test_eagerness_sets_both_silences(self) -> None:
        assert self.turn_ends("hello", 450, "high")
        assert not self.turn_ends("hello", 700, "low")
        assert self.turn_ends("tell me a", 2_100, "high")
        assert not self.turn_ends("tell me a", 7_800, "low")
        assert self.turn_ends("tell me a", 8_200, "low")

    def test_each_pause_is_judged_by_itself(self) -> None:
        client = ProtocolClient()
        client.configure_input(turn_detection={"type": "semantic_vad", "eagerness": "medium"})
        client.say(
            speech_with_silence("hello", after=400)
            + speech_with_silence("tell me a", before=0, after=1_500)
        )
        assert "input_audio_buffer.speech_stopped" not in event_types(client.events)

    @pytest.mark.parametrize(("finished", "silence"), [(True, 300), (False, 1_300)])
    def test_a_model_that_hears_the_end_decides_instead_of_the_words(
        self, finished: bool, silence: int
    ) -> None:
        heard: list[int] = []

        def judge(samples: NDArray[np.float32]) -> bool:
            heard.append(len(samples))
            return finished

        engines = ToyEngines()
        engines.judge = judge
        for after, ends in ((silence - 60, False), (silence + 60, True)):
            client = ProtocolClient(engines)
            client.configure_input(turn_detection={"type": "semantic_vad", "eagerness": "medium"})
            client.say(speech_with_silence("tell me a story about", before=300, after=after))
            assert ("input_audio_buffer.speech_stopped" in event_types(client.events)) == ends
        assert set(heard) == {heard[0]}, "once for each pause, with all that was said"
        assert heard[0] > 16 * 5 * 160, "five words of 160 ms at 16 kHz"

    def test_the_model_hears_the_turn_while_its_words_are_recognised(self) -> None:
        recognised = threading.Event()

        class WaitingRecogniser(ToneRecogniser):
            def transcribe(self, samples: NDArray[np.float32]) -> str:
                recognised.set()
                return super().transcribe(samples)

        class WaitingEngines(ToyEngines):
            def recogniser(self) -> ToneRecogniser:
                return WaitingRecogniser()

        engines = WaitingEngines()
        engines.judge = lambda _: recognised.wait(5)
        client = ProtocolClient(engines)
        client.configure_input(turn_detection={"type": "semantic_vad", "eagerness": "medium"})
        client.say(speech_with_silence("tell me a story about", before=300, after=360))
        assert "input_audio_buffer.speech_stopped" in event_types(client.events)

    @pytest.mark.parametrize(("finished", "silence"), [(True, 300), (False, 1_300)])
    def test_where_a_model_judges_the_words_none_hears_the_sound(
        self, finished: bool, silence: int
    ) -> None:
        engines, asked = ToyEngines(), list[str]()

        def judge(text: str, _tokens: Sequence[LogProb], before: Sequence[ContextTurn]) -> bool:
            asked.append(" / ".join([*(turn.text for turn in before), text]))
            return finished

        engines.judge, engines.judge_words = lambda _: bool(1 / 0), judge
        for after, ends in ((silence - 60, False), (silence + 60, True)):
            client = ProtocolClient(engines)
            client.configure_input(turn_detection={"type": "semantic_vad", "eagerness": "medium"})
            said = {"type": "output_text", "text": "About what?"}
            client.send("conversation.item.create", item=message_item("assistant", said))
            client.say(speech_with_silence("tell me a story about", before=300, after=after))
            assert ("input_audio_buffer.speech_stopped" in event_types(client.events)) == ends
        assert set(asked) == {"About what? / tell me a story about"}

    def test_a_judge_that_fails_leaves_the_words_and_the_list(self) -> None:
        def judge(_text: str, _tokens: Sequence[LogProb], _before: Sequence[ContextTurn]) -> bool:
            raise BackendError("The language model failed.")

        engines = ToyEngines()
        engines.judge_words = judge
        client = ProtocolClient(engines)
        client.configure_input(turn_detection={"type": "semantic_vad", "eagerness": "medium"})
        client.say(speech_with_silence("hello what is the time", before=300, after=700))
        assert "input_audio_buffer.speech_stopped" in event_types(client.events)
        assert "conversation.item.input_audio_transcription.failed" not in event_types(
            client.events
        )

    def test_the_model_is_not_asked_by_server_vad(self) -> None:
        client = ProtocolClient()
        client.engines.judge = lambda _: bool(1 / 0)
        client.configure_input(turn_detection=server_vad())
        client.say(speech_with_silence("hello", after=700))
        assert "input_audio_buffer.speech_stopped" in event_types(client.events)


class TestIdleTimeout:
    def idle_client(self) -> ProtocolClient:
        client = ProtocolClient()
        client.configure_input(turn_detection=server_vad(idle_timeout_ms=5_000))
        client.ask("hello what is the time")
        return client

    def test_order_of_events(self) -> None:
        client = self.idle_client()
        client.say(SILENCE * 2_000)
        assert client.wait(3.5) == [], "5 s after 0.8 s of audio were played"
        events = client.wait(0.5)
        assert event_types(events)[:5] == [
            "input_audio_buffer.timeout_triggered",
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.done",
            "response.created",
        ]
        triggered = events[0]
        assert triggered["audio_end_ms"] - triggered["audio_start_ms"] == 2_000
        assert client.last_event("response.done")["response"]["status"] == "completed"

    def test_silence_is_not_transcribed(self) -> None:
        client = self.idle_client()
        client.configure_input(transcription={"model": "whisper-1"})
        client.wait(6.0)
        assert client.engines.stt.durations_s == []
        done = client.last_event("conversation.item.input_audio_transcription.completed")
        assert done["transcript"] == ""

    @pytest.mark.parametrize("activity", ["speech", "text", "response"])
    def test_any_activity_stops_the_timer(self, activity: str) -> None:
        client = self.idle_client()
        client.hold = (ReplyJob,)
        if activity == "speech":
            client.say(SILENCE * 300 + speech("hello"))
        elif activity == "text":
            client.type_turn("hello")
        else:
            client.send("response.create")
        assert client.wait(20.0) == []

    def test_empty_response_starts_the_timer(self) -> None:
        client = self.idle_client()
        client.ask("")
        assert event_types(client.wait(5.1))[0] == "input_audio_buffer.timeout_triggered"

    def test_no_timer_while_the_user_speaks(self) -> None:
        client = ProtocolClient()
        client.configure_input(
            turn_detection=server_vad(idle_timeout_ms=5_000, interrupt_response=False)
        )
        client.hold = (SpeakJob,)
        client.ask("hello")
        client.say(SILENCE * 300 + speech("hello"))
        client.hold = ()
        client.release()
        assert client.wait(20.0) == []

    def test_error_where_the_silence_is_one_item_too_many(self) -> None:
        client = ProtocolClient(limits=SessionLimits(max_items=2))
        client.configure_input(turn_detection=server_vad(idle_timeout_ms=5_000))
        client.ask("hello")
        assert "error" in event_types(client.wait(6.0))


def test_session_ends_at_its_maximum_duration() -> None:
    client = ProtocolClient(limits=SessionLimits(session_seconds=120))
    assert client.wait(119) == []
    assert client.closed is None
    client.wait(2)
    assert client.closed is not None
    assert client.closed.code == 1001
    assert client.closed.reason == "Your session hit the maximum duration of 2 minutes."


def test_cancel_does_not_wait_for_unprocessed_audio() -> None:
    """Minutes of audio take seconds to process, but a cancel takes effect at once."""
    client = ProtocolClient()
    client.hold = (SpeakJob,)
    client.ask("hello")
    append = InputAudioBufferAppend(audio=SILENCE * 60_000)
    assert client.protocol.receive(append, client.now) == []
    assert client.protocol.has_pending_work
    assert client.protocol.pending_bytes > 59_000 * 48
    outputs = client.protocol.receive(ResponseCancel(), client.now)
    assert isinstance(outputs[0], ResponseDone)
    assert client.protocol.pending_bytes > 59_000 * 48
