"""`tui-voice sessions`: the saved talks, without the screen."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui_voice.cli.flags import add_common, sessions_dir_of, settings_of
from tui_voice.cli.table import columns, print_json, short
from tui_voice.errors import StoreError, UsageError

if TYPE_CHECKING:
    from tui_voice.conversation.ledger import Ledger

FORMATS = ("md", "txt", "json", "html", "srt", "vtt")
"""As `store.export.FORMATS` has them; written out, so that help needs no import of it."""


def add_parser(subparsers: Any) -> None:
    """Registers the command with argparse's subparsers."""
    parser = subparsers.add_parser(
        "sessions",
        help="list, show, search, export, rename and delete saved talks",
        description="The saved talks, without the screen. ID is a talk's id, the beginning of it, "
        "a part of its title, `last`, or a journal's file.",
    )
    parser.set_defaults(json=False, action="list")
    add_common(parser)
    actions = parser.add_subparsers(metavar="ACTION", title="actions")

    def action(name: str, about: str, *, talk: bool = True) -> Any:
        sub = actions.add_parser(name, help=about, description=f"{about[0].upper()}{about[1:]}.")
        sub.set_defaults(action=name)
        if talk:
            sub.add_argument("id", metavar="ID", help="which talk")
        sub.add_argument("--json", action="store_true", help="for a program to read")
        add_common(sub)
        return sub

    action("list", "all talks, the newest first", talk=False)
    action("show", "one talk: what was said, and what was pruned")
    search = action("search", "what was once said, in all talks", talk=False)
    search.add_argument(
        "words",
        nargs="+",
        metavar="WORDS",
        help='words, "a phrase", prefix*, role:you|voice, after:2026-04-01, before:7d',
    )
    search.add_argument("--limit", type=_count, default=50, metavar="N", help="at most so many")
    export = action("export", "a talk as a file for reading elsewhere")
    export.add_argument("--format", choices=FORMATS, default=None, help="default: by --out, or md")
    export.add_argument(
        "--out", metavar="PATH", help="folder or file, `-` prints; nothing is overwritten"
    )
    export.add_argument(
        "--minutes",
        action="store_true",
        help="write minutes first (decisions, open questions, to-dos); asks who summarises",
    )
    rename = action("rename", "give a talk another title")
    rename.add_argument("title", nargs="+", metavar="TITLE")
    delete = action("delete", "put a talk into the trash")
    delete.add_argument("--yes", action="store_true", help="do not ask")
    fork = action("fork", "begin a new talk as an old one began")
    fork.add_argument("turn", metavar="TURN", help="the last turn to keep: its number or its id")


def run(args: argparse.Namespace) -> int:
    """Exit status 0, for a search that found nothing, too. Raises `StoreError`."""
    folder = sessions_dir_of(args)
    status: int = {
        "list": _list,
        "show": _show,
        "search": _search,
        "export": _export,
        "rename": _rename,
        "delete": _delete,
        "fork": _fork,
    }[args.action](args, folder)
    return status


def _list(args: argparse.Namespace, folder: Path) -> int:
    from tui_voice.store import catalog
    from tui_voice.store.exporters.data import listed

    talks = catalog.list_sessions(folder)
    if args.json:
        print_json([listed(talk) for talk in talks])
        return 0
    if not talks:
        print(f"No talks in {short(folder)} yet. `tui-voice` begins one.")
    head = ("id", "when", "length", "turns", "cost", "model", "title")
    rows = [
        (
            talk.id,
            talk.started[:16].replace("T", " "),
            _length(talk.seconds),
            str(talk.turns),
            f"${talk.usd:.2f}",
            _model(talk.backend, talk.model),
            talk.title,
        )
        for talk in talks
    ]
    if rows:
        print(columns(_right([head, *rows], 2, 3, 4), indent=0))
    for reason in catalog.unreadable(folder):
        print(f"tui-voice: {reason}", file=sys.stderr)
    return 0


def _show(args: argparse.Namespace, folder: Path) -> int:
    from tui_voice.store import catalog
    from tui_voice.store.export import render
    from tui_voice.store.exporters.data import shown
    from tui_voice.store.reading import load

    path = catalog.find(folder, args.id).path
    ledger, notes = load(path)
    if args.json:
        print_json(shown(ledger, path) | {"notes": list(notes)})
        return 0
    for note in notes:
        print(f"tui-voice: {short(path)}: {note}", file=sys.stderr)
    print(render(ledger, "txt"), end="")
    return 0


def _search(args: argparse.Namespace, folder: Path) -> int:
    from tui_voice.store.search import search

    hits = search(folder, " ".join(map(_requoted, args.words)), limit=args.limit)
    if args.json:
        rows = [
            {
                "id": hit.id,
                "title": hit.title,
                "turn": hit.turn,
                "role": hit.role,
                "excerpt": hit.excerpt,
                "marks": hit.marks,
                "at": hit.at,
                "path": str(hit.path),
            }
            for hit in hits
        ]
        print_json(rows)
        return 0
    bold = sys.stdout.isatty()
    for hit in hits:
        who = {"user": "you", "assistant": "voice"}.get(hit.role, hit.role)
        print(f"{hit.title} · {_when(hit.started, hit.at)} · {who} · {hit.id}")
        print(f"  {_marked(hit.excerpt, hit.marks) if bold else hit.excerpt}\n")
    if not hits:
        print("Nothing of that was said.", file=sys.stderr)
    return 0


def _export(args: argparse.Namespace, folder: Path) -> int:
    from tui_voice.store import catalog
    from tui_voice.store.export import export, render
    from tui_voice.store.reading import load

    talk = catalog.find(folder, args.id)
    ledger, _notes = load(talk.path)
    ending = Path(args.out or "").suffix[1:]
    form = args.format or (ending if ending in FORMATS else "md")
    written = _minutes(args, ledger) if args.minutes else ""
    if args.out == "-":
        sys.stdout.write(render(ledger, form, written))
        return 0
    path = export(ledger, form, Path(args.out).expanduser() if args.out else None, written)
    if args.json:
        print_json({"id": talk.id, "path": str(path.absolute()), "format": form})
    else:
        print(path)
    return 0


def _minutes(args: argparse.Namespace, ledger: Ledger) -> str:
    from tui_voice.runtime.minutes import minutes

    print("writing the minutes …", file=sys.stderr, flush=True)
    return minutes(ledger, settings_of(args))


def _rename(args: argparse.Namespace, folder: Path) -> int:
    from tui_voice.store import catalog

    talk = catalog.find(folder, args.id)
    title = " ".join(args.title)
    catalog.rename(talk.path, title)
    _done(args, {"id": talk.id, "title": title}, f"{talk.id} is now called {title}.")
    return 0


def _delete(args: argparse.Namespace, folder: Path) -> int:
    from tui_voice.store import catalog

    talk = catalog.find(folder, args.id)
    if not args.yes:
        if not sys.stdin.isatty():
            raise UsageError("Deleting is asked about, and there is nobody to ask.", "Add --yes.")
        print(f"{talk.title} ({talk.turns} turns, {talk.id}) goes into the trash. ", end="")
        if input("Delete it? [y/N] ").strip().casefold() not in ("y", "yes"):
            return 0
    catalog.delete(talk.path)
    _done(args, {"id": talk.id, "deleted": True}, f"{talk.id} is in the trash.")
    return 0


def _fork(args: argparse.Namespace, folder: Path) -> int:
    from tui_voice.store import catalog
    from tui_voice.store.reading import load

    talk = catalog.find(folder, args.id)
    turn = args.turn
    if turn.isdecimal():
        said = [t.id for t in load(talk.path).ledger.turns if t.text]
        if not 0 < int(turn) <= len(said):
            raise StoreError(f"{talk.id} has {len(said)} turns, so there is none of number {turn}")
        turn = said[int(turn) - 1]
    path = catalog.fork(talk.path, turn)
    facts = {"id": path.stem, "path": str(path), "parent": talk.id, "parent_turn": turn}
    _done(args, facts, f"Forked as {path.stem}. Go on with it: tui-voice resume {path.stem}")
    return 0


def _done(args: argparse.Namespace, facts: dict[str, Any], sentence: str) -> None:
    if args.json:
        print_json(facts)
    else:
        print(sentence)


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text} is no number from 1 on")
    return int(text)


def _requoted(argument: str) -> str:
    """A phrase that the shell took the quotes from."""
    return f'"{argument}"' if " " in argument and '"' not in argument else argument


def _right(rows: Sequence[Sequence[str]], *numbers: int) -> Iterator[list[str]]:
    """The rows with the columns of `numbers` set flush right."""
    widths = {column: max(len(row[column]) for row in rows) for column in numbers}
    for row in rows:
        yield [cell.rjust(widths.get(column, 0)) for column, cell in enumerate(row)]


def _model(backend: str, model: str) -> str:
    return model if backend in ("", model) or model.startswith(backend) else f"{backend} {model}"


def _length(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _when(started: str, at: float) -> str:
    try:
        return f"{datetime.fromisoformat(started) + timedelta(seconds=at):%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError):
        return "?"


def _marked(excerpt: str, marks: tuple[tuple[int, int], ...]) -> str:
    """Bold where the words stand."""
    for start, end in reversed(marks):
        excerpt = f"{excerpt[:start]}\x1b[1m{excerpt[start:end]}\x1b[0m{excerpt[end:]}"
    return excerpt
