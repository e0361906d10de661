"""The bill: tokens by modality, the prompt cache, truncation, rate limits."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.server.desk import SILENCE, Desk, message, types, user
from tests.server.engines import speech
from tui_voice.server.items import Entry, Weight
from tui_voice.server.limits import Bucket, Limits
from tui_voice.server.usage import PromptCache, Unit

TEXT = {"output_modalities": ["text"]}


def usage_of(desk: Desk) -> dict[str, Any]:
    found = desk.last("response.done")["response"]["usage"]
    assert isinstance(found, dict)
    return found


def quiet(desk: Desk, **more: Any) -> None:
    """A session whose instructions weigh ten tokens (words, here)."""
    desk.update(instructions="a b c d e f g h i j", **more)


class TestCounting:
    def test_documented_example(self) -> None:
        """Second turn: 100 instructions, user 20 audio, assistant 20 audio + 10 text, user 25
        audio: 110 text and 65 audio."""
        desk = Desk()
        desk.update(instructions=" ".join(["word"] * 100))
        desk.configure(turn_detection=None)
        desk.say(SILENCE * 2_000)
        desk.send("input_audio_buffer.commit")
        desk.hold = ()
        ten = "one two three four five six seven eight nine ten"
        desk.engines.thinks.answer = ten
        desk.send("response.create")
        audio = usage_of(desk)["output_token_details"]
        assert audio == {"text_tokens": 10, "audio_tokens": 32}
        desk.say(SILENCE * 2_500)
        desk.send("input_audio_buffer.commit")
        desk.send("response.create")
        details = usage_of(desk)["input_token_details"]
        assert details["text_tokens"] == 110
        assert details["audio_tokens"] == 20 + 32 + 25

    def test_sums(self) -> None:
        desk = Desk()
        quiet(desk)
        desk.ask("hello what is")
        used = usage_of(desk)
        assert used["input_tokens"] == 13
        assert used["output_token_details"] == {"text_tokens": 3, "audio_tokens": 10}
        assert used["output_tokens"] == 13
        assert used["total_tokens"] == 26

    def test_tools_are_read_too(self) -> None:
        desk = Desk()
        quiet(desk, tools=[{"type": "function", "name": "f", "description": "one two three"}])
        desk.ask("hello", **TEXT)
        assert usage_of(desk)["input_tokens"] > 11

    def test_calls_and_outputs(self) -> None:
        desk = Desk()
        quiet(desk)
        call = {"type": "function_call", "name": "f", "arguments": " a b c", "call_id": "c"}
        desk.send("conversation.item.create", item=call)
        output = {"type": "function_call_output", "call_id": "c", "output": "x y"}
        desk.send("conversation.item.create", item=output)
        desk.send("response.create", response=TEXT)
        assert usage_of(desk)["input_tokens"] == 10 + 4 + 2

    def test_user_transcript_is_not_read(self) -> None:
        desk = Desk()
        quiet(desk)
        desk.configure(turn_detection=None, transcription={"model": "whisper-1"})
        desk.say(speech("hello what is the time"))
        desk.send("input_audio_buffer.commit")
        desk.send("response.create")
        details = usage_of(desk)["input_token_details"]
        assert (details["text_tokens"], details["audio_tokens"]) == (10, 8)

    def test_truncated_audio_is_cheaper(self) -> None:
        desk = Desk()
        quiet(desk)
        desk.ask("one two three four five")
        desk.ask("x", **TEXT)
        before = usage_of(desk)["input_token_details"]
        desk.send(
            "conversation.item.truncate",
            item_id=desk.items[1],
            content_index=0,
            audio_end_ms=100,
        )
        desk.send("response.create", response=TEXT)
        after = usage_of(desk)["input_token_details"]
        assert before["audio_tokens"] == 16
        assert after["audio_tokens"] == 2

    def test_item_that_still_grows_is_counted_as_it_is(self) -> None:
        from tui_voice.server.jobs import Speak

        desk = Desk()
        quiet(desk)
        desk.hold = (Speak,)
        desk.ask("one two three, four five six.")
        desk.release(1)
        beside = {"conversation": "none", **TEXT}
        desk.send("response.create", response=beside)
        first = usage_of(desk)["input_token_details"]["audio_tokens"]
        desk.hold = ()
        desk.release()
        desk.send("response.create", response=beside)
        second = usage_of(desk)["input_token_details"]["audio_tokens"]
        assert (first, second) == (10, 20)


class TestCache:
    def big(self, desk: Desk, name: str, words: int) -> None:
        desk.type(" ".join(["w"] * words), id=name)

    def cached(self, desk: Desk) -> int:
        desk.send("response.create", response={"conversation": "none", **TEXT})
        found = usage_of(desk)["input_token_details"]["cached_tokens"]
        assert isinstance(found, int)
        return found

    def test_common_prefix_in_blocks_of_64(self) -> None:
        desk = Desk()
        quiet(desk)
        self.big(desk, "a", 100)
        assert self.cached(desk) == 0
        self.big(desk, "b", 100)
        assert self.cached(desk) == 64
        assert self.cached(desk) == 192

    def test_insertion_at_the_root_loses_all_behind_it(self) -> None:
        desk = Desk()
        quiet(desk)
        self.big(desk, "a", 300)
        self.cached(desk)
        desk.send("conversation.item.create", item=user("s"), previous_item_id="root")
        assert self.cached(desk) == 0

    def test_deletion_in_the_middle_keeps_what_is_before(self) -> None:
        desk = Desk()
        quiet(desk)
        for name in "abc":
            self.big(desk, name, 100)
        self.cached(desk)
        desk.send("conversation.item.delete", item_id="b")
        assert self.cached(desk) == 64

    def test_other_instructions_lose_everything(self) -> None:
        desk = Desk()
        quiet(desk)
        self.big(desk, "a", 300)
        self.cached(desk)
        desk.update(instructions="others")
        assert self.cached(desk) == 0

    def test_cold_after_minutes(self) -> None:
        desk = Desk()
        quiet(desk)
        self.big(desk, "a", 300)
        self.cached(desk)
        desk.wait(240)
        assert self.cached(desk) > 0
        desk.wait(301)
        assert self.cached(desk) == 0

    def test_details_by_modality(self) -> None:
        cache = PromptCache()
        prompt = [Unit("a", Weight(40, 50)), Unit("b", Weight(30, 30))]
        assert cache.read(prompt, 0.0) == Weight()
        assert cache.read(prompt, 1.0) == Weight(70, 58)

    def test_truncated_item_ends_the_prefix(self) -> None:
        desk = Desk()
        quiet(desk)
        self.big(desk, "a", 110)
        desk.ask("one two three")
        self.cached(desk)
        before = self.cached(desk)
        desk.send(
            "conversation.item.truncate", item_id=desk.items[-1], content_index=0, audio_end_ms=10
        )
        assert before == 64 * 2
        assert self.cached(desk) == 64

    def test_remembers_few_prompts(self) -> None:
        cache = PromptCache()
        for n in range(50):
            cache.read([Unit(n, Weight(64))], 0.0)
        assert cache.read([Unit(0, Weight(64))], 0.0) == Weight()
        assert cache.read([Unit(49, Weight(64))], 0.0) == Weight(64)


class TestTruncation:
    def asked(self, desk: Desk) -> list[str]:
        desk.send("response.create", response=TEXT)
        return [t.item_id for t in desk.engines.thinks.requests[-1].turns]

    def fill(self, desk: Desk, count: int) -> None:
        for n in range(count):
            desk.type(" ".join(["w"] * 10), id=f"i{n}")

    def desk(self, truncation: Any, window: int = 70) -> Desk:
        desk = Desk(limits=Limits(window=window))
        quiet(desk, truncation=truncation)
        desk.engines.thinks.answer = ""
        return desk

    def test_auto_drops_only_what_is_needed(self) -> None:
        desk = self.desk("auto")
        self.fill(desk, 6)
        assert self.asked(desk) == [f"i{n}" for n in range(6)]
        desk.type("one more")
        assert self.asked(desk)[0] == "i1"
        assert len(desk.items) == 7, "the item list is the client's"

    def test_dropped_for_good(self) -> None:
        desk = self.desk("auto")
        self.fill(desk, 7)
        assert self.asked(desk)[0] == "i1"
        desk.send("conversation.item.delete", item_id="i1")
        assert self.asked(desk)[0] == "i2"

    def test_retention_ratio_drops_in_bulk(self) -> None:
        desk = self.desk({"type": "retention_ratio", "retention_ratio": 0.5})
        self.fill(desk, 6)
        assert len(self.asked(desk)) == 6
        desk.type("one more")
        assert self.asked(desk)[0] == "i4"

    def test_limit_after_the_instructions(self) -> None:
        desk = self.desk(
            {
                "type": "retention_ratio",
                "retention_ratio": 0.8,
                "token_limits": {"post_instructions": 30},
            }
        )
        self.fill(desk, 4)
        assert self.asked(desk) == ["i2", "i3"]

    def test_disabled_fails(self) -> None:
        desk = self.desk("disabled")
        self.fill(desk, 6)
        assert len(self.asked(desk)) == 6
        desk.type("one more")
        desk.send("response.create", response=TEXT)
        done = desk.last("response.done")["response"]
        assert done["status"] == "failed"
        assert done["status_details"]["error"]["code"] == "context_length_exceeded"
        desk.send("conversation.item.delete", item_id="i0")
        assert len(self.asked(desk)) == 6

    def test_draft_of_a_prompt_too_long(self) -> None:
        desk = self.desk("disabled", window=12)
        desk.update(truncation="disabled")
        self.fill(desk, 1)
        desk.say(SILENCE * 500 + speech("hello") + SILENCE * 800)
        assert desk.last("response.done")["response"]["status"] == "failed"

    def test_instructions_alone_too_long(self) -> None:
        desk = self.desk("auto", window=5)
        self.fill(desk, 2)
        assert self.asked(desk) == []


class TestRateLimits:
    def test_told_after_each_response(self) -> None:
        desk = Desk(limits=Limits(tokens_per_minute=1_000))
        quiet(desk)
        desk.ask("hello what is", **TEXT)
        (told,) = desk.last("rate_limits.updated")["rate_limits"]
        assert told == {"name": "tokens", "limit": 1000, "remaining": 984, "reset_seconds": 0.96}
        desk.wait(0.5)
        desk.send("response.create", response=TEXT)
        (told,) = desk.last("rate_limits.updated")["rate_limits"]
        assert 960 < told["remaining"] < 984

    def test_exceeded(self) -> None:
        desk = Desk(limits=Limits(tokens_per_minute=60))
        quiet(desk)
        desk.ask("one two three four five")
        desk.ask("one two three four five")
        done = desk.last("response.done")["response"]
        assert done["status"] == "failed"
        assert done["status_details"]["error"]["code"] == "inference_rate_limit_exceeded"
        desk.wait(60)
        desk.ask("one", **TEXT)
        assert desk.last("response.done")["response"]["status"] == "completed"

    def test_bucket_never_goes_below_nothing(self) -> None:
        bucket = Bucket(10)
        told = bucket.use(50, 0.0).rate_limits[0]
        assert told.remaining == 0
        assert not bucket.has_room(1, 0.0)
        assert bucket.has_room(10, 1_000.0)


def test_items_of_other_kinds_have_no_turn() -> None:
    from tui_voice.realtime.wire.items import McpApprovalRequest

    item = McpApprovalRequest(id="m", name="n", arguments="", server_label="s")
    entry = Entry(item)
    assert entry.weight(len) == Weight()
    assert entry.with_audio.__self__.item is item
    with pytest.raises(AssertionError):
        entry.turn({})


def test_summary_in_a_talk_with_sound() -> None:
    desk = Desk()
    audio = base64.b64encode(speech("my name is Anna")).decode()
    desk.send(
        "conversation.item.create",
        item=message("user", {"type": "input_audio", "audio": audio}),
    )
    events = desk.send(
        "response.create",
        response={"conversation": "none", "metadata": {"purpose": "summary"}, **TEXT},
    )
    assert types(events)[-2] == "response.done"
