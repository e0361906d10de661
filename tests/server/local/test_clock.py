"""Three questions in English are answered by the clock."""

from __future__ import annotations

from datetime import datetime

import pytest

from tui_voice.server.local.clock import clock_answer

NOW = datetime(2026, 3, 9, 8, 5)


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("What time is it?", "It's 08:05."),
        ("what's the time now", "It's 08:05."),
        ("What’s today's date?", "Today is Monday, March 9, 2026."),
        ("What day is it today?", "Today is Monday, March 9, 2026."),
        ("What day is it to-day?", "Today is Monday, March 9, 2026."),
        ("What time is my flight?", None),
        ("What is the date of the wedding?", None),
        ("", None),
    ],
)
def test_the_whole_turn_must_ask_for_the_time_or_the_date(asked: str, answer: str | None) -> None:
    assert clock_answer(asked, NOW) == answer
