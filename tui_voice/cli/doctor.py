"""`tui-voice doctor`: what is missing on this machine, and the command that mends it."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from tui_voice.audio.stderr_redirect import keep_terminal
from tui_voice.cli.checkup import Check, checks
from tui_voice.cli.flags import add_common, add_settings
from tui_voice.cli.table import print_json


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "doctor",
        help="what is missing on this machine, and the command that mends it",
        description="What is missing on this machine, and the command that mends it. "
        "Exit status 1 when something must be mended.",
    )
    parser.add_argument("--json", action="store_true", help="for a program to read")
    parser.add_argument(
        "--online", action="store_true", help="also try whether the server can be reached"
    )
    add_settings(parser, "backend.kind")
    add_common(parser)


def run(args: argparse.Namespace) -> int:
    found: list[Check] = []
    for check in checks(args):
        with keep_terminal():
            result = check()
        found.append(result)
        if not args.json:
            _print(result)
            sys.stdout.flush()  # hashing and devices take a moment: show what is known
    failed = sum(check.status == "fail" for check in found)
    if args.json:
        print_json({"checks": [check._asdict() for check in found]})
    else:
        warned = sum(check.status == "warn" for check in found)
        print(f"\n{len(found) - failed - warned} fine, {warned} to know, {failed} to mend")
    return 1 if failed else 0


def _print(check: Check) -> None:
    print(f"  {check.status:4}  {check.name:15}{check.detail}".rstrip())
    if check.remedy:
        print(f"  {'':21}> {check.remedy}")
