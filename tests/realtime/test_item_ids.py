"""Item ids that are too long for a server are replaced on the wire; the conversation keeps them."""

from __future__ import annotations

from tests.realtime.frames_harness import encoded, message, new_translator, received, received_error
from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.realtime.item_ids import ItemIds
from tui_voice.realtime.wire.items import MAX_ID_LENGTH

LONG = "item_" + "f47ac10b-58cc-4372-a567-0e02b2c3d479"
OTHER = LONG[:-1] + "8"


def place(item_id: str, previous: str | None = None) -> x.CreateItem:
    return x.CreateItem(item_id=item_id, role="user", text="Hi.", previous_item_id=previous)


def test_a_long_id_is_short_on_the_wire_and_unchanged_in_the_conversation() -> None:
    translator = new_translator()
    (made,) = encoded(translator, place(LONG))
    short = made["item"]["id"]
    assert len(short) <= MAX_ID_LENGTH
    assert short.replace("_", "").isalnum()
    item = message(short, "user", {"type": "input_text", "text": "Hi."})
    assert received(translator, "conversation.item.added", item=item) == [
        e.ItemPlaced(item_id=LONG)
    ]
    (behind,) = encoded(translator, place("next", LONG))
    assert behind["previous_item_id"] == short
    (deleted,) = encoded(translator, x.DeleteItem(item_id=LONG))
    assert deleted["item_id"] == short
    assert received(translator, "conversation.item.deleted", item_id=short) == [
        e.ItemDeleted(item_id=LONG)
    ]
    (cut,) = encoded(translator, x.TruncateItem(item_id=LONG, audio_ms=1))
    assert cut["item_id"] == short


def test_items_that_follow_an_item_with_a_long_id() -> None:
    translator = new_translator()
    short = encoded(translator, place(LONG))[0]["item"]["id"]
    committed = received(
        translator, "input_audio_buffer.committed", item_id="i1", previous_item_id=short
    )
    assert committed == [e.SpeechCommitted(item_id="i1", previous_item_id=LONG)]
    item = message("i2", "assistant")
    added = received(translator, "conversation.item.added", item=item, previous_item_id=short)
    assert added == [e.TurnAdded(item_id="i2", role="assistant", previous_item_id=LONG)]


def test_an_error_that_quotes_the_short_id() -> None:
    translator = new_translator()
    short = encoded(translator, place(LONG))[0]["item"]["id"]
    code = "item_create_invalid_previous_item_id"
    (failed,) = received_error(translator, code, f"item '{short}': no.", None)
    assert failed == e.ItemRefused(item_id=LONG, code=code, message=f"item '{short}': no.")


def test_long_ids_that_the_server_made_are_sent_unchanged() -> None:
    (deleted,) = encoded(new_translator(), x.DeleteItem(item_id=LONG))
    assert deleted["item_id"] == LONG


def test_short_ids_stay_unchanged_and_long_ids_stay_distinct() -> None:
    ids = ItemIds()
    assert ids.shortened("a" * MAX_ID_LENGTH) == "a" * MAX_ID_LENGTH
    assert ids.shortened(LONG) == ids.shortened(LONG) != ids.shortened(OTHER)
