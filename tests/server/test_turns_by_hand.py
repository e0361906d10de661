"""Turns ended by hand, by sense or by the clock, and what may be appended."""

from __future__ import annotations

import base64

import pytest

from tests.server.desk import SILENCE, Desk, error_of, types
from tests.server.engines import speech
from tests.server.ladders import LADDER, TURN, spoken, vad
from tui_voice.realtime.wire.client import InputAudioBufferAppend, ResponseCancel
from tui_voice.realtime.wire.server import ResponseDone
from tui_voice.realtime.wire.session import AudioFormat, Pcma, Pcmu
from tui_voice.server.audio_formats import encode
from tui_voice.server.jobs import Reply, Speak, Transcribe
from tui_voice.server.limits import Limits


class TestByHand:
    def test_push_to_talk(self) -> None:
        desk = Desk()
        desk.configure(turn_detection=None)
        assert types(desk.send("input_audio_buffer.clear")) == ["input_audio_buffer.cleared"]
        assert desk.say(spoken("hello what is")) == []
        events = desk.send("input_audio_buffer.commit")
        assert types(events) == TURN[2:]
        events = desk.send("response.create")
        assert types(events) == LADDER
        assert desk.last("response.output_audio_transcript.done")["transcript"] == "hello what is"

    def test_response_waits_for_the_words(self) -> None:
        desk = Desk()
        desk.configure(turn_detection=None)
        desk.hold = (Transcribe,)
        desk.say(spoken("hello"))
        desk.send("input_audio_buffer.commit")
        assert types(desk.send("response.create")) == ["response.created"]
        assert types(desk.release()) == LADDER[1:]

    def test_second_commit_needs_new_audio(self) -> None:
        desk = Desk()
        desk.configure(turn_detection=None)
        desk.say(spoken("hello"))
        desk.send("input_audio_buffer.commit")
        desk.say(SILENCE * 99)
        error = error_of(desk.send("input_audio_buffer.commit", event_id="c"))
        assert error["code"] == "input_audio_buffer_commit_empty"
        assert "99.00ms" in error["message"]
        assert error["event_id"] == "c"
        desk.say(SILENCE)
        assert types(desk.send("input_audio_buffer.commit")) == TURN[2:]

    def test_commit_in_the_middle_of_a_detected_turn(self) -> None:
        desk = Desk()
        desk.say(SILENCE * 500 + speech("hello what"))
        item_id = desk.last("input_audio_buffer.speech_started")["item_id"]
        events = desk.send("input_audio_buffer.commit")
        assert events[0]["item_id"] == item_id
        assert types(desk.say(SILENCE * 700)) == []

    def test_commit_of_an_emptied_buffer_under_vad(self) -> None:
        desk = Desk()
        desk.configure(turn_detection=vad(create_response=False))
        desk.say(spoken("hello", after=520))
        error = error_of(desk.send("input_audio_buffer.commit"))
        assert error["code"] == "input_audio_buffer_commit_empty"

    def test_clear_forgets_a_turn_that_had_begun(self) -> None:
        desk = Desk()
        desk.say(SILENCE * 500 + speech("hello what"))
        desk.send("input_audio_buffer.clear")
        assert desk.say(SILENCE * 800) == []
        assert desk.items == []

    def test_detection_switched_off_in_the_middle(self) -> None:
        desk = Desk()
        desk.say(SILENCE * 500 + speech("hello what"))
        desk.configure(turn_detection=None)
        assert desk.say(speech("is") + SILENCE * 800) == []
        desk.send("input_audio_buffer.commit")
        desk.send("response.create")
        assert desk.last("response.output_audio_transcript.done")["transcript"] == "hello what is"
        desk.configure(turn_detection=vad())
        assert "response.done" in types(desk.say(spoken("hello")))

    def test_full_buffer(self) -> None:
        desk = Desk(limits=Limits(max_input_ms=60_000))
        desk.configure(turn_detection=None)
        assert desk.say(SILENCE * 60_000, step_ms=1_000) == []
        error = error_of(desk.say(SILENCE * 20))
        assert error["code"] == "input_audio_buffer_full"
        desk.send("input_audio_buffer.clear")
        assert desk.say(SILENCE * 20) == []


class TestAppend:
    def test_odd_bytes(self) -> None:
        desk = Desk()
        error = error_of(
            desk.send("input_audio_buffer.append", audio=base64.b64encode(b"abc").decode())
        )
        assert (error["code"], error["param"]) == ("invalid_value", "audio")
        assert "response.done" in types(desk.say(spoken("hello")))

    def test_nothing(self) -> None:
        assert Desk().send("input_audio_buffer.append", audio="") == []

    def test_fifteen_mebibytes_and_no_more(self) -> None:
        desk = Desk()
        desk.configure(turn_detection=None)
        most = base64.b64encode(bytes(15 * 2**20)).decode()
        assert desk.send("input_audio_buffer.append", audio=most) == []
        more = base64.b64encode(bytes(15 * 2**20 + 2)).decode()
        error = error_of(desk.send("input_audio_buffer.append", audio=more))
        assert error["param"] == "audio"

    @pytest.mark.parametrize(("kind", "audio_format"), [("pcmu", Pcmu()), ("pcma", Pcma())])
    def test_telephone_formats(self, kind: str, audio_format: AudioFormat) -> None:
        desk = Desk()
        desk.configure(format={"type": f"audio/{kind}"}, transcription={"model": "whisper-1"})
        sound = encode(spoken("hello what is the time"), audio_format)
        for at in range(0, len(sound), 160):
            piece = base64.b64encode(sound[at : at + 160]).decode()
            desk.send("input_audio_buffer.append", audio=piece)
        done = desk.last("conversation.item.input_audio_transcription.completed")
        assert done["transcript"] == "hello what is the time"

    def test_format_changed_in_the_middle(self) -> None:
        desk = Desk()
        desk.configure(turn_detection=None, format={"type": "audio/pcmu"})
        first = encode(speech("hello what"), Pcmu())
        desk.send("input_audio_buffer.append", audio=base64.b64encode(first).decode())
        desk.configure(format={"type": "audio/pcm", "rate": 24000})
        desk.say(speech("is the"))
        desk.send("input_audio_buffer.commit")
        desk.ask("")
        desk.ask("window", output_modalities=["text"])
        assert "user: hello what is the |" in desk.last("response.output_text.done")["text"]

    def test_format_changed_before_the_engines_are_loaded(self) -> None:
        desk = Desk(ready=False)
        desk.configure(format={"type": "audio/pcmu"})
        desk.equip()
        assert desk.last("session.updated")["session"]["audio"]["input"]["format"] == {
            "type": "audio/pcmu"
        }


class TestSemanticVad:
    def heard(self, text: str, silence: int, eagerness: str = "medium") -> bool:
        """So much silence ended the turn."""
        desk = Desk()
        desk.configure(turn_detection={"type": "semantic_vad", "eagerness": eagerness})
        desk.say(spoken(text, before=300, after=silence))
        return "input_audio_buffer.speech_stopped" in types(desk.events)

    def test_whole_sentence_ends_soon(self) -> None:
        assert self.heard("hello what is the time", 700)
        assert not self.heard("hello what is the time", 400)

    def test_half_a_sentence_is_waited_for(self) -> None:
        assert not self.heard("tell me a story about", 3_500)
        assert self.heard("tell me a story about", 4_200)

    def test_eagerness(self) -> None:
        assert self.heard("hello", 450, "high")
        assert not self.heard("hello", 700, "low")
        assert self.heard("tell me a", 2_100, "high")
        assert not self.heard("tell me a", 7_800, "low")
        assert self.heard("tell me a", 8_200, "low")

    def test_judgement_lasts_for_one_pause(self) -> None:
        desk = Desk()
        desk.configure(turn_detection={"type": "semantic_vad", "eagerness": "medium"})
        desk.say(spoken("hello", after=400) + spoken("tell me a", before=0, after=1_500))
        assert "input_audio_buffer.speech_stopped" not in types(desk.events)


class TestIdle:
    def desk(self) -> Desk:
        desk = Desk()
        desk.configure(turn_detection=vad(idle_timeout_ms=5_000))
        desk.ask("hello what is the time")
        return desk

    def test_sequence(self) -> None:
        desk = self.desk()
        desk.say(SILENCE * 2_000)
        assert desk.wait(3.5) == [], "five seconds after 0.8 s of sound were played"
        events = desk.wait(0.5)
        assert types(events)[:5] == [
            "input_audio_buffer.timeout_triggered",
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.done",
            "response.created",
        ]
        triggered = events[0]
        assert triggered["audio_end_ms"] - triggered["audio_start_ms"] == 2_000
        assert desk.last("response.done")["response"]["status"] == "completed"

    def test_silence_is_not_written_down(self) -> None:
        desk = self.desk()
        desk.configure(transcription={"model": "whisper-1"})
        desk.wait(6.0)
        assert desk.engines.hears.heard == []
        done = desk.last("conversation.item.input_audio_transcription.completed")
        assert done["transcript"] == ""

    @pytest.mark.parametrize("what", ["speech", "text", "response"])
    def test_anything_stops_it(self, what: str) -> None:
        desk = self.desk()
        desk.hold = (Reply,)
        if what == "speech":
            desk.say(SILENCE * 300 + speech("hello"))
        elif what == "text":
            desk.type("hello")
        else:
            desk.send("response.create")
        assert desk.wait(20.0) == []

    def test_response_that_said_nothing(self) -> None:
        desk = self.desk()
        desk.ask("")
        assert types(desk.wait(5.1))[0] == "input_audio_buffer.timeout_triggered"

    def test_not_while_the_user_speaks_over_the_end(self) -> None:
        desk = Desk()
        desk.configure(turn_detection=vad(idle_timeout_ms=5_000, interrupt_response=False))
        desk.hold = (Speak,)
        desk.ask("hello")
        desk.say(SILENCE * 300 + speech("hello"))
        desk.hold = ()
        desk.release()
        assert desk.wait(20.0) == []

    def test_no_room_for_the_silence(self) -> None:
        desk = Desk(limits=Limits(max_items=2))
        desk.configure(turn_detection=vad(idle_timeout_ms=5_000))
        desk.ask("hello")
        assert "error" in types(desk.wait(6.0))


def test_session_cap() -> None:
    desk = Desk(limits=Limits(session_seconds=120))
    assert desk.wait(119) == []
    assert desk.closed is None
    desk.wait(2)
    assert desk.closed is not None
    assert desk.closed.code == 1001
    assert desk.closed.reason == "Your session hit the maximum duration of 2 minutes."


def test_cancel_does_not_wait_for_audio_that_waits_to_be_heard() -> None:
    """Minutes of sound take seconds to be heard; whoever wants silence gets it at once."""
    desk = Desk()
    desk.hold = (Speak,)
    desk.ask("hello")
    append = InputAudioBufferAppend(audio=SILENCE * 60_000)
    assert desk.engine.receive(append, desk.now) == []
    assert desk.engine.hungry
    assert desk.engine.waiting_bytes > 59_000 * 48
    outputs = desk.engine.receive(ResponseCancel(), desk.now)
    assert isinstance(outputs[0], ResponseDone)
    assert desk.engine.waiting_bytes > 59_000 * 48
