"""`tui-voice doctor`: what is missing on this machine, and the command that repairs it."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from tui_voice.audio.stderr_redirect import redirected_stderr
from tui_voice.cli.checkup import Finding, checks
from tui_voice.cli.flags import add_common, add_settings, settings_of
from tui_voice.cli.output import print_json
from tui_voice.config import Settings, user_path
from tui_voice.config.program_form import in_working_form
from tui_voice.errors import SettingsError


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "doctor",
        help="what is missing on this machine, and the command that repairs it",
        description="Checks what is missing on this machine, and prints the command that repairs "
        "it. Exit status 1 when a check failed.",
    )
    parser.add_argument("--json", action="store_true", help="print JSON for a program")
    parser.add_argument(
        "--online",
        action="store_true",
        help="also check whether the server can be reached and takes the key; it costs nothing",
    )
    parser.add_argument(
        "--sound",
        action="store_true",
        help="also play a tone, and measure how much of it the microphone captures",
    )
    parser.add_argument(
        "--report",
        metavar="FILE",
        help="write what a bug report needs to a new JSON file: no key, nothing that was said",
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
    if args.report is not None:
        _write_report(args, findings)
    failed = sum(one.status == "fail" for one in findings)
    if args.json:
        print_json({"checks": [one._asdict() for one in findings]})
    else:
        warned = sum(one.status == "warn" for one in findings)
        print(f"\n{len(findings) - failed - warned} ok, {warned} warnings, {failed} failed")
    return 1 if failed else 0


def _write_report(args: argparse.Namespace, findings: list[Finding]) -> None:
    from tui_voice.cli.bug_report import bug_report
    from tui_voice.store.export import write_new
    from tui_voice.store.secrets import Redactor

    try:
        settings = settings_of(args)
    except SettingsError:  # a check says why
        settings = Settings()
    text = json.dumps(bug_report(findings, settings), indent=2, ensure_ascii=False, default=str)
    path = user_path(args.report, "the path of --report")
    written = write_new(Redactor().text(text) + "\n", path, "tui-voice-report.json")
    print(f"The report is in {written}. Read it before you send it.", file=sys.stderr)


def _print(finding: Finding) -> None:
    detail = in_working_form(finding.detail)
    print(f"  {finding.status:4}  {finding.name:15}{detail}".rstrip())
    if finding.remedy:
        remedy = in_working_form(f"`{finding.remedy}`")[1:-1]
        print(f"  {'':21}> {remedy}")
