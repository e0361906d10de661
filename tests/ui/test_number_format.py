"""Numbers, costs and times as the screen shows them."""

from datetime import UTC, datetime

import pytest

from tui_voice.ui import number_format


@pytest.mark.parametrize(
    ("number", "shown"), [(0, "0"), (999, "999"), (9820, "9 820"), (128_000, "128 000")]
)
def test_thousands_are_spaced(number: int, shown: str) -> None:
    assert number_format.spaced(number) == shown


def test_an_estimate_is_marked() -> None:
    assert number_format.tokens(5280, exact=False) == "≈5 280"
    assert number_format.tokens(5280) == "5 280"


@pytest.mark.parametrize(
    ("amount", "shown"),
    [(0, "$0.00"), (0.00001, "<$0.0001"), (0.0011, "$0.0011"), (0.012, "$0.012"), (0.31, "$0.31"),
     (1234.5, "$1 234.50"), (-0.21, "-$0.21")],
)  # fmt: skip
def test_dollars(amount: float, shown: str) -> None:
    assert number_format.usd(amount) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "00:00"), (1447, "24:07"), (3600, "1:00:00"), (86400 + 5000, "1 d 01:23"), (-3, "00:00")],
)
def test_lengths(seconds: float, shown: str) -> None:
    assert number_format.length(seconds) == shown


def test_the_clock_counts_from_the_opening() -> None:
    start = datetime(2026, 4, 4, 12, 38, tzinfo=UTC)
    assert number_format.clock(start, 200) == "12:41"
    assert number_format.clock(None, 200) == "03:20"


def test_plurals() -> None:
    assert number_format.plural(1, "turn") == "1 turn"
    assert number_format.plural(1400, "turn") == "1 400 turns"
    assert number_format.plural(3, "reply", "replies") == "3 replies"
