"""The pile of blocks: lines add up, whatever changes, and a change costs what has changed."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from tui_voice.conversation.ledger import Compaction
from tui_voice.conversation.turns import Turn, Turns
from tui_voice.ui.document import Block, Document, Mark, Place, common_prefix


def height(block: Block) -> int:
    return 2 if isinstance(block, Mark) else 2 + len(block.text) // 10


def guess(_block: Block) -> int:
    return 3


def talk(count: int) -> Turns:
    turns = Turns()
    for number in range(count):
        turns = turns.append(Turn(f"t{number}", "user", float(number), "x" * (number % 50)))
    return turns


def filled(turns: Turns, compactions: tuple[Compaction, ...] = ()) -> Document:
    document = Document(height, guess)
    document.update(turns, compactions)
    return document


def blocks(document: Document) -> list[Block]:
    found, place = [], document.step(None, 1)
    while place is not None:
        found.append(document.block(place))
        place = document.step(place, 1)
    return found


def test_after_measuring_everything_the_heights_are_exact() -> None:
    turns = talk(300)
    document = filled(turns)
    document.settle(0, 10**9)
    assert document.height == sum(height(turn) for turn in turns)
    assert document.laid_out == 300


def test_every_line_belongs_to_the_block_that_spans_it() -> None:
    document = filled(talk(130))
    document.settle(0, 10**9)
    for line in range(document.height):
        found = document.at(line)
        assert found is not None
        first, tall = document.span(found[0])
        assert first + found[1] == line
        assert found[1] < tall
    assert document.at(document.height) is None
    assert document.at(-1) is None


def test_opening_measures_only_what_is_seen() -> None:
    document = filled(talk(100_000))
    document.settle_end(60)
    assert document.laid_out < 60


def test_a_word_at_the_end_costs_the_same_at_any_length() -> None:
    costs = []
    for count in (100, 100_000):
        turns = talk(count)
        document = filled(turns)
        document.settle_end(60)
        before = document.laid_out
        for number in range(50):
            turns = turns.change(f"t{count - 1}", text="y" * number)
            document.update(turns, ())
            document.settle_end(60)
        costs.append(document.laid_out - before)
    assert costs[1] <= 1.3 * costs[0]
    assert 50 <= costs[0] <= 52


@given(st.integers(0, 1499))
def test_what_stood_at_a_line_is_found_again_after_measuring(line: int) -> None:
    document = filled(talk(500))
    before = document.at(line)
    assert before is not None
    moved = document.settle(line - 40, line + 80, hold=line)
    after = document.at(line + moved)
    assert after is not None
    assert after[0] == before[0]


def test_a_mark_stands_behind_the_last_turn_it_names() -> None:
    turns = talk(10)
    done = Compaction("c1", "summary", 9.0, ("t0", "t1", "t2"), 900, stage="confirmed")
    document = filled(turns, (done,))
    ids = [block.id for block in blocks(document)]
    assert ids.index("c1") == ids.index("t2") + 1


def test_a_failed_summary_leaves_no_mark() -> None:
    running = Compaction("c1", "summary", 9.0, ("t0", "t1"), 900)
    document = filled(talk(10), (running,))
    assert document.find("c1") is not None
    document.update(talk(10), (structs.replace(running, stage="failed"),))
    assert document.find("c1") is None


def test_folding_hides_the_turns_and_keeps_the_line() -> None:
    turns = talk(10)
    for number in range(3):
        turns = turns.change(f"t{number}", pruned_in="c1")
    done = Compaction("c1", "summary", 9.0, ("t0", "t1", "t2"), 900, stage="confirmed")
    document = filled(turns, (done,))
    document.fold("c1")
    ids = [block.id for block in blocks(document)]
    assert ids[:2] == ["c1", "t3"]
    document.fold("c1")
    assert [block.id for block in blocks(document)][:4] == ["t0", "t1", "t2", "c1"]


def test_turns_put_back_are_said_to_be() -> None:
    done = Compaction("c1", "summary", 9.0, ("t0", "t1"), 900, stage="confirmed")
    pruned = talk(5).change("t1", pruned_in="c1")
    document = filled(pruned, (done,))
    mark = document.block(document.find("c1"))  # type: ignore[arg-type]  # it is there
    assert isinstance(mark, Mark)
    assert not mark.put_back
    document.update(pruned.change("t1", pruned_in=""), (done,))
    mark = document.block(document.find("c1"))  # type: ignore[arg-type]  # seen by the test itself
    assert isinstance(mark, Mark)
    assert mark.put_back


@given(st.lists(st.integers(0, 3)), st.lists(st.integers(0, 3)))
def test_common_prefix(old: list[int], new: list[int]) -> None:
    count = common_prefix(tuple(old), tuple(new))
    assert old[:count] == new[:count]
    assert count == min(len(old), len(new)) or old[count] != new[count]


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["append", "change", "insert", "remove", "settle", "prune"]),
        st.integers(0, 10**6),
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 200), CHANGES)
def test_whatever_changes_it_shows_the_turns_in_order(
    count: int, changes: list[tuple[str, int]]
) -> None:
    turns, compactions = talk(count), ()
    document = filled(turns)
    for serial, (kind, number) in enumerate(changes):
        known = [turn.id for turn in turns]
        one = known[number % len(known)] if known else None
        new = Turn(f"n{serial}", "user", 0.0, "z" * (number % 90))
        if kind == "append":
            turns = turns.append(new)
        elif kind == "insert":
            turns = turns.insert_after(one, new)
        elif kind == "settle":
            document.settle(number % 500, number % 500 + 40)
        elif one is None:
            continue
        elif kind == "change":
            turns = turns.change(one, text="w" * (number % 70))
        elif kind == "remove":
            turns = turns.remove(one)
        else:
            stage = "confirmed" if number % 2 else "requested"
            done = Compaction(f"c{serial}", "summary", 0.0, (one,), 900, stage=stage)
            turns = turns.change(one, pruned_in=done.id)
            compactions = (*compactions, done)
        document.update(turns, compactions)
        shown = [block for block in blocks(document) if not isinstance(block, Mark)]
        assert shown == list(turns)
    document.settle(0, 10**9)
    assert document.height == sum(height(block) for block in blocks(document))
    place = document.find(shown[0].id) if count and (shown := list(turns)) else None
    assert place is None or isinstance(place, Place)
