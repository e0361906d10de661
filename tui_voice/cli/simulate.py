"""`tui-voice simulate`: window and cost of a session under given limits, without a server."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any

from tui_voice.cli import registry
from tui_voice.cli.arguments import find_session, number
from tui_voice.cli.flags import add_common, sessions_dir_of, settings_of
from tui_voice.cli.output import print_json, print_styled
from tui_voice.cli.table import table
from tui_voice.conversation import prices
from tui_voice.conversation.kept_audio import RELIABLE_HIT_RATE
from tui_voice.conversation.limits import Limits, check_limits, default_limits
from tui_voice.errors import UsageError
from tui_voice.lab import exchanges as ex
from tui_voice.lab import simulate as sim

LONGEST_HOURS = 24.0
PLOTTED = 400
"""Most points of a curve: a terminal cannot show more."""


def add_parser(subparsers: Any) -> None:
    """Registers the command with argparse's subparsers."""
    policies = tuple(registry.policies())
    parser = subparsers.add_parser(
        "simulate",
        help="window and cost of a session under given limits",
        description="Runs a saved session, or an invented one, under several policies against a "
        "fake server that only counts tokens, and shows window and cost side by side. Nothing is "
        "sent anywhere.",
        epilog="policies: " + ", ".join(policies),
    )
    parser.add_argument(
        "ids", nargs="*", metavar="ID", help="saved sessions; none: an invented one"
    )
    parser.add_argument(
        "--hours",
        type=number(float, 0.01, LONGEST_HOURS),
        metavar="H",
        help="its length in hours (default 1; a saved session is repeated to that length)",
    )
    parser.add_argument(
        "--policy",
        action="append",
        choices=policies,
        metavar="P",
        help="only this; may be repeated",
    )
    parser.add_argument("--model", metavar="M", help="the model whose prices and window apply")
    parser.add_argument(
        "--trigger",
        type=number(int, 1, 1_000_000),
        metavar="N",
        help="tokens from which turns are pruned (default: what costs least)",
    )
    parser.add_argument(
        "--keep",
        type=number(int, 0, 10_000),
        metavar="N",
        help="how many of the newest turns stay",
    )
    parser.add_argument(
        "--cache-hit",
        type=number(float, 0.0, 1.0),
        default=1.0,
        metavar="X",
        help="share of replies for which the prompt cache works, 0-1 (default 1)",
    )
    parser.add_argument(
        "--seed",
        type=number(int, 0, 1_000_000),
        default=1,
        metavar="N",
        help="seed of an invented session: which replies are cut short, which transcripts are "
        "late, which questions call a function (default 1); 0: none of these",
    )
    parser.add_argument(
        "--user", type=number(float, 0.1, 600), default=8.0, metavar="S", help=argparse.SUPPRESS
    )
    parser.add_argument(
        "--reply", type=number(float, 0.1, 600), default=12.0, metavar="S", help=argparse.SUPPRESS
    )
    parser.add_argument("--json", action="store_true", help="print JSON for a program")
    add_common(parser)


def run(args: argparse.Namespace) -> int:
    settings = settings_of(args)
    price_table = prices.merge(prices.PRICES, settings.cost.prices)
    model = args.model or settings.backend.model
    if price_table.find(model) is None:
        known = [name for name, one in price_table.models.items() if one.audio_in]
        raise UsageError(
            f"The price of {model} is not known.",
            f"Known: {', '.join(known)}. Others can be added as [cost.prices] in the settings.",
        )
    limits = [
        _limits(args, policy, model, price_table) for policy in args.policy or registry.policies()
    ]
    setup = sim.Setup(
        model=model,
        transcriber=settings.backend.transcription_model,
        writer=settings.summary.model,
        cache_hit=args.cache_hit,
        table=price_table,
    )
    sessions = _sessions(args)
    found = {name: sim.compare(exchanges, limits, setup) for name, exchanges in sessions.items()}
    if args.json:
        print_json(
            [
                row | {"assumptions": list(sim.ASSUMPTIONS)}
                for name, rows in found.items()
                for row in [
                    *(_row(name, one) for one in rows),
                    *([] if args.policy else [_live_row(name, rows[0])]),
                ]
            ]
        )
        return 0
    for name, rows in found.items():
        print(_heading(name, rows[0], args.cache_hit))
        print(_table(rows))
        print_styled(_plot(rows))
        print(_live_remark(rows))
    if args.cache_hit < RELIABLE_HIT_RATE:
        print(f"{sim.KEPT_AUDIO_REMARK}.")
    print(f"Assumed ({price_table.as_of}): " + ";\n  ".join(sim.ASSUMPTIONS) + ".")
    return 0


def _limits(
    args: argparse.Namespace, policy: str, model: str, price_table: prices.PriceTable
) -> Limits:
    limits = default_limits(model, policy, price_table, keep=args.keep)
    if args.trigger is not None:
        limits = replace(limits, trigger=args.trigger)
        # A comparison of all policies shows also those that these limits make useless.
        if args.policy and (wrong := check_limits(limits)):
            raise UsageError(f"With policy {policy}, {wrong}.")
    return limits


def _sessions(args: argparse.Namespace) -> dict[str, list[ex.Exchange]]:
    """Returns id → exchanges of each named session; without names, "" → invented exchanges."""
    if not args.ids:
        usual = ex.Exchange(
            round(args.user * 1000),
            max(1, round(args.user * 30 / 8)),
            round(args.reply * 1000),
            max(1, round(args.reply * 5)),
        )
        return {"": list(ex.invented(args.hours or 1.0, usual, args.seed))}
    from tui_voice.store.reading import load

    sessions = {}
    for wanted in args.ids:
        path = find_session(sessions_dir_of(args), wanted).path
        ledger = load(path).ledger
        # Sessions of two folders may have the same file name.
        name = str(path) if path.stem in sessions else path.stem
        sessions[name] = list(ex.exchanges_of(ledger, args.hours))
        if not sessions[name]:
            raise UsageError(f"{path.stem} has no reply, so there is nothing to simulate.")
    return sessions


def _row(name: str, one: sim.SimulationResult) -> dict[str, Any]:
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


def _live_row(name: str, one: sim.SimulationResult) -> dict[str, Any]:
    """Returns the row of GPT-Live: its server keeps the history, so it has no window to show."""
    row: dict[str, Any] = {
        "policy": sim.LIVE_POLICY,
        "model": sim.LIVE_MODEL,
        "hours": round(one.hours, 3),
        "usd": round(sim.live_usd(one), 4),
        "floor_usd": round(one.floor_usd, 4),
        "prunings": 0,
        "peak_window": None,
        "verbatim_min": None,
    }
    return {**row, "session": name} if name else row


def _live_remark(rows: Sequence[sim.SimulationResult]) -> str:
    """Returns when GPT-Live would cost less than each policy."""
    from_minute: dict[int, list[str]] = {}
    never: list[str] = []
    for one in rows:
        at = sim.live_is_cheaper_from(one)
        (never if at is None else from_minute.setdefault(round(at), [])).append(one.policy)
    cheaper = [
        f"{', '.join(policies)} from {f'minute {at} on' if at else 'the start'}"
        for at, policies in sorted(from_minute.items())
    ]
    than = f"less than {'; '.join(cheaper)}" if cheaper else "less than none of these"
    more = f"; more than {', '.join(never)}" if cheaper and never else ""
    return f"GPT-Live (${sim.LIVE_USD_PER_MINUTE:.2f} a minute) would cost {than}{more}."


def _heading(name: str, one: sim.SimulationResult, hit: float) -> str:
    session = f"session {name}" if name else "invented session"
    cache = "" if hit == 1 else f", cache works {hit:.0%} of the time"
    return (
        f"{session}, {one.hours * 60:.0f} minutes on {one.model}{cache}; "
        f"floor ${one.floor_usd:.2f} (no memory at all)"
    )


def _table(rows: Sequence[sim.SimulationResult]) -> str:
    head = ("policy", "USD", "of floor", "an hour", "prunings", "peak window", "verbatim")
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
    live = sim.live_usd(rows[0])
    cells.append(
        (
            sim.LIVE_POLICY,
            f"{live:.2f}",
            f"{live / rows[0].floor_usd:.2f}" if rows[0].floor_usd else "",
            f"{live / rows[0].hours:.2f}" if rows[0].hours else "",
            *("", "", ""),
        )
    )
    return table([head, *cells], right=(1, 2, 3, 4, 5))


def _verbatim(one: sim.SimulationResult) -> str:
    """Returns how many exchanges the model had verbatim when it had the fewest."""
    if not (one.prunings or one.truncations):
        return "all"
    return f"{one.verbatim_min} exchange{'s' * (one.verbatim_min != 1)}"


def _plot(rows: Sequence[sim.SimulationResult]) -> str:
    """Returns a plot of the window over time, one curve a policy, as wide as the terminal."""
    plotext: Any = import_module("plotext")  # it has no types
    width, _ = shutil.get_terminal_size()
    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    plotext.clear_figure()
    plotext.theme("pro" if coloured else "clear")
    plotext.plot_size(min(width, 110), 18)
    plotext.title("tokens in the window")
    plotext.xlabel("minutes")
    plotext.yscale("log")  # a window that is never pruned is fifty times as large
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


def _ticks(rows: Sequence[sim.SimulationResult]) -> list[int]:
    """Returns round numbers between the smallest and the largest window, in tokens."""
    sizes = [point.window for one in rows for point in one.points] or [1]
    steps = [round(step * 10**power) for power in range(7) for step in (1, 2, 5)]
    return [step for step in steps if min(sizes) <= step <= max(sizes)]
