"""`tui-voice sessions`: list, show, search, export, rename, mark, delete, fork saved sessions."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui_voice.cli.arguments import find_session, number, text_argument
from tui_voice.cli.flags import add_common, sessions_dir_of, settings_of
from tui_voice.cli.output import print_json, print_styled
from tui_voice.cli.table import short, table
from tui_voice.config import user_path
from tui_voice.config.program_form import in_working_form
from tui_voice.errors import StoreError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tui_voice.conversation.events import Event
    from tui_voice.conversation.ledger import Ledger


def add_parser(subparsers: Any) -> None:
    """Registers the command with argparse's subparsers."""
    parser = subparsers.add_parser(
        "sessions",
        help="list, show, search, export, rename and delete saved sessions",
        description="The saved sessions, without the screen. ID is a session's id, the beginning "
        "of it, a part of its title, `last`, or the path of a journal.",
    )
    parser.set_defaults(json=False, action="list")
    add_common(parser)
    actions = parser.add_subparsers(metavar="ACTION", title="actions")

    def action(name: str, about: str, *, has_id: bool = True) -> Any:
        sub = actions.add_parser(name, help=about, description=f"{about[0].upper()}{about[1:]}.")
        sub.set_defaults(action=name)
        if has_id:
            sub.add_argument("id", metavar="ID", help="which session")
        sub.add_argument("--json", action="store_true", help="print JSON for a program")
        add_common(sub)
        return sub

    action("list", "list all sessions, the newest first", has_id=False)
    action("show", "show one session: its turns, and what was pruned")
    search = action("search", "search the turns of all sessions", has_id=False)
    search.add_argument(
        "words",
        nargs="+",
        metavar="WORDS",
        help='words, "a phrase", prefix*, role:you|voice, after:2026-04-01, before:7d',
    )
    search.add_argument(
        "--limit",
        type=number(int, 1, 1_000_000),
        default=50,
        metavar="N",
        help="print at most N turns (50)",
    )
    export = action("export", "write a session as a file for reading elsewhere")
    export.add_argument(
        "--format", metavar="F", help="md, html, json, ... (default: the ending of --out, or md)"
    )
    export.add_argument(
        "--out", metavar="PATH", help="folder or file; `-` prints; no file is overwritten"
    )
    export.add_argument(
        "--minutes",
        action="store_true",
        help="write minutes first (decisions, open questions, to-dos); asks the summary model",
    )
    export.add_argument(
        "--ticket",
        action="store_true",
        help="write a support ticket (JSON) instead of the session; asks the summary model",
    )
    memory = action("memory", "what is remembered, such as mistakes to practise", has_id=False)
    memory.add_argument("id", metavar="ID", nargs="?", help="which session (default: the newest)")
    memory.add_argument(
        "--kind",
        metavar="KIND",
        help="only the entries of this kind: mistakes, goals, commitments, to_dos, decisions, ...",
    )
    stats = action("stats", "tokens and cost by day, model and profile", has_id=False)
    stats.add_argument(
        "--by",
        choices=("day", "model", "profile"),
        action="append",
        help="only this table; may be repeated",
    )
    rename = action("rename", "give a session another title")
    rename.add_argument("title", nargs="+", metavar="TITLE")
    private = action("private", "mark a session private: never recalled, never sent elsewhere")
    private.add_argument("--off", action="store_true", help="take the mark away")
    delete = action("delete", "move a session to the trash")
    delete.add_argument("--yes", action="store_true", help="do not ask")
    fork = action("fork", "start a new session with the first turns of a saved one")
    fork.add_argument("turn", metavar="TURN", help="the last turn to keep: its number or its id")


def run(args: argparse.Namespace) -> int:
    """Runs the action. Exit status 0, also for a search without a result. Raises `StoreError`."""
    folder = sessions_dir_of(args)
    status: int = {
        "list": _list,
        "show": _show,
        "search": _search,
        "export": _export,
        "memory": _memory,
        "stats": _stats,
        "rename": _rename,
        "private": _private,
        "delete": _delete,
        "fork": _fork,
    }[args.action](args, folder)
    return status


def _list(args: argparse.Namespace, folder: Path) -> int:
    from tui_voice.store import catalog
    from tui_voice.store.exporters.data import listed

    sessions, unreadable = catalog.list_sessions(folder), catalog.unreadable_sessions(folder)
    if args.json:
        print_json([listed(session) for session in (*sessions, *unreadable)])
        return 0
    if not sessions:
        print(in_working_form(f"No sessions in {short(folder)} yet. `tui-voice` starts one."))
    head = ("id", "when", "length", "turns", "cost", "model", "title")
    rows = [
        (
            session.id,
            session.started[:16].replace("T", " "),
            _length(session.seconds),
            str(session.turns),
            f"${session.usd:.2f}",
            _model(session.backend, session.model),
            f"(private) {session.title}" if session.private else session.title,
        )
        for session in sessions
    ]
    if rows:
        print(table([head, *rows], right=(2, 3, 4), indent=0))
    _report_unreadable(folder)
    return 0


def _show(args: argparse.Namespace, folder: Path) -> int:
    from tui_voice.store.export import render
    from tui_voice.store.exporters.data import shown
    from tui_voice.store.reading import load

    path = find_session(folder, args.id).path
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

    hits = search(
        folder, " ".join(_quoted(text_argument(word)) for word in args.words), limit=args.limit
    )
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
        # An excerpt has no control characters, so the only ones are those that make it bold.
        print_styled(f"  {_highlighted(hit.excerpt, hit.marks) if bold else hit.excerpt}\n")
    if not hits:
        print("No turn contains these words.", file=sys.stderr)
    _report_unreadable(folder)
    return 0


def _report_unreadable(folder: Path) -> None:
    """Prints a line on standard error for each file that was left out."""
    from tui_voice.store import catalog

    for fault in catalog.unreadable(folder):
        print(f"tui-voice: {fault}", file=sys.stderr)


def _export(args: argparse.Namespace, folder: Path) -> int:
    from tui_voice.store.export import export, render
    from tui_voice.store.exporters import EXPORT_FORMATS
    from tui_voice.store.reading import load

    by_suffix = {row.suffix: name for name, row in EXPORT_FORMATS.items()}
    form = args.format
    if form is None:
        form = by_suffix.get(Path(args.out or "").suffix[1:], "md")
    if form not in EXPORT_FORMATS:
        raise UsageError(
            f"There is no format {form or 'without a name'}.",
            f"There are {', '.join(EXPORT_FORMATS)}.",
        )
    session = find_session(folder, args.id)
    ledger, _notes = load(session.path)
    into = None if args.out in (None, "-") else user_path(args.out, "the path of --out")
    if args.ticket:
        return _export_ticket(args, session.path, ledger, into)
    minutes = _minutes(args, session.path, ledger) if args.minutes else ""
    if args.out == "-":
        sys.stdout.write(render(ledger, form, minutes))
        return 0
    path = export(ledger, form, into, minutes)
    if args.json:
        print_json({"id": session.id, "path": str(path.absolute()), "format": form})
    else:
        print(path)
    return 0


def _stats(args: argparse.Namespace, folder: Path) -> int:
    from tui_voice.cli.statistics import as_json, as_text
    from tui_voice.store.statistics import statistics

    found = statistics(folder)
    if args.json:
        print_json(as_json(found))
        return 0
    if not found.total.sessions:
        print(f"No session in {short(folder)} used anything yet.")
        return 0
    print_styled(as_text(found, args.by or ["day", "model", "profile"]))
    return 0


def _minutes(args: argparse.Namespace, journal: Path, ledger: Ledger) -> str:
    from tui_voice.runtime.minutes import minutes

    print("writing the minutes …", file=sys.stderr, flush=True)
    return minutes(ledger, settings_of(args), _bill_to(journal))[0]


def _export_ticket(
    args: argparse.Namespace, journal: Path, ledger: Ledger, into: Path | None
) -> int:
    from tui_voice.runtime.minutes import ticket
    from tui_voice.store.export import slug, write_new

    if args.minutes or args.format not in (None, "json"):
        raise UsageError("A ticket is JSON, without minutes.", "Leave out the other flags.")
    print("writing the ticket …", file=sys.stderr, flush=True)
    text, _source = ticket(ledger, settings_of(args), _bill_to(journal))
    if args.out == "-":
        sys.stdout.write(text)
        return 0
    path = write_new(text, into or Path(), f"{slug(ledger)}-ticket.json")
    result = {"id": journal.stem, "path": str(path.absolute()), "format": "json"}
    _report(args, result, str(path))
    return 0


def _bill_to(journal: Path) -> Callable[[Event], None]:
    """Returns what prints the cost of a text, and adds it to the session's total."""
    from tui_voice.store import catalog

    def bill(billed: Any) -> None:
        known = "an unknown price" if billed.usd is None else f"${billed.usd:.4f}"
        print(f"the {billed.purpose} cost {known}", file=sys.stderr)
        try:
            catalog.append(journal, billed)
        except StoreError as error:
            print(f"tui-voice: not added to the session's cost: {error}", file=sys.stderr)

    return bill


def _memory(args: argparse.Namespace, folder: Path) -> int:
    """Prints the memory of a session: of the newest of `--profile`, where no session is named."""
    from tui_voice.conversation.memory import HEADINGS, read_memory, render_memory
    from tui_voice.runtime.carried_memory import memory_of
    from tui_voice.store import catalog
    from tui_voice.store.reading import load

    profile = getattr(args, "profile", None)
    if args.kind is not None and args.kind not in HEADINGS:
        raise UsageError(f"There is no kind {args.kind}.", f"There are {', '.join(HEADINGS)}.")
    if args.id is None and profile is not None:
        path = next((s.path for s in catalog.list_sessions(folder) if s.profile == profile), None)
        if path is None:
            raise StoreError(f"there is no session with the profile {profile} yet")
    else:
        path = find_session(folder, args.id or "last").path
    entries = [
        entry
        for entry in read_memory(memory_of(load(path).ledger))
        if args.kind in (None, entry.kind)
    ]
    if args.json:
        print_json([{"kind": entry.kind, "text": entry.text} for entry in entries])
    elif entries:
        print(render_memory(entries))
    else:
        print("Nothing is remembered.", file=sys.stderr)
    return 0


def _rename(args: argparse.Namespace, folder: Path) -> int:
    from tui_voice.store import catalog

    session = find_session(folder, args.id)
    title = " ".join(map(text_argument, args.title))
    catalog.rename(session.path, title)
    _report(args, {"id": session.id, "title": title}, f"{session.id} is now called {title}.")
    return 0


def _private(args: argparse.Namespace, folder: Path) -> int:
    from tui_voice.store import catalog

    session = catalog.find(folder, args.id)
    catalog.mark_private(session.path, private=not args.off)
    state = "no longer private" if args.off else "private"
    _report(args, {"id": session.id, "private": not args.off}, f"{session.id} is {state}.")
    return 0


def _delete(args: argparse.Namespace, folder: Path) -> int:
    from tui_voice.store import catalog

    session = find_session(folder, args.id)
    if not args.yes:
        if not sys.stdin.isatty():
            raise UsageError(
                "Deleting needs a confirmation, and standard input is no terminal.", "Add --yes."
            )
        print(f"{session.title} ({session.turns} turns, {session.id}) moves to the trash. ", end="")
        if input("Delete it? [y/N] ").strip().casefold() not in ("y", "yes"):
            return 0
    catalog.delete(session.path)
    _report(args, {"id": session.id, "deleted": True}, f"{session.id} is in the trash.")
    return 0


def _fork(args: argparse.Namespace, folder: Path) -> int:
    from tui_voice.store import catalog
    from tui_voice.store.reading import load

    session = find_session(folder, args.id)
    turn = args.turn
    if turn.isdecimal() and len(turn) < 10:
        ids = [one.id for one in load(session.path).ledger.turns if one.text]
        if not 0 < int(turn) <= len(ids):
            raise StoreError(f"{session.id} has {len(ids)} turns, so there is no turn {turn}")
        turn = ids[int(turn) - 1]
    path = catalog.fork(session.path, turn)
    result = {"id": path.stem, "path": str(path), "parent": session.id, "parent_turn": turn}
    _report(args, result, f"Forked as {path.stem}. Resume it: tui-voice resume {path.stem}")
    return 0


def _report(args: argparse.Namespace, result: dict[str, Any], sentence: str) -> None:
    """Prints the result as JSON where that was asked for, else as a sentence."""
    if args.json:
        print_json(result)
    else:
        print(sentence)


def _quoted(argument: str) -> str:
    """Returns a phrase with the quotes that the shell removed."""
    return f'"{argument}"' if " " in argument and '"' not in argument else argument


def _model(backend: str, model: str) -> str:
    return model if backend in ("", model) or model.startswith(backend) else f"{backend} {model}"


def _length(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _when(started: str, at: float) -> str:
    """Returns date and time of a turn `at` seconds after the session's start."""
    try:
        return f"{datetime.fromisoformat(started) + timedelta(seconds=at):%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError):
        return "?"


def _highlighted(excerpt: str, marks: tuple[tuple[int, int], ...]) -> str:
    """Returns the excerpt with the words that were found in bold."""
    for start, end in reversed(marks):
        excerpt = f"{excerpt[:start]}\x1b[1m{excerpt[start:end]}\x1b[0m{excerpt[end:]}"
    return excerpt
