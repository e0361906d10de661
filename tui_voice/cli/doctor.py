"""`tui-voice doctor`: what is missing on this machine, and the command that repairs it."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from tui_voice.audio.stderr_redirect import redirected_stderr
from tui_voice.cli.checkup import Finding, checks
from tui_voice.cli.flags import add_common, add_settings
from tui_voice.cli.output import print_json


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "doctor",
        help="what is missing on this machine, and the command that repairs it",
        description="Checks what is missing on this machine, and prints the command that repairs "
        "it. Exit status 1 when a check failed.",
    )
    parser.add_argument("--json", action="store_true", help="print JSON for a program")
    parser.add_argument(
        "--online", action="store_true", help="also check whether the server can be reached"
    )
    parser.add_argument(
        "--sound",
        action="store_true",
        help="also play a tone, and measure how much of it the microphone captures",
    )
    add_settings(parser, "backend.kind")
    add_common(parser)


def run(args: argparse.Namespace) -> int:
    findings: list[Finding] = []
    for check in checks(args):
        with redirected_stderr():
            finding = check()
        findings.append(finding)
        if not args.json:
            _print(finding)
            sys.stdout.flush()  # the next check may take seconds
    failed = sum(one.status == "fail" for one in findings)
    if args.json:
        print_json({"checks": [one._asdict() for one in findings]})
    else:
        warned = sum(one.status == "warn" for one in findings)
        print(f"\n{len(findings) - failed - warned} ok, {warned} warnings, {failed} failed")
    return 1 if failed else 0


def _print(finding: Finding) -> None:
    print(f"  {finding.status:4}  {finding.name:15}{finding.detail}".rstrip())
    if finding.remedy:
        print(f"  {'':21}> {finding.remedy}")
