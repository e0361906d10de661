"""The tables and the plot of `tui-voice sessions stats`."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from tui_voice.cli.table import table
from tui_voice.store.statistics import NO_DATE, Statistics, UsageSum
from tui_voice.store.text_normalization import printable

_HEAD = ("sessions", "replies", "input", "cached", "output", "USD")
_PLOTTED_DAYS = 30
"""The newest days that are plotted."""


def as_json(found: Statistics) -> dict[str, Any]:
    """Returns the sums as `--json` prints them."""
    return {
        "total": _record(found.total),
        **{
            f"by_{name}": [{name: key} | _record(one) for key, one in sums.items()]
            for name, sums in found.by.items()
        },
    }


def as_text(found: Statistics, names: Sequence[str]) -> str:
    """Returns a table for each of the names (day, model, profile), and a plot of USD a day."""
    parts = [_table(name, found.by[name], found.total) for name in names]
    days = {day: one.usd for day, one in found.by["day"].items() if day != NO_DATE}
    if "day" in names and len(days) > 1 and any(days.values()):
        newest = list(days.items())[-_PLOTTED_DAYS:]
        parts.insert(names.index("day") + 1, _plot(dict(newest)))
    if found.total.unknown:
        parts.append("*: the price of a model is not known, so the sum is too low.")
    return "\n\n".join(parts)


def _record(one: UsageSum) -> dict[str, Any]:
    return {
        "sessions": len(one.sessions),
        "replies": one.replies,
        "input_tokens": one.input,
        "cached_tokens": one.cached,
        "output_tokens": one.output,
        "usd": round(one.usd, 6),
        "usd_complete": not one.unknown,
    }


def _table(name: str, sums: Mapping[str, UsageSum], total: UsageSum) -> str:
    rows = [(printable(key), *_cells(one)) for key, one in sums.items()]
    return table([(name, *_HEAD), *rows, ("all", *_cells(total))], right=range(1, 7), indent=0)


def _cells(one: UsageSum) -> tuple[str, ...]:
    counts = (len(one.sessions), one.replies, one.input, one.cached, one.output)
    return (*(f"{count:,}" for count in counts), f"{one.usd:.4f}{'*' * one.unknown}")


def _plot(days: Mapping[str, float]) -> str:
    plotext: Any = import_module("plotext")  # it has no types
    width, _ = shutil.get_terminal_size()
    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    plotext.clear_figure()
    plotext.theme("pro" if coloured else "clear")
    plotext.plot_size(min(width, 110), 12)
    plotext.title("USD a day")
    plotext.bar(list(days), list(days.values()), marker="hd" if coloured else "#")
    built: str = plotext.build()
    return "\n".join(
        (line if coloured else plotext.uncolorize(line)).rstrip() for line in built.splitlines()
    )
