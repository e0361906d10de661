"""The clause splitter: where a growing text is cut for the synthesiser."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tui_voice.server.clauses import ClauseSplitter


def split(text: str, piece_chars: int = 1, **lengths: int) -> list[str]:
    """Feeds `text` in pieces of `piece_chars` characters; returns all clauses."""
    splitter = ClauseSplitter(**lengths)
    pieces = [text[at : at + piece_chars] for at in range(0, len(text), piece_chars)]
    return [clause for piece in pieces for clause in splitter.feed(piece)] + splitter.flush()


def test_first_clause_may_end_at_a_comma_and_later_ones_end_with_their_sentence() -> None:
    text = "Well, hello there, my friend, how are you? I am fine, thanks. Bye"
    assert split(text) == [
        "Well, hello there,",
        "my friend, how are you?",
        "I am fine, thanks.",
        "Bye",
    ]


def test_full_stop_of_an_abbreviation_a_number_or_an_initial_ends_no_clause() -> None:
    text = "We met Dr. Smith at 3.5 km. J. K. Rowling wrote it, e.g. that one. So do I. Yes."
    assert split(text, min_first_chars=12)[:3] == [
        "We met Dr. Smith at 3.5 km.",
        "J. K. Rowling wrote it, e.g. that one.",
        "So do I.",
    ]


def test_long_text_without_punctuation_is_cut_between_words() -> None:
    clauses = split("word " * 200, max_chars=100)
    assert max(map(len, clauses)) <= 100
    assert " ".join(clauses) == ("word " * 200).strip()


@settings(max_examples=200)
@given(st.text(alphabet="ab ,.!?\n1", max_size=400), st.integers(1, 50))
def test_no_character_is_lost_however_the_text_arrives(text: str, piece_chars: int) -> None:
    clauses = split(text, piece_chars)
    assert "".join("".join(clauses).split()) == "".join(text.split())
    assert all(clause == clause.strip() and clause for clause in clauses)
