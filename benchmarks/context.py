"""Measures what a session costs under each policy: 15, 60 and 180 minutes, two models.

    python benchmarks/context.py [--cache-hit 0.5]

Goals: at 60 minutes `thrift` costs at most 1.15 times the floor with at least 10 verbatim
exchanges, and less than 1.3 times with a cache that misses half the time; `balanced` costs at most
1.4 times the floor; the third hour costs no more than the second. The floor is the cost of the
replies without any memory.
The session is the invented one of `tui-voice simulate`, with interrupted replies, late transcripts
and function calls.
"""

from __future__ import annotations

import argparse
import time
from itertools import pairwise

from benchmarks.figures import note
from tui_voice.conversation.limits import default_limits
from tui_voice.conversation.policies import POLICIES
from tui_voice.lab.exchanges import invented
from tui_voice.lab.policies import LAB_POLICIES
from tui_voice.lab.simulate import ASSUMPTIONS, Setup, SimulationResult, simulate

MODELS = ("gpt-realtime-2.1", "gpt-realtime-2.1-mini")
COMPARED = ("thrift", "textify", "balanced", "notebook", "none", "server")
MINUTES = (15, 60, 180)


def one(policy: str, model: str, minutes: int, hit: float) -> SimulationResult:
    limits = default_limits(model, policy)
    return simulate(invented(minutes / 60), limits, Setup(model=model, cache_hit=hit))


def third_hour(outcome: SimulationResult) -> float:
    """Return the cost of the third hour relative to the second, each divided by its own floor,
    since the hours differ in what happens.
    """
    until = [next(p for p in outcome.points if p.at >= h * 3600 - 30) for h in (1, 2, 3)]
    second, third = ((b.usd - a.usd) / (b.floor_usd - a.floor_usd) for a, b in pairwise(until))
    return third / second


def table(model: str, hit: float) -> dict[str, list[SimulationResult]]:
    print(f"\n{model}, cache found {hit:.0%} of the time")
    heads = "".join(f"{m:>5} min: $   floor" for m in MINUTES)
    print(f"{'policy':<10}{heads}   3rd hour   window  verbatim  prunings an hour")
    rows: dict[str, list[SimulationResult]] = {}
    for policy in COMPARED:
        found = rows[policy] = [one(policy, model, minutes, hit) for minutes in MINUTES]
        cells = "".join(f"{o.usd:>12.2f}  x{o.of_floor:>5.2f}" for o in found)
        hour, last = found[1], found[2]
        words = str(hour.verbatim_min) if hour.prunings or hour.truncations else "all"
        print(
            f"{policy:<10}{cells}{third_hour(last):>11.2f}{hour.mean_window:>9,.0f}{words:>15}"
            f"{hour.prunings or '':>18}"
        )
    for policy, found in rows.items():
        note(
            f"{policy}: 60 minutes, {model}, cache {hit:.0%}",
            found[1].usd,
            "USD",
            by="nothing pruned",
            other=rows["none"][1].usd,
        )
    return rows


def main() -> None:
    POLICIES.update(LAB_POLICIES)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache-hit", type=float, default=0.5, help="of the second tables")
    unsure = parser.parse_args().cache_hit
    began = time.perf_counter()
    goals: list[tuple[str, bool]] = []
    for model in MODELS:
        sure = table(model, 1.0)
        half = table(model, unsure)
        thrift, balanced = sure["thrift"], sure["balanced"]
        goals += [
            (
                f"{model}: thrift {thrift[1].of_floor:.2f} <= 1.15 with "
                f"{thrift[1].verbatim_min} >= 10 exchanges",
                thrift[1].of_floor <= 1.15 and thrift[1].verbatim_min >= 10,
            ),
            (f"{model}: balanced {balanced[1].of_floor:.2f} <= 1.4", balanced[1].of_floor <= 1.4),
            (
                f"{model}: thrift at {unsure:.0%} hits {half['thrift'][1].of_floor:.2f} < 1.3",
                half["thrift"][1].of_floor < 1.3,
            ),
            (
                f"{model}: third hour like the second (thrift {third_hour(thrift[2]):.2f}, "
                f"balanced {third_hour(balanced[2]):.2f})",
                max(abs(third_hour(o[2]) - 1) for o in (thrift, balanced)) < 0.03,
            ),
            (
                f"{model}: never truncated by the server",
                not any(o.truncations for o in (*thrift, *balanced)),
            ),
        ]
    print(f"\nAssumed: {'; '.join(ASSUMPTIONS)}.")
    print(f"{time.perf_counter() - began:.1f} s\n")
    for text, reached in goals:
        print(f"{'reached' if reached else 'MISSED ':<8} {text}")


if __name__ == "__main__":
    main()
