"""A shortened text ends with a phrase where it can, else with a word."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from tui_voice.languages.phrases import shortened

GARDEN = "I would like to talk about the garden, and about what grows there in spring."


@pytest.mark.parametrize(
    ("text", "width", "wanted"),
    [
        ("Short.", 6, "Short."),
        (GARDEN, 60, "I would like to talk about the garden…"),
        (GARDEN, 38, "I would like to talk about the…"),
        (GARDEN, 39, "I would like to talk about the garden…"),
        ("Hi. I want to plan a trip to Kyoto", 30, "Hi. I want to plan a trip to…"),
        ("Wir reden - wenn es geht - morgen", 20, "Wir reden…"),
        ("今日は、京都に行きます。明日は", 13, "今日は、京都に行きます…"),
        ("x" * 20, 10, "x" * 9 + "…"),
        ("word", 1, ""),
    ],
)
def test_shortened(text: str, width: int, wanted: str) -> None:
    assert shortened(text, width) == wanted


def test_columns_and_another_mark() -> None:
    assert shortened("日本" * 10, 9, "...", cell_len) == "日本日..."


def test_it_never_takes_more_room_than_there_is() -> None:
    text = GARDEN + " 日本語, e\u0301tude"
    for width in range(120):
        assert cell_len(shortened(text, width, "…", cell_len)) <= width
