"""`tui-voice eval --questions FILE`: does recall find the evidence, does the model answer."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from tui_voice.cli.flags import sessions_dir_of
from tui_voice.cli.output import print_json
from tui_voice.cli.table import table
from tui_voice.config import Settings, user_path
from tui_voice.errors import UsageError

if TYPE_CHECKING:
    from tui_voice.lab.question_files import Question, QuestionFile
    from tui_voice.lab.questions import QuestionReport


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of this part of `eval`."""
    add = parser.add_argument
    add(
        "--questions",
        metavar="FILE",
        help="ask the questions of a JSON file over saved sessions, or over those in the file: "
        '{"sessions": [{"id", "started", "turns": [{"id", "role", "text"}]}], "questions": '
        '[{"question", "kind", "answers": [], "evidence": []}]}',
    )
    add(
        "--import-chat",
        metavar="FILE",
        help="take the sessions from this file, in the same form or LoCoMo's; its own questions "
        "are asked unless --questions is given",
    )
    add("--together", action="store_true", help="search all chats of the file at once")
    add("--search-only", action="store_true", help="do not ask the model, which may cost money")


def run_questions(args: argparse.Namespace, settings: Settings) -> int:
    """Prints what was found and answered, by kind of question. Exit status 0."""
    from tui_voice.lab.question_files import read_questions

    imported = None
    if args.import_chat is not None:
        imported = read_questions(user_path(args.import_chat, "the file of --import-chat"))
    asked = imported
    if args.questions is not None:
        asked = read_questions(user_path(args.questions, "the file of --questions"))
    assert asked is not None  # `eval` calls this with one of the flags
    if not asked.questions:
        raise UsageError("The file holds no questions.", "Give a file with some by --questions.")
    chats = (imported or asked).sessions
    with TemporaryDirectory(prefix="tui-voice-eval-") as temporary:
        folders = _folders(args, chats, Path(temporary))
        report = _asked(args, settings, asked, folders, Path(temporary) / "asked")
    note = (imported or asked).note
    if args.json:
        print_json(_as_json(report, note))
    else:
        print(_as_text(report, note))
    return 0


def _folders(
    args: argparse.Namespace, chats: Mapping[str, Any], temporary: Path
) -> dict[str, Path]:
    """Returns the folder of the sessions of each chat; "" is that of all others."""
    from tui_voice.lab.question_files import write_sessions

    if not chats:
        return {"": sessions_dir_of(args)}
    folders = {}
    for number, (name, sessions) in enumerate(chats.items()):
        folders[name] = temporary / ("all" if args.together else f"chat{number}")
        write_sessions(sessions, folders[name])
    folders.setdefault("", next(iter(folders.values())))
    return folders


def _asked(
    args: argparse.Namespace,
    settings: Settings,
    asked: QuestionFile,
    folders: Mapping[str, Path],
    own: Path,
) -> QuestionReport:
    from tui_voice.lab.questions import QuestionReport, ask_model, search_all

    def folder_of(question: Question) -> Path:
        return folders.get(question.group, folders[""])

    results = tuple(search_all(asked.questions, folder_of))
    if args.search_only:
        return QuestionReport(results=results)
    tokens, usd, answered = 0, 0.0, list(results)
    for folder in dict.fromkeys(map(folder_of, asked.questions)):
        places = [n for n, one in enumerate(asked.questions) if folder_of(one) == folder]
        print(f"asking {len(places)} questions …", file=sys.stderr, flush=True)
        part = ask_model(
            [results[n] for n in places],
            [asked.questions[n] for n in places],
            folder,
            settings,
            own,
        )
        tokens, usd = tokens + part.tokens, usd + part.usd
        for place, result in zip(places, part.results, strict=True):
            answered[place] = result
    return QuestionReport(results=tuple(answered), tokens=tokens, usd=usd)


def _as_json(report: QuestionReport, note: str) -> dict[str, Any]:
    return {
        "questions": len(report.results),
        "found": sum(one.found for one in report.results),
        "answered": sum(one.answered is True for one in report.results),
        "asked": sum(one.answered is not None for one in report.results),
        "latency_ms": round(report.median_ms, 3),
        "recall_tokens": round(sum(one.tokens for one in report.results) / len(report.results)),
        "tokens": report.tokens,
        "usd": round(report.usd, 6),
        "kinds": {
            kind: {
                "questions": len(report.of_kind(kind)),
                "found": sum(one.found for one in report.of_kind(kind)),
                "answered": sum(one.answered is True for one in report.of_kind(kind)),
            }
            for kind in report.kinds
        },
        "results": [asdict(one) for one in report.results],
        "note": note,
    }


def _as_text(report: QuestionReport, note: str) -> str:
    rows = [("kind", "questions", "found", "answered")]
    for kind in [*report.kinds, "all"]:
        some = report.of_kind(kind) if kind != "all" else list(report.results)
        known = [one for one in some if one.answered is not None]
        answered = f"{sum(one.answered is True for one in known)} of {len(known)}" if known else ""
        found = sum(one.found for one in some)
        rows.append((kind, str(len(some)), f"{found} ({found / len(some):.0%})", answered))
    tokens = sum(one.tokens for one in report.results) / len(report.results)
    lines = [
        table(rows, right=(1, 2, 3)),
        f"search: median {report.median_ms:.1f} ms; {tokens:.0f} tokens an answer of recall",
        f"the model's session: {report.tokens:,} tokens, ${report.usd:.4f}",
        "found: a turn with the answer is among five hits or beside one; never: nothing sure",
    ]
    return "\n".join([*lines, note] if note else lines)
