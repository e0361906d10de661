"""`tui-voice eval`: recall and cost with summaries on, off, textify only, server truncation."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tui_voice.cli.flags import add_common, add_settings, settings_of
from tui_voice.cli.table import columns, print_json
from tui_voice.errors import UsageError

STYLES = ("structured", "paragraph", "bullets", "json", "minutes")


def add_parser(commands: Any) -> None:
    """Registers the command with argparse's subparsers."""
    parser = commands.add_parser(
        "eval",
        help="what the model still knows after pruning, and what that costs",
        description="Plants facts in talks, prunes them in several ways, asks for the facts, and "
        "shows recall and cost side by side. With a key it spends real money: say how much talk "
        "you want with --exchanges.",
    )
    parser.add_argument("--exchanges", type=int, default=20, metavar="N", help="(%(default)s)")
    parser.add_argument(
        "--at", type=int, default=800, metavar="TOKENS", help="prune from here on (%(default)s)"
    )
    parser.add_argument(
        "--style", action="append", choices=STYLES, help="style of summaries; may be repeated"
    )
    parser.add_argument(
        "--language", default="same", help="language of summaries, such as French (%(default)s)"
    )
    parser.add_argument("--only", metavar="WORDS", help="only arms whose name holds these words")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="keep the talks there")
    parser.add_argument("--json", action="store_true", help="for programs")
    add_settings(parser)
    add_common(parser)


def run(args: argparse.Namespace) -> int:
    """Exit status 0 when every arm could be run, whatever it recalled."""
    from tui_voice.runtime.evaluation import arms, run_arm

    if args.exchanges < 1 or args.at < 100:
        raise UsageError("--exchanges must be at least 1, and --at at least 100 tokens.")
    settings = settings_of(args)
    chosen = [
        replace(arm, language=args.language)
        for arm in arms(
            args.at,
            4 if settings.context.keep is None else settings.context.keep,
            args.style or ["structured"],
        )
        if not args.only or args.only in arm.name
    ]
    if not chosen:
        raise UsageError(f"No arm is called “{args.only}”.", "Leave --only out to see them all.")
    outcomes = []
    with TemporaryDirectory(prefix="tui-voice-eval-") as passing:
        for arm in chosen:
            print(f"{arm.name} …", file=sys.stderr, flush=True)
            folder = args.folder or Path(passing)
            outcomes.append(run_arm(arm, settings, folder, args.exchanges))
    if args.json:
        print_json([asdict(outcome) for outcome in outcomes])
        return 0
    rows = [("", "recalled", "prunings", "peak", "at the end", "read in all", "USD")]
    for outcome in outcomes:
        rows.append(
            (
                outcome.arm.name,
                f"{outcome.recalled} of {outcome.facts}",
                str(outcome.prunings),
                f"{outcome.peak_window:,}".replace(",", " "),
                f"{outcome.final_window:,}".replace(",", " "),
                f"{outcome.input_tokens:,}".replace(",", " "),
                f"{outcome.usd:.4f}",
            )
        )
    print(columns(rows))
    for outcome in outcomes:
        if outcome.missed:
            print(f"  {outcome.arm.name} missed: {'; '.join(outcome.missed)}")
    return 0
