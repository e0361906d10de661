"""`tui-voice eval`: recall and cost with summaries, without, and with the server's truncation."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from tui_voice.cli import registry
from tui_voice.cli.arguments import number
from tui_voice.cli.eval_questions import add_flags, run_questions
from tui_voice.cli.flags import ENGINES, add_common, add_settings, settings_of
from tui_voice.cli.output import print_json
from tui_voice.cli.table import table, terminal_width
from tui_voice.config import Settings, user_path
from tui_voice.errors import UsageError
from tui_voice.languages import is_spoken_language
from tui_voice.runtime.summary_styles import DEFAULT_STYLE
from tui_voice.ui.number_format import spaced

if TYPE_CHECKING:
    from tui_voice.lab.evaluation import EvaluationResult, Memory

_SETTINGS = ("backend.kind", "backend.model", "backend.voice", *ENGINES, "audio.text_only")
"""The settings that have a flag here; those of the window are varied by the command itself."""
_LEGEND = (
    "recalled: facts that the model still knew; peak and end: tokens in the window; read: "
    "thousands of input tokens over the whole session. Below: median seconds to the first sound "
    "of a reply (with --text: to its first words), to its end, and to write a pruning's text."
)
_SHOWN = 320
"""Longest part of a summary that is printed, in characters."""


def add_parser(commands: Any) -> None:
    """Registers the command with argparse's subparsers."""
    styles, policies = tuple(registry.summary_styles()), tuple(registry.summarising_policies())
    parser = commands.add_parser(
        "eval",
        help="what the model still knows after pruning, and what that costs",
        description="Mentions ten facts in a session, prunes it, asks for the facts, and shows "
        "recall and cost side by side: nothing pruned, textify only, the server's own truncation, "
        "and summaries. --at, --keep, --style, --language and --policy may be given several "
        "times: each combination is a session of its own. With an API key this costs real money: "
        "--exchanges and --only limit how much.",
    )
    add = parser.add_argument
    add(
        "--exchanges",
        type=number(int, 1, 10_000),
        default=20,
        metavar="N",
        help="exchanges in a session (20)",
    )
    add(
        "--at",
        type=number(int, 100, 1_000_000),
        action="append",
        metavar="TOKENS",
        help="tokens from which turns are pruned (800 and 1600)",
    )
    add(
        "--keep",
        type=number(int, 0, 10_000),
        action="append",
        metavar="N",
        help="newest turns that stay (4)",
    )
    add("--style", action="append", choices=styles, help="form of the summaries (structured)")
    add(
        "--language",
        action="append",
        metavar="NAME",
        help="language of the summaries, such as French (that of the session); the language that "
        "the model really used is measured",
    )
    add("--policy", action="append", choices=policies, help="a policy that summarises (balanced)")
    add("--summary-url", metavar="URL", help="a chat server of yours that writes the summaries")
    add("--only", metavar="WORDS", help="only sessions whose name contains these words")
    add("--folder", metavar="DIR", help="keep the sessions in this folder")
    add("--json", action="store_true", help="print JSON for a program")
    add_flags(parser)
    add_settings(parser, *_SETTINGS)
    add_common(parser)


def run(args: argparse.Namespace) -> int:
    """Runs the sessions and prints the results. Exit status 0, also where facts were lost."""
    from tui_voice.lab.evaluation import arms, run_arm

    ats, keeps = args.at or [800, 1600], args.keep or [4]
    settings = _settings(args)
    if args.questions is not None or args.import_chat is not None:
        return run_questions(args, settings)
    chosen = [
        arm
        for arm in arms(
            ats,
            keeps,
            args.style or [DEFAULT_STYLE],
            args.language or ["same"],
            args.policy or ["balanced"],
        )
        if not args.only or args.only.casefold() in arm.name.casefold()
    ]
    if not chosen:
        raise UsageError(f"No session is called “{args.only}”.", "Leave --only out to see all.")
    outcomes = []
    kept = None if args.folder is None else user_path(args.folder, "the folder of --folder")
    with TemporaryDirectory(prefix="tui-voice-eval-") as temporary:
        for number, arm in enumerate(chosen, 1):
            print(f"{number} of {len(chosen)}: {arm.name} …", file=sys.stderr, flush=True)
            folder = kept or Path(temporary)
            outcomes.append(run_arm(arm, settings, folder, args.exchanges))
    if args.json:
        print_json([asdict(outcome) for outcome in outcomes])
        return 0
    print(report(outcomes))
    return 0


def report(outcomes: Sequence[EvaluationResult]) -> str:
    """Returns two tables with a row for each session, and below them remarks on some of them."""
    return "\n".join([_table(outcomes), "", _times(outcomes), *_remarks(outcomes)])


def _settings(args: argparse.Namespace) -> Settings:
    settings = settings_of(args)
    if not args.summary_url:
        return settings
    if not args.summary_url.startswith(("http://", "https://")):
        raise UsageError("--summary-url takes an address that begins with http:// or https://.")
    return replace(settings, summary=replace(settings.summary, by="url", url=args.summary_url))


def _table(outcomes: Sequence[EvaluationResult]) -> str:
    """Returns one row for each session; a long name is wrapped where the terminal is narrow."""
    head = ("session", "recalled", "prunings", "peak", "end", "read", "USD")
    rows = [
        (
            outcome.arm.name,
            f"{outcome.recalled} of {outcome.facts}",
            str(outcome.prunings),
            spaced(outcome.peak_window),
            spaced(outcome.final_window),
            spaced(round(outcome.input_tokens / 1000)) + "k",
            f"{outcome.usd:.4f}",
        )
        for outcome in outcomes
    ]
    return table([head, *rows], right=range(1, 7), flexible=0)


def _times(outcomes: Sequence[EvaluationResult]) -> str:
    rows = [
        (
            outcome.arm.name,
            *(
                "-" if seconds is None else f"{seconds:.2f}"
                for seconds in (
                    outcome.seconds.first_sound,
                    outcome.seconds.reply,
                    outcome.seconds.summary,
                )
            ),
        )
        for outcome in outcomes
    ]
    head = ("seconds", "first sound", "whole reply", "memory")
    return table([head, *rows], right=range(1, 4), flexible=0)


def _remarks(outcomes: Sequence[EvaluationResult]) -> list[str]:
    """Returns the lines below the table: what the columns mean, and remarks on sessions.

    A remark is made on the last summary where a language was chosen or the summary is not as
    wanted, on prunings that failed, and on facts that were not recalled.
    """
    lines = ["", *_wrapped(_LEGEND, "  ")]
    for outcome in outcomes:
        memory, asked = outcome.memory, outcome.arm.language
        remarks: list[str] = []
        if memory is not None and (memory.shortfall or not is_spoken_language(asked)):
            remarks += _about_summary(memory, asked)
        elif memory is None and not is_spoken_language(asked):
            remarks.append("summary: none was written; lower --at, or raise --exchanges")
        if outcome.failed_prunings:
            remarks.append(f"{outcome.failed_prunings} prunings failed and were tried again")
        if outcome.missed:
            remarks.append(f"missed: {'; '.join(outcome.missed)}")
        if remarks:
            lines += ["", f"  {outcome.arm.name}"]
            lines += [line for text in remarks for line in _wrapped(text)]
    return lines


def _about_summary(memory: Memory, asked: str) -> list[str]:
    got = memory.language or "too little text to tell"
    held = "the server holds it verbatim" if memory.held else "the server does NOT hold it"
    language = f"language: asked {asked}, got {got}" if not is_spoken_language(asked) else ""
    words = " ".join(memory.text.split())
    if len(words) > _SHOWN:
        words = words[:_SHOWN].rsplit(" ", 1)[0] + " …"
    instead = f"not as wanted: {memory.passed_over}" if memory.passed_over else ""
    found = [language, f"by {memory.by}; {held}", instead, f"“{words}”"]
    if memory.shortfall and not language:
        found.insert(0, f"the summary is {memory.shortfall}")
    return [text for text in found if text]


def _wrapped(text: str, indent: str = "    ") -> list[str]:
    width = min(100, terminal_width() or 80)
    return textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=indent + "  ")
