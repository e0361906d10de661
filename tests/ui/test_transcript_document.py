"""The document of blocks: heights add up after any change, and a change costs what changed."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from tui_voice.conversation.ledger import Compaction
from tui_voice.conversation.turns import Turn, Turns
from tui_voice.ui.textified_runs import TextifiedMark
from tui_voice.ui.transcript_document import (
    Block,
    BlockPosition,
    CompactionMark,
    Mark,
    TranscriptDocument,
    common_prefix,
)


def height(block: Block) -> int:
    return 2 if isinstance(block, Mark) else 2 + len(block.text) // 10


def guess(_block: Block) -> int:
    return 3


def turns_of(count: int) -> Turns:
    turns = Turns()
    for number in range(count):
        turns = turns.append(Turn(f"t{number}", "user", float(number), "x" * (number % 50)))
    return turns


def filled(turns: Turns, compactions: tuple[Compaction, ...] = ()) -> TranscriptDocument:
    document = TranscriptDocument(height, guess)
    document.update(turns, compactions)
    return document


def blocks(document: TranscriptDocument) -> list[Block]:
    found, place = [], document.step(None, 1)
    while place is not None:
        found.append(document.block(place))
        place = document.step(place, 1)
    return found


def test_measured_heights_are_exact() -> None:
    turns = turns_of(300)
    document = filled(turns)
    document.measure_lines(0, 10**9)
    assert document.height == sum(height(turn) for turn in turns)
    assert document.measured_count == 300


def test_every_line_belongs_to_the_block_that_spans_it() -> None:
    document = filled(turns_of(130))
    document.measure_lines(0, 10**9)
    for line in range(document.height):
        found = document.at(line)
        assert found is not None
        first, tall = document.span(found[0])
        assert first + found[1] == line
        assert found[1] < tall
    assert document.at(document.height) is None
    assert document.at(-1) is None


def test_opening_measures_the_end_alone() -> None:
    document = filled(turns_of(100_000))
    document.measure_end(60)
    assert document.measured_count < 60


def test_a_delta_costs_the_same_at_any_length() -> None:
    costs = []
    for count in (100, 100_000):
        turns = turns_of(count)
        document = filled(turns)
        document.measure_end(60)
        before = document.measured_count
        for number in range(50):
            turns = turns.change(f"t{count - 1}", text="y" * number)
            document.update(turns, ())
            document.measure_end(60)
        costs.append(document.measured_count - before)
    assert costs[1] <= 1.3 * costs[0]
    assert 50 <= costs[0] <= 52


@settings(deadline=None)
@given(st.integers(0, 1499))
def test_the_held_line_moves_by_what_measuring_returns(line: int) -> None:
    document = filled(turns_of(500))
    before = document.at(line)
    assert before is not None
    moved = document.measure_lines(line - 40, line + 80, hold=line)
    after = document.at(line + moved)
    assert after is not None
    assert after[0] == before[0]


def test_a_mark_stands_above_the_first_turn_of_its_compaction() -> None:
    turns = turns_of(10)
    done = Compaction("c1", "summary", 9.0, ("t0", "t1", "t2"), 900, stage="confirmed")
    document = filled(turns, (done,))
    ids = [block.id for block in blocks(document)]
    assert ids.index("c1") == ids.index("t0") - 1


def test_a_failed_summary_leaves_no_mark() -> None:
    running = Compaction("c1", "summary", 9.0, ("t0", "t1"), 900)
    document = filled(turns_of(10), (running,))
    assert document.find("c1") is not None
    document.update(turns_of(10), (structs.replace(running, stage="failed"),))
    assert document.find("c1") is None


def test_folding_hides_the_turns_and_keeps_the_mark() -> None:
    turns = turns_of(10)
    for number in range(3):
        turns = turns.change(f"t{number}", pruned_in="c1")
    done = Compaction("c1", "summary", 9.0, ("t0", "t1", "t2"), 900, stage="confirmed")
    document = filled(turns, (done,))
    document.fold("c1")
    ids = [block.id for block in blocks(document)]
    assert ids[:2] == ["c1", "t3"]
    document.fold("c1")
    assert [block.id for block in blocks(document)][:4] == ["c1", "t0", "t1", "t2"]


def textified(turns: Turns, *numbers: int) -> Turns:
    for number in numbers:
        turns = turns.change(f"t{number}", spoken=True, modality="text")
    return turns


def test_consecutive_textified_turns_have_one_line() -> None:
    document = filled(textified(turns_of(200), 3, 60, 61, 62, 63, 64, 65, 100, 101))
    marks = [block for block in blocks(document) if isinstance(block, TextifiedMark)]
    assert marks == [
        TextifiedMark("t60", "t65", 6, 6, 60.0, 65.0),
        TextifiedMark("t100", "t101", 2, 2, 100.0, 101.0),
    ]
    ids = [block.id for block in blocks(document)]
    assert ids.index("t60") == ids.index(marks[0].id) + 1
    with_note = [number for number in (3, 60, 65) if not document.in_run(place(document, number))]
    assert with_note == [3]


def test_typed_turns_between_textified_ones_are_folded_with_them() -> None:
    turns = textified(turns_of(200), 60, 65, 130)
    for number in (61, 62, 63, 64, *range(66, 130), 131):
        turns = turns.change(f"t{number}", modality="text")
    document = filled(turns)
    (mark,) = (block for block in blocks(document) if isinstance(block, TextifiedMark))
    assert mark == TextifiedMark("t60", "t130", 3, 71, 60.0, 130.0)
    document.fold(mark.id)
    ids = [block.id for block in blocks(document)]
    assert ids[60:62] == [mark.id, "t131"]
    document.fold(mark.id)
    assert blocks(document) == blocks(filled(turns))


def place(document: TranscriptDocument, number: int) -> BlockPosition:
    found = document.find(f"t{number}")
    assert found is not None
    return found


def test_folding_hides_textified_turns_but_not_those_that_follow_later() -> None:
    turns = textified(turns_of(200), *range(60, 70))
    document = filled(turns)
    document.fold("textified t60")
    assert document.find("t60") is document.find("t69") is None
    assert document.fold_of(turns.get("t65")) == "textified t60"  # type: ignore[arg-type]  # it is there
    turns = textified(turns, 70, 71)
    document.update(turns, ())
    assert document.find("t69") is None
    assert document.block(place(document, 70)).id == "t70"
    assert document.find("textified t70") is not None
    document.fold("textified t60")
    assert blocks(document) == blocks(filled(turns))


def test_a_folded_run_that_begins_later_is_shown() -> None:
    turns = textified(turns_of(200), *range(60, 70))
    document = filled(turns)
    document.fold("textified t60")
    turns = turns.change("t60", pruned_in="c1")
    document.update(turns, ())
    assert blocks(document) == blocks(filled(turns))
    assert not document.folded


def test_a_delta_behind_a_long_run_looks_at_few_turns() -> None:
    looked: list[int] = []
    for count in (100, 100_000):
        turns = Turns.of(
            [
                Turn(f"t{n}", "user", float(n), "x", spoken=True, modality="text")
                for n in range(count)
            ]
        )
        document = filled(turns)
        grown, calls = document._runs.grown, [0]

        def counted(
            run: TextifiedMark | None,
            turn: Turn,
            grown: Callable[[TextifiedMark | None, Turn], TextifiedMark | None] = grown,
            calls: list[int] = calls,
        ) -> TextifiedMark | None:
            calls[0] += 1
            return grown(run, turn)

        document._runs.grown = counted  # type: ignore[method-assign]  # counts the turns
        for number in range(20):
            turns = turns.change(f"t{count - 1}", text="y" * number)
            document.update(turns, ())
        looked.append(calls[0])
    assert looked[1] <= looked[0] <= 20 * 2 * 64


def test_the_mark_of_restored_turns_says_so() -> None:
    done = Compaction("c1", "summary", 9.0, ("t0", "t1"), 900, stage="confirmed")
    pruned = turns_of(5).change("t1", pruned_in="c1")
    document = filled(pruned, (done,))
    mark = document.block(document.find("c1"))  # type: ignore[arg-type]  # it is there
    assert isinstance(mark, CompactionMark)
    assert not mark.restored
    document.update(pruned.change("t1", pruned_in=""), (done,))
    mark = document.block(document.find("c1"))  # type: ignore[arg-type]  # as before
    assert isinstance(mark, CompactionMark)
    assert mark.restored


@given(st.lists(st.integers(0, 3)), st.lists(st.integers(0, 3)))
def test_common_prefix(old: list[int], new: list[int]) -> None:
    count = common_prefix(tuple(old), tuple(new))
    assert old[:count] == new[:count]
    assert count == min(len(old), len(new)) or old[count] != new[count]


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(
            ["append", "change", "insert", "remove", "settle", "prune", "textify", "fold"]
        ),
        st.integers(0, 10**6),
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 200), CHANGES)
def test_after_any_changes_the_turns_are_in_order(
    count: int, changes: list[tuple[str, int]]
) -> None:
    turns, compactions = turns_of(count), ()
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
            document.measure_lines(number % 500, number % 500 + 40)
        elif kind == "fold":
            marks = [block.id for block in blocks(document) if isinstance(block, Mark)]
            if marks:
                document.fold(marks[number % len(marks)])
        elif one is None:
            continue
        elif kind == "textify":
            for each in known[number % len(known) :][: number % 9]:
                turns = turns.change(each, spoken=number % 3 > 0, modality="text")
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
        if not document.folded:
            shown = [block for block in blocks(document) if not isinstance(block, Mark)]
            assert shown == list(turns)
    for mark in document.folded:
        document.fold(mark)
    assert blocks(document) == blocks(filled(turns, compactions))
    document.measure_lines(0, 10**9)
    assert document.height == sum(height(block) for block in blocks(document))
    place = document.find(shown[0].id) if count and (shown := list(turns)) else None
    assert place is None or isinstance(place, BlockPosition)
