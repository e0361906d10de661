"""Runs the benchmarks and writes their figures as one table, `docs/benchmarks.md`.

    python -m benchmarks [NAME…] [--all] [--minutes 12]

Without names it runs those that take seconds or a few minutes; `--all` adds the long ones. Each is
a process of its own, with a time limit. The table is written after each of them, so one that fails
costs its own rows only. Figures of the last table are the column *before*; those of benchmarks that
did not run now stay. Run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.figures import FILE_VARIABLE

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "docs" / "benchmarks.md"
HEAD = "| benchmark | what | median | before | compared with | its median | ratio |"
VERSIONS = ("textual", "numpy", "websockets", "msgspec", "openai", "onnxruntime", "xllamacpp")


@dataclass(frozen=True)
class Part:
    """A benchmark as it is run here. `usual`: also without its name."""

    arguments: tuple[str, ...] = ()
    usual: bool = True


PARTS = {
    "wire": Part(),
    "context": Part(),
    "screen": Part(("--runs", "5")),
    "latency": Part(("--rounds", "5", "--silence-ms", "500")),
    "sound": Part(),
    "server": Part(("--quick",)),
    "store": Part(("--turns", "20000")),
    "recall": Part(),
    "uncertain_words": Part(),
    "holes": Part(("--seconds", "60"), usual=False),
    "neighbours": Part(("--runs", "3"), usual=False),
    "turn_ends": Part(usual=False),
    "wordless_sounds": Part(usual=False),
    "spoken_turns": Part(usual=False),
    "soak": Part(usual=False),
}
"""By name, in the order in which they run."""


def main() -> int:
    """Returns 1 where a benchmark failed, else 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(PARTS))
    parser.add_argument("--all", action="store_true", help="also the long ones")
    parser.add_argument("--minutes", type=float, default=12.0, help="for all of them (12)")
    parser.add_argument("--table", type=Path, default=TABLE, help="the file that is written")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - PARTS.keys():
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}")
    names = chosen.names or [name for name, one in PARTS.items() if one.usual or chosen.all]
    earlier = earlier_rows(chosen.table)
    rows = {name: list(lines) for name, lines in earlier.items()}
    deadline = time.monotonic() + chosen.minutes * 60
    failed = False
    for name in names:
        figures, fault = run(name, deadline - time.monotonic())
        before = {cells[1]: cells[2] for cells in earlier.get(name, [])}
        rows[name] = [cells_of(name, figure, before) for figure in figures]
        if fault:
            rows[name].append([name, fault, *[""] * 5])
            failed = True
        write(chosen.table, rows)
    return int(failed)


def run(name: str, seconds: float) -> tuple[list[dict[str, Any]], str]:
    """Runs one benchmark; returns its figures, and what went wrong, "" where nothing did."""
    print(f"── {name}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder, "figures")
        command = [sys.executable, "-m", f"benchmarks.{name}", *PARTS[name].arguments]
        fault = ""
        try:
            done = subprocess.run(
                command,
                cwd=ROOT,
                env=os.environ | {FILE_VARIABLE: str(kept)},
                timeout=max(1.0, seconds),
                check=False,
            )
            fault = f"failed with status {done.returncode}" if done.returncode else ""
        except subprocess.TimeoutExpired:
            fault = "stopped: no time was left"
        lines = kept.read_text(encoding="utf-8").splitlines() if kept.exists() else []
    return [json.loads(line) for line in lines], fault


def cells_of(name: str, figure: dict[str, Any], before: dict[str, str]) -> list[str]:
    what = figure["what"].replace("|", "/")
    value, other, unit = figure["value"], figure["other"], figure["unit"]
    cells = [name, what, shown(value, unit), before.get(what, ""), figure["by"]]
    if other is None or isinstance(value, str):
        return [*cells, "", ""]
    return [*cells, shown(other, unit), f"{other / value:.2f}" if value else ""]


def shown(value: float | str, unit: str) -> str:
    if isinstance(value, str):
        return " ".join(value.split())
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:.{digits}f} {unit}".strip()


def earlier_rows(table: Path) -> dict[str, list[list[str]]]:
    """Returns the rows of the table that was written last, by benchmark."""
    found: dict[str, list[list[str]]] = {}
    if table.exists():
        for line in table.read_text(encoding="utf-8").splitlines():
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if line.startswith("|") and cells[0] in PARTS:
                found.setdefault(cells[0], []).append(cells)
    return found


def write(table: Path, rows: dict[str, list[list[str]]]) -> None:
    """Writes the document."""
    versions = ", ".join(f"{name} {version(name)}" for name in VERSIONS)
    lines = [
        "# Benchmarks",
        "",
        "Written by `uv run --all-extras python -m benchmarks`. Each figure is a median unless it",
        "says otherwise. *Before* is the figure of the table before this one; the ratio is the",
        "alternative's median by ours: above 1, ours is smaller.",
        "",
        f"{datetime.now().astimezone():%Y-%m-%d %H:%M} · {machine()} · Python "
        f"{platform.python_version()} · {versions}",
        "",
        HEAD,
        "|---|---|---|---|---|---|---|",
        *(f"| {' | '.join(cells)} |" for name in PARTS for cells in rows.get(name, [])),
        "",
    ]
    table.write_text("\n".join(lines), encoding="utf-8")


def machine() -> str:
    """Returns the processor, its number of cores and the load, for example
    `x86_64, 2 cores, load 0.1`.
    """
    cpu = platform.machine()
    about = Path("/proc/cpuinfo")
    if about.exists():
        names = [one for one in about.read_text().splitlines() if one.startswith("model name")]
        cpu = names[0].partition(":")[2].strip() if names else cpu
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{platform.system()}, {cpu}, {os.cpu_count()} cores{load}"


if __name__ == "__main__":
    sys.exit(main())
