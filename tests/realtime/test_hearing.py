"""What a server says of the user's turns and of items: each message to the facts it stands for."""

from __future__ import annotations

import pytest

from tests.realtime.frames import MS, adapter, call, heard, message, plain, refused, sent
from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.realtime.replies import Again


def test_a_turn_found_by_the_servers_ear() -> None:
    ours = adapter()
    ours.append(MS * 900)
    began = heard(ours, "input_audio_buffer.speech_started", item_id="i1", audio_start_ms=400)
    assert began == [e.SpeechStarted(item_id="i1", audio_start_ms=400)]
    stopped = heard(ours, "input_audio_buffer.speech_stopped", item_id="i1", audio_end_ms=1900)
    assert stopped == [e.SpeechStopped(item_id="i1", audio_ms=1500)]
    committed = heard(ours, "input_audio_buffer.committed", item_id="i1", previous_item_id="i0")
    assert committed == [e.SpeechCommitted(item_id="i1", previous_item_id="i0")]
    item = message("i1", "user", {"type": "input_audio", "transcript": None})
    added = heard(ours, "conversation.item.added", item=item, previous_item_id="i0")
    assert added == [
        e.TurnAdded(item_id="i1", role="user", previous_item_id="i0", modality="audio")
    ]
    assert heard(ours, "conversation.item.done", item=item, previous_item_id="i0") == []


def test_words_of_the_user_come_in_pieces_then_whole_with_their_price() -> None:
    kind = "conversation.item.input_audio_transcription"
    ours = adapter()
    assert heard(ours, f"{kind}.delta", item_id="i1", content_index=0, delta="Hel") == [
        e.TranscriptGrew(item_id="i1", text="Hel")
    ]
    assert heard(ours, f"{kind}.delta", item_id="i1", delta=None) == []
    by_time = {"type": "duration", "seconds": 3}
    assert heard(ours, f"{kind}.completed", item_id="i1", transcript=" Hello. ", usage=by_time) == [
        e.TranscriptDone(item_id="i1", text="Hello.", usd=3.0)
    ]
    by_token = {"type": "tokens", "total_tokens": 20, "input_tokens": 15, "output_tokens": 5}
    assert heard(ours, f"{kind}.completed", item_id="i1", transcript="Hi", usage=by_token) == [
        e.TranscriptDone(item_id="i1", text="Hi", usd=2.0)
    ]
    assert heard(ours, f"{kind}.completed", item_id="i1", transcript="Hi", usage=None) == [
        e.TranscriptDone(item_id="i1", text="Hi")
    ]


def test_words_that_will_not_come() -> None:
    kind = "conversation.item.input_audio_transcription.failed"
    ours = adapter()
    failed = heard(ours, kind, item_id="i1", error={"message": "too noisy"})
    assert failed == [e.TranscriptFailed(item_id="i1", reason="too noisy")]
    assert heard(ours, kind, item_id="i1", error=None) == [
        e.TranscriptFailed(item_id="i1", reason="not transcribed")
    ]


def test_a_turn_made_by_the_talk_key_is_as_long_as_what_was_sent() -> None:
    ours = adapter(manual=True)
    ours.append(MS * 250)
    [commit] = sent(ours, x.CommitInput())
    assert commit == {"type": "input_audio_buffer.commit", "event_id": "commit:"}
    assert heard(ours, "input_audio_buffer.committed", item_id="i1") == [
        e.SpeechCommitted(item_id="i1", audio_ms=250)
    ]
    ours.append(MS * 100)
    assert sent(ours, x.ClearInput())[0]["type"] == "input_audio_buffer.clear"
    ours.append(MS * 40)
    assert heard(ours, "input_audio_buffer.committed", item_id="i2") == [
        e.SpeechCommitted(item_id="i2", audio_ms=40)
    ]
    assert heard(ours, "input_audio_buffer.committed", item_id="i3") == [
        e.SpeechCommitted(item_id="i3")
    ]


def test_our_commit_of_a_turn_that_the_ear_had_begun() -> None:
    ours = adapter()
    ours.append(MS * 700)
    heard(ours, "input_audio_buffer.speech_started", item_id="i1", audio_start_ms=300)
    assert heard(ours, "input_audio_buffer.committed", item_id="i1") == [
        e.SpeechCommitted(item_id="i1", audio_ms=400)
    ]
    stopped = heard(ours, "input_audio_buffer.speech_stopped", item_id="i1", audio_end_ms=700)
    assert stopped == [e.SpeechStopped(item_id="i1", audio_ms=0)]


def test_a_long_turn_tells_its_length_about_once_a_second() -> None:
    ours = adapter()
    heard(ours, "input_audio_buffer.speech_started", item_id="i1", audio_start_ms=0)
    told = [ours.append(MS * 20)[1] for _ in range(110)]
    assert [fact for fact in told if fact] == [
        e.SpeechGrew(item_id="i1", audio_ms=1000),
        e.SpeechGrew(item_id="i1", audio_ms=2000),
    ]
    event, _ = ours.append(MS * 20)
    assert plain(event)["type"] == "input_audio_buffer.append"


def test_our_own_items_come_back_as_placed_and_only_once() -> None:
    ours = adapter()
    [create] = sent(ours, x.CreateItem(item_id="typed_1", role="user", text="hi"))
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
        got = heard(ours, f"conversation.item.{kind}", item=item, previous_item_id=None)
        assert got == ([e.ItemPlaced(item_id="typed_1")] if kind == "added" and create else [])
        create = None


@pytest.mark.parametrize("kind", ["conversation.item.created", "conversation.item.done"])
def test_servers_that_acknowledge_otherwise(kind: str) -> None:
    ours = adapter()
    ours.send(x.CreateItem(item_id="m", role="system", text="memory", previous_item_id="root"))
    item = message("m", "system", {"type": "input_text", "text": "memory"})
    assert heard(ours, kind, item=item) == [e.ItemPlaced(item_id="m")]


def test_roles_and_anchors_of_what_we_create() -> None:
    ours = adapter()

    def created(role: str, previous: str | None) -> dict[str, object]:
        item_id = f"{role}_{previous}"
        effect = x.CreateItem(
            item_id=item_id,
            role=role,  # type: ignore[arg-type]  # each of the four
            text="…",
            previous_item_id=previous,
        )
        return sent(ours, effect)[0]

    assert created("assistant", "root")["previous_item_id"] == "root"
    assert "previous_item_id" not in created("user", None)
    spoken = created("assistant", "i9")["item"]
    assert isinstance(spoken, dict)
    assert spoken["content"] == [{"type": "output_text", "text": "…"}]
    tool = created("tool", None)["item"]
    assert isinstance(tool, dict)
    assert (tool["role"], tool["content"][0]["type"]) == ("system", "input_text")


def test_items_of_the_server_become_turns() -> None:
    ours = adapter()
    reply = message("a1", "assistant", status="in_progress")
    assert heard(ours, "conversation.item.added", item=reply, previous_item_id="i1") == [
        e.TurnAdded(item_id="a1", role="assistant", previous_item_id="i1", modality="audio")
    ]
    typed = message("u1", "user", {"type": "input_text", "text": "from elsewhere"})
    assert heard(ours, "conversation.item.added", item=typed) == [
        e.TurnAdded(item_id="u1", role="user", modality="text", text="from elsewhere")
    ]
    note = message("s1", "system", {"type": "input_text", "text": "be kind"})
    [added] = heard(adapter(audio=False), "conversation.item.added", item=note)
    assert added == e.TurnAdded(item_id="s1", role="system", modality="text", text="be kind")
    nameless = {"type": "message", "role": "user", "content": []}
    assert heard(ours, "conversation.item.added", item=nameless) == []
    output = {"id": "o1", "type": "function_call_output", "call_id": "c", "output": "{}"}
    assert heard(ours, "conversation.item.added", item=output) == []


def test_deleted_and_truncated() -> None:
    ours = adapter()
    [delete] = sent(ours, x.DeleteItem(item_id="i1"))
    assert (delete["item_id"], delete["event_id"]) == ("i1", "delete:i1")
    assert heard(ours, "conversation.item.deleted", item_id="i1") == [e.ItemDeleted(item_id="i1")]
    [cut] = sent(ours, x.TruncateItem(item_id="a1", audio_ms=700))
    assert (cut["audio_end_ms"], cut["content_index"]) == (700, 0)
    told = heard(ours, "conversation.item.truncated", item_id="a1", audio_end_ms=700)
    assert told == [e.ItemTruncated(item_id="a1", audio_ms=700)]


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
def test_what_does_not_concern_us_is_nothing(kind: str) -> None:
    assert heard(adapter(), kind, response_id="r", item=message("x", "user")) == []


def test_effects_that_are_not_the_servers_send_nothing() -> None:
    ours = adapter()
    for effect in (x.OpenMicrophone(manual=True), x.CloseMicrophone(), x.InterruptPlayback()):
        assert ours.send(effect) == []


# ── errors ───────────────────────────────────────────────────────────────────────────────────


def test_an_error_belongs_to_the_message_it_names() -> None:
    ours = adapter()
    ours.send(x.CreateItem(item_id="t", role="user", text="hi"))
    assert refused(ours, "invalid_value", "no", "create:t") == [
        e.ItemRefused(item_id="t", code="invalid_value", message="no")
    ]
    assert refused(ours, "server_error", "later", "delete:i1") == [
        e.DeleteRefused(item_id="i1", unknown=False, message="later")
    ]
    gone = "Error deleting item: the item with id 'i1' does not exist."
    assert refused(ours, "item_delete_invalid_item_id", gone, "delete:i1") == [
        e.DeleteRefused(item_id="i1", unknown=True, message=gone)
    ]
    taken = "conversation_already_has_active_response"
    assert refused(ours, taken, "wait", "respond:") == [
        e.ResponseRefused(code=taken, message="wait")
    ]
    assert refused(ours, "rate_limit_exceeded", "slow down", "respond:") == [
        e.ResponseRefused(code="rate_limit_exceeded", message="slow down"),
        e.ServerErred(code="rate_limit_exceeded", message="slow down"),
    ]


def test_an_error_that_names_nothing_is_understood_by_what_it_says() -> None:
    ours = adapter()
    gone = "Error deleting item: the item with id 'i1' does not exist."
    assert refused(ours, "item_delete_invalid_item_id", gone, None) == [
        e.DeleteRefused(item_id="i1", unknown=True, message=gone)
    ]
    assert refused(ours, "item_delete_invalid_item_id", "no such thing", None) == [
        e.ServerErred(code="item_delete_invalid_item_id", message="no such thing")
    ]
    taken = "conversation_already_has_active_response"
    assert refused(ours, taken, "wait", None) == [e.ResponseRefused(code=taken, message="wait")]
    ours.send(x.CreateItem(item_id="t1", role="user", text="hi"))
    ours.send(x.CreateItem(item_id="t2", role="user", text="ho"))
    twice = "Error adding item: the item with id 't2' already exists."
    assert refused(ours, "item_create_duplicate_item_id", twice, None) == [
        e.ItemPlaced(item_id="t2")
    ]
    assert refused(ours, "item_create_x", "Item 'zz' is odd", None) == [
        e.ServerErred(code="item_create_x", message="Item 'zz' is odd")
    ]
    assert refused(ours, None, "something odd", None) == [
        e.ServerErred(code="", message="something odd")
    ]


@pytest.mark.parametrize("named", [True, False])
def test_an_item_whose_anchor_is_gone_goes_to_the_end(named: bool) -> None:
    ours = adapter()
    effect = x.CreateItem(item_id="t", role="assistant", text="said", previous_item_id="i7")
    ours.send(effect)
    code = "item_create_invalid_previous_item_id"
    text = "the previous item 'i7' does not exist."
    [again] = refused(ours, code, text, "create:t" if named else None)
    assert isinstance(again, Again)
    [create] = [plain(event) for event in again.messages]
    assert (create["item"]["id"], "previous_item_id" in create) == ("t", False)
    # A second refusal is the end of it.
    [told] = refused(ours, code, text, "create:t")
    assert told == e.ItemRefused(item_id="t", code=code, message=text)


def test_an_item_at_the_root_is_not_tried_elsewhere() -> None:
    ours = adapter()
    ours.send(x.CreateItem(item_id="m", role="system", text="memory", previous_item_id="root"))
    code = "item_create_invalid_previous_item_id"
    [told] = refused(ours, code, "'root' not found", "create:m")
    assert isinstance(told, e.ItemRefused)


@pytest.mark.parametrize(
    ("code", "event_id"),
    [
        ("response_cancel_not_active", "cancel:"),
        ("response_cancel_not_active", None),
        ("input_audio_buffer_commit_empty", "commit:"),
        ("item_truncate_invalid_item_id", "truncate:a"),
        ("item_truncate_invalid_item_id", None),
        ("unsupported_content_type", None),
        (None, "truncate:a"),
        (None, "cancel:"),
        (None, "clear:"),
        ("item_create_duplicate_item_id", "create:already_there"),
    ],
)
def test_benign_errors_are_nothing(code: str | None, event_id: str | None) -> None:
    assert refused(adapter(), code, "Audio content of 9250ms is already shorter", event_id) == []


@pytest.mark.parametrize("event_id", ["commit:", None])
def test_a_tap_on_the_talk_key_says_nothing(event_id: str | None) -> None:
    code = "input_audio_buffer_commit_empty"
    assert refused(adapter(manual=True), code, "buffer too small", event_id) == [
        e.SpeechDiscarded(item_id="", reason="nothing was said")
    ]


def test_only_an_error_with_nothing_after_it_explains_a_close() -> None:
    ours = adapter()
    refused(ours, "insufficient_quota", "no money", None)
    assert ours.last_error is not None
    assert ours.last_error.code == "insufficient_quota"
    heard(ours, "rate_limits.updated", rate_limits=[])
    assert ours.last_error is None


# ── functions ────────────────────────────────────────────────────────────────────────────────


def test_a_function_call_is_told_once_and_its_output_acknowledged() -> None:
    ours = adapter()
    asked = call("f1", "call_1")
    told = heard(ours, "conversation.item.done", item=asked, previous_item_id="i1")
    assert told == [
        e.ToolCalled(
            item_id="f1",
            call_id="call_1",
            tool="recall",
            arguments='{"query":"cat"}',
            previous_item_id="i1",
        )
    ]
    done = heard(
        ours, "response.done", response={"id": "r", "status": "completed", "output": [asked]}
    )
    assert [type(fact) for fact in done] == [e.ResponseDone]
    output = plain(ours.answer("out_1", "call_1", '{"found":[]}'))
    assert output["item"] == {
        "type": "function_call_output",
        "id": "out_1",
        "call_id": "call_1",
        "output": '{"found":[]}',
    }
    assert heard(ours, "conversation.item.added", item=output["item"]) == [
        e.ItemPlaced(item_id="out_1")
    ]


def test_a_call_known_only_from_the_end_of_the_response() -> None:
    done = heard(
        adapter(),
        "response.done",
        response={"id": "r", "status": "completed", "output": [call("f1", "c1")]},
    )
    assert [type(fact) for fact in done] == [e.ToolCalled, e.ResponseDone]


@pytest.mark.parametrize(
    "broken", [{"status": "incomplete"}, {"call_id": None}, {"id": None}, {"status": "in_progress"}]
)
def test_a_call_that_is_not_whole_is_not_made(broken: dict[str, object]) -> None:
    item = call("f1", "c1") | broken
    assert heard(adapter(), "conversation.item.done", item=item) == []
