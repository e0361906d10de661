"""`tui-voice simulate`: what limits would make of a talk, before anybody pays for it."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any, TypeVar, get_args

from tui_voice.cli.flags import add_common, sessions_dir_of, settings_of
from tui_voice.cli.table import columns, print_json
from tui_voice.conversation import prices
from tui_voice.conversation.limits import Limits, Policy, check, default_limits
from tui_voice.errors import UsageError
from tui_voice.lab import exchanges as ex
from tui_voice.lab import simulate as sim

T = TypeVar("T", int, float)

POLICIES: tuple[Policy, ...] = get_args(Policy)
SHOWN: tuple[Policy, ...] = ("thrift", "balanced", "textify", "notebook", "none", "server")
"""In the table, unless `--policy` says which."""
LONGEST_HOURS = 24.0
PLOTTED = 400
"""Points of a curve, at most: a terminal shows no more."""


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "simulate",
        help="window and cost of a talk under given limits",
        description="Has a saved talk, or an invented one, under several policies, with a server "
        "that only weighs: window and cost side by side. Nothing is sent anywhere.",
        epilog="policies: " + ", ".join(POLICIES),
    )
    parser.add_argument("ids", nargs="*", metavar="ID", help="saved talks; none: an invented one")
    parser.add_argument(
        "--hours",
        type=_number(float, 0.01, LONGEST_HOURS),
        metavar="H",
        help="so long (an invented talk: 1; a saved one is said again until it is full)",
    )
    parser.add_argument(
        "--policy", action="append", choices=POLICIES, metavar="P", help="which; may be repeated"
    )
    parser.add_argument("--model", metavar="M", help="by whose prices and window")
    parser.add_argument(
        "--trigger",
        type=_number(int, 1, 1_000_000),
        metavar="N",
        help="tokens from which it is pruned (default: what costs least)",
    )
    parser.add_argument(
        "--keep", type=_number(int, 0, 10_000), metavar="N", help="newest turns that stay"
    )
    parser.add_argument(
        "--cache-hit",
        type=_number(float, 0.0, 1.0),
        default=1.0,
        metavar="X",
        help="share of replies that find the prompt cache as they should, 0-1 (default 1)",
    )
    parser.add_argument(
        "--seed",
        type=_number(int, 0, 1_000_000),
        default=1,
        metavar="N",
        help="of an invented talk: which replies are cut short, which transcripts late, where a "
        "function is called (default 1); 0: nowhere",
    )
    parser.add_argument(
        "--user", type=_number(float, 0.1, 600), default=8.0, metavar="S", help=argparse.SUPPRESS
    )
    parser.add_argument(
        "--reply", type=_number(float, 0.1, 600), default=12.0, metavar="S", help=argparse.SUPPRESS
    )
    parser.add_argument("--json", action="store_true", help="for a program to read")
    add_common(parser)


def run(args: argparse.Namespace) -> int:
    settings = settings_of(args)
    table = prices.merge(prices.PRICES, settings.cost.prices)
    model = args.model or settings.backend.model
    if table.find(model) is None:
        known = [name for name, one in table.models.items() if one.audio_in]
        raise UsageError(
            f"The price of {model} is not known.",
            f"Known: {', '.join(known)}. Others can be given as [cost.prices] in the settings.",
        )
    limits = [_limits(args, policy, model, table) for policy in args.policy or SHOWN]
    setup = sim.Setup(
        model=model,
        transcriber=settings.backend.transcription_model,
        writer=settings.summary.model,
        cache_hit=args.cache_hit,
        table=table,
    )
    talks = _talks(args)
    found = {name: sim.compare(exchanges, limits, setup) for name, exchanges in talks.items()}
    if args.json:
        print_json([_row(name, one) for name, rows in found.items() for one in rows])
        return 0
    for name, rows in found.items():
        print(_heading(name, rows[0], args.cache_hit))
        print(_table(rows))
        print(_plot(rows))
    print(f"Assumed ({table.as_of}): " + ";\n  ".join(sim.ASSUMPTIONS) + ".")
    return 0


def _limits(
    args: argparse.Namespace, policy: Policy, model: str, table: prices.PriceTable
) -> Limits:
    limits = default_limits(model, policy, table, keep=args.keep)
    if args.trigger is not None:
        limits = replace(limits, trigger=args.trigger)
        # For comparison, all policies of the table are had; only one asked for must make sense.
        if args.policy and (wrong := check(limits)):
            raise UsageError(f"With policy {policy}, {wrong}.")
    return limits


def _talks(args: argparse.Namespace) -> dict[str, list[ex.Exchange]]:
    """Name → what was said: of the saved talks named, or of an invented one (no name)."""
    if not args.ids:
        usual = ex.Exchange(
            round(args.user * 1000),
            max(1, round(args.user * 30 / 8)),
            round(args.reply * 1000),
            max(1, round(args.reply * 5)),
        )
        return {"": list(ex.invented(args.hours or 1.0, usual, args.seed))}
    from tui_voice.store.catalog import find
    from tui_voice.store.reading import load

    talks = {}
    for wanted in args.ids:
        path = find(sessions_dir_of(args), wanted).path
        ledger = load(path).ledger
        talks[path.stem] = list(ex.exchanges_of(ledger, args.hours))
        if not talks[path.stem]:
            raise UsageError(f"In {path.stem} nothing was answered, so there is nothing to weigh.")
    return talks


def _row(name: str, one: sim.Outcome) -> dict[str, Any]:
    row: dict[str, Any] = {
        "policy": one.policy,
        "model": one.model,
        "hours": round(one.hours, 3),
        "usd": round(one.usd, 4),
        "floor_usd": round(one.floor_usd, 4),
        "prunings": one.prunings,
        "peak_window": one.peak_window,
        "verbatim_min": one.verbatim_min,
        "mean_window": round(one.mean_window),
        "truncations": one.truncations,
    }
    return {**row, "session": name} if name else row


def _heading(name: str, one: sim.Outcome, hit: float) -> str:
    talk = f"talk {name}" if name else "invented talk"
    cache = "" if hit == 1 else f", cache found {hit:.0%} of the time"
    return (
        f"{talk}, {one.hours * 60:.0f} minutes on {one.model}{cache}; "
        f"floor ${one.floor_usd:.2f} (no memory at all)"
    )


def _table(rows: Sequence[sim.Outcome]) -> str:
    head = ("policy", "USD", "of floor", "an hour", "prunings", "peak window", "word for word")
    cells = [
        (
            one.policy,
            f"{one.usd:.2f}",
            f"{one.of_floor:.2f}",
            f"{one.usd / one.hours:.2f}" if one.hours else "",
            str(one.prunings or one.truncations or ""),
            f"{one.peak_window:,}",
            _verbatim(one),
        )
        for one in sorted(rows, key=lambda one: one.usd)
    ]
    return columns([head, *cells])


def _verbatim(one: sim.Outcome) -> str:
    if not (one.prunings or one.truncations):
        return "all"
    return f"{one.verbatim_min} exchange{'s' * (one.verbatim_min != 1)}"


def _plot(rows: Sequence[sim.Outcome]) -> str:
    """The window over time, one curve a policy, as wide as the terminal."""
    plotext: Any = import_module("plotext")  # it has no types
    width, _ = shutil.get_terminal_size()
    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    plotext.clear_figure()
    plotext.theme("pro" if coloured else "clear")
    plotext.plot_size(min(width, 110), 18)
    plotext.title("tokens in the window")
    plotext.xlabel("minutes")
    plotext.yscale("log")  # what nobody prunes is fifty times what somebody does
    ticks = _ticks(rows)
    plotext.yticks(ticks, [f"{tick:,}" for tick in ticks])
    for one, marker in zip(rows, "●○▲△■□", strict=False):
        step = len(one.points) // PLOTTED + 1
        points = one.points[::step]
        plotext.plot(
            [point.at / 60 for point in points],
            [point.window for point in points],
            label=one.policy,
            marker="braille" if coloured else marker,
        )
    built: str = plotext.build()
    return "\n".join(
        (line if coloured else plotext.uncolorize(line)).rstrip() for line in built.splitlines()
    )


def _ticks(rows: Sequence[sim.Outcome]) -> list[int]:
    """Round figures between the smallest and the largest window."""
    sizes = [point.window for one in rows for point in one.points] or [1]
    steps = [round(step * 10**power) for power in range(7) for step in (1, 2, 5)]
    return [step for step in steps if min(sizes) <= step <= max(sizes)]


def _number(kind: type[T], low: T, high: T) -> Callable[[str], T]:
    """A number in bounds; argparse tells the user what is wrong."""

    def read(text: str) -> T:
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is no number from {low} to {high}")
        return value

    return read
