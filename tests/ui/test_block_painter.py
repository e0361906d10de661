"""A turn that is painted while it grows looks as if it were painted at once."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as some
from msgspec import structs
from rich.style import Style

from tui_voice.conversation.ledger import Compaction
from tui_voice.conversation.turns import Turn
from tui_voice.ui.block_painter import BlockPainter, TranscriptStyles, notes
from tui_voice.ui.glyphs import ASCII, UNICODE
from tui_voice.ui.pruning_rows import PruningWorth
from tui_voice.ui.textified_runs import TextifiedMark
from tui_voice.ui.transcript_document import CompactionMark, Mark

INK = TranscriptStyles(**dict.fromkeys(TranscriptStyles._fields, Style(color="#dfe2e8")))
PIECES = some.text(alphabet="ab  \n\t.é漢🙂\u202e", max_size=30)


def new_painter(width: int) -> BlockPainter:
    return BlockPainter(width, INK, UNICODE)


@given(some.integers(12, 60), some.lists(PIECES, max_size=12), some.booleans())
def test_a_turn_painted_in_pieces_equals_one_painted_at_once(
    width: int, pieces: list[str], done: bool
) -> None:
    painter, turn = new_painter(width), Turn("t", "assistant", 0.0)
    for piece in [*pieces, ""]:
        turn = structs.replace(turn, text=turn.text + piece)
        painter.paint(turn)
    turn = structs.replace(turn, words="done" if done else "open", pinned=done)
    assert painter.paint(turn) == new_painter(width).paint(turn)


def test_unchanged_lines_are_not_painted_again() -> None:
    painter = new_painter(40)
    turn = Turn("t", "assistant", 0.0, text="words that fill lines " * 20)
    before = painter.paint(turn)
    after = painter.paint(structs.replace(turn, text=turn.text + "and more"))
    assert [a is b for a, b in zip(before, after, strict=False)][:-3] == [True] * (len(before) - 3)
    assert after[-2] is not before[-2]


def test_a_turn_that_changes_otherwise_is_painted_again() -> None:
    painter = new_painter(40)
    turn = Turn("t", "assistant", 0.0, text="one two three " * 10, wire_id="t", audio_ms=9000)
    for changed in (
        structs.replace(turn, text="something else, and longer than it was " * 5),
        structs.replace(turn, heard_ms=3000),
        structs.replace(turn, wire_id=None, pruned_in="c1"),
        structs.replace(turn, id="u", role="user"),
    ):
        painter.paint(turn)
        assert painter.paint(changed) == new_painter(40).paint(changed)


def test_uncertain_words_are_underlined_wherever_the_line_breaks() -> None:
    text = "many words before it " * 3 + "then Okafor"
    begin = text.index("Okafor")
    grew = Turn("t", "user", 0.0, text=text, words="open")
    turn = structs.replace(grew, words="done", uncertain=((0, 4), (begin, begin + 6)))
    painter = new_painter(30)
    painter.paint(grew)
    lines = painter.paint(turn)
    marked = [part.text for line in lines for part in line if part.style and part.style.underline]
    assert marked == ["many", "Okafor"]
    assert notes(turn, ASCII) == ["unsure: many, Okafor"]
    assert notes(turn, UNICODE) == []
    corrected = structs.replace(turn, text=text + "!", uncertain=(), misheard=text)
    assert painter.paint(corrected) == new_painter(30).paint(corrected)
    assert notes(corrected, UNICODE) == ["corrected"]


def test_the_first_line_of_a_reply_says_when_and_after_how_many_seconds() -> None:
    turn = Turn("t", "assistant", 61.0, text="Yes.", wire_id="t", first_sound_s=0.84)
    head = new_painter(60).paint(turn)[0].text
    assert head.split() == ["▌", "voice", "01:01", "after", "0.8", "s"]


DONE = Compaction(
    "c1",
    "summary",
    9.0,
    tuple(f"t{number}" for number in range(8)),
    900,
    stage="confirmed",
    summary="word " * 690,
    topics=("budget", "band", "parking"),
    details=15,
    missing=("The band is loud.",),
)
WORTH = PruningWorth(100, 0, 3, 0.5)


def mark_line(width: int, mark: Mark, *, folded: bool = False) -> str:
    started = datetime(2026, 4, 1, 4, 10, tzinfo=UTC)
    painter = BlockPainter(width, INK, UNICODE, started=started, worths={"c1": WORTH})
    return painter.paint(mark, folded=folded)[0].text.strip()


def test_the_line_of_a_compaction_says_what_went() -> None:
    mark = CompactionMark(DONE, begin=0.0, end=150.0)
    whole = "04:10–04:12 · budget, band, parking · 8 turns → 803 tokens"
    assert mark_line(140, mark) == f"▾ {whole} · kept 14 of 15 · pays back in 3 replies"
    assert mark_line(140, mark, folded=True).startswith(f"▸ {whole}")
    assert mark_line(66, mark) == f"▾ {whole}"
    assert mark_line(40, mark) == "▾ 04:10–04:12 · 8 turns → 803 tokens"
    assert mark_line(28, mark) == "▾ 8 turns → 803 tokens"
    assert mark_line(90, mark._replace(restored=True)).endswith("parking · 8 turns restored")


def test_the_line_of_an_older_compaction_leaves_out_what_is_not_known() -> None:
    old = structs.replace(DONE, topics=(), details=0, missing=())
    line = mark_line(140, CompactionMark(old, begin=0.0, end=10.0))
    assert line == "▾ 04:10 · 8 turns → 803 tokens · pays back in 3 replies"


def test_one_line_stands_for_the_notes_of_textified_turns() -> None:
    turn = Turn("t", "user", 61.0, text="Yes.", wire_id="t", spoken=True, modality="text")
    painter = new_painter(60)
    assert painter.paint(turn)[0].text.split()[-1] == "textified"
    assert painter.paint(turn, in_run=True)[0].text.split()[-1] == "01:01"
    run = TextifiedMark("t", "u", 2, 2, 0.0, 150.0)
    why = "the model has their words, not their sound"
    assert mark_line(140, run) == f"▾ 04:10–04:12 · 2 turns textified · {why}"
    mixed = mark_line(60, run._replace(span=5))
    assert mixed == "▾ 04:10–04:12 · 2 of 5 turns textified"
    assert mark_line(50, run, folded=True) == "▸ 04:10–04:12 · 2 turns textified"
