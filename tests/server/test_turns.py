"""Turns found in sound: server VAD, semantic VAD, by hand; interruptions and idle time."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from tests.server.desk import SILENCE, Desk, audio_of, error_of, types
from tests.server.engines import speech
from tests.server.ladders import LADDER, TURN, spoken, vad
from tui_voice.server.jobs import Reply, Speak
from tui_voice.server.limits import Limits


class TestServerVad:
    def test_sequence(self) -> None:
        desk = Desk()
        events = desk.say(spoken("hello what is the time"))
        assert types(events) == TURN + LADDER
        ids = {e["item_id"] for e in events[:3]} | {e["item"]["id"] for e in events[3:5]}
        assert len(ids) == 1
        assert events[3]["item"]["content"] == [{"type": "input_audio", "transcript": None}]
        assert desk.last("response.output_audio_transcript.done")["transcript"] == (
            "hello what is the time"
        )

    def test_times_are_of_audio_written(self) -> None:
        desk = Desk()
        desk.say(spoken("hello what is the time"))
        started = desk.last("input_audio_buffer.speech_started")["audio_start_ms"]
        stopped = desk.last("input_audio_buffer.speech_stopped")["audio_end_ms"]
        assert abs(started - 700) <= 32, "onset at 1000, less the padding"
        end_of_voice = 1000 + 5 * 160 - 40
        assert abs(stopped - (end_of_voice + 500)) <= 64
        desk.say(spoken("hello what is the time"))
        second = desk.last("input_audio_buffer.speech_started")["audio_start_ms"]
        assert abs(second - (1000 + 800 + 800 + 700)) <= 32

    def test_item_holds_the_turn_and_no_more(self) -> None:
        desk = Desk()
        desk.say(spoken("hello what is the time"))
        desk.send("conversation.item.retrieve", item_id=desk.items[0])
        part = desk.last("conversation.item.retrieved")["item"]["content"][0]
        ms = len(base64.b64decode(part["audio"])) / 48
        started = desk.last("input_audio_buffer.speech_started")["audio_start_ms"]
        stopped = desk.last("input_audio_buffer.speech_stopped")["audio_end_ms"]
        assert abs(ms - (stopped - started)) <= 1

    def test_padding_and_silence_are_settable(self) -> None:
        desk = Desk()
        desk.configure(turn_detection=vad(prefix_padding_ms=0, silence_duration_ms=1200))
        desk.say(spoken("hello", after=1400))
        started = desk.last("input_audio_buffer.speech_started")["audio_start_ms"]
        stopped = desk.last("input_audio_buffer.speech_stopped")["audio_end_ms"]
        assert abs(started - 1000) <= 32
        assert abs(stopped - (1120 + 1200)) <= 64

    def test_pause_shorter_than_the_silence_is_within_the_turn(self) -> None:
        desk = Desk()
        desk.say(spoken("hello", after=350) + spoken("what is", before=0))
        assert types(desk.events).count("input_audio_buffer.speech_started") == 1
        assert desk.last("response.output_audio_transcript.done")["transcript"] == "hello what is"

    def test_two_turns_in_one_append(self) -> None:
        desk = Desk()
        sound = spoken("hello") + spoken("what is the time")
        desk.send("input_audio_buffer.append", audio=base64.b64encode(sound).decode())
        assert types(desk.events).count("response.done") == 2
        committed = [e for e in desk.events if e["type"] == "input_audio_buffer.committed"]
        assert committed[0]["previous_item_id"] is None
        assert committed[1]["previous_item_id"] is not None

    def test_threshold(self) -> None:
        quiet = (np.frombuffer(speech("hello what is"), "<i2") // 12).astype("<i2").tobytes()
        desk = Desk()
        assert desk.say(SILENCE * 300 + quiet + SILENCE * 700) == []
        desk.configure(turn_detection=vad(threshold=0.2))
        assert "response.done" in types(desk.say(SILENCE * 300 + quiet + SILENCE * 700))

    def test_click_is_no_turn(self) -> None:
        assert Desk().say(SILENCE * 500 + speech("hello")[: 48 * 40] + SILENCE * 500) == []

    def test_endless_turn_is_ended(self) -> None:
        desk = Desk(limits=Limits(max_input_ms=2_000))
        desk.say(speech("one two three four five six seven eight nine ten " * 2))
        assert desk.last("input_audio_buffer.speech_stopped")["audio_end_ms"] < 2_300

    def test_silence_before_is_not_kept_for_ever(self) -> None:
        desk = Desk()
        for _ in range(7):
            desk.say(SILENCE * 10_000, step_ms=2_000)
        desk.send("input_audio_buffer.commit")
        desk.send("conversation.item.retrieve", item_id=desk.items[0])
        part = desk.last("conversation.item.retrieved")["item"]["content"][0]
        assert 60_000 <= len(base64.b64decode(part["audio"])) / 48 < 62_100

    def test_answer_that_finds_no_room(self) -> None:
        desk = Desk(limits=Limits(max_responses=1))
        desk.hold = (Reply,)
        desk.send("response.create", response={"conversation": "none"})
        error = error_of(desk.say(spoken("hello")))
        assert error["code"] == "rate_limit_exceeded"
        assert error["event_id"] is None
        assert len(desk.items) == 1

    def test_item_that_finds_no_room(self) -> None:
        desk = Desk(limits=Limits(max_items=1))
        desk.type("full")
        events = desk.say(spoken("hello"))
        assert error_of(events)["code"] == "conversation_full"
        assert "response.created" not in types(events)


class TestInterruption:
    """`create_response` and `interrupt_response` in all four combinations."""

    def talk(self, create: bool, interrupt: bool) -> tuple[Desk, list[dict[str, Any]]]:
        """The user speaks while the model does."""
        desk = Desk()
        desk.configure(turn_detection=vad(create_response=create, interrupt_response=interrupt))
        desk.hold = (Speak,)
        desk.ask("one two three, four five six.")
        desk.release(1)
        return desk, desk.say(spoken("hello"))

    def test_both(self) -> None:
        desk, events = self.talk(True, True)
        assert types(events)[:7] == [
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
        assert "response.created" in types(events)
        assert desk.engine.replies.default is not None

    def test_create_without_interrupt_makes_none_while_one_is_active(self) -> None:
        desk, events = self.talk(True, False)
        assert types(events) == TURN
        desk.hold = ()
        desk.release()
        assert desk.last("response.done")["response"]["status"] == "completed"
        assert "response.created" in types(desk.say(spoken("hello")))

    def test_interrupt_without_create(self) -> None:
        _desk, events = self.talk(False, True)
        assert "response.done" in types(events)
        assert "response.created" not in types(events)

    def test_neither(self) -> None:
        desk, events = self.talk(False, False)
        assert types(events) == TURN
        assert desk.engine.replies.default is not None

    def test_late_sound_of_the_interrupted_is_dropped(self) -> None:
        desk, _events = self.talk(True, True)
        first = desk.last("response.done")["response"]["id"]
        count = len(desk.events)
        desk.hold = ()
        desk.release()
        assert first not in {e.get("response_id") for e in desk.events[count:]}

    def test_interruption_spares_what_is_beside_the_talk(self) -> None:
        desk = Desk()
        desk.hold = (Reply,)
        desk.send(
            "response.create",
            response={"conversation": "none", "output_modalities": ["text"]},
        )
        desk.say(spoken("hello", after=100))
        assert "response.done" not in types(desk.events)


class TestDraft:
    """The reply is begun at a pause, on the chance that the turn is over."""

    def test_reply_is_asked_for_once_and_used(self) -> None:
        desk = Desk()
        desk.say(spoken("hello", after=300))
        assert len(desk.engines.thinks.requests) == 1
        assert "response.created" not in types(desk.events)
        desk.say(SILENCE * 400)
        assert len(desk.engines.thinks.requests) == 1
        assert desk.last("response.done")["response"]["status"] == "completed"
        assert len(desk.engines.hears.heard) == 1

    def test_voice_that_goes_on_makes_it_void(self) -> None:
        desk = Desk()
        desk.say(spoken("hello", after=300) + spoken("what is", before=0))
        assert [r.turns[-1].text for r in desk.engines.thinks.requests] == [
            "hello",
            "hello what is",
        ]
        assert desk.last("response.output_audio_transcript.done")["transcript"] == "hello what is"

    def test_short_silence_leaves_it_time(self) -> None:
        """What is heard and said takes some 100 ms: they are to be over when the turn is."""
        desk = Desk()
        desk.configure(turn_detection=vad(silence_duration_ms=300))
        desk.say(spoken("hello", after=180))
        assert [text for text, _, _ in desk.engines.speaks.said] == ["hello"]
        assert "input_audio_buffer.committed" not in types(desk.events)
        desk.say(spoken("what is", before=0))
        assert types(desk.events).count("input_audio_buffer.committed") == 1
        assert desk.last("response.output_audio_transcript.done")["transcript"] == "hello what is"

    def test_changed_conversation_makes_it_void(self) -> None:
        desk = Desk()
        desk.say(spoken("hello", after=300))
        desk.send(
            "conversation.item.create",
            previous_item_id="root",
            item={
                "type": "message",
                "role": "system",
                "content": [{"type": "input_text", "text": "Summary."}],
            },
        )
        desk.say(SILENCE * 400)
        assert [len(r.turns) for r in desk.engines.thinks.requests] == [1, 2]

    def test_first_clause_is_spoken_ahead(self) -> None:
        desk = Desk()
        desk.say(spoken("hello what", after=300))
        assert [text for text, _, _ in desk.engines.speaks.said] == ["hello what"]
        desk.hold = (Speak,)
        events = desk.say(SILENCE * 400)
        assert audio_of(events) == speech("hello what")
        assert desk.last("response.done")["response"]["status"] == "completed"
        assert not desk.held

    def test_sound_that_is_still_being_made_is_waited_for(self) -> None:
        desk = Desk()
        desk.hold = (Speak,)
        desk.say(spoken("hello what"))
        assert len(desk.held) == 1
        desk.hold = ()
        assert audio_of(desk.release()) == speech("hello what")

    def test_other_voice_by_then(self) -> None:
        desk = Desk()
        desk.say(spoken("hello what", after=300))
        desk.update(audio={"output": {"voice": "echo"}})
        desk.say(SILENCE * 400)
        assert [voice for _, voice, _ in desk.engines.speaks.said] == ["marin", "echo"]

    def test_voice_that_fails_ahead_is_told_of_in_the_response(self) -> None:
        desk = Desk()
        desk.engines.speaks.breaks = True
        desk.hold = (Speak,)
        desk.say(spoken("hello what", after=300))
        desk.hold = ()
        assert desk.release() == []
        desk.say(SILENCE * 400)
        assert desk.last("response.done")["response"]["status"] == "failed"

    def test_voice_that_fails_once(self) -> None:
        desk = Desk()
        desk.engines.thinks.answer = "one two three, four."
        desk.engines.speaks.breaks = True
        desk.say(spoken("hello what", after=300))
        desk.engines.speaks.breaks = False
        desk.say(SILENCE * 400)
        assert desk.last("response.done")["response"]["status"] == "completed"

    def test_only_speech_is_made_ahead(self) -> None:
        desk = Desk()
        tool = {"type": "function", "name": "weather"}
        desk.update(tools=[tool], tool_choice={"type": "function", "name": "weather"})
        desk.say(spoken("hello"))
        assert desk.last("response.done")["response"]["output"][0]["type"] == "function_call"
        desk.update(output_modalities=["text"], tool_choice="auto")
        desk.say(spoken("hello"))
        assert desk.engines.speaks.said == []

    def test_typed_turn_makes_it_void(self) -> None:
        desk = Desk()
        desk.hold = (Speak,)
        desk.say(spoken("hello what", after=300))
        desk.ask("red")
        ahead, wanted = desk.held
        assert isinstance(ahead, Speak)
        assert ahead.stop.is_set()
        assert not wanted.stop.is_set()

    def test_none_while_a_response_is_active(self) -> None:
        desk = Desk()
        desk.configure(turn_detection=vad(interrupt_response=False))
        desk.hold = (Speak,)
        desk.ask("one two three")
        desk.say(spoken("hello", after=300))
        assert len(desk.engines.thinks.requests) == 1

    def test_none_where_nobody_is_to_answer(self) -> None:
        desk = Desk()
        desk.configure(turn_detection=vad(create_response=False))
        desk.say(spoken("hello"))
        assert desk.engines.thinks.requests == []

    def test_failed_model_is_told_in_the_response(self) -> None:
        desk = Desk()
        desk.engines.thinks.fails = True
        desk.say(spoken("hello"))
        done = desk.last("response.done")["response"]
        assert done["status"] == "failed"
        assert done["status_details"]["error"]["message"] == "The model is broken."

    def test_commit_by_hand_ends_it(self) -> None:
        desk = Desk()
        desk.say(spoken("hello", after=300))
        desk.send("input_audio_buffer.commit")
        desk.say(SILENCE * 700)
        assert "response.created" not in types(desk.events)
