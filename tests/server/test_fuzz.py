"""Random talks, legal and illegal, in any order: what must always hold, holds after each step."""

from __future__ import annotations

import base64
import json
import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.server.desk import SILENCE, Desk, message, user
from tests.server.engines import speech
from tui_voice.server.jobs import Reply, Speak, Transcribe
from tui_voice.server.limits import Limits

IDS = st.sampled_from(["a", "b", "c", "d"] * 3 + ["root", "x" * 33, ""])
SOUND = base64.b64encode(speech("hello")).decode()
MOST_INPUT_MS, MOST_SOUND = 5_000, 400_000
RUNS = 200 if os.environ.get("CI") == "true" else 25

items = st.one_of(
    st.builds(user, st.sampled_from(["hello what", "count 5", "call f", "break", "window", ""])),
    st.just(message("system", {"type": "input_text", "text": "Summary."})),
    st.just(message("assistant", {"type": "output_text", "text": "Yes."})),
    st.just(message("user", {"type": "input_audio", "audio": SOUND})),
    st.just(message("assistant", {"type": "output_audio", "transcript": "no"})),
    st.just(message("user", {"type": "input_image", "image_url": "data:image/png;base64,"})),
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


class Talk(RuleBasedStateMachine):
    """The mirror is what a client would believe from the events alone."""

    @initialize()
    def begin(self) -> None:
        self.desk = Desk(
            limits=Limits(
                max_items=14,
                max_input_ms=MOST_INPUT_MS,
                max_sound_bytes=MOST_SOUND,
                window=200,
                tokens_per_minute=5_000,
                max_responses=3,
            )
        )
        self.seen = 0
        self.mirror: list[str] = []
        self.open: dict[str, str | None] = {}
        self.expected_errors = 0

    @rule(event=items, previous=st.one_of(st.none(), IDS), item_id=st.one_of(st.none(), IDS))
    def create(self, event: dict[str, Any], previous: str | None, item_id: str | None) -> None:
        item = event if item_id is None else {**event, "id": item_id}
        self.desk.send("conversation.item.create", item=item, previous_item_id=previous)

    @rule(item_id=IDS, which=st.integers(0, 5), deed=st.sampled_from(["delete", "retrieve"]))
    def handle(self, item_id: str, which: int, deed: str) -> None:
        self.desk.send(f"conversation.item.{deed}", item_id=self.known(item_id, which))

    @rule(item_id=IDS, which=st.integers(0, 5), ms=st.integers(-1, 900), index=st.integers(0, 1))
    def truncate(self, item_id: str, which: int, ms: int, index: int) -> None:
        self.desk.send(
            "conversation.item.truncate",
            item_id=self.known(item_id, which),
            content_index=index,
            audio_end_ms=ms,
        )

    def known(self, item_id: str, which: int) -> str:
        """Mostly an item that is there."""
        return self.mirror[-1 - which] if which < len(self.mirror) else item_id

    @rule(response=responses)
    def respond(self, response: dict[str, Any]) -> None:
        self.desk.send("response.create", response=response)

    @rule(known=st.booleans())
    def cancel(self, known: bool) -> None:
        fields = {"response_id": next(iter(self.open))} if known and self.open else {}
        self.desk.send("response.cancel", **fields)

    @rule(session=updates)
    def update(self, session: dict[str, Any]) -> None:
        self.desk.send("session.update", session=session)

    @rule(detection=detections, told=st.booleans())
    def detect(self, detection: dict[str, Any] | None, told: bool) -> None:
        how = {"model": "whisper-1"} if told else None
        self.desk.configure(turn_detection=detection, transcription=how)

    @rule(text=st.sampled_from(["hello what", "count 9", "call f", "break"]))
    def ask(self, text: str) -> None:
        self.desk.ask(text)

    @rule(text=st.sampled_from(["hello", "tell me a", "one two three four"]))
    def say_a_turn(self, text: str) -> None:
        self.desk.say(SILENCE * 400 + speech(text) + SILENCE * 900, step_ms=100)

    @rule(
        text=st.sampled_from(["hello", "tell me a", "one two three four"]), ms=st.integers(0, 900)
    )
    def speak(self, text: str, ms: int) -> None:
        self.desk.say(speech(text) + SILENCE * ms, step_ms=100)

    @rule(data=st.binary(max_size=50))
    def noise(self, data: bytes) -> None:
        self.desk.send("input_audio_buffer.append", audio=base64.b64encode(data).decode())

    @rule(what=st.sampled_from(["commit", "clear"]))
    def buffer(self, what: str) -> None:
        self.desk.send(f"input_audio_buffer.{what}")

    @rule(frame=st.sampled_from(["", "{", "[]", "null", '{"type":"x"}', '{"type":"error"}']))
    def rubbish(self, frame: str) -> None:
        before = len(self.desk.events)
        self.desk.send_raw(frame)
        assert [e["type"] for e in self.desk.events[before:]] == ["error"]

    @rule(kinds=st.sampled_from([(), (Reply,), (Speak,), (Transcribe,), (Reply, Transcribe)]))
    def slow_down(self, kinds: tuple[type, ...]) -> None:
        self.desk.hold = kinds

    @rule(count=st.integers(1, 3))
    def catch_up(self, count: int) -> None:
        self.desk.release(count)

    @rule(broken=st.booleans())
    def break_engines(self, broken: bool) -> None:
        self.desk.engines.hears.breaks = broken
        self.desk.engines.speaks.breaks = broken

    @rule(seconds=st.sampled_from([0.1, 6.0, 70.0]))
    def wait(self, seconds: float) -> None:
        self.desk.wait(seconds)

    @invariant()
    def events_tell_the_truth(self) -> None:
        desk: Desk | None = getattr(self, "desk", None)
        if desk is None:
            return
        for event in desk.events[self.seen :]:
            self.believe(event)
        self.seen = len(desk.events)
        assert self.mirror == desk.items
        assert len(set(self.mirror)) == len(self.mirror)
        default = desk.engine.replies.default
        assert [r for r, c in self.open.items() if c is not None] == (
            [default.id] if default else []
        )
        assert set(self.open) == {r.id for r in desk.engine.replies}
        assert not desk.engine.hungry

    def believe(self, event: dict[str, Any]) -> None:
        match event["type"]:
            case "conversation.item.added":
                previous = event["previous_item_id"]
                place = 0 if previous is None else self.mirror.index(previous) + 1
                self.mirror.insert(place, event["item"]["id"])
            case "conversation.item.deleted":
                self.mirror.remove(event["item_id"])
            case "response.created":
                response = event["response"]
                if response["conversation_id"] is not None:
                    assert not any(self.open.values()), "one default response at a time"
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
    def memory_is_bounded(self) -> None:
        desk: Desk | None = getattr(self, "desk", None)
        if desk is None:
            return
        kept = sum(len(s.pcm or b"") for e in desk.engine.conversation for s in e.sounds.values())
        growing = MOST_INPUT_MS * 48  # what an unfinished response may add
        assert kept <= MOST_SOUND + growing
        assert len(desk.items) <= 14 + 3
        assert desk.engine.waiting_bytes == 0

    def teardown(self) -> None:
        """Whatever was begun comes to its end."""
        desk: Desk | None = getattr(self, "desk", None)
        if desk is None:
            return
        desk.hold = ()
        desk.release()
        for event in desk.events[self.seen :]:
            self.believe(event)
        assert self.open == {}
        json.dumps(desk.events)


Talk.TestCase.settings = settings(
    max_examples=RUNS,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
)
TestTalk = Talk.TestCase
