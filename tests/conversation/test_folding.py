"""Folding events into a ledger, and the container of the turns: properties over random input."""

from __future__ import annotations

from dataclasses import fields

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from tests.conversation.conversation_harness import ConversationHarness
from tui_voice.conversation import events as e
from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.limits import Limits
from tui_voice.conversation.reducers import REDUCERS, fold
from tui_voice.conversation.turns import CHUNK, Chunk, Turn, Turns

# Few names, so that events meet; also ids of items that compactions create.
NAMES = [*"abcdefgh", "memory_0001", "text_0002_0", "text_0002_1", "back_0003_0"]
names = st.sampled_from(NAMES)
ids = st.lists(names, max_size=4, unique=True).map(tuple)
words = st.sampled_from(["", "x", "some words", "日本語", "many words that weigh a lot " * 9])
milliseconds = st.sampled_from([0, 200, 5_000])
usages = st.builds(e.Usage, input_text=st.integers(0, 900), output_audio=st.integers(0, 90))
compactions = st.sampled_from(["memory_0001", "text_0002", "back_0003", "memory_0004"])
FIELDS: dict[str, st.SearchStrategy[object]] = {
    "item_id": names,
    "previous_item_id": st.none() | names,
    "role": st.sampled_from(["user", "assistant"]),
    "modality": st.sampled_from(["audio", "text"]),
    "text": words,
    "audio_ms": milliseconds,
    "played_ms": milliseconds,
    "received_ms": milliseconds,
    "usd": st.none() | st.just(0.001),
    "usage": st.none() | usages,
    "audio": st.booleans(),
    "unknown": st.booleans(),
    "pinned": st.booleans(),
    "status": st.sampled_from(["completed", "cancelled"]),
    "compaction_id": compactions,
    "drop": ids,
    "turns": ids,
    "withdrawn": ids,
    "again": ids,
    "window": st.just(900),
    "call_id": st.sampled_from("xy"),
}


def any_of(kind: type[e.Event]) -> st.SearchStrategy[e.Event]:
    known = {part.name: FIELDS[part.name] for part in fields(kind) if part.name in FIELDS}
    return st.builds(kind, at=st.floats(0, 100), **known)


ENDINGS = (e.ConnectionOpened, e.ConnectionLost, e.SessionResumed, e.SessionClosed)
"""They end what is under way, so they are drawn rarely."""
OFTEN = (e.TurnAdded, e.TextSubmitted, e.ItemPlaced, e.ItemDeleted, e.SpeechCommitted)
kinds = [kind for kind in e.EVENTS.values() if kind not in ENDINGS]
common = st.one_of([any_of(kind) for kind in [*kinds, *OFTEN, *OFTEN, *OFTEN]])
sessions = st.tuples(
    st.lists(common, max_size=40),
    st.sampled_from(ENDINGS).flatmap(any_of),
    st.lists(common, max_size=20),
).map(lambda parts: [*parts[0], parts[1], *parts[2]])


def test_every_reducer_is_of_an_event_that_exists() -> None:
    assert set(REDUCERS) <= set(e.EVENTS.values())


@given(sessions, st.integers(0, 60))
@settings(max_examples=300, deadline=None)
def test_any_events_fold_and_a_ledger_is_never_changed(events: list[e.Event], cut: int) -> None:
    half = fold(events[:cut])
    before = repr(half)
    whole = fold(events[cut:], half)
    assert repr(half) == before
    assert whole == fold(events)
    turn_ids = [turn.id for turn in whole.turns]
    assert len(whole.turns) == len(turn_ids)
    assert whole.at == max(event.at for event in events)
    assert min(whole.window.text, whole.window.audio, whole.cacheable_prefix_tokens) >= 0


def test_a_long_session_with_prunings_folds_to_its_own_ledger() -> None:
    harness = ConversationHarness(Limits(trigger=600, keep=4, policy="balanced"))
    for number in range(3 * CHUNK // 2):
        harness.exchange()
        if number % 20 == 19:
            harness.lose_connection()
            harness.connect()
            harness.run_until_quiet()
    assert len(harness.ledger.turns) > 2 * CHUNK
    assert any(turn.pruned_in for turn in harness.ledger.turns)
    harness.check_replay()


def test_an_event_without_a_reducer_only_moves_the_time() -> None:
    assert fold([e.TimePassed(at=5.0)]) == Ledger(at=5.0)
    assert fold([e.TimePassed(at=5.0), e.TimePassed(at=4.0)]).at == 5.0


# ── the turns alone, compared with a plain list ──────────────────────────────────────────────

turns = st.builds(
    Turn,
    names,
    st.sampled_from(["user", "assistant"]),
    st.just(0.0),
    words=st.sampled_from(["open", "done"]),
    wire_id=st.none() | names,
    unchangeable=st.booleans(),
)
steps = st.one_of(
    st.tuples(st.just("append"), turns),
    st.tuples(st.just("insert"), st.none() | names, turns),
    st.tuples(st.just("remove"), names),
    st.tuples(st.just("change"), names, st.none() | names),
    st.tuples(st.just("forget server")),
)


def without_server(turn: Turn) -> Turn:
    return structs.replace(turn, wire_id=None, unchangeable=False, words="done")


def newest(turns: list[Turn], name: str | None) -> int:
    """Index of the newest turn with this name. -1: there is none."""
    found = [
        i for i, turn in enumerate(turns) if name is not None and name in (turn.id, turn.wire_id)
    ]
    return found[-1] if found else -1


def step(turns: Turns, plain: list[Turn], what: tuple[object, ...]) -> tuple[Turns, list[Turn]]:
    """The same step for both."""
    match what:
        case ("append", Turn() as turn):
            return turns.append(turn), [*plain, turn]
        case ("insert", str() | None as previous, Turn() as turn):
            place = newest(plain, previous) + 1 or len(plain)
            return turns.insert_after(previous, turn), [*plain[:place], turn, *plain[place:]]
        case ("remove", str() as name):
            place = newest(plain, name)
            return turns.remove(name), plain if place < 0 else plain[:place] + plain[place + 1 :]
        case ("change", str() as name, str() | None as wire_id):
            changed, place = list(plain), newest(plain, name)
            if place >= 0:
                changed[place] = structs.replace(plain[place], wire_id=wire_id)
            return turns.change(name, wire_id=wire_id), changed
        case _:
            changed = [without_server(turn) if turn.server_bound else turn for turn in plain]
            return turns.map_server_bound(without_server), changed


@given(st.lists(turns, max_size=9), st.lists(steps, max_size=40), st.integers(1, 4))
@settings(max_examples=400, deadline=None)
def test_turns_behave_as_a_list(
    first: list[Turn], then: list[tuple[object, ...]], size: int
) -> None:
    """With names that several turns have, and in chunks so small that they lie far apart."""
    chunked = Turns(tuple(Chunk(first[i : i + size]) for i in range(0, len(first), size)))
    plain = list(first)
    for what in then:
        chunked, plain = step(chunked, plain, what)
        assert list(chunked) == plain
        assert list(reversed(chunked)) == plain[::-1]
        assert len(chunked) == len(plain)
        assert chunked.last == (plain[-1] if plain else None)
        held = [turn for turn in plain if turn.in_window]
        assert list(chunked.held()) == held
        assert list(chunked.held_backwards()) == held[::-1]
        for name in NAMES:
            place = newest(plain, name)
            assert chunked.get(name) == (plain[place] if place >= 0 else None)
            assert list(chunked.after(name)) == (plain[place + 1 :] if place >= 0 else [])
    assert chunked == Turns.of(plain)
