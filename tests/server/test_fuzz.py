"""Random client events, valid and invalid, in any order; invariants are checked after each step."""

from __future__ import annotations

import base64
import json
import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.server.protocol_harness import SILENCE, ProtocolClient, message_item, user_item
from tests.server.toy_engines_harness import speech
from tui_voice.server.jobs import ReplyJob, SpeakJob, TranscribeJob
from tui_voice.server.limits import SessionLimits

IDS = st.sampled_from(["a", "b", "c", "d"] * 3 + ["root", "x" * 33, ""])
SOUND = base64.b64encode(speech("hello")).decode()
MAX_INPUT_MS, MAX_AUDIO_BYTES = 5_000, 400_000
EXAMPLES = 200 if os.environ.get("CI") == "true" else 25

items = st.one_of(
    st.builds(
        user_item, st.sampled_from(["hello what", "count 5", "call f", "break", "window", ""])
    ),
    st.just(message_item("system", {"type": "input_text", "text": "Summary."})),
    st.just(message_item("assistant", {"type": "output_text", "text": "Yes."})),
    st.just(message_item("user", {"type": "input_audio", "audio": SOUND})),
    st.just(message_item("assistant", {"type": "output_audio", "transcript": "no"})),
    st.just(message_item("user", {"type": "input_image", "image_url": "data:image/png;base64,"})),
    st.just({"type": "function_call", "name": "f", "arguments": "{}", "call_id": "call"}),
    st.just({"type": "function_call_output", "call_id": "call", "output": "1"}),
    st.just({"type": "mcp_list_tools", "server_label": "x", "tools": []}),
)
inputs = st.lists(
    st.one_of(items, st.builds(lambda i: {"type": "item_reference", "id": i}, IDS)), max_size=3
)
responses = st.fixed_dictionaries(
    {},
    optional={
        "conversation": st.sampled_from(["auto", "none", "none", "other", None]),
        "input": inputs,
        "output_modalities": st.sampled_from([["text"], ["audio"], ["audio"], ["text", "audio"]]),
        "max_output_tokens": st.sampled_from([1, 7, 400, "inf", 0]),
        "tools": st.sampled_from([[], [{"type": "function", "name": "f"}]]),
        "tool_choice": st.sampled_from(["auto", "auto", "none", {"type": "function", "name": "f"}]),
        "metadata": st.sampled_from([None, {"purpose": "summary"}, {"k": "v" * 600}]),
        "instructions": st.text(max_size=10),
    },
)
detections = st.sampled_from(
    [
        None,
        {"type": "server_vad"},
        {"type": "server_vad", "silence_duration_ms": 200, "idle_timeout_ms": 5_000},
        {"type": "server_vad", "create_response": False, "interrupt_response": False},
        {"type": "semantic_vad", "eagerness": "high"},
        {"type": "server_vad", "threshold": 7},
    ]
)
formats = st.sampled_from([{"type": f"audio/{kind}"} for kind in ("pcm", "pcmu", "pcma", "mp3")])
updates = st.fixed_dictionaries(
    {"type": st.sampled_from(["realtime", "realtime", "realtime", "transcription"])},
    optional={
        "instructions": st.text(max_size=10),
        "output_modalities": st.sampled_from([["text"], ["audio"], ["audio", "text"]]),
        "truncation": st.sampled_from(
            ["auto", "disabled", {"type": "retention_ratio", "retention_ratio": 0.5}, "never"]
        ),
        "audio": st.fixed_dictionaries(
            {},
            optional={
                "input": st.fixed_dictionaries(
                    {},
                    optional={
                        "turn_detection": detections,
                        "format": formats,
                        "transcription": st.sampled_from([None, {"model": "whisper-1"}]),
                    },
                ),
                "output": st.fixed_dictionaries(
                    {},
                    optional={
                        "voice": st.sampled_from(["marin", "cedar", "kazoo"]),
                        "speed": st.sampled_from([0.5, 1.0, 9]),
                        "format": formats,
                    },
                ),
            },
        ),
    },
)


class RandomClient(RuleBasedStateMachine):
    """Keeps `client_items` and `open` from the events alone, as a client would."""

    @initialize()
    def begin(self) -> None:
        self.client = ProtocolClient(
            limits=SessionLimits(
                max_items=14,
                max_input_ms=MAX_INPUT_MS,
                max_audio_bytes=MAX_AUDIO_BYTES,
                window_tokens=200,
                tokens_per_minute=5_000,
                max_responses=3,
            )
        )
        self.checked_events = 0
        self.client_items: list[str] = []
        self.open: dict[str, str | None] = {}

    @rule(event=items, previous=st.one_of(st.none(), IDS), item_id=st.one_of(st.none(), IDS))
    def create(self, event: dict[str, Any], previous: str | None, item_id: str | None) -> None:
        item = event if item_id is None else {**event, "id": item_id}
        self.client.send("conversation.item.create", item=item, previous_item_id=previous)

    @rule(item_id=IDS, which=st.integers(0, 5), operation=st.sampled_from(["delete", "retrieve"]))
    def delete_or_retrieve(self, item_id: str, which: int, operation: str) -> None:
        self.client.send(f"conversation.item.{operation}", item_id=self.choose_id(item_id, which))

    @rule(item_id=IDS, which=st.integers(0, 5), ms=st.integers(-1, 900), index=st.integers(0, 1))
    def truncate(self, item_id: str, which: int, ms: int, index: int) -> None:
        self.client.send(
            "conversation.item.truncate",
            item_id=self.choose_id(item_id, which),
            content_index=index,
            audio_end_ms=ms,
        )

    def choose_id(self, item_id: str, which: int) -> str:
        """Returns the id of an item that is present, unless `which` is beyond their number."""
        return self.client_items[-1 - which] if which < len(self.client_items) else item_id

    @rule(response=responses)
    def respond(self, response: dict[str, Any]) -> None:
        self.client.send("response.create", response=response)

    @rule(known=st.booleans())
    def cancel(self, known: bool) -> None:
        fields = {"response_id": next(iter(self.open))} if known and self.open else {}
        self.client.send("response.cancel", **fields)

    @rule(session=updates)
    def update(self, session: dict[str, Any]) -> None:
        self.client.send("session.update", session=session)

    @rule(detection=detections, transcribed=st.booleans())
    def detect(self, detection: dict[str, Any] | None, transcribed: bool) -> None:
        transcription = {"model": "whisper-1"} if transcribed else None
        self.client.configure_input(turn_detection=detection, transcription=transcription)

    @rule(text=st.sampled_from(["hello what", "count 9", "call f", "break"]))
    def ask(self, text: str) -> None:
        self.client.ask(text)

    @rule(text=st.sampled_from(["hello", "tell me a", "one two three four"]))
    def say_whole_turn(self, text: str) -> None:
        self.client.say(SILENCE * 400 + speech(text) + SILENCE * 900, step_ms=100)

    @rule(
        text=st.sampled_from(["hello", "tell me a", "one two three four"]), ms=st.integers(0, 900)
    )
    def speak(self, text: str, ms: int) -> None:
        self.client.say(speech(text) + SILENCE * ms, step_ms=100)

    @rule(data=st.binary(max_size=50))
    def append_noise(self, data: bytes) -> None:
        self.client.send("input_audio_buffer.append", audio=base64.b64encode(data).decode())

    @rule(operation=st.sampled_from(["commit", "clear"]))
    def commit_or_clear(self, operation: str) -> None:
        self.client.send(f"input_audio_buffer.{operation}")

    @rule(frame=st.sampled_from(["", "{", "[]", "null", '{"type":"x"}', '{"type":"error"}']))
    def send_invalid_frame(self, frame: str) -> None:
        before = len(self.client.events)
        self.client.send_frame(frame)
        assert [e["type"] for e in self.client.events[before:]] == ["error"]

    @rule(
        kinds=st.sampled_from(
            [(), (ReplyJob,), (SpeakJob,), (TranscribeJob,), (ReplyJob, TranscribeJob)]
        )
    )
    def hold_jobs(self, kinds: tuple[type, ...]) -> None:
        self.client.hold = kinds

    @rule(count=st.integers(1, 3))
    def release_jobs(self, count: int) -> None:
        self.client.release(count)

    @rule(fails=st.booleans())
    def break_engines(self, fails: bool) -> None:
        self.client.engines.stt.fails = fails
        self.client.engines.tts.fails = fails

    @rule(seconds=st.sampled_from([0.1, 6.0, 70.0]))
    def wait(self, seconds: float) -> None:
        self.client.wait(seconds)

    @invariant()
    def events_agree_with_the_state(self) -> None:
        client: ProtocolClient | None = getattr(self, "client", None)
        if client is None:
            return
        for event in client.events[self.checked_events :]:
            self.check_and_apply(event)
        self.checked_events = len(client.events)
        assert self.client_items == client.item_ids
        assert len(set(self.client_items)) == len(self.client_items)
        active = client.protocol.responses.conversation_response
        assert [r for r, c in self.open.items() if c is not None] == ([active.id] if active else [])
        assert set(self.open) == {r.id for r in client.protocol.responses}
        assert not client.protocol.has_pending_work

    def check_and_apply(self, event: dict[str, Any]) -> None:
        match event["type"]:
            case "conversation.item.added":
                previous = event["previous_item_id"]
                place = 0 if previous is None else self.client_items.index(previous) + 1
                self.client_items.insert(place, event["item"]["id"])
            case "conversation.item.deleted":
                self.client_items.remove(event["item_id"])
            case "response.created":
                response = event["response"]
                if response["conversation_id"] is not None:
                    assert not any(self.open.values()), "one response at a time"
                self.open[response["id"]] = response["conversation_id"]
            case "response.done":
                response = event["response"]
                assert response["status"] != "in_progress"
                assert all(i.get("status") != "in_progress" for i in response["output"])
                used = response["usage"]
                assert used["total_tokens"] == used["input_tokens"] + used["output_tokens"]
                cached = used["input_token_details"]["cached_tokens"]
                assert cached <= used["input_tokens"]
                assert cached % 64 == 0
                del self.open[response["id"]]
            case kind if kind.startswith("response."):
                assert event["response_id"] in self.open, "nothing comes after response.done"

    @invariant()
    def stored_audio_is_limited(self) -> None:
        client: ProtocolClient | None = getattr(self, "client", None)
        if client is None:
            return
        kept = sum(
            len(stored.sound or b"")
            for record in client.protocol.items
            for stored in record.audio.values()
        )
        growing = MAX_INPUT_MS * 48  # what a response in progress may add
        assert kept <= MAX_AUDIO_BYTES + growing
        assert len(client.item_ids) <= 14 + 3
        assert client.protocol.pending_bytes == 0

    def teardown(self) -> None:
        """Every response that was created is done once all jobs are done."""
        client: ProtocolClient | None = getattr(self, "client", None)
        if client is None:
            return
        client.hold = ()
        client.release()
        for event in client.events[self.checked_events :]:
            self.check_and_apply(event)
        assert self.open == {}
        json.dumps(client.events)


RandomClient.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
)
TestRandomClient = RandomClient.TestCase
