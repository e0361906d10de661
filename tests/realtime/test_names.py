"""Ids that are too long for a server: it gets short ones, the talk keeps its own."""

from __future__ import annotations

from tests.realtime.frames import adapter, heard, message, refused, sent
from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.realtime.names import LONGEST, Names

LONG = "item_" + "f47ac10b-58cc-4372-a567-0e02b2c3d479"
OTHER = LONG[:-1] + "8"


def place(item_id: str, previous: str | None = None) -> x.CreateItem:
    return x.CreateItem(item_id=item_id, role="user", text="Hi.", previous_item_id=previous)


def test_a_long_id_is_short_on_the_wire_and_itself_in_the_talk() -> None:
    ours = adapter()
    (made,) = sent(ours, place(LONG))
    short = made["item"]["id"]
    assert len(short) <= LONGEST
    assert short.replace("_", "").isalnum()
    item = message(short, "user", {"type": "input_text", "text": "Hi."})
    assert heard(ours, "conversation.item.added", item=item) == [e.ItemPlaced(item_id=LONG)]
    (behind,) = sent(ours, place("next", LONG))
    assert behind["previous_item_id"] == short
    (deleted,) = sent(ours, x.DeleteItem(item_id=LONG))
    assert deleted["item_id"] == short
    assert heard(ours, "conversation.item.deleted", item_id=short) == [e.ItemDeleted(item_id=LONG)]
    (cut,) = sent(ours, x.TruncateItem(item_id=LONG, audio_ms=1))
    assert cut["item_id"] == short


def test_what_follows_it_is_known_to() -> None:
    ours = adapter()
    short = sent(ours, place(LONG))[0]["item"]["id"]
    committed = heard(ours, "input_audio_buffer.committed", item_id="i1", previous_item_id=short)
    assert committed == [e.SpeechCommitted(item_id="i1", previous_item_id=LONG)]
    item = message("i2", "assistant")
    added = heard(ours, "conversation.item.added", item=item, previous_item_id=short)
    assert added == [e.TurnAdded(item_id="i2", role="assistant", previous_item_id=LONG)]


def test_an_error_that_quotes_it() -> None:
    ours = adapter()
    short = sent(ours, place(LONG))[0]["item"]["id"]
    code = "item_create_invalid_previous_item_id"
    (failed,) = refused(ours, code, f"item '{short}': no.", None)
    assert failed == e.ItemRefused(item_id=LONG, code=code, message=f"item '{short}': no.")


def test_a_server_is_asked_by_the_long_ids_that_it_made_itself() -> None:
    (deleted,) = sent(adapter(), x.DeleteItem(item_id=LONG))
    assert deleted["item_id"] == LONG


def test_short_ones_are_left_and_long_ones_stay_apart() -> None:
    names = Names()
    assert names.fitting("a" * LONGEST) == "a" * LONGEST
    assert names.fitting(LONG) == names.fitting(LONG) != names.fitting(OTHER)
