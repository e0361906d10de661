"""Folding into a draft gives what fact after fact gives, whatever the facts; only sooner."""

from __future__ import annotations

from dataclasses import fields, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conversation.world import World
from tui_voice.conversation import events as e
from tui_voice.conversation.drafting import Draft, TurnsDraft
from tui_voice.conversation.folding import fold
from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.limits import Limits
from tui_voice.conversation.reducers.turns import record
from tui_voice.conversation.turns import CHUNK, Turn, Turns

# Few names, so that they meet: also those under which a compaction puts items on the server.
NAMES = [*"abcdefgh", "memory_0001", "text_0002_0", "text_0002_1", "back_0003_0"]
names = st.sampled_from(NAMES)
some = st.lists(names, max_size=4, unique=True).map(tuple)
words = st.sampled_from(["", "x", "some words", "日本語", "many words that weigh a lot " * 9])
ms = st.sampled_from([0, 200, 5_000])
usd = st.none() | st.just(0.001)
usage = st.builds(e.Usage, input_text=st.integers(0, 900), output_audio=st.integers(0, 90))
stems = st.sampled_from(["memory_0001", "text_0002", "back_0003", "memory_0004", "voice_0005"])
FIELDS = {
    "item_id": names,
    "previous_item_id": st.none() | names,
    "role": st.sampled_from(["user", "assistant"]),
    "modality": st.sampled_from(["audio", "text"]),
    "text": words,
    "audio_ms": ms,
    "played_ms": ms,
    "received_ms": ms,
    "usd": usd,
    "usage": st.none() | usage,
    "audio": st.booleans(),
    "unknown": st.booleans(),
    "pinned": st.booleans(),
    "status": st.sampled_from(["completed", "cancelled"]),
    "compaction_id": stems,
    "drop": some,
    "turns": some,
    "withdrawn": some,
    "again": some,
    "window": st.just(900),
    "call_id": st.sampled_from("xy"),
}


def any_of(kind: type[e.Event]) -> st.SearchStrategy[e.Event]:
    known = {part.name: FIELDS[part.name] for part in fields(kind) if part.name in FIELDS}
    return st.builds(kind, **known)


RARE = (
    e.ConnectionOpened,
    e.ConnectionLost,
    e.SessionResumed,
    e.SessionClosed,
)  # they end what was under way
OFTEN = (e.TurnAdded, e.TextSubmitted, e.ItemPlaced, e.ItemDeleted, e.SpeechCommitted)
kinds = [kind for kind in e.EVENTS.values() if kind not in RARE]
anything = st.one_of([any_of(kind) for kind in [*kinds, *OFTEN, *OFTEN, *OFTEN]])
talks = st.tuples(
    st.lists(anything, max_size=40),
    st.sampled_from(RARE).flatmap(any_of),
    st.lists(anything, max_size=20),
).map(lambda parts: [*parts[0], parts[1], *parts[2]])


def one_by_one(events: list[e.Event], ledger: Ledger | None = None) -> Ledger:
    ledger = ledger or Ledger()
    for event in events:
        ledger = record(ledger, event)
    return ledger


@given(talks, st.lists(st.floats(0, 3), min_size=61, max_size=61), st.integers(0, 60))
@settings(max_examples=400, deadline=None)
def test_folding_is_recording_fact_by_fact(
    events: list[e.Event], late: list[float], cut: int
) -> None:
    events = [replace(x, at=n + late[n]) for n, x in enumerate(events)]
    whole = one_by_one(events)
    assert fold(events) == whole
    half = fold(events[:cut])
    before = repr(half)
    assert type(half) is Ledger
    assert fold(events[cut:], half) == whole
    assert repr(half) == before, "a ledger that was folded on is a value as any"


def test_a_talk_with_prunings_folds_as_it_was_lived() -> None:
    """A world lives by `record`, over many chunks of turns; its journal is folded."""
    world = World(Limits(trigger=600, keep=4, policy="balanced"))
    for n in range(3 * CHUNK // 2):
        world.exchange()
        if n % 20 == 19:
            world.cut()
            world.connect()
            world.quiet()
    assert len(world.ledger.turns) > 2 * CHUNK
    assert any(turn.pruned_in for turn in world.ledger.turns)
    assert fold(world.events) == one_by_one(world.events) == world.ledger


# ── the turns alone ──────────────────────────────────────────────────────────────────────────

turns = st.builds(
    Turn,
    names,
    st.sampled_from(["user", "assistant"]),
    st.just(0.0),
    words=st.sampled_from(["open", "done"]),
    wire_id=st.none() | names,
    stuck=st.booleans(),
)
steps = st.one_of(
    st.tuples(st.just("append"), turns),
    st.tuples(st.just("insert"), st.none() | names, turns),
    st.tuples(st.just("remove"), names),
    st.tuples(st.just("change"), names, st.none() | names),
    st.tuples(st.just("loosen")),
)


def loosened(turn: Turn) -> Turn:
    return replace(turn, wire_id=None, stuck=False, words="done")


def step(turns: Turns, what: tuple[object, ...]) -> Turns:
    match what:
        case ("append", Turn() as turn):
            return turns.append(turn)
        case ("insert", str() | None as previous, Turn() as turn):
            return turns.insert_after(previous, turn)
        case ("remove", str() as name):
            return turns.remove(name)
        case ("change", str() as name, str() | None as wire_id):
            return turns.change(name, wire_id=wire_id)
        case _:
            return turns.map_loose(loosened)


@given(st.lists(turns, max_size=9), st.lists(steps, max_size=40), st.integers(1, 4))
@settings(max_examples=500, deadline=None)
def test_a_draft_of_turns_is_turns(
    first: list[Turn], then: list[tuple[object, ...]], size: int
) -> None:
    """With names that several turns have, and in chunks so small that they lie far apart."""
    chunks = tuple(tuple(first[i : i + size]) for i in range(0, len(first), size))
    plain = Turns(chunks, len(first))
    start = list(plain)
    written = TurnsDraft(Turns(chunks, len(first)))
    for what in then:
        plain = step(plain, what)
        assert step(written, what) is written
        for name in NAMES:
            assert written.get(name) == plain.get(name)
            assert list(written.after(name)) == list(plain.after(name))
        assert list(written) == list(plain)
        assert list(reversed(written)) == list(reversed(plain))
        assert list(written.held()) == list(plain.held())
        assert list(written.held_backwards()) == list(plain.held_backwards())
        assert (len(written), written.last) == (len(plain), plain.last)
        assert written.finished() == plain
    assert [turn for chunk in chunks for turn in chunk] == start


def test_nothing_of_a_draft_is_left_over() -> None:
    ledger = fold([e.TextSubmitted(item_id="t", text="hi")])
    assert not isinstance(ledger, Draft)
    assert type(ledger.turns) is Turns
    assert hash(ledger.turns) == hash(Turns().append(*ledger.turns))
