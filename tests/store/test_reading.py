"""Reading: whatever happened to the file, what can be read is read, and the rest is told."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store.given import any_event
from tests.store.talks import opened, talk, write
from tui_voice.conversation import events as e
from tui_voice.conversation.folding import fold
from tui_voice.errors import StoreError
from tui_voice.store import checkpoint, codec, parsing, reading

EVENTS = list(talk(3))


@given(st.lists(any_event, max_size=30))
@settings(max_examples=60, deadline=None)
def test_what_was_written_folds_the_same_when_read(events: list[e.Event]) -> None:
    data = b"".join(map(codec.encode, [opened(), *events]))
    assert fold(parsing.parse(data, parsing.Progress())) == fold([opened(), *events])


ids = st.sampled_from(["a", "b", "c"])
said = st.sampled_from(["", "x", "some words", "very many words that weigh quite a lot " * 3])


@st.composite
def growing(draw: st.DrawFn) -> list[e.Event]:
    """Talk in which words grow and end amid everything that might care."""
    kinds = st.one_of(
        st.builds(e.TranscriptGrew, item_id=ids, text=said),
        st.builds(e.TranscriptGrew, item_id=ids, text=said),
        st.builds(e.TranscriptDone, item_id=ids, text=said),
        st.builds(e.TurnAdded, item_id=ids, role=st.sampled_from(["user", "assistant"])),
        st.builds(e.SpeechStarted, item_id=ids),
        st.builds(e.AudioReceived, item_id=ids, audio_ms=st.integers(0, 9_000)),
        st.builds(e.PlaybackInterrupted, item_id=ids, played_ms=st.integers(0, 9_000)),
        st.builds(
            e.ResponseDone,
            response_id=ids,
            usage=st.none() | st.just(e.Usage(input_text=90, output_text=7)),
        ),
        st.builds(e.ConnectionOpened),
        st.builds(e.ConnectionLost, reason=st.just("gone")),
        st.builds(e.ItemPlaced, item_id=ids),
        st.builds(e.ItemDeleted, item_id=ids),
        st.builds(e.SummaryRequested, compaction_id=ids, drop=st.tuples(ids), window=st.just(9)),
    )
    events = draw(st.lists(kinds, max_size=40))
    return [opened(), *(replace(event, at=float(n)) for n, event in enumerate(events))]


@given(growing(), st.integers(0, 40))
@settings(max_examples=400, deadline=None)
def test_skipping_words_that_were_still_growing_changes_nothing(
    events: list[e.Event], cut: int
) -> None:
    lines = list(map(codec.encode, events))
    lean = parsing.parse(b"".join(lines), parsing.Progress(), lean_for=())
    assert fold(lean) == fold(events)
    half = fold(events[:cut])  # and so it does behind a checkpoint
    worded = [turn.id for turn in half.turns if turn.text]
    rest = parsing.parse(b"".join(lines[cut:]), parsing.Progress(), lean_for=worded)
    assert fold(rest, half) == fold(events)


def test_most_growing_is_skipped() -> None:
    data = b"".join(map(codec.encode, EVENTS))
    lean = parsing.parse(data, parsing.Progress(), lean_for=())
    assert [x for x in EVENTS if not isinstance(x, e.TranscriptGrew)] == lean


def test_ids_with_escapes_and_foreign_layouts_are_not_skipped() -> None:
    odd = [
        opened(),
        e.TurnAdded(at=1, item_id='a"b', role="assistant"),
        e.TranscriptGrew(at=2, item_id='a"b', text="one"),
        e.TranscriptGrew(at=2, item_id="plain", text="one"),
    ]
    done = e.TranscriptDone(at=3, item_id='a"b', text="one two")
    data = b"".join(map(codec.encode, odd)) + b"rubbish\n" + codec.encode(done)
    assert parsing.parse(data, parsing.Progress(), lean_for=()) == [*odd, done]


# ── damage ───────────────────────────────────────────────────────────────────────────────────


def test_every_length_to_which_a_journal_is_cut_still_opens(tmp_path: Path) -> None:
    told = list(talk(1))
    whole = b"".join(map(codec.encode, told))
    path = tmp_path / "t1.jsonl"
    ends = [i + 1 for i, byte in enumerate(whole) if byte == 10]
    for length in range(1, len(whole) + 1):
        path.write_bytes(whole[:length])
        events, notes = reading.read(path)
        lines = sum(end <= length + 1 for end in ends)  # a missing line break is no damage
        if lines:
            assert events == told[:lines]
            torn = length not in ends and length + 1 not in ends
            assert bool(notes) == torn, (length, notes)
        else:
            assert len(events) == 1
            assert any("first line is lost" in note for note in notes)
        assert reading.load(path) == (fold(events), notes)


def test_a_thousand_flipped_bits_and_each_time_the_rest_is_there(tmp_path: Path) -> None:
    whole = b"".join(map(codec.encode, EVENTS))
    path = tmp_path / "t1.jsonl"
    chance = random.Random(20260401)
    for _ in range(1_000):
        place, bit = chance.randrange(len(whole)), chance.randrange(8)
        data = bytearray(whole)
        data[place] ^= 1 << bit
        path.write_bytes(data)
        events, _notes = reading.read(path)
        hit = whole[:place].count(b"\n")  # the line that the flip is in; its end may join two
        assert len(events) >= len(EVENTS) - 2
        assert events[1:hit] == EVENTS[1:hit]
        assert events[-1] == EVENTS[-1] or hit >= len(EVENTS) - 2
        reading.load(path)


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
    assert len(notes) == parsing.NOTES_KEPT + 1
    assert notes[-1] == "30 more lines cannot be read"


def test_what_a_newer_version_wrote_is_counted(tmp_path: Path) -> None:
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
    events = parsing.parse(data, parsing.Progress())
    assert events[1:] == [replace(old, text="upgraded"), new]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\x7fELF\x02\x01\x01" + os.urandom(3_000), "is not a saved talk"),
        (b"Dear diary,\ntoday\n", "is not a saved talk"),
        (b'{"event":"moon_landed"}\n', "is not a saved talk"),
        (b"[" * 1_000_000, "is not a saved talk"),
    ],
)
def test_what_is_no_talk_is_said_to_be_none(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "t1.jsonl"
    path.write_bytes(content)
    for way in (reading.read, reading.load):
        with pytest.raises(StoreError, match=words):
            way(path)


def test_what_is_not_there_not_a_file_or_too_large_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no talk"):
        reading.read(tmp_path / "t1.jsonl")
    with pytest.raises(StoreError, match="is no file"):
        reading.read(tmp_path)
    path = write(tmp_path / "t1.jsonl", EVENTS)
    with pytest.raises(StoreError, match="cannot be read: not a directory"):
        reading.read(path / "deeper")
    with path.open("r+b") as file:
        file.truncate(reading.LARGEST + 1)  # sparse
    with pytest.raises(StoreError, match=r"too large for a talk \(2\.1 GB\)"):
        reading.read(path)


# ── long talks ───────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def short_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "WORTH_LINES", 20)


@pytest.mark.usefixtures("short_is_long")
def test_a_long_talk_is_taken_up_where_the_last_reading_ended(
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
    stream = parsing.stream
    monkeypatch.setattr(reading, "stream", lambda d, p, **k: parsed.append(d) or stream(d, p, **k))
    for _ in range(2):
        ledger, notes = reading.load(path, cache)
        assert ledger == fold(EVENTS)
        assert notes == reading.read(path).notes
        assert any(f"line {len(EVENTS) + 3}" in note for note in notes)
    assert parsed[0].startswith(codec.encode(EVENTS[30]))
    assert not any(d.startswith(codec.encode(EVENTS[0])) for d in (parsed[0], parsed[2]))


@pytest.mark.usefixtures("short_is_long")
@pytest.mark.parametrize("damage", ["front", "cut", "grown", "cache", "code", "folder", "torn"])
def test_a_checkpoint_that_does_not_hold_is_not_believed(
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
        events = [*EVENTS[:-1], *talk(2)]
        write(path, events)
    elif damage == "cache":
        kept[0].write_bytes(kept[0].read_bytes()[:-40])
    elif damage == "code":
        monkeypatch.setattr(checkpoint, "_code", lambda: "other")
    assert reading.load(path, cache).ledger == fold(events)


@pytest.mark.usefixtures("short_is_long")
def test_a_talk_without_its_header_says_so_from_the_cache_too(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    path = write(tmp_path / "t1.jsonl", EVENTS[1:])
    first, second = reading.load(path, cache), reading.load(path, cache)
    assert first == second
    assert first.notes == (
        "the first line is lost: date, model and instructions are not known any more",
    )
    assert first.ledger.opened is not None
    assert first.ledger.opened.id == "t1"
    checkpoint.forget(cache, path)
    assert not list((cache / "folded").glob("*"))


def test_a_long_talk_comes_back_whole(tmp_path: Path) -> None:
    """How fast is for the benchmark to say; here, that nothing is missing either way."""
    events = list(talk(700))
    path = write(tmp_path / "long.jsonl", events)
    cache = tmp_path / "cache"
    cold, warm = reading.load(path, cache), reading.load(path, cache)
    assert cold == warm
    assert len(warm.ledger.turns) == 1_400
    assert warm.ledger == fold(events)
