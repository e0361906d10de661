"""Token counts by modality, the prompt cache, truncation, rate limits."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.server.protocol_harness import (
    SILENCE,
    ProtocolClient,
    event_types,
    message_item,
    user_item,
)
from tests.server.toy_engines_harness import speech
from tui_voice.realtime.wire.items import McpApprovalRequest
from tui_voice.realtime.wire.session import Pcm
from tui_voice.server.item_record import ItemRecord
from tui_voice.server.jobs import SpeakJob
from tui_voice.server.limits import SessionLimits, TokenRateLimiter
from tui_voice.server.usage import PromptCache, PromptPart, TokenCount

TEXT = {"output_modalities": ["text"]}


def usage_of(client: ProtocolClient) -> dict[str, Any]:
    found = client.last_event("response.done")["response"]["usage"]
    assert isinstance(found, dict)
    return found


def set_instructions(client: ProtocolClient, **more: Any) -> None:
    """Sets instructions of ten tokens; a token is a word in these tests."""
    client.update_session(instructions="a b c d e f g h i j", **more)


class TestCounting:
    def test_example_of_the_api_documentation(self) -> None:
        """Instructions have 100 tokens, the user's turns 20 and 25 audio tokens, the reply 10 text
        tokens and its audio tokens: the second response reads the sum of them."""
        client = ProtocolClient()
        client.update_session(instructions=" ".join(["word"] * 100))
        client.configure_input(turn_detection=None)
        client.say(SILENCE * 2_000)
        client.send("input_audio_buffer.commit")
        client.hold = ()
        ten = "one two three four five six seven eight nine ten"
        client.engines.llm.answer = ten
        client.send("response.create")
        audio = usage_of(client)["output_token_details"]
        assert audio == {"text_tokens": 10, "audio_tokens": 32}
        client.say(SILENCE * 2_500)
        client.send("input_audio_buffer.commit")
        client.send("response.create")
        details = usage_of(client)["input_token_details"]
        assert details["text_tokens"] == 110
        assert details["audio_tokens"] == 20 + 32 + 25

    def test_totals_are_sums(self) -> None:
        client = ProtocolClient()
        set_instructions(client)
        client.ask("hello what is")
        used = usage_of(client)
        assert used["input_tokens"] == 13
        assert used["output_token_details"] == {"text_tokens": 3, "audio_tokens": 10}
        assert used["output_tokens"] == 13
        assert used["total_tokens"] == 26

    def test_tools_are_counted(self) -> None:
        client = ProtocolClient()
        set_instructions(
            client, tools=[{"type": "function", "name": "f", "description": "one two three"}]
        )
        client.ask("hello", **TEXT)
        assert usage_of(client)["input_tokens"] > 11

    def test_calls_and_outputs_are_counted(self) -> None:
        client = ProtocolClient()
        set_instructions(client)
        call = {"type": "function_call", "name": "f", "arguments": " a b c", "call_id": "c"}
        client.send("conversation.item.create", item=call)
        output = {"type": "function_call_output", "call_id": "c", "output": "x y"}
        client.send("conversation.item.create", item=output)
        client.send("response.create", response=TEXT)
        assert usage_of(client)["input_tokens"] == 10 + 4 + 2

    def test_user_transcript_is_not_counted(self) -> None:
        client = ProtocolClient()
        set_instructions(client)
        client.configure_input(turn_detection=None, transcription={"model": "whisper-1"})
        client.say(speech("hello what is the time"))
        client.send("input_audio_buffer.commit")
        client.send("response.create")
        details = usage_of(client)["input_token_details"]
        assert (details["text_tokens"], details["audio_tokens"]) == (10, 8)

    def test_truncated_audio_is_not_counted(self) -> None:
        client = ProtocolClient()
        set_instructions(client)
        client.ask("one two three four five")
        client.ask("x", **TEXT)
        before = usage_of(client)["input_token_details"]
        client.send(
            "conversation.item.truncate",
            item_id=client.item_ids[1],
            content_index=0,
            audio_end_ms=100,
        )
        client.send("response.create", response=TEXT)
        after = usage_of(client)["input_token_details"]
        assert before["audio_tokens"] == 16
        assert after["audio_tokens"] == 2

    def test_item_in_progress_is_counted_as_far_as_it_is(self) -> None:
        client = ProtocolClient()
        set_instructions(client)
        client.hold = (SpeakJob,)
        client.ask("one two three, four five six.")
        client.release(1)
        out_of_band = {"conversation": "none", **TEXT}
        client.send("response.create", response=out_of_band)
        first = usage_of(client)["input_token_details"]["audio_tokens"]
        client.hold = ()
        client.release()
        client.send("response.create", response=out_of_band)
        second = usage_of(client)["input_token_details"]["audio_tokens"]
        assert (first, second) == (10, 20)


class TestCache:
    def type_words(self, client: ProtocolClient, item_id: str, words: int) -> None:
        client.type_turn(" ".join(["w"] * words), id=item_id)

    def cached(self, client: ProtocolClient) -> int:
        client.send("response.create", response={"conversation": "none", **TEXT})
        found = usage_of(client)["input_token_details"]["cached_tokens"]
        assert isinstance(found, int)
        return found

    def test_common_prefix_in_blocks_of_64(self) -> None:
        client = ProtocolClient()
        set_instructions(client)
        self.type_words(client, "a", 100)
        assert self.cached(client) == 0
        self.type_words(client, "b", 100)
        assert self.cached(client) == 64
        assert self.cached(client) == 192

    def test_insertion_at_the_start_loses_all_items_behind_it(self) -> None:
        client = ProtocolClient()
        set_instructions(client)
        self.type_words(client, "a", 300)
        self.cached(client)
        client.send("conversation.item.create", item=user_item("s"), previous_item_id="root")
        assert self.cached(client) == 0

    def test_deletion_in_the_middle_keeps_the_items_before_it(self) -> None:
        client = ProtocolClient()
        set_instructions(client)
        for name in "abc":
            self.type_words(client, name, 100)
        self.cached(client)
        client.send("conversation.item.delete", item_id="b")
        assert self.cached(client) == 64

    def test_changed_instructions_lose_everything(self) -> None:
        client = ProtocolClient()
        set_instructions(client)
        self.type_words(client, "a", 300)
        self.cached(client)
        client.update_session(instructions="others")
        assert self.cached(client) == 0

    def test_cache_expires_after_five_minutes(self) -> None:
        client = ProtocolClient()
        set_instructions(client)
        self.type_words(client, "a", 300)
        self.cached(client)
        client.wait(240)
        assert self.cached(client) > 0
        client.wait(301)
        assert self.cached(client) == 0

    def test_cached_tokens_by_modality(self) -> None:
        cache = PromptCache()
        prompt = [PromptPart("a", TokenCount(40, 50)), PromptPart("b", TokenCount(30, 30))]
        assert cache.read(prompt, 0.0) == TokenCount()
        assert cache.read(prompt, 1.0) == TokenCount(70, 58)

    def test_truncated_item_ends_the_cached_prefix(self) -> None:
        client = ProtocolClient()
        set_instructions(client)
        self.type_words(client, "a", 110)
        client.ask("one two three")
        self.cached(client)
        before = self.cached(client)
        client.send(
            "conversation.item.truncate",
            item_id=client.item_ids[-1],
            content_index=0,
            audio_end_ms=10,
        )
        assert before == 64 * 2
        assert self.cached(client) == 64

    def test_cache_keeps_the_newest_prompts(self) -> None:
        cache = PromptCache()
        for n in range(50):
            cache.read([PromptPart(n, TokenCount(64))], 0.0)
        assert cache.read([PromptPart(0, TokenCount(64))], 0.0) == TokenCount()
        assert cache.read([PromptPart(49, TokenCount(64))], 0.0) == TokenCount(64)


class TestTruncation:
    def read_items(self, client: ProtocolClient) -> list[str]:
        client.send("response.create", response=TEXT)
        return [t.item_id for t in client.engines.llm.requests[-1].turns]

    def fill(self, client: ProtocolClient, count: int) -> None:
        for n in range(count):
            client.type_turn(" ".join(["w"] * 10), id=f"i{n}")

    def truncating_client(self, truncation: Any, window: int = 70) -> ProtocolClient:
        client = ProtocolClient(limits=SessionLimits(window_tokens=window))
        set_instructions(client, truncation=truncation)
        client.engines.llm.answer = ""
        return client

    def test_auto_drops_as_few_items_as_possible(self) -> None:
        client = self.truncating_client("auto")
        self.fill(client, 6)
        assert self.read_items(client) == [f"i{n}" for n in range(6)]
        client.type_turn("one more")
        assert self.read_items(client)[0] == "i1"
        assert len(client.item_ids) == 7, "the client still sees all items"

    def test_dropped_item_does_not_come_back(self) -> None:
        client = self.truncating_client("auto")
        self.fill(client, 7)
        assert self.read_items(client)[0] == "i1"
        client.send("conversation.item.delete", item_id="i1")
        assert self.read_items(client)[0] == "i2"

    def test_retention_ratio_drops_many_items_at_once(self) -> None:
        client = self.truncating_client({"type": "retention_ratio", "retention_ratio": 0.5})
        self.fill(client, 6)
        assert len(self.read_items(client)) == 6
        client.type_turn("one more")
        assert self.read_items(client)[0] == "i4"

    def test_post_instructions_limit(self) -> None:
        client = self.truncating_client(
            {
                "type": "retention_ratio",
                "retention_ratio": 0.8,
                "token_limits": {"post_instructions": 30},
            }
        )
        self.fill(client, 4)
        assert self.read_items(client) == ["i2", "i3"]

    def test_disabled_truncation_fails_the_response(self) -> None:
        client = self.truncating_client("disabled")
        self.fill(client, 6)
        assert len(self.read_items(client)) == 6
        client.type_turn("one more")
        client.send("response.create", response=TEXT)
        done = client.last_event("response.done")["response"]
        assert done["status"] == "failed"
        assert done["status_details"]["error"]["code"] == "context_length_exceeded"
        client.send("conversation.item.delete", item_id="i0")
        assert len(self.read_items(client)) == 6

    def test_automatic_response_fails_where_the_prompt_is_too_long(self) -> None:
        client = self.truncating_client("disabled", window=12)
        client.update_session(truncation="disabled")
        self.fill(client, 1)
        client.say(SILENCE * 500 + speech("hello") + SILENCE * 800)
        assert client.last_event("response.done")["response"]["status"] == "failed"

    def test_instructions_that_fill_the_window_leave_no_items(self) -> None:
        client = self.truncating_client("auto", window=5)
        self.fill(client, 2)
        assert self.read_items(client) == []


class TestRateLimits:
    def test_rate_limits_follow_each_response(self) -> None:
        client = ProtocolClient(limits=SessionLimits(tokens_per_minute=1_000))
        set_instructions(client)
        client.ask("hello what is", **TEXT)
        (limit,) = client.last_event("rate_limits.updated")["rate_limits"]
        assert limit == {"name": "tokens", "limit": 1000, "remaining": 984, "reset_seconds": 0.96}
        client.wait(0.5)
        client.send("response.create", response=TEXT)
        (limit,) = client.last_event("rate_limits.updated")["rate_limits"]
        assert 960 < limit["remaining"] < 984

    def test_exceeded_limit_fails_the_response(self) -> None:
        client = ProtocolClient(limits=SessionLimits(tokens_per_minute=60))
        set_instructions(client)
        client.ask("one two three four five")
        client.ask("one two three four five")
        done = client.last_event("response.done")["response"]
        assert done["status"] == "failed"
        assert done["status_details"]["error"]["code"] == "inference_rate_limit_exceeded"
        client.wait(60)
        client.ask("one", **TEXT)
        assert client.last_event("response.done")["response"]["status"] == "completed"

    def test_remaining_tokens_are_never_negative(self) -> None:
        limiter = TokenRateLimiter(10)
        limit = limiter.use(50, 0.0).rate_limits[0]
        assert limit.remaining == 0
        assert not limiter.has_room(1, 0.0)
        assert limiter.has_room(10, 1_000.0)


def test_items_of_other_types_cost_nothing_and_cannot_be_read_by_the_model() -> None:
    """`admit_item` refuses such items, so `as_turn` may be loud."""
    item = McpApprovalRequest(id="m", name="n", arguments="", server_label="s")
    record = ItemRecord(item)
    assert record.tokens(len) == TokenCount()
    assert record.with_audio(Pcm(rate=24_000)) is item
    with pytest.raises(AssertionError):
        record.as_turn({})


def test_summary_of_a_conversation_with_audio() -> None:
    client = ProtocolClient()
    audio = base64.b64encode(speech("my name is Anna")).decode()
    client.send(
        "conversation.item.create",
        item=message_item("user", {"type": "input_audio", "audio": audio}),
    )
    events = client.send(
        "response.create",
        response={"conversation": "none", "metadata": {"purpose": "summary"}, **TEXT},
    )
    assert event_types(events)[-2] == "response.done"
