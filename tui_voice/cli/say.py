"""`tui-voice say`: a session without a screen, for programs, tests and screen readers."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui_voice.cli.flags import add_common, add_settings, sessions_dir_of, settings_of
from tui_voice.cli.output import escape_controls, print_json
from tui_voice.errors import UsageError

if TYPE_CHECKING:
    from tui_voice.conversation.events import Event
    from tui_voice.conversation.turns import Turn

SOUND_SUFFIXES = (".wav", ".flac", ".mp3", ".ogg")
"""The endings of an argument that names a sound file."""


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
    parser.add_argument("--speak", metavar="OUT.wav", type=Path, help="write the replies as sound")
    parser.add_argument("--session", metavar="ID", help="resume a saved session")
    add_settings(parser)
    add_common(parser)


def run(args: argparse.Namespace) -> int:
    """Sends the turns and prints both sides. Exit status 0 when every turn was answered.

    Raises `CostLimitError` after the reply with which the session reached `cost.limit`.
    """
    from tui_voice.runtime.headless import HeadlessSession
    from tui_voice.runtime.session_factory import SessionOptions
    from tui_voice.store.catalog import find

    if args.speak is not None and not args.speak.parent.is_dir():
        raise UsageError(f"There is no folder {args.speak.parent}.", "Create it first.")
    folder = sessions_dir_of(args)
    options = SessionOptions(
        settings=settings_of(args),
        folder=folder,
        resume=find(folder, args.session).path if args.session else None,
    )
    record_replies, on_event = args.speak is not None, _print_event if args.json else None
    with HeadlessSession(options, record_replies=record_replies, on_event=on_event) as session:
        for turn in _turns(args.turns):
            if turn.lower().endswith(SOUND_SUFFIXES):
                from tui_voice.audio.files import read_sound

                turns = session.speak(read_sound(Path(turn)))
            else:
                turns = session.say(turn)
            _print_turns(turns, as_json=args.json)
            if session.cost_limit_reached:
                break
        if args.speak is not None:
            session.save_replies(args.speak)
    usd = session.snapshot.ledger.cost
    if args.json:
        print_json({"event": "done", "session": session.id, "usd": round(usd, 6)}, indent=None)
    session.check_cost_limit()
    return 0


def _turns(arguments: list[str]) -> Iterator[str]:
    for argument in arguments:
        if argument == "-":
            yield from (line.strip() for line in sys.stdin if line.strip())
        else:
            yield argument


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


def _print_event(event: Event) -> None:
    from tui_voice.store.codec import encode

    sys.stdout.write(escape_controls(encode(event).decode()))
    sys.stdout.flush()
