"""Wrapped lines fit the width, and nothing but white space is lost between them."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui_voice.ui.wrapping import clean, fit, wrap

WIDE_TEXT = st.text(alphabet="ab c\nde 日本語é👍 -", max_size=200)


@given(WIDE_TEXT, st.integers(2, 40))
def test_no_line_is_wider_than_the_width(text: str, width: int) -> None:
    for begin, end in wrap(text, width):
        assert cell_len(text[begin:end]) <= width


@given(WIDE_TEXT, st.integers(2, 40))
def test_nothing_but_white_space_is_lost(text: str, width: int) -> None:
    spans = wrap(text, width)
    shown = "".join(text[begin:end] for begin, end in spans)
    assert "".join(shown.split()) == "".join(text.split())
    ends = [0, *(end for _, end in spans)]
    begins = [*(begin for begin, _ in spans), len(text)]
    between = [text[end:begin] for end, begin in zip(ends, begins, strict=True)]
    assert not "".join(between).strip()


@given(WIDE_TEXT, st.integers(2, 40))
def test_lines_come_in_order(text: str, width: int) -> None:
    spans = wrap(text, width)
    assert spans == sorted(spans)
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(spans))


def test_words_break_at_blanks() -> None:
    text = "the quick brown fox"
    assert [text[a:b] for a, b in wrap(text, 10)] == ["the quick", "brown fox"]


def test_a_word_wider_than_the_width_is_cut() -> None:
    assert wrap("abcdefgh", 3) == [(0, 3), (3, 6), (6, 8)]


@pytest.mark.parametrize("evil", ["\x1b[31m", "a\x07b", "\u202eabc", "x\x9by", "\r"])
def test_control_characters_are_removed(evil: str) -> None:
    assert not any(character in clean(evil) for character in "\x1b\x07\u202e\x9b\r")


def test_fit_marks_a_cut_text() -> None:
    assert fit("abcdef", 4) == "abc…"
    assert fit("abcd", 4) == "abcd"
    assert fit("日本語", 5) == "日本…"
    assert fit("abc", 0) == ""
