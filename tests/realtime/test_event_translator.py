"""Server events about items, the user's turns and errors become conversation events."""

from __future__ import annotations

import pytest

from tests.realtime.frames_harness import (
    MS,
    as_json,
    call,
    encoded,
    message,
    new_translator,
    received,
    received_error,
)
from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.protocol.messages import OutOfBandResponse, Resend, RetrieveItem, ToolAnswer


def test_a_turn_found_by_the_turn_detection_of_the_server() -> None:
    translator = new_translator()
    translator.encode_audio(MS * 900)
    began = received(
        translator, "input_audio_buffer.speech_started", item_id="i1", audio_start_ms=400
    )
    assert began == [e.SpeechStarted(item_id="i1", audio_start_ms=400)]
    stopped = received(
        translator, "input_audio_buffer.speech_stopped", item_id="i1", audio_end_ms=1900
    )
    assert stopped == [e.SpeechStopped(item_id="i1", audio_ms=1500)]
    committed = received(
        translator, "input_audio_buffer.committed", item_id="i1", previous_item_id="i0"
    )
    assert committed == [e.SpeechCommitted(item_id="i1", previous_item_id="i0")]
    item = message("i1", "user", {"type": "input_audio", "transcript": None})
    added = received(translator, "conversation.item.added", item=item, previous_item_id="i0")
    assert added == [
        e.TurnAdded(item_id="i1", role="user", previous_item_id="i0", modality="audio")
    ]
    assert received(translator, "conversation.item.done", item=item, previous_item_id="i0") == []


def test_a_transcript_comes_in_pieces_and_then_complete_with_its_price() -> None:
    kind = "conversation.item.input_audio_transcription"
    translator = new_translator()
    assert received(translator, f"{kind}.delta", item_id="i1", content_index=0, delta="Hel") == [
        e.TranscriptGrew(item_id="i1", text="Hel")
    ]
    assert received(translator, f"{kind}.delta", item_id="i1", delta=None) == []
    by_time = {"type": "duration", "seconds": 3}
    assert received(
        translator, f"{kind}.completed", item_id="i1", transcript=" Hello. ", usage=by_time
    ) == [e.SpeechCommitted(item_id="i1"), e.TranscriptDone(item_id="i1", text="Hello.", usd=3.0)]
    again = received(translator, f"{kind}.completed", item_id="i1", transcript="Hi", usage=by_time)
    assert again == [], "a transcript is counted once"
    by_token = {"type": "tokens", "total_tokens": 20, "input_tokens": 15, "output_tokens": 5}
    assert received(
        translator, f"{kind}.completed", item_id="i2", transcript="Hi", usage=by_token
    ) == [e.SpeechCommitted(item_id="i2"), e.TranscriptDone(item_id="i2", text="Hi", usd=2.0)]
    assert received(translator, f"{kind}.completed", item_id="i3", transcript="Hi", usage=None) == [
        e.SpeechCommitted(item_id="i3"),
        e.TranscriptDone(item_id="i3", text="Hi"),
    ]


def test_a_transcription_that_fails_gives_its_reason() -> None:
    kind = "conversation.item.input_audio_transcription.failed"
    translator = new_translator()
    received(translator, "input_audio_buffer.committed", item_id="i1")
    failed = received(translator, kind, item_id="i1", error={"message": "too noisy"})
    assert failed == [e.TranscriptFailed(item_id="i1", reason="too noisy")]
    assert received(translator, kind, item_id="i1", error=None) == [
        e.TranscriptFailed(item_id="i1", reason="not transcribed")
    ]


def test_a_turn_ended_by_our_commit_is_as_long_as_the_audio_since_the_last_one() -> None:
    translator = new_translator(manual=True)
    translator.encode_audio(MS * 250)
    [commit] = encoded(translator, x.CommitInput())
    assert commit == {"type": "input_audio_buffer.commit", "event_id": "commit:"}
    assert received(translator, "input_audio_buffer.committed", item_id="i1") == [
        e.SpeechCommitted(item_id="i1", audio_ms=250)
    ]
    translator.encode_audio(MS * 100)
    assert received(translator, "input_audio_buffer.committed", item_id="i2") == [
        e.SpeechCommitted(item_id="i2", audio_ms=100)
    ]
    assert received(translator, "input_audio_buffer.committed", item_id="i3") == [
        e.SpeechCommitted(item_id="i3")
    ]


def test_our_commit_of_a_turn_that_the_server_had_detected() -> None:
    translator = new_translator()
    translator.encode_audio(MS * 700)
    received(translator, "input_audio_buffer.speech_started", item_id="i1", audio_start_ms=300)
    assert received(translator, "input_audio_buffer.committed", item_id="i1") == [
        e.SpeechCommitted(item_id="i1", audio_ms=400)
    ]
    stopped = received(
        translator, "input_audio_buffer.speech_stopped", item_id="i1", audio_end_ms=700
    )
    assert stopped == [e.SpeechStopped(item_id="i1", audio_ms=0)]


def test_the_length_of_a_long_turn_is_reported_about_once_a_second() -> None:
    translator = new_translator()
    received(translator, "input_audio_buffer.speech_started", item_id="i1", audio_start_ms=0)
    events = [translator.encode_audio(MS * 20)[1] for _ in range(110)]
    assert [event for event in events if event] == [
        e.SpeechGrew(item_id="i1", audio_ms=1000),
        e.SpeechGrew(item_id="i1", audio_ms=2000),
    ]
    event, _ = translator.encode_audio(MS * 20)
    assert as_json(event)["type"] == "input_audio_buffer.append"


def test_an_item_that_we_created_is_acknowledged_once() -> None:
    translator = new_translator()
    [create] = encoded(translator, x.CreateItem(item_id="typed_1", role="user", text="hi"))
    assert create == {
        "type": "conversation.item.create",
        "event_id": "create:typed_1",
        "item": {
            "type": "message",
            "id": "typed_1",
            "role": "user",
            "content": [{"type": "input_text", "text": "hi"}],
        },
    }
    item = message("typed_1", "user", {"type": "input_text", "text": "hi"})
    for kind in ("added", "done", "added"):
        got = received(translator, f"conversation.item.{kind}", item=item, previous_item_id=None)
        assert got == ([e.ItemPlaced(item_id="typed_1")] if kind == "added" and create else [])
        create = None


@pytest.mark.parametrize("kind", ["conversation.item.created", "conversation.item.done"])
def test_other_events_by_which_servers_acknowledge_an_item(kind: str) -> None:
    translator = new_translator()
    translator.encode(
        x.CreateItem(item_id="m", role="system", text="memory", previous_item_id="root")
    )
    item = message("m", "system", {"type": "input_text", "text": "memory"})
    assert received(translator, kind, item=item) == [e.ItemPlaced(item_id="m")]


def test_role_and_position_of_an_item_that_we_create() -> None:
    translator = new_translator()

    def created(role: str, previous: str | None) -> dict[str, object]:
        item_id = f"{role}_{previous}"
        effect = x.CreateItem(
            item_id=item_id,
            role=role,  # type: ignore[arg-type]  # each of the four
            text="…",
            previous_item_id=previous,
        )
        return encoded(translator, effect)[0]

    assert created("assistant", "root")["previous_item_id"] == "root"
    assert "previous_item_id" not in created("user", None)
    spoken = created("assistant", "i9")["item"]
    assert isinstance(spoken, dict)
    assert spoken["content"] == [{"type": "output_text", "text": "…"}]
    tool = created("tool", None)["item"]
    assert isinstance(tool, dict)
    assert (tool["role"], tool["content"][0]["type"]) == ("system", "input_text")


def test_an_item_that_the_server_created_becomes_a_turn() -> None:
    translator = new_translator()
    reply = message("a1", "assistant", status="in_progress")
    assert received(translator, "conversation.item.added", item=reply, previous_item_id="i1") == [
        e.TurnAdded(item_id="a1", role="assistant", previous_item_id="i1", modality="audio")
    ]
    typed = message("u1", "user", {"type": "input_text", "text": "from elsewhere"})
    assert received(translator, "conversation.item.added", item=typed) == [
        e.TurnAdded(item_id="u1", role="user", modality="text", text="from elsewhere")
    ]
    note = message("s1", "system", {"type": "input_text", "text": "be kind"})
    [added] = received(new_translator(audio=False), "conversation.item.added", item=note)
    assert added == e.TurnAdded(item_id="s1", role="system", modality="text", text="be kind")
    nameless = {"type": "message", "role": "user", "content": []}
    assert received(translator, "conversation.item.added", item=nameless) == []
    output = {"id": "o1", "type": "function_call_output", "call_id": "c", "output": "{}"}
    assert received(translator, "conversation.item.added", item=output) == []


def test_an_item_is_deleted_or_truncated() -> None:
    translator = new_translator()
    [delete] = encoded(translator, x.DeleteItem(item_id="i1"))
    assert (delete["item_id"], delete["event_id"]) == ("i1", "delete:i1")
    assert received(translator, "conversation.item.deleted", item_id="i1") == [
        e.ItemDeleted(item_id="i1")
    ]
    [cut] = encoded(translator, x.TruncateItem(item_id="a1", audio_ms=700))
    assert (cut["audio_end_ms"], cut["content_index"]) == (700, 0)
    events = received(translator, "conversation.item.truncated", item_id="a1", audio_end_ms=700)
    assert events == [e.ItemTruncated(item_id="a1", audio_ms=700)]


@pytest.mark.parametrize(
    "kind",
    [
        "rate_limits.updated",
        "conversation.created",
        "input_audio_buffer.cleared",
        "something.new",
        "response.output_item.added",
    ],
)
def test_server_events_that_change_nothing_for_us(kind: str) -> None:
    assert received(new_translator(), kind, response_id="r", item=message("x", "user")) == []


def test_effects_that_the_server_has_no_part_in_send_nothing() -> None:
    translator = new_translator()
    for effect in (x.OpenMicrophone(manual=True), x.CloseMicrophone(), x.InterruptPlayback()):
        assert translator.encode(effect) == []


# ── errors ───────────────────────────────────────────────────────────────────────────────────


def test_an_error_belongs_to_the_message_with_its_event_id() -> None:
    translator = new_translator()
    translator.encode(x.CreateItem(item_id="t", role="user", text="hi"))
    assert received_error(translator, "invalid_value", "no", "create:t") == [
        e.ItemRefused(item_id="t", code="invalid_value", message="no")
    ]
    assert received_error(translator, "server_error", "later", "delete:i1") == [
        e.DeleteRefused(item_id="i1", unknown=False, message="later")
    ]
    gone = "Error deleting item: the item with id 'i1' does not exist."
    assert received_error(translator, "item_delete_invalid_item_id", gone, "delete:i1") == [
        e.DeleteRefused(item_id="i1", unknown=True, message=gone)
    ]
    taken = "conversation_already_has_active_response"
    assert received_error(translator, taken, "wait", "respond:") == [
        e.ResponseRefused(code=taken, message="wait")
    ]
    assert received_error(translator, "rate_limit_exceeded", "slow down", "respond:") == [
        e.ResponseRefused(code="rate_limit_exceeded", message="slow down"),
        e.ServerErred(code="rate_limit_exceeded", message="slow down"),
    ]


def test_an_error_without_event_id_is_understood_by_its_code_and_the_ids_it_quotes() -> None:
    translator = new_translator()
    gone = "Error deleting item: the item with id 'i1' does not exist."
    assert received_error(translator, "item_delete_invalid_item_id", gone, None) == [
        e.DeleteRefused(item_id="i1", unknown=True, message=gone)
    ]
    assert received_error(translator, "item_delete_invalid_item_id", "no such thing", None) == [
        e.ServerErred(code="item_delete_invalid_item_id", message="no such thing")
    ]
    taken = "conversation_already_has_active_response"
    assert received_error(translator, taken, "wait", None) == [
        e.ResponseRefused(code=taken, message="wait")
    ]
    translator.encode(x.CreateItem(item_id="t1", role="user", text="hi"))
    translator.encode(x.CreateItem(item_id="t2", role="user", text="ho"))
    twice = "Error adding item: the item with id 't2' already exists."
    assert received_error(translator, "item_create_duplicate_item_id", twice, None) == [
        e.ItemPlaced(item_id="t2")
    ]
    assert received_error(translator, "item_create_x", "Item 'zz' is odd", None) == [
        e.ServerErred(code="item_create_x", message="Item 'zz' is odd")
    ]
    assert received_error(translator, None, "something odd", None) == [
        e.ServerErred(code="", message="something odd")
    ]


@pytest.mark.parametrize("named", [True, False])
def test_an_item_whose_predecessor_is_gone_is_created_at_the_end(named: bool) -> None:
    translator = new_translator()
    effect = x.CreateItem(item_id="t", role="assistant", text="said", previous_item_id="i7")
    translator.encode(effect)
    code = "item_create_invalid_previous_item_id"
    text = "the previous item 'i7' does not exist."
    [resend] = received_error(translator, code, text, "create:t" if named else None)
    assert isinstance(resend, Resend)
    [create] = encoded(translator, resend.effect)
    assert (create["item"]["id"], "previous_item_id" in create) == ("t", False)
    # It is created again only once.
    [refusal] = received_error(translator, code, text, "create:t")
    assert refusal == e.ItemRefused(item_id="t", code=code, message=text)


def test_an_item_at_the_start_is_not_created_elsewhere() -> None:
    translator = new_translator()
    translator.encode(
        x.CreateItem(item_id="m", role="system", text="memory", previous_item_id="root")
    )
    code = "item_create_invalid_previous_item_id"
    [refusal] = received_error(translator, code, "'root' not found", "create:m")
    assert isinstance(refusal, e.ItemRefused)


@pytest.mark.parametrize(
    ("code", "event_id"),
    [
        ("input_audio_buffer_commit_empty", "commit:"),
        ("item_truncate_invalid_item_id", "truncate:a"),
        ("item_truncate_invalid_item_id", None),
        ("unsupported_content_type", None),
        (None, "truncate:a"),
        (None, "cancel:"),
        ("item_create_duplicate_item_id", "create:already_there"),
    ],
)
def test_errors_that_need_no_action_are_ignored(code: str | None, event_id: str | None) -> None:
    assert (
        received_error(
            new_translator(), code, "Audio content of 9250ms is already shorter", event_id
        )
        == []
    )


@pytest.mark.parametrize("event_id", ["commit:", None])
def test_a_commit_without_enough_audio_discards_the_turn(event_id: str | None) -> None:
    code = "input_audio_buffer_commit_empty"
    translator = new_translator(manual=True)
    translator.encode(x.CommitInput())
    assert received_error(translator, code, "buffer too small", event_id) == [
        e.SpeechDiscarded(item_id="", reason="nothing was said")
    ]
    translator.encode(x.CommitInput())
    received(translator, "input_audio_buffer.committed", item_id="i1")
    assert received_error(translator, code, "buffer too small", event_id) == [], "it is committed"


def test_a_turn_that_ended_and_was_dropped_is_discarded_once() -> None:
    translator = new_translator()
    received(translator, "input_audio_buffer.speech_started", item_id="i1", audio_start_ms=0)
    received(translator, "input_audio_buffer.speech_stopped", item_id="i1", audio_end_ms=900)
    assert received(translator, "input_audio_buffer.cleared") == [
        e.SpeechDiscarded(item_id="i1", reason="no words")
    ]
    assert received(translator, "input_audio_buffer.cleared") == []
    received(translator, "input_audio_buffer.speech_started", item_id="i2", audio_start_ms=2_000)
    received(translator, "input_audio_buffer.speech_stopped", item_id="i2", audio_end_ms=2_900)
    received(translator, "input_audio_buffer.committed", item_id="i2")
    assert received(translator, "input_audio_buffer.cleared") == [], "it is committed"


def test_only_the_last_message_before_a_close_can_explain_it() -> None:
    translator = new_translator()
    received_error(translator, "insufficient_quota", "no money", None)
    assert translator.last_error is not None
    assert translator.last_error.code == "insufficient_quota"
    received(translator, "rate_limits.updated", rate_limits=[])
    assert translator.last_error is None


# ── retrieving ──────────────────────────────────────────────────────────────────────────────


def test_a_retrieved_item_answers_the_request_with_its_text() -> None:
    translator = new_translator()
    request = RetrieveItem("i1")
    [asked] = encoded(translator, request)
    assert (asked["type"], asked["item_id"]) == ("conversation.item.retrieve", "i1")
    item = message("i1", "user", {"type": "input_text", "text": "Hi."})
    assert received(translator, "conversation.item.retrieved", item=item) == [
        OutOfBandResponse(key=request.key, text="Hi.", status="completed")
    ]
    assert received_error(translator, "x", "gone", asked["event_id"]) == [
        OutOfBandResponse(key=request.key, text="", status="failed", reason="gone")
    ]


# ── functions ────────────────────────────────────────────────────────────────────────────────


def test_a_function_call_is_received_once_and_its_output_acknowledged() -> None:
    translator = new_translator()
    asked = call("f1", "call_1")
    events = received(translator, "conversation.item.done", item=asked, previous_item_id="i1")
    assert events == [
        e.ToolCalled(
            item_id="f1",
            call_id="call_1",
            tool="recall",
            arguments='{"query":"cat"}',
            previous_item_id="i1",
        )
    ]
    done = received(
        translator, "response.done", response={"id": "r", "status": "completed", "output": [asked]}
    )
    assert [type(event) for event in done] == [e.ResponseDone]
    [output] = encoded(
        translator, ToolAnswer(item_id="out_1", call_id="call_1", output='{"found":[]}')
    )
    assert output["item"] == {
        "type": "function_call_output",
        "id": "out_1",
        "call_id": "call_1",
        "output": '{"found":[]}',
    }
    assert received(translator, "conversation.item.added", item=output["item"]) == [
        e.ItemPlaced(item_id="out_1")
    ]


def test_a_function_call_that_only_the_end_of_the_response_mentions() -> None:
    done = received(
        new_translator(),
        "response.done",
        response={"id": "r", "status": "completed", "output": [call("f1", "c1")]},
    )
    assert [type(event) for event in done] == [e.ToolCalled, e.ResponseDone]


@pytest.mark.parametrize(
    "broken", [{"status": "incomplete"}, {"call_id": None}, {"id": None}, {"status": "in_progress"}]
)
def test_an_incomplete_function_call_is_ignored(broken: dict[str, object]) -> None:
    item = call("f1", "c1") | broken
    assert received(new_translator(), "conversation.item.done", item=item) == []


def test_the_speed_changes_once_no_response_is_in_progress() -> None:
    """Before that the server refuses it, also where the response began at the same time."""
    translator, faster = new_translator(), x.SetSpeed(speed=1.2)
    [sent] = encoded(translator, faster)
    assert sent["session"]["audio"] == {"output": {"speed": 1.2}}
    began = {"id": "r1", "status": "in_progress", "output": []}
    ended = {"id": "r1", "status": "completed", "output": []}
    received(translator, "response.created", response=began)
    refused = "Cannot update the speed while a response is in progress."
    assert received_error(translator, "cannot_update_speed", refused, sent["event_id"]) == []
    assert received(translator, "response.done", response=ended)[-1] == Resend(faster)
    received(translator, "response.created", response={**began, "id": "r2"})
    assert encoded(translator, x.SetSpeed(speed=1.3)) == []
    assert encoded(translator, faster) == []
    again = received(translator, "response.done", response={**ended, "id": "r2"})
    assert again[-1] == Resend(faster)
    assert encoded(translator, faster) == [sent]
    received(translator, "response.created", response={**began, "id": "r3"})
    once = received(translator, "response.done", response={**ended, "id": "r3"})
    assert not any(isinstance(one, Resend) for one in once)
