"""Runs eight hours of a session in minutes and measures whether the process grows.

    python benchmarks/soak.py [--hours 8] [--exchanges 120] [--breaks 1] [--cap SECONDS]

120 exchanges an hour are one every 30 s. The embedded server runs in a process of its own; its
sessions end after `--cap` seconds, which should be about as long as an hour takes here. There are
handovers, broken connections and prunings. The first hour warms up; growth is measured from its
end on.
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
from tui_voice.conversation.policies import POLICIES
from tui_voice.lab.policies import LAB_POLICIES

MAX_GROWTH = 5 * 2**20
HEAD = (
    "hour exchanges handovers breaks prunings window turns tasks threads files "
    "held/MB rss/MB jsonl/MB"
)


def row(number: int, hour: Hour) -> str:
    cells = [
        number,
        *(hour.exchanges, hour.handovers, hour.breaks, hour.prunings, hour.window, hour.turns),
        *(hour.tasks, hour.threads, hour.files),
        *(f"{size / 2**20:.2f}" for size in (hour.held, hour.resident, hour.journal)),
    ]
    return " ".join(
        f"{cell!s:>{len(name)}}" for cell, name in zip(cells, HEAD.split(), strict=True)
    )


async def run(arguments: argparse.Namespace) -> list[Hour]:
    print(HEAD)
    hours: list[Hour] = []
    with tempfile.TemporaryDirectory() as folder:
        async for hour in soak(
            Path(folder),
            hours=arguments.hours,
            exchanges=arguments.exchanges,
            breaks=arguments.breaks,
            cap_s=arguments.cap,
        ):
            hours.append(hour)
            print(row(len(hours), hour), flush=True)
    return hours


def main() -> int:
    POLICIES.update(LAB_POLICIES)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=int, default=8)
    parser.add_argument("--exchanges", type=int, default=120)
    parser.add_argument("--breaks", type=int, default=1)
    parser.add_argument("--cap", type=float, default=3.0)
    arguments = parser.parse_args()
    tracemalloc.start()
    began = time.monotonic()
    hours = asyncio.run(run(arguments))
    first, last = hours[0], hours[-1]
    growth, left = last.held - first.held, left_behind(hours)
    print(
        f"\n{len(hours)} h in {time.monotonic() - began:.0f} s; growth since the first hour: "
        f"{growth / 2**20:.2f} MB of objects (goal: at most {MAX_GROWTH / 2**20:.0f}), "
        f"{(last.resident - first.resident) / 2**20:.2f} MB resident, "
        f"{left[0]} tasks, {left[1]} threads, {left[2]} descriptors left behind (goal: 0)"
    )
    return 1 if any(left) or growth > MAX_GROWTH else 0


if __name__ == "__main__":
    sys.exit(main())
