"""What the user says, written down: while it is said, late, twice, not at all."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.server.desk import SILENCE, Desk, message, types
from tests.server.engines import speech
from tui_voice.server.endpoint import sounds_finished
from tui_voice.server.jobs import Broke, Transcribe, Transcribed
from tui_voice.server.utterance import Run, Utterance

WHISPER = {"transcription": {"model": "whisper-1"}}
DELTA = "conversation.item.input_audio_transcription.delta"
COMPLETED = "conversation.item.input_audio_transcription.completed"
FAILED = "conversation.item.input_audio_transcription.failed"
LONG = "hello what is the time please tell me a story about cats and dogs"


def spoken(text: str, after: int = 800) -> bytes:
    return SILENCE * 500 + speech(text) + SILENCE * after


def deltas(events: list[dict[str, Any]]) -> list[str]:
    return [e["delta"] for e in events if e["type"] == DELTA]


def test_words_are_told_while_they_are_said() -> None:
    desk = Desk()
    desk.configure(**WHISPER)
    events = desk.say(spoken(LONG))
    stopped = types(events).index("input_audio_buffer.speech_stopped")
    assert len(deltas(events)) >= 3
    assert DELTA in types(events)[:stopped]
    done = desk.last(COMPLETED)
    assert "".join(deltas(events)) == done["transcript"] == LONG
    assert {e["item_id"] for e in events if e["type"] in (DELTA, COMPLETED)} == {desk.items[0]}
    seconds = done["usage"].pop("seconds")
    assert done["usage"] == {"type": "duration"}
    assert seconds == 4, "14 words, padding and silence: 3.04 s, rounded up"


def test_nothing_is_told_unless_asked_for() -> None:
    desk = Desk()
    events = desk.say(spoken(LONG))
    assert not [e for e in events if "transcription" in e["type"]]
    assert len(desk.engines.hears.heard) == 1


def test_transcript_stands_in_the_item() -> None:
    desk = Desk()
    desk.configure(**WHISPER)
    desk.say(spoken("hello"))
    desk.send("conversation.item.retrieve", item_id=desk.items[0])
    part = desk.last("conversation.item.retrieved")["item"]["content"][0]
    assert part["transcript"] == "hello"


def test_late_transcript_does_not_hold_up_the_item() -> None:
    desk = Desk()
    desk.configure(**WHISPER)
    desk.hold = (Transcribe,)
    events = desk.say(spoken("hello"))
    assert "conversation.item.done" in types(events)
    assert types(events)[-1] == "response.created"
    desk.hold = ()
    assert types(desk.release())[:2] == [DELTA, COMPLETED]
    assert desk.last("response.done")["response"]["status"] == "completed"


def test_only_one_run_waits_at_a_time_while_the_voice_goes_on() -> None:
    desk = Desk()
    desk.configure(**WHISPER)
    desk.hold = (Transcribe,)
    desk.say(SILENCE * 500 + speech(LONG))
    assert len(desk.held) == 1
    assert not desk.held[0].urgent


def test_run_under_way_at_the_end_is_awaited() -> None:
    """What was asked at the pause is not asked again at the end of the turn."""
    desk = Desk()
    desk.configure(turn_detection={"type": "server_vad", "create_response": False})
    desk.hold = (Transcribe,)
    desk.say(spoken("hello"))
    assert len(desk.held) == 1


def test_guess_that_failed_is_made_again() -> None:
    desk = Desk()
    desk.configure(**WHISPER)
    desk.hold = (Transcribe,)
    desk.say(spoken("hello", after=300))
    failed = desk.held.popleft()
    desk.learn(Broke(failed.job, "No."))
    assert FAILED not in types(desk.events)
    desk.hold = ()
    desk.say(SILENCE * 400)
    assert desk.last(COMPLETED)["transcript"] == "hello"


def test_failed_transcription() -> None:
    desk = Desk()
    desk.configure(**WHISPER)
    desk.engines.hears.breaks = True
    events = desk.say(spoken("hello"))
    failed = desk.last(FAILED)
    assert failed["item_id"] == desk.items[0]
    assert failed["error"] == {
        "type": "server_error",
        "code": "transcription_failed",
        "message": "The recogniser is broken.",
        "param": None,
    }
    assert COMPLETED not in types(events)
    assert desk.last("response.done")["response"]["status"] == "completed"


def test_failure_is_not_told_unless_asked_for() -> None:
    desk = Desk()
    desk.engines.hears.breaks = True
    assert not [e for e in desk.say(spoken("hello")) if "transcription" in e["type"]]


def test_created_audio_item_is_written_down_too() -> None:
    desk = Desk()
    desk.configure(**WHISPER)
    audio = base64.b64encode(speech("hello what")).decode()
    item = message("user", {"type": "input_audio", "audio": audio})
    events = desk.send("conversation.item.create", item=item)
    assert types(events)[-2:] == [DELTA, COMPLETED]
    assert desk.last(COMPLETED)["transcript"] == "hello what"


@pytest.mark.parametrize("breaks", [True, False])
def test_two_sounds_in_one_item(breaks: bool) -> None:
    desk = Desk()
    desk.configure(**WHISPER)
    desk.engines.hears.breaks = breaks
    audio = base64.b64encode(speech("hello")).decode()
    part = {"type": "input_audio", "audio": audio}
    desk.send("conversation.item.create", item=message("user", part, part))
    told = [e["content_index"] for e in desk.events if e["type"] in (COMPLETED, FAILED)]
    assert told == [0, 1]


def test_item_that_is_gone_is_not_told_of() -> None:
    desk = Desk()
    desk.configure(**WHISPER)
    desk.hold = (Transcribe,)
    desk.say(spoken("hello"))
    desk.send("conversation.item.delete", item_id=desk.items[0])
    desk.hold = ()
    events = desk.release()
    assert COMPLETED not in types(events)
    assert types(events)[-2] == "response.done", "the response is not left waiting"


def test_failure_of_item_that_is_gone() -> None:
    desk = Desk()
    desk.configure(**WHISPER)
    desk.engines.hears.breaks = True
    desk.hold = (Transcribe,)
    desk.say(spoken("hello"))
    desk.send("conversation.item.delete", item_id=desk.items[0])
    desk.hold = ()
    assert FAILED not in types(desk.release())


def test_corrected_words_are_right_at_the_end() -> None:
    """Deltas only grow; where the recogniser thinks better of it, `completed` says so."""
    desk = Desk()
    desk.configure(**WHISPER)
    desk.hold = (Transcribe,)
    desk.say(SILENCE * 500)
    for _ in range(2):
        desk.say(speech("hello what is the"))
        desk.learn(Transcribed(desk.held.popleft().job, "hello cats"))
    assert deltas(desk.events) == ["hello cats"]
    desk.hold = ()
    desk.held.clear()
    desk.say(SILENCE * 800)
    assert "cats" not in desk.last(COMPLETED)["transcript"]
    assert deltas(desk.events) == ["hello cats"]


def test_long_turn_is_settled_at_its_pauses() -> None:
    """After a pause only what follows it is heard again."""
    desk = Desk()
    desk.configure(**WHISPER)
    piece = " ".join(["one two three four five six seven eight nine ten"] * 4)
    desk.say(SILENCE * 500 + speech(piece) + SILENCE * 300 + speech("green blue") + SILENCE * 700)
    assert desk.last(COMPLETED)["transcript"] == f"{piece} green blue"
    assert desk.engines.hears.heard[-1] < 2.0
    assert max(desk.engines.hears.heard) < 13.0


def test_voice_without_a_pause_is_not_heard_again_and_again() -> None:
    desk = Desk()
    desk.configure(**WHISPER)
    desk.say(SILENCE * 500 + speech("one two three four five six seven eight nine ten " * 10))
    assert len(desk.engines.hears.heard) >= 20
    assert max(desk.engines.hears.heard) <= 12.5
    count = len(desk.engines.hears.heard)
    desk.say(SILENCE * 700)
    assert len(desk.engines.hears.heard) == count + 1


def test_facts_about_nothing_are_ignored() -> None:
    desk = Desk()
    count = len(desk.events)
    desk.learn(Transcribed(99, "x"))
    desk.learn(Broke(99, "x"))
    assert len(desk.events) == count


def test_run_of_a_turn_that_was_dropped() -> None:
    desk = Desk()
    desk.configure(**WHISPER)
    desk.hold = (Transcribe,)
    desk.say(SILENCE * 500 + speech(LONG))
    late = desk.held.popleft()
    desk.send("input_audio_buffer.clear")
    count = len(desk.events)
    desk.learn(Transcribed(late.job, "hello"))
    assert late.stop.is_set()
    assert len(desk.events) == count


def test_nobody_reads_along_any_more() -> None:
    desk = Desk()
    desk.configure(**WHISPER)
    desk.hold = (Transcribe,)
    desk.say(SILENCE * 500 + speech(LONG))
    desk.configure(transcription=None)
    count = len(desk.events)
    desk.hold = ()
    desk.release()
    assert len(desk.events) == count


def test_run_of_a_settled_piece_comes_too_late() -> None:
    utterance = Utterance("item", 0.0)
    utterance.started(1, Run(0.0, 4_000.0, whole=False))
    utterance.started(2, utterance.pause(6_000.0))
    assert utterance.result(2, "one two") is not None
    utterance.resume()
    assert utterance.result(1, "nonsense") is None
    utterance.started(3, utterance.pause(9_000.0))
    assert utterance.result(3, "three") == Run(6_000.0, 9_000.0, whole=True)
    assert utterance.final(8_800.0) == "one two three"


def test_transcription_session_tells_and_never_answers() -> None:
    desk = Desk(transcription_only=True)
    audio = {"input": WHISPER}
    desk.send("session.update", session={"type": "transcription", "audio": audio})
    events = desk.say(spoken(LONG))
    assert desk.last(COMPLETED)["transcript"] == LONG
    assert not [e for e in events if e["type"].startswith("response.")]
    assert desk.engines.thinks.requests == []


@pytest.mark.parametrize(
    ("text", "finished"),
    [
        ("What time is it?", True),
        ("My name is Anna.", True),
        ("Yes", True),
        ("I went to the", False),
        ("I would like to", False),
        ("Well,", False),
        ("and then…", False),
        ("", False),
        ("!!", False),
        ("Where are you from?", True),
    ],
)
def test_sounds_finished(text: str, finished: bool) -> None:
    assert sounds_finished(text) is finished
