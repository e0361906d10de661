"""`tui-voice eval`: recall and cost with summaries on, off, textify only, server truncation."""

from __future__ import annotations

import argparse
import shutil
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from tui_voice.cli.flags import ENGINES, add_common, add_settings, settings_of
from tui_voice.cli.table import columns, print_json
from tui_voice.config import Settings
from tui_voice.errors import UsageError
from tui_voice.languages import is_spoken_language
from tui_voice.runtime.summary_styles import DEFAULT_STYLE, SUMMARY_STYLES

if TYPE_CHECKING:
    from tui_voice.lab.evaluation import Memory, Outcome

POLICIES = ("balanced", "thrift", "notebook")
_OURS = ("backend.kind", "backend.model", "backend.voice", *ENGINES, "audio.text_only")
"""Settings that matter here; those of the window are what is varied."""
_LEGEND = (
    "recalled: facts told again when asked; peak and end: tokens in the window; read: thousands "
    "of input tokens over the whole talk."
)
_SHOWN = 320
"""Characters of a summary that are printed."""


def add_parser(commands: Any) -> None:
    """Registers the command with argparse's subparsers."""
    parser = commands.add_parser(
        "eval",
        help="what the model still knows after pruning, and what that costs",
        description=textwrap.fill(
            "Plants ten facts in talks, prunes them in several ways, asks for the facts, and "
            "shows recall and cost side by side: nothing pruned, textify only, the server's own "
            "truncation, and summaries. --at, --keep, --style, --language and --policy may be "
            "given several times: every combination is held as a talk. With a key this spends "
            "real money: say how much talk you want with --exchanges and --only.",
            78,
        ),
    )
    add = parser.add_argument
    add("--exchanges", type=int, default=20, metavar="N", help="questions and answers, 20")
    add(
        "--at",
        type=int,
        action="append",
        metavar="TOKENS",
        help="prune from so many on; default 800 and 1600",
    )
    add("--keep", type=int, action="append", metavar="N", help="newest turns kept as they are; 4")
    add(
        "--style",
        action="append",
        choices=tuple(SUMMARY_STYLES),
        help="of summaries; default structured",
    )
    add(
        "--language",
        action="append",
        metavar="NAME",
        help="of summaries, such as French, which is then measured; default that of the talk",
    )
    add("--policy", action="append", choices=POLICIES, help="that summarises; default balanced")
    add("--summary-url", metavar="URL", help="a chat server of yours that writes the summaries")
    add("--only", metavar="WORDS", help="only talks whose name holds these words")
    add("--folder", type=Path, metavar="DIR", help="keep the talks there")
    add("--json", action="store_true", help="for programs")
    add_settings(parser, *_OURS)
    add_common(parser)


def run(args: argparse.Namespace) -> int:
    """Exit status 0 when every arm could be run, whatever it recalled."""
    from tui_voice.lab.evaluation import arms, run_arm

    ats, keeps = args.at or [800, 1600], args.keep or [4]
    if args.exchanges < 1 or min(ats) < 100 or min(keeps) < 0:
        raise UsageError("--exchanges must be at least 1, --at at least 100 tokens, --keep 0.")
    settings = _settings(args)
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
        raise UsageError(f"No talk is called “{args.only}”.", "Leave --only out to see them all.")
    outcomes = []
    with TemporaryDirectory(prefix="tui-voice-eval-") as passing:
        for number, arm in enumerate(chosen, 1):
            print(f"{number} of {len(chosen)}: {arm.name} …", file=sys.stderr, flush=True)
            folder = args.folder or Path(passing)
            outcomes.append(run_arm(arm, settings, folder, args.exchanges))
    if args.json:
        print_json([asdict(outcome) for outcome in outcomes])
        return 0
    print(_table(outcomes))
    for line in _remarks(outcomes):
        print(line)
    return 0


def _settings(args: argparse.Namespace) -> Settings:
    settings = settings_of(args)
    if not args.summary_url:
        return settings
    if not args.summary_url.startswith(("http://", "https://")):
        raise UsageError("--summary-url takes an address that begins with http:// or https://.")
    return replace(settings, summary=replace(settings.summary, by="url", url=args.summary_url))


def _table(outcomes: Sequence[Outcome]) -> str:
    """One line a talk; where that is wider than the terminal, its name on a line of its own."""
    heads = ("recalled", "prunings", "peak", "end", "read", "USD")
    rows = [
        (
            f"{outcome.recalled} of {outcome.facts}",
            str(outcome.prunings),
            _grouped(outcome.peak_window),
            _grouped(outcome.final_window),
            _grouped(round(outcome.input_tokens / 1000)) + "k",
            f"{outcome.usd:.4f}",
        )
        for outcome in outcomes
    ]
    widths = [max(map(len, cells)) for cells in zip(heads, *rows, strict=True)]
    right = [
        tuple(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in (heads, *rows)
    ]
    names = ["", *(outcome.arm.name for outcome in outcomes)]
    text = columns([(name, *row) for name, row in zip(names, right, strict=True)])
    if max(map(len, text.splitlines())) <= _width():
        return text
    numbers = columns(right, indent=4).splitlines()
    named = [f"  {name}\n{row}" for name, row in zip(names[1:], numbers[1:], strict=True)]
    return "\n".join([numbers[0], *named])


def _remarks(outcomes: Sequence[Outcome]) -> list[str]:
    """What a table has no room for: the summaries where they were asked for in a language or
    came out otherwise than asked for, and the questions that were missed.
    """
    lines = ["", *_wrapped(_LEGEND, "  ")]
    for outcome in outcomes:
        memory, asked = outcome.memory, outcome.arm.language
        told: list[str] = []
        if memory is not None and (memory.shortfall or not is_spoken_language(asked)):
            told += _told(memory, asked)
        elif memory is None and not is_spoken_language(asked):
            told.append("summary: none was written; lower --at or hold a longer talk")
        if outcome.failed_prunings:
            told.append(f"{outcome.failed_prunings} prunings failed and were tried again")
        if outcome.missed:
            told.append(f"missed: {'; '.join(outcome.missed)}")
        if told:
            lines += ["", f"  {outcome.arm.name}"]
            lines += [line for text in told for line in _wrapped(text)]
    return lines


def _told(memory: Memory, asked: str) -> list[str]:
    got = memory.language or "too little to tell"
    held = "the server holds it word for word" if memory.held else "the server does NOT hold it"
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
    return textwrap.wrap(
        text, _width(), initial_indent=indent, subsequent_indent=indent + "  ", tabsize=2
    )


def _width() -> int:
    return min(100, shutil.get_terminal_size((80, 24)).columns)


def _grouped(number: int) -> str:
    return f"{number:,}".replace(",", " ")
