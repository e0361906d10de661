"""Reading: whatever happened to a journal, what can be read is read, and the rest is reported."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store.random_events_harness import any_event
from tests.store.sessions_harness import opened, session, write
from tui_voice.conversation import events as e
from tui_voice.conversation.reducers import fold
from tui_voice.errors import StoreError
from tui_voice.store import checkpoint, codec, parsing, reading

EVENTS = list(session(3))


@given(st.lists(any_event, max_size=30))
@settings(max_examples=60, deadline=None)
def test_what_was_written_folds_the_same_when_read(events: list[e.Event]) -> None:
    data = b"".join(map(codec.encode, [opened(), *events]))
    assert fold(parsing.parse(data, parsing.Progress())) == fold([opened(), *events])


# ── damage ───────────────────────────────────────────────────────────────────────────────────


def test_every_length_to_which_a_journal_is_cut_still_opens(tmp_path: Path) -> None:
    written = list(session(1))
    whole = b"".join(map(codec.encode, written))
    path = tmp_path / "t1.jsonl"
    ends = [i + 1 for i, byte in enumerate(whole) if byte == 10]
    for length in range(1, len(whole) + 1):
        path.write_bytes(whole[:length])
        events, notes = reading.read(path)
        lines = sum(end <= length + 1 for end in ends)  # a missing line break is no damage
        if lines:
            assert events == written[:lines]
            torn = length not in ends and length + 1 not in ends
            assert bool(notes) == torn, (length, notes)
        else:
            assert len(events) == 1
            assert any("first line is lost" in note for note in notes)
        assert reading.load(path) == (fold(events), notes)


def test_each_of_a_thousand_flipped_bits_damages_at_most_two_lines(tmp_path: Path) -> None:
    whole = b"".join(map(codec.encode, EVENTS))
    path = tmp_path / "t1.jsonl"
    chance = random.Random(20260401)
    for _ in range(1_000):
        place, bit = chance.randrange(len(whole)), chance.randrange(8)
        data = bytearray(whole)
        data[place] ^= 1 << bit
        path.write_bytes(data)
        events, _notes = reading.read(path)
        hit = whole[:place].count(
            b"\n"
        )  # the line of the flipped bit; a flipped line break joins two lines
        assert len(events) >= len(EVENTS) - 2
        assert events[1:hit] == EVENTS[1:hit]
        assert events[-1] == EVENTS[-1] or hit >= len(EVENTS) - 2
        reading.load(path)


@pytest.mark.parametrize("name", ["session_opened", "talk_opened"])
def test_a_journal_cut_within_its_first_line_opens(tmp_path: Path, name: str) -> None:
    """In version 1 the event had another name."""
    path = tmp_path / "t1.jsonl"
    path.write_bytes(b'{"event":"%b","at":0.0,"version":1,"id":"2026' % name.encode())
    events, notes = reading.read(path)
    assert [event.name for event in events] == ["session_opened"]
    assert len(notes) == 2


def test_corrupt_lines_are_numbered_and_the_rest_is_read(tmp_path: Path) -> None:
    lines = list(map(codec.encode, EVENTS))
    lines[4:4] = [b"\x00\x01\n"]
    lines[9:9] = [b'{"event":"noticed"}\n', b"\n"]
    path = tmp_path / "t1.jsonl"
    path.write_bytes(b"".join(lines))
    events, notes = reading.read(path)
    assert events == EVENTS
    assert notes == (
        "line 5 cannot be read and was skipped",
        "line 10 cannot be read and was skipped",
    )


def test_many_corrupt_lines_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "t1.jsonl"
    path.write_bytes(codec.encode(opened()) + b"?\n" * 50)
    notes = reading.read(path).notes
    assert len(notes) == parsing.NOTES_LIMIT + 1
    assert notes[-1] == "30 more lines cannot be read"


def test_unknown_events_of_a_newer_version_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "t1.jsonl"
    path.write_bytes(
        codec.encode(replace(opened(), version=9))
        + b'{"event":"moon_landed","at":1}\n{"event":"moon_landed","at":2}\n'
        + codec.encode(e.SessionClosed(at=3))
    )
    events, notes = reading.read(path)
    assert [event.name for event in events] == ["session_opened", "session_closed"]
    assert notes == (
        "written by a newer version of tui-voice (schema 9); "
        "what this one does not know was skipped",
        "2 lines of unknown kinds were skipped: moon_landed",
    )


def test_each_run_is_read_by_its_own_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(codec.UPGRADES, 2, lambda record: record | {"text": "upgraded"})
    monkeypatch.setattr(codec, "VERSION", 3)
    old = e.TextSubmitted(at=1, item_id="i", text="old")
    new = e.TextSubmitted(at=2, item_id="j", text="new")
    data = codec.encode(opened()) + codec.encode(old) + codec.encode(new, version=3)
    events = list(parsing.parse(data, parsing.Progress()))
    assert events[1:] == [replace(old, text="upgraded"), new]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\x7fELF\x02\x01\x01" + os.urandom(3_000), "is not a saved session"),
        (b"Dear diary,\ntoday\n", "is not a saved session"),
        (b'{"event":"moon_landed"}\n', "is not a saved session"),
        (b"[" * 1_000_000, "is not a saved session"),
    ],
    ids=["empty", "random bytes", "text", "other JSON", "open brackets"],
)
def test_a_file_that_is_no_journal_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "t1.jsonl"
    path.write_bytes(content)
    for function in (reading.read, reading.load):
        with pytest.raises(StoreError, match=words):
            function(path)


def test_a_path_without_a_readable_journal_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no session"):
        reading.read(tmp_path / "t1.jsonl")
    with pytest.raises(StoreError, match="is not a file"):
        reading.read(tmp_path)
    path = write(tmp_path / "t1.jsonl", EVENTS)
    with pytest.raises(StoreError, match="cannot be read: not a directory"):
        reading.read(path / "deeper")
    with path.open("r+b") as file:
        file.truncate(reading.LARGEST + 1)  # sparse
    with pytest.raises(StoreError, match=r"too large for a session \(2\.1 GB\)"):
        reading.read(path)


# ── checkpoints of long sessions ─────────────────────────────────────────────────────────────


@pytest.fixture
def few_lines_are_worth_a_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "WORTH_LINES", 20)


@pytest.mark.usefixtures("few_lines_are_worth_a_checkpoint")
def test_a_long_session_is_read_from_its_checkpoint_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    path = tmp_path / "t1.jsonl"
    write(path, [*EVENTS[:30]])
    path.write_bytes(path.read_bytes() + b"?\n" + b'{"event":"moon_landed"}\n')
    first = reading.load(path, cache)
    assert first.ledger == fold(EVENTS[:30])
    with path.open("ab") as file:
        file.write(b"".join(map(codec.encode, EVENTS[30:])) + b"!\n")
    parsed = []
    parse = parsing.parse
    monkeypatch.setattr(reading, "parse", lambda d, p: parsed.append(d) or parse(d, p))
    for _ in range(2):
        ledger, notes = reading.load(path, cache)
        assert ledger == fold(EVENTS)
        assert notes == reading.read(path).notes
        assert any(f"line {len(EVENTS) + 3}" in note for note in notes)
    assert parsed[0].startswith(codec.encode(EVENTS[30]))
    assert not any(d.startswith(codec.encode(EVENTS[0])) for d in (parsed[0], parsed[2]))


@pytest.mark.usefixtures("few_lines_are_worth_a_checkpoint")
@pytest.mark.parametrize("damage", ["front", "cut", "grown", "cache", "code", "folder", "torn"])
def test_a_checkpoint_that_does_not_fit_is_not_used(
    tmp_path: Path, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    path = write(tmp_path / "t1.jsonl", EVENTS)
    if damage == "folder":
        cache.write_text("in the way")
    if damage == "torn":
        path.write_bytes(path.read_bytes() + b"{")
    reading.load(path, cache)
    events = EVENTS
    kept = list((cache / "folded").glob("*")) if cache.is_dir() else []
    assert len(kept) == (0 if damage in ("folder", "torn") else 1)
    if damage == "front":
        events = [opened("other"), *EVENTS[1:]]
        write(path, events)
    elif damage == "cut":
        events = EVENTS[:-5]
        write(path, events)
    elif damage == "grown":
        events = [*EVENTS[:-1], *session(2)]
        write(path, events)
    elif damage == "cache":
        kept[0].write_bytes(kept[0].read_bytes()[:-40])
    elif damage == "code":
        monkeypatch.setattr(checkpoint, "code_digest", lambda: "other")
    assert reading.load(path, cache).ledger == fold(events)


@pytest.mark.usefixtures("few_lines_are_worth_a_checkpoint")
def test_a_session_without_its_first_line_is_reported_with_a_checkpoint_too(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    path = write(tmp_path / "t1.jsonl", EVENTS[1:])
    first, second = reading.load(path, cache), reading.load(path, cache)
    assert first == second
    assert first.notes == (
        "the first line is lost: date, model and instructions are not known any more",
    )
    assert first.ledger.opened is not None
    assert first.ledger.opened.id == "t1"
    checkpoint.delete(cache, path)
    assert not list((cache / "folded").glob("*"))


def test_a_long_session_is_whole_with_and_without_a_checkpoint(tmp_path: Path) -> None:
    """`benchmarks/store.py` measures how fast."""
    events = list(session(700))
    path = write(tmp_path / "long.jsonl", events)
    cache = tmp_path / "cache"
    cold, warm = reading.load(path, cache), reading.load(path, cache)
    assert cold == warm
    assert len(warm.ledger.turns) == 1_400
    assert warm.ledger == fold(events)
