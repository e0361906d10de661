"""`tui-voice say`: a session without a screen, for programs, tests and screen readers."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui_voice.cli.arguments import find_session, sound_argument, words_argument
from tui_voice.cli.flags import add_common, add_settings, sessions_dir_of, settings_of
from tui_voice.cli.output import escape_controls, print_json
from tui_voice.config import user_path
from tui_voice.errors import UsageError

if TYPE_CHECKING:
    from tui_voice.conversation.events import Event
    from tui_voice.conversation.turns import Turn


def add_parser(commands: Any) -> None:
    """Registers the command with argparse's subparsers."""
    parser = commands.add_parser(
        "say",
        help="a session without a screen: each argument is a turn",
        description="A session without a screen: each argument is one turn, typed or, where it "
        "names a sound file, spoken. Prints both sides.",
    )
    parser.add_argument(
        "turns", nargs="+", metavar="TEXT|FILE.wav", help="`-` reads one turn a line"
    )
    parser.add_argument(
        "--json", action="store_true", help="print one event a line, as in the journal"
    )
    parser.add_argument("--speak", metavar="OUT.wav", help="write the replies as sound")
    parser.add_argument("--session", metavar="ID", help="resume a saved session")
    add_settings(parser)
    add_common(parser)


def run(args: argparse.Namespace) -> int:
    """Sends the turns and prints both sides. Exit status 0 when every turn was answered.

    Raises `CostLimitError` after the reply with which the session reached `cost.limit`.
    """
    from tui_voice.runtime.headless import HeadlessSession
    from tui_voice.runtime.session_factory import SessionOptions

    speak = None if args.speak is None else _new_sound_file(args.speak)
    folder = sessions_dir_of(args)
    options = SessionOptions(
        settings=settings_of(args),
        folder=folder,
        resume=None if args.session is None else find_session(folder, args.session).path,
    )
    record_replies, on_event = speak is not None, _print_event if args.json else _print_warning
    given = [_turn(argument) for argument in args.turns]  # a mistake ends it before a connection
    with HeadlessSession(options, record_replies=record_replies, on_event=on_event) as session:
        for turn in _turns(given):
            turns = session.speak(turn) if isinstance(turn, bytes) else session.say(turn)
            _print_turns(turns, as_json=args.json)
            if session.cost_limit_reached:
                break
        if speak is not None:
            session.save_replies(speak)
    usd = session.snapshot.ledger.cost
    if args.json:
        print_json({"event": "done", "session": session.id, "usd": round(usd, 6)}, indent=None)
    session.check_cost_limit()
    return 0


def _turn(argument: str) -> str | bytes:
    """Returns the words of a turn, or the sound of the file that it names. Raises UsageError."""
    path = sound_argument(argument)
    if path is None:
        return words_argument(argument)
    from tui_voice.audio.files import read_sound

    return read_sound(path)


def _turns(given: list[str | bytes]) -> Iterator[str | bytes]:
    """Yields the turns; for `-` each line of standard input, even one that looks like a file."""
    for turn in given:
        if turn == "-":
            # Editors of Windows put a mark (BOM) before the first line.
            lines = (line.removeprefix("\ufeff").strip() for line in sys.stdin)
            yield from filter(None, lines)
        else:
            yield turn


def _new_sound_file(text: str) -> Path:
    path = user_path(text, "the path of --speak")
    if path.is_dir():
        raise UsageError(f"{path} is a folder, so no sound can be written there.", "Name a file.")
    if not path.parent.is_dir():
        raise UsageError(f"There is no folder {path.parent}.", "Create it first.")
    return path


def _print_turns(turns: Sequence[Turn], *, as_json: bool) -> None:
    for turn in turns:
        if as_json:
            print_json(
                {
                    "event": "turn",
                    "role": turn.role,
                    "text": turn.text,
                    "interrupted": turn.interrupted,
                },
                indent=None,
            )
        else:
            who = "you" if turn.role == "user" else "voice"
            print(f"{who:<6} {turn.text or turn.note}", flush=True)


def _print_warning(event: Event) -> None:
    """Prints what was mended in a resumed session, and what happens to it, on standard error."""
    from tui_voice.conversation.events import Noticed

    if isinstance(event, Noticed) and event.severity != "info":
        print(f"tui-voice: {event.text}", file=sys.stderr, flush=True)


def _print_event(event: Event) -> None:
    from tui_voice.store.codec import encode

    sys.stdout.write(escape_controls(encode(event).decode()))
    sys.stdout.flush()
