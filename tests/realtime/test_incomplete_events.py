"""Servers that leave events out, repeat them, or send them in another order."""

from __future__ import annotations

import pytest

from tests.realtime.frames_harness import (
    MS,
    encoded,
    message,
    new_translator,
    received,
    received_error,
)
from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.protocol.messages import Resend
from tui_voice.realtime.event_translator import EventTranslator

USER_AUDIO = message("i1", "user", {"type": "input_audio", "transcript": None})
TURN = e.TurnAdded(item_id="i1", role="user", previous_item_id="i0", modality="audio")


@pytest.mark.parametrize("kind", ["added", "created", "done"])
def test_the_events_of_a_spoken_item_say_as_much_as_its_commit(kind: str) -> None:
    translator = new_translator(manual=True)
    translator.encode(x.CommitInput())
    sent = {"item": USER_AUDIO, "previous_item_id": "i0"}
    committed = e.SpeechCommitted(item_id="i1", previous_item_id="i0")
    assert received(translator, f"conversation.item.{kind}", **sent) == [committed, TURN]
    for late in ("input_audio_buffer.committed", "conversation.item.done"):
        assert received(translator, late, item_id="i1", **sent) == []


def test_an_event_that_comes_twice_counts_once() -> None:
    translator = new_translator()
    frame = {"type": "response.output_audio_transcript.delta", "response_id": "r", "item_id": "a"}
    frame |= {"content_index": 0, "output_index": 0, "delta": "so ", "event_id": "same"}
    [_, grew] = received(translator, **frame)
    assert grew == e.TranscriptGrew(item_id="a", text="so ")
    assert received(translator, **frame) == []
    assert received(translator, **frame | {"event_id": "other"}) == [grew]


def test_where_event_ids_are_not_unique_no_event_counts_as_repeated() -> None:
    translator = new_translator()
    frame = {"type": "response.output_audio_transcript.delta", "response_id": "r", "item_id": "a"}
    frame |= {"content_index": 0, "output_index": 0, "delta": "so ", "event_id": "same"}
    received(translator, **frame)
    received(translator, **frame | {"delta": "and "})
    assert received(translator, **frame) == [e.TranscriptGrew(item_id="a", text="so ")]


@pytest.mark.parametrize("event_id", ["cancel:", None])
def test_a_refused_cancel_says_that_no_response_is_active(event_id: str | None) -> None:
    code = "response_cancel_not_active"
    assert received_error(new_translator(), code, "no active response", event_id) == [
        e.CancelRefused()
    ]


@pytest.mark.parametrize("event_id", ["respond:", None])
def test_a_response_refused_without_a_code_since_another_is_active(event_id: str | None) -> None:
    text = "Another response is in progress or pending."
    [refused] = received_error(new_translator(), None, text, event_id)
    assert refused == e.ResponseRefused(code=e.ALREADY_ACTIVE, message=text)


class TestCommitNearTheEndOfTheTurn:
    """The server ends a turn itself while our commit of that turn is on its way."""

    def overtaken(self, surplus_ms: int) -> EventTranslator:
        translator = new_translator()
        translator.encode_audio(MS * 2000)
        received(translator, "input_audio_buffer.speech_started", item_id="i1", audio_start_ms=500)
        translator.encode_audio(MS * surplus_ms)
        translator.encode(x.CommitInput())
        end = {"item_id": "i1", "audio_end_ms": 2000}
        received(translator, "input_audio_buffer.speech_stopped", **end)
        committed = received(translator, "input_audio_buffer.committed", item_id="i1")
        assert committed == [e.SpeechCommitted(item_id="i1")]
        return translator

    def test_an_item_of_the_rest_is_deleted_and_becomes_no_turn(self) -> None:
        translator = self.overtaken(120)
        [resend] = received(translator, "input_audio_buffer.committed", item_id="i2")
        assert resend == Resend(x.DeleteItem(item_id="i2"))
        item = message("i2", "user", {"type": "input_audio", "transcript": None})
        for kind in ("added", "done"):
            assert received(translator, f"conversation.item.{kind}", item=item) == []
        kind = "conversation.item.input_audio_transcription"
        assert received(translator, f"{kind}.delta", item_id="i2", delta="you") == []
        assert received(translator, f"{kind}.completed", item_id="i2", transcript="you") == []
        assert received(translator, f"{kind}.failed", item_id="i2") == []

    def test_a_long_rest_is_a_turn_of_its_own(self) -> None:
        committed = received(self.overtaken(900), "input_audio_buffer.committed", item_id="i2")
        assert committed == [e.SpeechCommitted(item_id="i2")]

    def test_a_buffer_that_the_server_has_emptied_is_no_end_of_a_turn(self) -> None:
        code = "input_audio_buffer_commit_empty"
        assert received_error(self.overtaken(20), code, "buffer too small", "commit:") == []


def test_the_audio_of_a_discarded_turn_is_cleared() -> None:
    [clear] = encoded(new_translator(), x.ClearInput())
    assert clear["type"] == "input_audio_buffer.clear"


def test_a_response_that_may_call_no_function() -> None:
    [create] = encoded(new_translator(), x.CreateResponse(without_tools=True))
    assert create["response"] == {"tool_choice": "none"}


def test_an_item_of_the_assistant_outside_any_response_is_complete() -> None:
    stray = message("s", "assistant", {"type": "output_text", "text": "By the way."})
    [turn] = received(new_translator(), "conversation.item.added", item=stray)
    assert turn == e.TurnAdded(item_id="s", role="assistant", modality="audio", text="By the way.")
