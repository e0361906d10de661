"""The command line: the names of all commands; a command is imported only when it is called."""

from __future__ import annotations

import argparse
import gc
import re
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Any, NoReturn

from tui_voice.cli.flags import add_common, add_settings
from tui_voice.errors import UsageError

COMMANDS = {
    "resume": "resume a saved session",
    "sessions": "list, show, search, export, rename and delete saved sessions",
    "line": "the session as plain lines with microphone, for screen readers",
    "say": "a session without a screen: each argument is a turn",
    "serve": "the embedded Realtime server alone",
    "models": "fetch a better chat model or speech recognition, and remove it",
    "replay": "replay a saved session on the same screen",
    "tokens": "tokens and price of words, as text and as speech",
    "simulate": "window and cost of a session under given limits",
    "eval": "what the model still knows after pruning, and what that costs",
    "devices": "list the sound devices",
    "doctor": "what is missing on this machine, and the command that repairs it",
    "config": "the settings in force and where each came from",
}
"""Command → its line in the help. All but `resume` are modules of this package."""

_APP = "tui_voice.cli.app"
_ABOUT = """\
Talk with a realtime voice model from the terminal, for as long as you like.
Without a command: the full-screen app with a new session."""
_AFTER = """\
`tui-voice COMMAND --help` explains a command. An API key is read from OPENAI_API_KEY,
AZURE_OPENAI_API_KEY or the system's keyring; without one, the embedded server answers."""


class CommandLine(argparse.ArgumentParser):
    """A parser that reports an error as one `UsageError` instead of printing its usage."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("formatter_class", _Formatter)
        super().__init__(allow_abbrev=False, **kwargs)

    def error(self, message: str) -> NoReturn:
        hint = f"`{self.prog} --help` lists what is possible."
        if found := re.match(r"argument COMMAND: invalid choice: '?([^' ]*)", message):
            near = get_close_matches(found[1], COMMANDS, n=1)
            hint = f"Did you mean {near[0]}? {hint}" if near else hint
            message = f'there is no command "{found[1]}"'
        raise UsageError(message[:1].upper() + message[1:].rstrip(".") + ".", hint)

    def command_in(self, argv: Sequence[str]) -> str | None:
        """Returns the name of the command: the first word that is no flag and no flag's value.

        Raises UsageError for an unknown flag, whose value argparse would mistake for a command.
        """
        words = iter(argv)
        for word in words:
            flag, _, value = word.partition("=")
            if not word.startswith("-") or word == "--":
                return word
            action = self._option_string_actions.get(flag)
            if action is None and flag.startswith("--"):
                near = get_close_matches(flag, self._option_string_actions, n=1)
                meant = f"; did you mean {near[0]}" if near else ""
                self.error(f"there is no flag {flag}{meant}")
            if action is not None and action.nargs is None and not value:
                next(words, None)
        return None


class _Formatter(argparse.HelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=34)


class _Version(argparse.Action):
    """Like argparse's own, but it looks up the version only when it is printed."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        from importlib.metadata import version

        print(f"tui-voice {version('tui-voice')}")
        parser.exit()


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Returns the arguments: `command` (None: the app) and its flags.

    Raises UsageError; SystemExit(0) after `--help` and `--version`.
    """
    args = build(argv).parse_args(argv)
    if args.command is not None:
        return args
    return argparse.Namespace(**{"id": None, **vars(args)})


def run(args: argparse.Namespace) -> int:
    """Runs the command that `parse` returned, and returns its exit status."""
    name = _APP if args.command in (None, "resume") else f"tui_voice.cli.{args.command}"
    if name != _APP:
        gc.enable()
    status: int = import_module(name).run(args)
    return status


def build(argv: Sequence[str]) -> CommandLine:
    """Returns a parser for `argv`. Only the command that is named there is imported.

    Raises UsageError for an unknown flag before the command.
    """
    parser = CommandLine(prog="tui-voice", description=_ABOUT, epilog=_AFTER)
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    parser.add_argument("--debug", action="store_true", help="write tracebacks to a log file")
    parser.add_argument(
        "--continue",
        dest="continue_last",
        action="store_true",
        help="resume the newest saved session",
    )
    add_settings(parser)
    add_common(parser)
    named = parser.command_in(argv)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name, about in COMMANDS.items():
        if name == "resume":
            _add_resume(commands, about)
        elif name == named:
            import_module(f"tui_voice.cli.{name}").add_parser(commands)
        else:
            commands.add_parser(name, help=about, add_help=False)
    return parser


def _add_resume(commands: Any, about: str) -> None:
    resume = commands.add_parser("resume", help=about, description="Resumes a saved session.")
    resume.add_argument(
        "id",
        nargs="?",
        metavar="ID",
        help="its id, or the beginning of it; without it, choose from the list",
    )
    add_settings(resume)
    add_common(resume)
