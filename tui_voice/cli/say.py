"""`tui-voice say`: a session without a screen, for programs, tests and screen readers."""

from __future__ import annotations

import argparse
import codecs
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui_voice.cli.arguments import find_session, sound_argument, words_argument
from tui_voice.cli.flags import (
    add_common,
    add_settings,
    editor_of,
    sessions_dir_of,
    settings_for_session,
)
from tui_voice.cli.input_lines import InputLines
from tui_voice.cli.outcomes import write_outcomes
from tui_voice.cli.output import OutputError, escape_controls, print_json
from tui_voice.cli.resume_hint import resume_lines
from tui_voice.config import user_path
from tui_voice.errors import ExitStatus, UsageError
from tui_voice.signals import EndedBySignal

if TYPE_CHECKING:
    from tui_voice.conversation.events import Event
    from tui_voice.conversation.turns import Turn
    from tui_voice.runtime.headless import HeadlessSession


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
    parser.add_argument(
        "--image", metavar="FILE", action="append", help="show the model an image before the turns"
    )
    parser.add_argument("--session", metavar="ID", help="resume a saved session")
    add_settings(parser)
    add_common(parser)


def run(args: argparse.Namespace) -> int:
    """Sends the turns and prints both sides.

    Returns 0 when every turn was answered, 1 when a reply failed, 2 when a line could not be read.
    Raises `CostLimitError` after the reply with which the session reached `cost.limit`, and
    `EndedBySignal` after a signal; both when the session is closed.
    """
    from tui_voice.runtime.headless import HeadlessSession
    from tui_voice.runtime.session_factory import SessionOptions

    speak = None if args.speak is None else _new_sound_file(args.speak)
    folder = sessions_dir_of(args)
    resume = None if args.session is None else find_session(folder, args.session).path
    settings = settings_for_session(editor_of(args), resume)
    if speak is not None and settings.audio.text_only:
        raise UsageError(
            "Without sound (--text, audio.text_only) there are no replies to write as sound.",
            "Leave out --speak, or --text.",
        )
    options = SessionOptions(settings=settings, folder=folder, resume=resume)
    images = [user_path(text, "the path of --image") for text in args.image or ()]
    given = [_turn(argument) for argument in args.turns]  # a mistake ends it before a connection
    problems = _Problems()
    session = HeadlessSession(
        options,
        record_replies=speak is not None,
        on_event=_print_event if args.json else problems.print_warning,
        on_wait=problems.print,
    )
    try:
        with session:
            for image in images:
                session.attach(image)
            status = _say_all(session, given, problems, as_json=args.json)
            if speak is not None:
                session.save_replies(speak)
    except EndedBySignal:
        if session.has_turns:
            named = getattr(args, "sessions_dir", None) is not None
            for line in resume_lines(session.path, folder, named=named):
                _print_on_stderr(line)
        raise
    usd = session.snapshot.ledger.cost
    outcomes = [] if session.cost_limit_reached else write_outcomes({session.path: settings})
    for outcome in outcomes:
        usd = outcome.usd
        if args.json:
            file = str(outcome.file) if outcome.file else None
            found = {"event": "outcome", "kind": outcome.kind, "text": outcome.text, "path": file}
            print_json(found, indent=None)
    if args.json:
        print_json({"event": "done", "session": session.id, "usd": round(usd, 6)}, indent=None)
    session.check_cost_limit()
    return status


def _say_all(
    session: HeadlessSession, given: list[str | bytes], problems: _Problems, *, as_json: bool
) -> ExitStatus:
    """Takes all turns, up to the cost limit. One that fails does not keep the others from being
    taken.
    """
    from tui_voice.runtime.headless import ReplyFailed

    status = ExitStatus.DONE
    for turn in _turns(given, session):
        if session.cost_limit_reached:
            break
        try:
            turns = session.speak(turn) if isinstance(turn, bytes) else session.say(_text_of(turn))
        except _NotUtf8Error as error:
            problems.print(f"{error} {error.hint}")
            status = ExitStatus.WRONG_USAGE
            continue
        except ReplyFailed as error:
            problems.print(str(error))
            turns, status = error.turns, status or ExitStatus.FAILED
        _print_turns(turns, as_json=as_json)
    return status


def _turn(argument: str) -> str | bytes:
    """Returns the words of a turn, or the sound of the file that it names. Raises UsageError."""
    path = sound_argument(argument)
    if path is None:
        return words_argument(argument)
    from tui_voice.audio.files import read_sound

    return read_sound(path)


def _turns(given: list[str | bytes], session: HeadlessSession) -> Iterator[str | bytes]:
    """Yields the turns; for `-` each line of standard input, even one that looks like a file."""
    for turn in given:
        if turn == "-":
            yield from _lines(session)
        else:
            yield turn


def _lines(session: HeadlessSession) -> Iterator[str]:
    """Yields the lines that are not empty. Raises the error that ends the session meanwhile.

    Bytes that are not UTF-8 are kept as surrogates.
    """
    lines = InputLines(session.wake)
    begin = codecs.BOM_UTF8  # editors of Windows put this mark before the first line
    while True:
        session.wait_for(lines.has_next)
        line = lines.next_line()
        if line is None:
            return
        line, begin = line.removeprefix(begin), b""
        if words := line.decode(errors="surrogateescape").strip():
            yield words


class _NotUtf8Error(UsageError):
    """A line of standard input is not UTF-8."""


def _text_of(words: str) -> str:
    """Returns the words. Raises `_NotUtf8Error` where bytes of them are kept as surrogates."""
    try:
        words.encode()
    except UnicodeEncodeError:
        shown = words.encode(errors="surrogateescape").decode(errors="backslashreplace")
        raise _NotUtf8Error(
            f'The line "{shown[:60]}" is not UTF-8, so it was not sent.',
            "Convert it, for example with `iconv -f latin1 -t utf8`.",
        ) from None
    return words


def _new_sound_file(text: str) -> Path:
    path = user_path(text, "the path of --speak")
    if path.is_dir():
        raise UsageError(f"{path} is a folder, so no sound can be written there.", "Name a file.")
    if not path.parent.is_dir():
        raise UsageError(f"There is no folder {path.parent}.", "Create it first.")
    return path


class _Problems:
    """Prints on standard error what goes wrong, what is waited for, and warnings of the session."""

    def __init__(self) -> None:
        self._newest = ""

    def print(self, sentence: str) -> None:
        """Prints one line, unless it is the same as the one before."""
        from tui_voice.store.secrets import Redactor

        if sentence != self._newest:
            _print_on_stderr(Redactor().text(f"tui-voice: {sentence}"))
        self._newest = sentence

    def print_warning(self, event: Event) -> None:
        """Prints what was mended in a resumed session, and what happens to it."""
        from tui_voice.conversation.events import Noticed

        if isinstance(event, Noticed) and event.severity != "info":
            self.print(event.text)


def _print_on_stderr(line: str) -> None:
    with suppress(OSError, OutputError):  # it is closed or full: the session goes on without it
        print(line, file=sys.stderr, flush=True)


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
