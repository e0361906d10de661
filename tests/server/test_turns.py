"""Turns found by server VAD: their events, interruptions, and speculative replies."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest

from tests.server.event_order_harness import (
    RESPONSE_EVENTS,
    TURN_EVENTS,
    server_vad,
    speech_with_silence,
)
from tests.server.protocol_harness import (
    SILENCE,
    ProtocolClient,
    audio_of,
    error_of,
    event_types,
    message_item,
)
from tests.server.toy_engines_harness import ToneRecogniser, speech
from tui_voice.server.jobs import ReplyJob, SpeakJob
from tui_voice.server.limits import SessionLimits


class TestServerVad:
    def test_order_of_events(self) -> None:
        client = ProtocolClient()
        events = client.say(speech_with_silence("hello what is the time"))
        assert event_types(events) == TURN_EVENTS + RESPONSE_EVENTS
        ids = {e["item_id"] for e in events[:3]} | {e["item"]["id"] for e in events[3:5]}
        assert len(ids) == 1
        assert events[3]["item"]["content"] == [{"type": "input_audio", "transcript": None}]
        assert client.last_event("response.output_audio_transcript.done")["transcript"] == (
            "hello what is the time"
        )

    def test_times_are_positions_in_the_appended_audio(self) -> None:
        client = ProtocolClient()
        client.say(speech_with_silence("hello what is the time"))
        started = client.last_event("input_audio_buffer.speech_started")["audio_start_ms"]
        stopped = client.last_event("input_audio_buffer.speech_stopped")["audio_end_ms"]
        assert abs(started - 700) <= 32, "speech starts at 1000 ms, minus the padding"
        voice_end = 1000 + 5 * 160 - 40
        assert abs(stopped - (voice_end + 500)) <= 64
        client.say(speech_with_silence("hello what is the time"))
        second = client.last_event("input_audio_buffer.speech_started")["audio_start_ms"]
        assert abs(second - (1000 + 800 + 800 + 700)) <= 32

    def test_item_has_the_audio_of_the_turn_alone(self) -> None:
        client = ProtocolClient()
        client.say(speech_with_silence("hello what is the time"))
        client.send("conversation.item.retrieve", item_id=client.item_ids[0])
        part = client.last_event("conversation.item.retrieved")["item"]["content"][0]
        ms = len(base64.b64decode(part["audio"])) / 48
        started = client.last_event("input_audio_buffer.speech_started")["audio_start_ms"]
        stopped = client.last_event("input_audio_buffer.speech_stopped")["audio_end_ms"]
        assert abs(ms - (stopped - started)) <= 1

    def test_padding_and_silence_follow_the_session(self) -> None:
        client = ProtocolClient()
        client.configure_input(
            turn_detection=server_vad(prefix_padding_ms=0, silence_duration_ms=1200)
        )
        client.say(speech_with_silence("hello", after=1400))
        started = client.last_event("input_audio_buffer.speech_started")["audio_start_ms"]
        stopped = client.last_event("input_audio_buffer.speech_stopped")["audio_end_ms"]
        assert abs(started - 1000) <= 32
        assert abs(stopped - (1120 + 1200)) <= 64

    def test_short_pause_does_not_end_the_turn(self) -> None:
        client = ProtocolClient()
        client.say(
            speech_with_silence("hello", after=350) + speech_with_silence("what is", before=0)
        )
        assert event_types(client.events).count("input_audio_buffer.speech_started") == 1
        assert (
            client.last_event("response.output_audio_transcript.done")["transcript"]
            == "hello what is"
        )

    def test_two_turns_in_one_append(self) -> None:
        client = ProtocolClient()
        sound = speech_with_silence("hello") + speech_with_silence("what is the time")
        client.send("input_audio_buffer.append", audio=base64.b64encode(sound).decode())
        assert event_types(client.events).count("response.done") == 2
        committed = [e for e in client.events if e["type"] == "input_audio_buffer.committed"]
        assert committed[0]["previous_item_id"] is None
        assert committed[1]["previous_item_id"] is not None

    def test_threshold_follows_the_session(self) -> None:
        quiet = (np.frombuffer(speech("hello what is"), "<i2") // 12).astype("<i2").tobytes()
        client = ProtocolClient()
        assert client.say(SILENCE * 300 + quiet + SILENCE * 700) == []
        client.configure_input(turn_detection=server_vad(threshold=0.2))
        events = client.say(SILENCE * 300 + quiet + SILENCE * 700)
        assert event_types(events)[:2] == TURN_EVENTS[:2]  # the recogniser finds no words

    def test_a_turn_without_words_is_dropped(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A laugh, a cough: the next turn is heard as if it had not been."""
        client = ProtocolClient()
        client.configure_input(turn_detection=server_vad(), transcription={"model": "tones"})
        with monkeypatch.context() as wordless:
            wordless.setattr(ToneRecogniser, "transcribe", lambda *_: "")
            events = client.say(speech_with_silence("hello"))
        assert event_types(events) == [*TURN_EVENTS[:2], "input_audio_buffer.cleared"]
        assert client.item_ids == []
        client.say(speech_with_silence("one two"))
        done = "conversation.item.input_audio_transcription.completed"
        assert client.last_event(done)["transcript"] == "one two"

    def test_a_turn_without_words_is_an_item_where_the_client_decides(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ToneRecogniser, "transcribe", lambda *_: "")
        client = ProtocolClient()
        client.configure_input(turn_detection=server_vad(create_response=False))
        assert event_types(client.say(speech_with_silence("hello"))) == TURN_EVENTS

    def test_click_starts_no_turn(self) -> None:
        assert (
            ProtocolClient().say(SILENCE * 500 + speech("hello")[: 48 * 40] + SILENCE * 500) == []
        )

    def test_turn_ends_at_its_maximum_length(self) -> None:
        client = ProtocolClient(limits=SessionLimits(max_input_ms=2_000))
        client.say(speech("one two three four five six seven eight nine ten " * 2))
        assert client.last_event("input_audio_buffer.speech_stopped")["audio_end_ms"] < 2_300

    def test_one_minute_of_silence_is_kept(self) -> None:
        client = ProtocolClient()
        for _ in range(7):
            client.say(SILENCE * 10_000, step_ms=2_000)
        client.send("input_audio_buffer.commit")
        client.send("conversation.item.retrieve", item_id=client.item_ids[0])
        part = client.last_event("conversation.item.retrieved")["item"]["content"][0]
        assert 60_000 <= len(base64.b64decode(part["audio"])) / 48 < 62_100

    def test_error_where_the_automatic_response_is_one_too_many(self) -> None:
        client = ProtocolClient(limits=SessionLimits(max_responses=1))
        client.hold = (ReplyJob,)
        client.send("response.create", response={"conversation": "none"})
        error = error_of(client.say(speech_with_silence("hello")))
        assert error["code"] == "rate_limit_exceeded"
        assert error["event_id"] is None
        assert len(client.item_ids) == 1

    def test_error_where_the_turn_is_one_item_too_many(self) -> None:
        client = ProtocolClient(limits=SessionLimits(max_items=1))
        client.type_turn("full")
        events = client.say(speech_with_silence("hello"))
        assert error_of(events)["code"] == "conversation_full"
        assert "response.created" not in event_types(events)


class TestInterruption:
    """`create_response` and `interrupt_response` in all four combinations."""

    def interrupt(
        self, create: bool, interrupt: bool
    ) -> tuple[ProtocolClient, list[dict[str, Any]]]:
        """The user speaks while a response is in progress."""
        client = ProtocolClient()
        client.configure_input(
            turn_detection=server_vad(create_response=create, interrupt_response=interrupt)
        )
        client.hold = (SpeakJob,)
        client.ask("one two three, four five six.")
        client.release(1)
        return client, client.say(speech_with_silence("hello"))

    def test_create_and_interrupt(self) -> None:
        client, events = self.interrupt(True, True)
        assert event_types(events)[:7] == [
            "input_audio_buffer.speech_started",
            "response.output_audio.done",
            "response.output_audio_transcript.done",
            "response.content_part.done",
            "conversation.item.done",
            "response.output_item.done",
            "response.done",
        ]
        done = events[6]["response"]
        assert done["status"] == "cancelled"
        assert done["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
        assert done["output"][0]["status"] == "incomplete"
        assert done["output"][0]["content"] == [
            {"type": "output_audio", "transcript": "one two three,"}
        ]
        assert "response.created" in event_types(events)
        assert client.protocol.responses.conversation_response is not None

    def test_create_alone_makes_no_response_while_one_is_active(self) -> None:
        client, events = self.interrupt(True, False)
        assert event_types(events) == TURN_EVENTS
        client.hold = ()
        client.release()
        assert client.last_event("response.done")["response"]["status"] == "completed"
        assert "response.created" in event_types(client.say(speech_with_silence("hello")))

    def test_interrupt_alone(self) -> None:
        _desk, events = self.interrupt(False, True)
        assert "response.done" in event_types(events)
        assert "response.created" not in event_types(events)

    def test_neither_create_nor_interrupt(self) -> None:
        client, events = self.interrupt(False, False)
        assert event_types(events) == TURN_EVENTS
        assert client.protocol.responses.conversation_response is not None

    def test_late_audio_of_the_interrupted_response_is_dropped(self) -> None:
        client, _events = self.interrupt(True, True)
        first = client.last_event("response.done")["response"]["id"]
        count = len(client.events)
        client.hold = ()
        client.release()
        assert first not in {e.get("response_id") for e in client.events[count:]}

    def test_out_of_band_response_is_not_interrupted(self) -> None:
        client = ProtocolClient()
        client.hold = (ReplyJob,)
        client.send(
            "response.create",
            response={"conversation": "none", "output_modalities": ["text"]},
        )
        client.say(speech_with_silence("hello", after=100))
        assert "response.done" not in event_types(client.events)


class TestSpeculativeReply:
    """A reply is started at a pause, before it is certain that the turn has ended."""

    def test_response_uses_the_reply_started_at_the_pause(self) -> None:
        client = ProtocolClient()
        client.say(speech_with_silence("hello", after=300))
        assert len(client.engines.llm.requests) == 1
        assert "response.created" not in event_types(client.events)
        client.say(SILENCE * 400)
        assert len(client.engines.llm.requests) == 1
        assert client.last_event("response.done")["response"]["status"] == "completed"
        assert len(client.engines.stt.durations_s) == 1

    def test_speech_after_the_pause_discards_it(self) -> None:
        client = ProtocolClient()
        client.say(
            speech_with_silence("hello", after=300) + speech_with_silence("what is", before=0)
        )
        assert [r.turns[-1].text for r in client.engines.llm.requests] == [
            "hello",
            "hello what is",
        ]
        assert (
            client.last_event("response.output_audio_transcript.done")["transcript"]
            == "hello what is"
        )

    def test_it_is_started_long_before_a_silence_of_300_ms_is_over(self) -> None:
        """Transcript and first clause take some 100 ms and should be ready when the turn ends."""
        client = ProtocolClient()
        client.configure_input(turn_detection=server_vad(silence_duration_ms=300))
        client.say(speech_with_silence("hello", after=180))
        assert [text for text, _, _ in client.engines.tts.calls] == ["hello"]
        assert "input_audio_buffer.committed" not in event_types(client.events)
        client.say(speech_with_silence("what is", before=0))
        assert event_types(client.events).count("input_audio_buffer.committed") == 1
        assert (
            client.last_event("response.output_audio_transcript.done")["transcript"]
            == "hello what is"
        )

    @pytest.mark.parametrize("detection", ["server_vad", "semantic_vad"])
    def test_the_model_reads_ahead_while_the_user_speaks(self, detection: str) -> None:
        client = ProtocolClient()
        client.configure_input(turn_detection={"type": detection}, transcription={"model": "tones"})
        said = {"type": "output_text", "text": "About what?"}
        client.send("conversation.item.create", item=message_item("assistant", said))
        client.say(speech_with_silence("tell me a story about", after=0))
        words = ["tell", "tell me a story about"]
        assert client.engines.read == [f"About what? / {text}" for text in words]
        assert not client.engines.llm.requests

    def test_without_words_nothing_is_read_ahead(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ToneRecogniser, "transcribe", lambda *_: "")
        client = ProtocolClient()
        client.configure_input(turn_detection=server_vad(), transcription={"model": "tones"})
        client.say(speech_with_silence("tell me a story about", after=0))
        assert client.engines.read == []

    def test_nothing_is_read_ahead_where_no_reply_follows(self) -> None:
        client = ProtocolClient()
        silent = server_vad(create_response=False)
        client.configure_input(turn_detection=silent, transcription={"model": "tones"})
        client.say(speech_with_silence("tell me a story about"))
        assert client.engines.read == []

    def test_changed_conversation_discards_it(self) -> None:
        client = ProtocolClient()
        client.say(speech_with_silence("hello", after=300))
        client.send(
            "conversation.item.create",
            previous_item_id="root",
            item={
                "type": "message",
                "role": "system",
                "content": [{"type": "input_text", "text": "Summary."}],
            },
        )
        client.say(SILENCE * 400)
        assert [len(r.turns) for r in client.engines.llm.requests] == [1, 2]

    def test_first_clause_is_synthesised_before_the_turn_ends(self) -> None:
        client = ProtocolClient()
        client.say(speech_with_silence("hello what", after=300))
        assert [text for text, _, _ in client.engines.tts.calls] == ["hello what"]
        client.hold = (SpeakJob,)
        events = client.say(SILENCE * 400)
        assert audio_of(events) == speech("hello what")
        assert client.last_event("response.done")["response"]["status"] == "completed"
        assert not client.held_jobs

    def test_response_waits_for_a_clause_that_is_being_synthesised(self) -> None:
        client = ProtocolClient()
        client.hold = (SpeakJob,)
        client.say(speech_with_silence("hello what"))
        assert len(client.held_jobs) == 1
        client.hold = ()
        assert audio_of(client.release()) == speech("hello what")

    def test_changed_voice_is_synthesised_again(self) -> None:
        client = ProtocolClient()
        client.say(speech_with_silence("hello what", after=300))
        client.update_session(audio={"output": {"voice": "echo"}})
        client.say(SILENCE * 400)
        assert [voice for _, voice, _ in client.engines.tts.calls] == ["marin", "echo"]

    def test_failing_synthesiser_is_reported_in_the_response(self) -> None:
        client = ProtocolClient()
        client.engines.tts.fails = True
        client.hold = (SpeakJob,)
        client.say(speech_with_silence("hello what", after=300))
        client.hold = ()
        assert client.release() == []
        client.say(SILENCE * 400)
        assert client.last_event("response.done")["response"]["status"] == "failed"

    def test_synthesiser_that_fails_once_is_tried_again(self) -> None:
        client = ProtocolClient()
        client.engines.llm.answer = "one two three, four."
        client.engines.tts.fails = True
        client.say(speech_with_silence("hello what", after=300))
        client.engines.tts.fails = False
        client.say(SILENCE * 400)
        assert client.last_event("response.done")["response"]["status"] == "completed"

    def test_calls_and_text_are_not_synthesised(self) -> None:
        client = ProtocolClient()
        tool = {"type": "function", "name": "weather"}
        client.update_session(tools=[tool], tool_choice={"type": "function", "name": "weather"})
        client.say(speech_with_silence("hello"))
        assert (
            client.last_event("response.done")["response"]["output"][0]["type"] == "function_call"
        )
        client.update_session(output_modalities=["text"], tool_choice="auto")
        client.say(speech_with_silence("hello"))
        assert client.engines.tts.calls == []

    def test_typed_turn_discards_it(self) -> None:
        client = ProtocolClient()
        client.hold = (SpeakJob,)
        client.say(speech_with_silence("hello what", after=300))
        client.ask("red")
        speculative, requested = client.held_jobs
        assert isinstance(speculative, SpeakJob)
        assert speculative.stop.is_set()
        assert not requested.stop.is_set()

    def test_none_while_a_response_is_active(self) -> None:
        client = ProtocolClient()
        client.configure_input(turn_detection=server_vad(interrupt_response=False))
        client.hold = (SpeakJob,)
        client.ask("one two three")
        client.say(speech_with_silence("hello", after=300))
        assert len(client.engines.llm.requests) == 1

    def test_none_without_automatic_responses(self) -> None:
        client = ProtocolClient()
        client.configure_input(turn_detection=server_vad(create_response=False))
        client.say(speech_with_silence("hello"))
        assert client.engines.llm.requests == []

    def test_failing_model_is_reported_in_the_response(self) -> None:
        client = ProtocolClient()
        client.engines.llm.fails = True
        client.say(speech_with_silence("hello"))
        done = client.last_event("response.done")["response"]
        assert done["status"] == "failed"
        assert done["status_details"]["error"]["message"] == "The model is broken."

    def test_commit_by_the_client_discards_it(self) -> None:
        client = ProtocolClient()
        client.say(speech_with_silence("hello", after=300))
        client.send("input_audio_buffer.commit")
        client.say(SILENCE * 700)
        assert "response.created" not in event_types(client.events)
