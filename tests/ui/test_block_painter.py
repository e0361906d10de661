"""A turn that is painted while it grows looks as if it were painted at once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some
from msgspec import structs
from rich.style import Style

from tui_voice.conversation.turns import Turn
from tui_voice.ui.block_painter import BlockPainter, TranscriptStyles, notes
from tui_voice.ui.glyphs import ASCII, UNICODE

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
