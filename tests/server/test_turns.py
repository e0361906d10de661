"""Turns found in sound: server VAD, semantic VAD, by hand; interruptions and idle time."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from tests.server.event_order_harness import (
    RESPONSE_EVENTS,
    TURN_EVENTS,
    server_vad,
    speech_with_silence,
)
from tests.server.protocol_harness import SILENCE, ProtocolClient, audio_of, error_of, event_types
from tests.server.toy_engines_harness import speech
from tui_voice.server.jobs import ReplyJob, SpeakJob
from tui_voice.server.limits import SessionLimits


class TestServerVad:
    def test_sequence(self) -> None:
        client = ProtocolClient()
        events = client.say(speech_with_silence("hello what is the time"))
        assert event_types(events) == TURN_EVENTS + RESPONSE_EVENTS
        ids = {e["item_id"] for e in events[:3]} | {e["item"]["id"] for e in events[3:5]}
        assert len(ids) == 1
        assert events[3]["item"]["content"] == [{"type": "input_audio", "transcript": None}]
        assert client.last_event("response.output_audio_transcript.done")["transcript"] == (
            "hello what is the time"
        )

    def test_times_are_of_audio_written(self) -> None:
        client = ProtocolClient()
        client.say(speech_with_silence("hello what is the time"))
        started = client.last_event("input_audio_buffer.speech_started")["audio_start_ms"]
        stopped = client.last_event("input_audio_buffer.speech_stopped")["audio_end_ms"]
        assert abs(started - 700) <= 32, "onset at 1000, less the padding"
        end_of_voice = 1000 + 5 * 160 - 40
        assert abs(stopped - (end_of_voice + 500)) <= 64
        client.say(speech_with_silence("hello what is the time"))
        second = client.last_event("input_audio_buffer.speech_started")["audio_start_ms"]
        assert abs(second - (1000 + 800 + 800 + 700)) <= 32

    def test_item_holds_the_turn_and_no_more(self) -> None:
        client = ProtocolClient()
        client.say(speech_with_silence("hello what is the time"))
        client.send("conversation.item.retrieve", item_id=client.item_ids[0])
        part = client.last_event("conversation.item.retrieved")["item"]["content"][0]
        ms = len(base64.b64decode(part["audio"])) / 48
        started = client.last_event("input_audio_buffer.speech_started")["audio_start_ms"]
        stopped = client.last_event("input_audio_buffer.speech_stopped")["audio_end_ms"]
        assert abs(ms - (stopped - started)) <= 1

    def test_padding_and_silence_are_settable(self) -> None:
        client = ProtocolClient()
        client.configure_input(
            turn_detection=server_vad(prefix_padding_ms=0, silence_duration_ms=1200)
        )
        client.say(speech_with_silence("hello", after=1400))
        started = client.last_event("input_audio_buffer.speech_started")["audio_start_ms"]
        stopped = client.last_event("input_audio_buffer.speech_stopped")["audio_end_ms"]
        assert abs(started - 1000) <= 32
        assert abs(stopped - (1120 + 1200)) <= 64

    def test_pause_shorter_than_the_silence_is_within_the_turn(self) -> None:
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

    def test_threshold(self) -> None:
        quiet = (np.frombuffer(speech("hello what is"), "<i2") // 12).astype("<i2").tobytes()
        client = ProtocolClient()
        assert client.say(SILENCE * 300 + quiet + SILENCE * 700) == []
        client.configure_input(turn_detection=server_vad(threshold=0.2))
        assert "response.done" in event_types(client.say(SILENCE * 300 + quiet + SILENCE * 700))

    def test_click_is_no_turn(self) -> None:
        assert (
            ProtocolClient().say(SILENCE * 500 + speech("hello")[: 48 * 40] + SILENCE * 500) == []
        )

    def test_endless_turn_is_ended(self) -> None:
        client = ProtocolClient(limits=SessionLimits(max_input_ms=2_000))
        client.say(speech("one two three four five six seven eight nine ten " * 2))
        assert client.last_event("input_audio_buffer.speech_stopped")["audio_end_ms"] < 2_300

    def test_silence_before_is_not_kept_for_ever(self) -> None:
        client = ProtocolClient()
        for _ in range(7):
            client.say(SILENCE * 10_000, step_ms=2_000)
        client.send("input_audio_buffer.commit")
        client.send("conversation.item.retrieve", item_id=client.item_ids[0])
        part = client.last_event("conversation.item.retrieved")["item"]["content"][0]
        assert 60_000 <= len(base64.b64decode(part["audio"])) / 48 < 62_100

    def test_answer_that_finds_no_room(self) -> None:
        client = ProtocolClient(limits=SessionLimits(max_responses=1))
        client.hold = (ReplyJob,)
        client.send("response.create", response={"conversation": "none"})
        error = error_of(client.say(speech_with_silence("hello")))
        assert error["code"] == "rate_limit_exceeded"
        assert error["event_id"] is None
        assert len(client.item_ids) == 1

    def test_item_that_finds_no_room(self) -> None:
        client = ProtocolClient(limits=SessionLimits(max_items=1))
        client.type_turn("full")
        events = client.say(speech_with_silence("hello"))
        assert error_of(events)["code"] == "conversation_full"
        assert "response.created" not in event_types(events)


class TestInterruption:
    """`create_response` and `interrupt_response` in all four combinations."""

    def talk(self, create: bool, interrupt: bool) -> tuple[ProtocolClient, list[dict[str, Any]]]:
        """The user speaks while the model does."""
        client = ProtocolClient()
        client.configure_input(
            turn_detection=server_vad(create_response=create, interrupt_response=interrupt)
        )
        client.hold = (SpeakJob,)
        client.ask("one two three, four five six.")
        client.release(1)
        return client, client.say(speech_with_silence("hello"))

    def test_both(self) -> None:
        client, events = self.talk(True, True)
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

    def test_create_without_interrupt_makes_none_while_one_is_active(self) -> None:
        client, events = self.talk(True, False)
        assert event_types(events) == TURN_EVENTS
        client.hold = ()
        client.release()
        assert client.last_event("response.done")["response"]["status"] == "completed"
        assert "response.created" in event_types(client.say(speech_with_silence("hello")))

    def test_interrupt_without_create(self) -> None:
        _desk, events = self.talk(False, True)
        assert "response.done" in event_types(events)
        assert "response.created" not in event_types(events)

    def test_neither(self) -> None:
        client, events = self.talk(False, False)
        assert event_types(events) == TURN_EVENTS
        assert client.protocol.responses.conversation_response is not None

    def test_late_sound_of_the_interrupted_is_dropped(self) -> None:
        client, _events = self.talk(True, True)
        first = client.last_event("response.done")["response"]["id"]
        count = len(client.events)
        client.hold = ()
        client.release()
        assert first not in {e.get("response_id") for e in client.events[count:]}

    def test_interruption_spares_what_is_beside_the_talk(self) -> None:
        client = ProtocolClient()
        client.hold = (ReplyJob,)
        client.send(
            "response.create",
            response={"conversation": "none", "output_modalities": ["text"]},
        )
        client.say(speech_with_silence("hello", after=100))
        assert "response.done" not in event_types(client.events)


class TestDraft:
    """The reply is begun at a pause, on the chance that the turn is over."""

    def test_reply_is_asked_for_once_and_used(self) -> None:
        client = ProtocolClient()
        client.say(speech_with_silence("hello", after=300))
        assert len(client.engines.llm.requests) == 1
        assert "response.created" not in event_types(client.events)
        client.say(SILENCE * 400)
        assert len(client.engines.llm.requests) == 1
        assert client.last_event("response.done")["response"]["status"] == "completed"
        assert len(client.engines.stt.durations_s) == 1

    def test_voice_that_goes_on_makes_it_void(self) -> None:
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

    def test_short_silence_leaves_it_time(self) -> None:
        """What is heard and said takes some 100 ms: they are to be over when the turn is."""
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

    def test_changed_conversation_makes_it_void(self) -> None:
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

    def test_first_clause_is_spoken_ahead(self) -> None:
        client = ProtocolClient()
        client.say(speech_with_silence("hello what", after=300))
        assert [text for text, _, _ in client.engines.tts.calls] == ["hello what"]
        client.hold = (SpeakJob,)
        events = client.say(SILENCE * 400)
        assert audio_of(events) == speech("hello what")
        assert client.last_event("response.done")["response"]["status"] == "completed"
        assert not client.held_jobs

    def test_sound_that_is_still_being_made_is_waited_for(self) -> None:
        client = ProtocolClient()
        client.hold = (SpeakJob,)
        client.say(speech_with_silence("hello what"))
        assert len(client.held_jobs) == 1
        client.hold = ()
        assert audio_of(client.release()) == speech("hello what")

    def test_other_voice_by_then(self) -> None:
        client = ProtocolClient()
        client.say(speech_with_silence("hello what", after=300))
        client.update_session(audio={"output": {"voice": "echo"}})
        client.say(SILENCE * 400)
        assert [voice for _, voice, _ in client.engines.tts.calls] == ["marin", "echo"]

    def test_voice_that_fails_ahead_is_told_of_in_the_response(self) -> None:
        client = ProtocolClient()
        client.engines.tts.fails = True
        client.hold = (SpeakJob,)
        client.say(speech_with_silence("hello what", after=300))
        client.hold = ()
        assert client.release() == []
        client.say(SILENCE * 400)
        assert client.last_event("response.done")["response"]["status"] == "failed"

    def test_voice_that_fails_once(self) -> None:
        client = ProtocolClient()
        client.engines.llm.answer = "one two three, four."
        client.engines.tts.fails = True
        client.say(speech_with_silence("hello what", after=300))
        client.engines.tts.fails = False
        client.say(SILENCE * 400)
        assert client.last_event("response.done")["response"]["status"] == "completed"

    def test_only_speech_is_made_ahead(self) -> None:
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

    def test_typed_turn_makes_it_void(self) -> None:
        client = ProtocolClient()
        client.hold = (SpeakJob,)
        client.say(speech_with_silence("hello what", after=300))
        client.ask("red")
        ahead, wanted = client.held_jobs
        assert isinstance(ahead, SpeakJob)
        assert ahead.stop.is_set()
        assert not wanted.stop.is_set()

    def test_none_while_a_response_is_active(self) -> None:
        client = ProtocolClient()
        client.configure_input(turn_detection=server_vad(interrupt_response=False))
        client.hold = (SpeakJob,)
        client.ask("one two three")
        client.say(speech_with_silence("hello", after=300))
        assert len(client.engines.llm.requests) == 1

    def test_none_where_nobody_is_to_answer(self) -> None:
        client = ProtocolClient()
        client.configure_input(turn_detection=server_vad(create_response=False))
        client.say(speech_with_silence("hello"))
        assert client.engines.llm.requests == []

    def test_failed_model_is_told_in_the_response(self) -> None:
        client = ProtocolClient()
        client.engines.llm.fails = True
        client.say(speech_with_silence("hello"))
        done = client.last_event("response.done")["response"]
        assert done["status"] == "failed"
        assert done["status_details"]["error"]["message"] == "The model is broken."

    def test_commit_by_hand_ends_it(self) -> None:
        client = ProtocolClient()
        client.say(speech_with_silence("hello", after=300))
        client.send("input_audio_buffer.commit")
        client.say(SILENCE * 700)
        assert "response.created" not in event_types(client.events)
