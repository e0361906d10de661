"""Lines are never too wide, and nothing but white space is lost between them."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui_voice.ui.wrapping import clean, fit, wrap

WIDE_TEXT = st.text(alphabet="ab c\nde 日本語é👍 -", max_size=200)


@given(WIDE_TEXT, st.integers(2, 40))
def test_no_line_is_wider_than_the_page(text: str, width: int) -> None:
    for begin, end in wrap(text, width):
        assert cell_len(text[begin:end]) <= width


@given(WIDE_TEXT, st.integers(2, 40))
def test_nothing_but_white_space_is_lost(text: str, width: int) -> None:
    shown = "".join(text[begin:end] for begin, end in wrap(text, width))
    assert shown.split() == [] if not text.split() else True
    assert "".join(shown.split()) == "".join(text.split())


@given(WIDE_TEXT, st.integers(2, 40))
def test_lines_come_in_order(text: str, width: int) -> None:
    spans = wrap(text, width)
    assert spans == sorted(spans)
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(spans))


def test_words_break_at_blanks() -> None:
    text = "the quick brown fox"
    assert [text[a:b] for a, b in wrap(text, 10)] == ["the quick", "brown fox"]


def test_a_word_wider_than_the_page_is_cut() -> None:
    assert wrap("abcdefgh", 3) == [(0, 3), (3, 6), (6, 8)]


@pytest.mark.parametrize("evil", ["\x1b[31m", "a\x07b", "\u202eabc", "x\x9by", "\r"])
def test_what_a_terminal_would_obey_is_taken_out(evil: str) -> None:
    assert not any(character in clean(evil) for character in "\x1b\x07\u202e\x9b\r")


def test_fit_says_that_something_is_cut() -> None:
    assert fit("abcdef", 4) == "abc…"
    assert fit("abcd", 4) == "abcd"
    assert fit("日本語", 5) == "日本…"
    assert fit("abc", 0) == ""
