"""Keeps the figures of one benchmark for the table that `python -m benchmarks` writes."""

from __future__ import annotations

import json
import os

FILE_VARIABLE = "BENCHMARK_FIGURES"
"""Name of the environment variable with the file to which figures are appended."""


def note(
    what: str, value: float | str, unit: str = "", *, by: str = "", other: float | None = None
) -> None:
    """Keeps a median, or a text with its units.

    `by`: the name of the alternative that it is compared with; `other`: its median in the same
    unit. Where no table is written, nothing happens.
    """
    if path := os.environ.get(FILE_VARIABLE):
        row = {"what": what, "value": value, "unit": unit, "by": by, "other": other}
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
