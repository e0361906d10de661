"""Markdown, addresses and abbreviations are turned into words for the voice."""

from __future__ import annotations

import pytest

from tui_voice.server.local.spoken import spoken


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("**Bold** and _soft_ and `code`", "Bold and soft and code"),
        ("# Title\n- one\n- two", "Title. one. two"),
        ("1. first\n2. second", "1, first. 2, second"),
        ("See [the docs](https://example.com/x).", "See the docs."),
        ("Go to https://www.example.com/a?b=1.", "Go to example dot com."),
        ("Write to ann@example.com now", "Write to ann at example dot com now"),
        ("```py\nx = 1\n```Done.", "Done."),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "a b. 1 2"),
        ("5–6 days, 3x4, ~7 & so on", "5 to 6 days, 3 by 4, about 7 and so on"),
        ("snake_case_name", "snake case name"),
        ("Well — yes 🙂", "Well, yes"),
        ("It's -3 °C", "It's -3 °C"),
    ],
)
def test_written_text_becomes_words(written: str, words: str) -> None:
    assert spoken(written) == words
