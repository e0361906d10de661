"""Events as lines: nothing is lost by writing and reading, and foreign lines do no harm."""

from __future__ import annotations

import contextlib
import json
from dataclasses import MISSING, fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store.random_events_harness import any_event
from tui_voice.conversation import events as e
from tui_voice.store import codec

OPENED = e.SessionOpened(id="t", started="2026-04-01T12:00:00+09:00", backend="local", model="m")


@pytest.mark.parametrize("kind", e.EVENTS.values(), ids=lambda kind: kind.name)
@given(data=st.data())
@settings(max_examples=15)
def test_every_event_is_read_as_it_was_written(kind: type[e.Event], data: st.DataObject) -> None:
    event = data.draw(st.from_type(kind))
    line = codec.encode(event)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert codec.decode(line) == event
    assert codec.event_name(line) == event.name.encode()


@given(any_event)
def test_a_field_at_its_default_is_left_out(event: e.Event) -> None:
    record = json.loads(codec.encode(event))
    for field in fields(event):
        if field.name not in ("at", "version", "usage"):
            assert (field.name in record) == (getattr(event, field.name) != field.default)


def test_a_line_can_be_read_by_a_person() -> None:
    line = codec.encode(e.SpeechStarted(at=1.234, item_id="item_7"))
    assert line == b'{"event":"speech_started","at":1.234,"item_id":"item_7"}\n'


def test_usage_leaves_out_zeros() -> None:
    done = e.ResponseDone(response_id="r", usage=e.Usage(input_text=5))
    assert json.loads(codec.encode(done))["usage"] == {"input_text": 5}
    assert codec.decode(codec.encode(done)) == done


def test_the_first_line_of_each_run_states_its_version() -> None:
    assert codec.version_of(codec.encode(OPENED)) == codec.VERSION
    line = codec.encode(e.SessionClosed(at=1.0), version=7)
    assert codec.version_of(line) == 7
    assert codec.decode(line) == e.SessionClosed(at=1.0)
    assert e.SessionOpened.__dataclass_fields__["version"].default == codec.VERSION


@pytest.mark.parametrize(
    "line",
    [
        codec.encode(e.TextSubmitted(item_id="i", text='say "version": 9')),
        b'{"event":"session_opened","version":"nine"}',
        b'{"event":"session_opened","version":-3}',
        b'{"event":"session_opened","version":2',
    ],
)
def test_a_line_that_states_no_valid_version_has_none(line: bytes) -> None:
    assert codec.version_of(line) is None


def test_unknown_events_and_fields_of_a_newer_program_are_ignored() -> None:
    assert codec.decode(b'{"event":"moon_landed","at":2}') is None
    assert codec.decode(b'{"mood":"gay","event":"session_closed","at":2}') == e.SessionClosed(at=2)
    assert codec.decode(b'{"event":7}') is None
    assert codec.decode(b"{}") is None


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\x00\xff",
        b"[1]",
        b'{"event":"talk_clo',
        b'{"event":"moon_landed","at":',
        b'{"event":"speech_started","at":1}',
        b'{"event":"speech_started","at":1,"item_id":"\xff\xfe"}',
        b'{"event":"noticed","text":"x","severity":"grave"}',
        b'{"event":"session_closed","x":' + b"[" * 100_000,
    ],
)
def test_a_corrupt_line_raises_line_error(line: bytes) -> None:
    with pytest.raises(codec.LineError):
        codec.decode(line)


@given(st.binary(max_size=80))
def test_no_bytes_raise_anything_else(line: bytes) -> None:
    with contextlib.suppress(codec.LineError):
        codec.decode(line)


@given(any_event, st.integers(0, 400), st.integers(1, 255))
def test_a_flipped_byte_raises_nothing_else(event: e.Event, place: int, flip: int) -> None:
    line = bytearray(codec.encode(event))
    line[place % len(line)] ^= flip
    with contextlib.suppress(codec.LineError):
        codec.decode(bytes(line))


def test_half_a_character_from_a_paste_is_written_as_a_question_mark() -> None:
    line = codec.encode(e.RestorePressed(turn_ids=("a\ud83d",)))
    assert codec.decode(line) == e.RestorePressed(turn_ids=("a?",))
    asked = e.SummaryReady(compaction_id="m", text="\udcff", usage=e.Usage(input_text=1))
    assert codec.decode(codec.encode(asked)) == e.SummaryReady(
        compaction_id="m", text="?", usage=e.Usage(input_text=1)
    )


# ── older versions ───────────────────────────────────────────────────────────────────────────


def _rename(record: codec.Record) -> codec.Record | None:
    if record["event"] == "said":
        return {"event": "text_submitted", **{k: v for k, v in record.items() if k != "event"}}
    return record


def _fill(record: codec.Record) -> codec.Record | None:
    return None if record["event"] == "ticked" else {"item_id": "unknown", **record}


STEPS = {1: _rename, 2: _fill}


@pytest.mark.parametrize(("old", "new"), codec.RENAMED.items())
def test_a_line_with_a_name_of_version_1_is_read_as_the_event_of_today(old: str, new: str) -> None:
    kind = e.EVENTS[new]
    needed = {x.name: "x" for x in fields(kind) if x.default is MISSING}
    needed |= {"turns": ["x"], "withdrawn": ["x"]} if "turns" in needed else {}
    needed |= {x.name: 1 for x in fields(kind) if x.name in needed and x.type == "int"}
    event = codec.decode(json.dumps({"event": old, "at": 2.5} | needed).encode(), 1)
    assert isinstance(event, kind)
    assert event.at == 2.5


def test_an_old_line_passes_through_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "UPGRADES", STEPS)
    line = b'{"event":"said","at":3,"text":"hello"}'
    assert codec.decode(line, 1) == e.TextSubmitted(at=3, item_id="unknown", text="hello")


def test_a_step_may_drop_a_line_and_leaves_newer_ones_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(codec, "UPGRADES", STEPS)
    assert codec.decode(b'{"event":"ticked"}', 1) is None
    assert codec.decode(b'{"event":"ticked"}', 2) is None
    assert codec.decode(b'{"event":"session_closed","at":1}', 3) == e.SessionClosed(at=1)
