"""Transcripts of what the user says: while it is said, late, corrected, failed."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.server.protocol_harness import SILENCE, ProtocolClient, event_types, message_item
from tests.server.toy_engines_harness import speech
from tui_voice.realtime.wire.items import LogProb
from tui_voice.server.end_of_turn import is_complete_sentence
from tui_voice.server.jobs import JobFailed, TranscribeJob, TranscriptReady
from tui_voice.server.utterance import TranscriptionRun, Utterance

WHISPER = {"transcription": {"model": "whisper-1"}}
DELTA = "conversation.item.input_audio_transcription.delta"
COMPLETED = "conversation.item.input_audio_transcription.completed"
FAILED = "conversation.item.input_audio_transcription.failed"
LONG = "hello what is the time please tell me a story about cats and dogs"


def speech_with_silence(text: str, after: int = 800) -> bytes:
    return SILENCE * 500 + speech(text) + SILENCE * after


def deltas(events: list[dict[str, Any]]) -> list[str]:
    return [e["delta"] for e in events if e["type"] == DELTA]


def test_deltas_are_sent_while_the_user_speaks() -> None:
    client = ProtocolClient()
    client.configure_input(**WHISPER)
    events = client.say(speech_with_silence(LONG))
    stopped = event_types(events).index("input_audio_buffer.speech_stopped")
    assert len(deltas(events)) >= 3
    assert DELTA in event_types(events)[:stopped]
    done = client.last_event(COMPLETED)
    assert "".join(deltas(events)) == done["transcript"] == LONG
    assert {e["item_id"] for e in events if e["type"] in (DELTA, COMPLETED)} == {client.item_ids[0]}
    seconds = done["usage"].pop("seconds")
    assert done["usage"] == {"type": "duration"}
    assert seconds == 4, "14 words, padding and silence: 3.04 s, rounded up"


def test_no_transcription_events_unless_switched_on() -> None:
    client = ProtocolClient()
    events = client.say(speech_with_silence(LONG))
    assert not [e for e in events if "transcription" in e["type"]]
    assert len(client.engines.stt.durations_s) == 1


def test_retrieved_item_has_its_transcript() -> None:
    client = ProtocolClient()
    client.configure_input(**WHISPER)
    client.say(speech_with_silence("hello"))
    client.send("conversation.item.retrieve", item_id=client.item_ids[0])
    part = client.last_event("conversation.item.retrieved")["item"]["content"][0]
    assert part["transcript"] == "hello"


def test_item_does_not_wait_for_its_transcript() -> None:
    client = ProtocolClient()
    client.configure_input(**WHISPER)
    client.hold = (TranscribeJob,)
    events = client.say(speech_with_silence("hello"))
    assert "conversation.item.done" in event_types(events)
    assert event_types(events)[-1] == "response.created"
    client.hold = ()
    assert event_types(client.release())[:2] == [DELTA, COMPLETED]
    assert client.last_event("response.done")["response"]["status"] == "completed"


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("result", [TranscriptReady, JobFailed])
def test_completed_comes_once_where_several_runs_end_after_the_turn(
    newest_first: bool, result: type[TranscriptReady] | type[JobFailed]
) -> None:
    """Audio that comes faster than real time ends the turn while partial runs are still queued."""
    client = ProtocolClient()
    client.configure_input(**WHISPER)
    client.hold = (TranscribeJob,)
    client.say(SILENCE * 500 + speech(LONG) + SILENCE * 200 + speech(LONG) + SILENCE * 800)
    jobs = list(client.held_jobs)
    assert len(jobs) >= 3
    for job in reversed(jobs) if newest_first else jobs:
        client.job_result(result(job.job_id, LONG))
    ends = [e["type"] for e in client.events if e["type"] in (COMPLETED, FAILED)]
    assert ends == [COMPLETED if result is TranscriptReady else FAILED]
    assert [e["type"] for e in client.events].count("response.created") == 1


def test_completed_comes_once_where_a_partial_run_ends_after_the_final_one() -> None:
    client = ProtocolClient()
    client.configure_input(**WHISPER)
    client.hold = (TranscribeJob,)
    client.say(SILENCE * 500 + speech(LONG) + SILENCE * 300)
    partial, final = client.held_jobs
    client.job_result(TranscriptReady(final.job_id, LONG))
    client.say(SILENCE * 500)
    client.job_result(TranscriptReady(partial.job_id, "hello"))
    completed = [e["transcript"] for e in client.events if e["type"] == COMPLETED]
    assert completed == [LONG]
    assert partial.stop.is_set()


def test_only_one_partial_run_is_queued_at_a_time() -> None:
    client = ProtocolClient()
    client.configure_input(**WHISPER)
    client.hold = (TranscribeJob,)
    client.say(SILENCE * 500 + speech(LONG))
    assert len(client.held_jobs) == 1
    assert not client.held_jobs[0].is_urgent


def test_run_at_the_pause_is_not_repeated_at_the_end_of_the_turn() -> None:
    client = ProtocolClient()
    client.configure_input(turn_detection={"type": "server_vad", "create_response": False})
    client.hold = (TranscribeJob,)
    client.say(speech_with_silence("hello"))
    assert len(client.held_jobs) == 1


def test_failed_run_at_the_pause_is_repeated_at_the_end_of_the_turn() -> None:
    client = ProtocolClient()
    client.configure_input(**WHISPER)
    client.hold = (TranscribeJob,)
    client.say(speech_with_silence("hello", after=300))
    failed = client.held_jobs.popleft()
    client.job_result(JobFailed(failed.job_id, "No."))
    assert FAILED not in event_types(client.events)
    client.hold = ()
    client.say(SILENCE * 400)
    assert client.last_event(COMPLETED)["transcript"] == "hello"


def test_failed_transcription_is_reported_and_answered() -> None:
    client = ProtocolClient()
    client.configure_input(**WHISPER)
    client.engines.stt.fails = True
    events = client.say(speech_with_silence("hello"))
    failed = client.last_event(FAILED)
    assert failed["item_id"] == client.item_ids[0]
    assert failed["error"] == {
        "type": "server_error",
        "code": "transcription_failed",
        "message": "The recogniser is broken.",
        "param": None,
    }
    assert COMPLETED not in event_types(events)
    assert client.last_event("response.done")["response"]["status"] == "completed"


def test_failure_is_not_reported_unless_switched_on() -> None:
    client = ProtocolClient()
    client.engines.stt.fails = True
    assert not [e for e in client.say(speech_with_silence("hello")) if "transcription" in e["type"]]


def test_created_audio_item_is_transcribed() -> None:
    client = ProtocolClient()
    client.configure_input(**WHISPER)
    audio = base64.b64encode(speech("hello what")).decode()
    item = message_item("user", {"type": "input_audio", "audio": audio})
    events = client.send("conversation.item.create", item=item)
    assert event_types(events)[-2:] == [DELTA, COMPLETED]
    assert client.last_event(COMPLETED)["transcript"] == "hello what"


@pytest.mark.parametrize("fails", [True, False])
def test_each_audio_part_of_an_item_is_transcribed(fails: bool) -> None:
    client = ProtocolClient()
    client.configure_input(**WHISPER)
    client.engines.stt.fails = fails
    audio = base64.b64encode(speech("hello")).decode()
    part = {"type": "input_audio", "audio": audio}
    client.send("conversation.item.create", item=message_item("user", part, part))
    indexes = [e["content_index"] for e in client.events if e["type"] in (COMPLETED, FAILED)]
    assert indexes == [0, 1]


def test_deleted_item_gets_no_transcript() -> None:
    client = ProtocolClient()
    client.configure_input(**WHISPER)
    client.hold = (TranscribeJob,)
    client.say(speech_with_silence("hello"))
    client.send("conversation.item.delete", item_id=client.item_ids[0])
    client.hold = ()
    events = client.release()
    assert COMPLETED not in event_types(events)
    assert event_types(events)[-2] == "response.done", "the response does not wait for ever"


def test_failure_for_a_deleted_item_is_not_reported() -> None:
    client = ProtocolClient()
    client.configure_input(**WHISPER)
    client.engines.stt.fails = True
    client.hold = (TranscribeJob,)
    client.say(speech_with_silence("hello"))
    client.send("conversation.item.delete", item_id=client.item_ids[0])
    client.hold = ()
    assert FAILED not in event_types(client.release())


def test_completed_transcript_corrects_the_deltas() -> None:
    """Deltas can only add words; `completed` has the text of the last run."""
    client = ProtocolClient()
    client.configure_input(**WHISPER)
    client.hold = (TranscribeJob,)
    client.say(SILENCE * 500)
    for _ in range(2):
        client.say(speech("hello what is the"))
        client.job_result(TranscriptReady(client.held_jobs.popleft().job_id, "hello cats"))
    assert deltas(client.events) == ["hello cats"]
    client.hold = ()
    client.held_jobs.clear()
    client.say(SILENCE * 800)
    assert "cats" not in client.last_event(COMPLETED)["transcript"]
    assert deltas(client.events) == ["hello cats"]


def test_long_turn_is_transcribed_in_parts() -> None:
    """After a pause the recogniser gets only the audio that follows it."""
    client = ProtocolClient()
    client.configure_input(**WHISPER)
    piece = " ".join(["one two three four five six seven eight nine ten"] * 4)
    client.say(SILENCE * 500 + speech(piece) + SILENCE * 300 + speech("green blue") + SILENCE * 700)
    assert client.last_event(COMPLETED)["transcript"] == f"{piece} green blue"
    assert client.engines.stt.durations_s[-1] < 2.0
    assert max(client.engines.stt.durations_s) < 13.0


def test_partial_runs_stop_after_12_s_without_a_pause() -> None:
    client = ProtocolClient()
    client.configure_input(**WHISPER)
    client.say(SILENCE * 500 + speech("one two three four five six seven eight nine ten " * 10))
    assert len(client.engines.stt.durations_s) >= 20
    assert max(client.engines.stt.durations_s) <= 12.5
    count = len(client.engines.stt.durations_s)
    client.say(SILENCE * 700)
    assert len(client.engines.stt.durations_s) == count + 1


def test_results_of_unknown_jobs_are_ignored() -> None:
    client = ProtocolClient()
    count = len(client.events)
    client.job_result(TranscriptReady(99, "x"))
    client.job_result(JobFailed(99, "x"))
    assert len(client.events) == count


def test_result_for_a_cleared_turn_is_ignored() -> None:
    client = ProtocolClient()
    client.configure_input(**WHISPER)
    client.hold = (TranscribeJob,)
    client.say(SILENCE * 500 + speech(LONG))
    late = client.held_jobs.popleft()
    client.send("input_audio_buffer.clear")
    count = len(client.events)
    client.job_result(TranscriptReady(late.job_id, "hello"))
    assert late.stop.is_set()
    assert len(client.events) == count


def test_no_delta_after_transcription_is_switched_off() -> None:
    client = ProtocolClient()
    client.configure_input(**WHISPER)
    client.hold = (TranscribeJob,)
    client.say(SILENCE * 500 + speech(LONG))
    client.configure_input(transcription=None)
    count = len(client.events)
    client.hold = ()
    client.release()
    assert len(client.events) == count


def test_result_of_a_run_over_settled_audio_is_ignored() -> None:
    utterance = Utterance("item", 0.0)
    utterance.run_started(1, TranscriptionRun(0.0, 4_000.0, is_complete=False))
    utterance.run_started(2, utterance.pause_run(6_000.0))
    assert utterance.run_finished(2, "one two") is not None
    utterance.resume()
    assert utterance.run_finished(1, "nonsense") is None
    rest = TranscriptionRun(6_000.0, 9_000.0, is_complete=True)
    utterance.run_started(3, utterance.pause_run(9_000.0))
    assert utterance.run_finished(3, "three") == rest
    assert utterance.final_text(8_800.0) == "one two three"


def test_transcription_session_transcribes_and_never_responds() -> None:
    client = ProtocolClient(transcription_only=True)
    audio = {"input": WHISPER}
    client.send("session.update", session={"type": "transcription", "audio": audio})
    events = client.say(speech_with_silence(LONG))
    assert client.last_event(COMPLETED)["transcript"] == LONG
    assert not [e for e in events if e["type"].startswith("response.")]
    assert client.engines.llm.requests == []


@pytest.mark.parametrize(
    ("text", "expected"),
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
def test_is_complete_sentence(text: str, expected: bool) -> None:
    assert is_complete_sentence(text) is expected


def test_logprobs_are_sent_to_a_client_that_asks_for_them() -> None:
    client = ProtocolClient()
    client.configure_input(**WHISPER)
    client.hold = (TranscribeJob,)
    include = ["item.input_audio_transcription.logprobs"]
    sent = [LogProb(token=" hello", logprob=-0.5, bytes=[*b" hello"])]
    for wanted in (None, include):
        client.update_session(include=wanted)
        client.say(speech_with_silence("hello"))
        client.job_result(TranscriptReady(client.held_jobs.popleft().job_id, "hello", tuple(sent)))
        done = client.last_event(COMPLETED)
        assert done.get("logprobs") == (
            [{"token": " hello", "logprob": -0.5, "bytes": [*b" hello"]}] if wanted else None
        )
