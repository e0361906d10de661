"""Numbers and times as the screen shows them."""

from __future__ import annotations

from datetime import datetime, timedelta


def spaced(number: int) -> str:
    """`9820` → `9 820`."""
    return f"{number:,}".replace(",", " ")


def tokens(number: int, *, exact: bool = True) -> str:
    """Returns a number of tokens; `≈` marks an estimate."""
    return spaced(number) if exact else f"≈{spaced(number)}"


def usd(amount: float) -> str:
    """Returns dollars with two decimals from ten cents on, three below, four below one cent."""
    if amount == 0:
        return "$0.00"
    size = abs(amount)
    if size < 0.00005:
        return "<$0.0001"
    digits = 2 if size >= 0.0995 else 3 if size >= 0.00995 else 4
    return f"{'-' if amount < 0 else ''}${size:,.{digits}f}".replace(",", " ")


def length(seconds: float) -> str:
    """`24:07`, from an hour on `1:24:07`, from a day on `2 d 01:24`."""
    whole = max(0, int(seconds))
    days, hours, minutes = whole // 86400, whole % 86400 // 3600, whole % 3600 // 60
    if days:
        return f"{days} d {hours:02}:{minutes:02}"
    if hours:
        return f"{hours}:{minutes:02}:{whole % 60:02}"
    return f"{minutes:02}:{whole % 60:02}"


def clock(started: datetime | None, at: float) -> str:
    """Returns the wall time of second `at` of the session, `12:41`; without a start, `03:20`."""
    if started is None:
        return length(at)
    return f"{started + timedelta(seconds=at):%H:%M}"


def plural(number: int, one: str, many: str = "") -> str:
    """`1 turn`, `14 turns`; `3 replies` where `many` is given."""
    return f"{spaced(number)} {one if number == 1 else many or one + 's'}"
