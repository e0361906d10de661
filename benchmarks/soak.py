"""Eight hours of talk in minutes: does the program grow, or leave anything behind?

Run: `python benchmarks/soak.py [--hours 8] [--exchanges 120] [--breaks 1] [--cap SECONDS]`. An
exchange every half minute makes 120 an hour; the server's sessions last `--cap` seconds, which is
to be about as long as an hour takes here. One talk over a real websocket with the embedded server
in a process of its own, with renewals, cut lines and prunings. The first hour warms up; growth is
told from its end on.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.runtime.soak_harness import Hour, left_behind, soak

MOST_GROWTH = 5 * 2**20
HEAD = (
    "hour exchanges renewals breaks prunings window turns tasks threads files "
    "held/MB rss/MB jsonl/MB"
)


def row(number: int, hour: Hour) -> str:
    cells = [
        number,
        *(hour.exchanges, hour.renewals, hour.breaks, hour.prunings, hour.window, hour.turns),
        *(hour.tasks, hour.threads, hour.files),
        *(f"{size / 2**20:.2f}" for size in (hour.held, hour.resident, hour.journal)),
    ]
    return " ".join(
        f"{cell!s:>{len(name)}}" for cell, name in zip(cells, HEAD.split(), strict=True)
    )


async def run(arguments: argparse.Namespace) -> list[Hour]:
    print(HEAD)
    told: list[Hour] = []
    with tempfile.TemporaryDirectory() as folder:
        async for hour in soak(
            Path(folder),
            hours=arguments.hours,
            exchanges=arguments.exchanges,
            breaks=arguments.breaks,
            cap_s=arguments.cap,
        ):
            told.append(hour)
            print(row(len(told), hour), flush=True)
    return told


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=int, default=8)
    parser.add_argument("--exchanges", type=int, default=120)
    parser.add_argument("--breaks", type=int, default=1)
    parser.add_argument("--cap", type=float, default=3.0)
    arguments = parser.parse_args()
    tracemalloc.start()
    began = time.monotonic()
    told = asyncio.run(run(arguments))
    first, last = told[0], told[-1]
    grown, left = last.held - first.held, left_behind(told)
    print(
        f"\n{len(told)} h in {time.monotonic() - began:.0f} s; growth since the first hour: "
        f"{grown / 2**20:.2f} MB of objects (goal: at most {MOST_GROWTH / 2**20:.0f}), "
        f"{(last.resident - first.resident) / 2**20:.2f} MB resident, "
        f"{left[0]} tasks, {left[1]} threads, {left[2]} descriptors left behind (goal: 0)"
    )
    return 1 if any(left) or grown > MOST_GROWTH else 0


if __name__ == "__main__":
    sys.exit(main())
