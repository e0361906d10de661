"""`tui-voice serve`: the embedded Realtime server alone."""

from __future__ import annotations

import argparse
import math
import sys
from typing import Any

from tui_voice.cli.flags import ENGINES, add_common, add_settings, settings_of
from tui_voice.errors import UsageError

_MOST_MINUTES = 24 * 60


def add_parser(commands: Any) -> None:
    """Registers the command with argparse's subparsers."""
    parser = commands.add_parser(
        "serve",
        help="the embedded Realtime server alone",
        description="A server for any client of the Realtime protocol, on this machine, offline. "
        "Prints its address on the first line once it accepts connections.",
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="the address to listen on (%(default)s)"
    )
    parser.add_argument(
        "--port", type=_port, default=8765, help="the port (%(default)s); 0: any free one"
    )
    parser.add_argument(
        "--api-key",
        metavar="KEY",
        help="the API key that clients must send; -: it is the first line of standard input",
    )
    parser.add_argument(
        "--open",
        action="store_true",
        help="listen beyond this machine without a key: everybody who can reach it may connect",
    )
    parser.add_argument(
        "--max-connections",
        type=_count,
        metavar="N",
        default=256,
        help="clients that may be connected at the same time (%(default)s)",
    )
    parser.add_argument(
        "--session-minutes",
        type=_minutes,
        metavar="N",
        default=60.0,
        help="minutes that one server session may last (%(default)s)",
    )
    parser.add_argument(
        "--exit-on-stdin-eof",
        action="store_true",
        help="end when standard input ends, as when the program that started it ends",
    )
    parser.add_argument(
        "--speech-on-demand",
        action="store_true",
        help="load the engines for speech when a client first needs them, not at the start",
    )
    add_settings(parser, *ENGINES)
    add_common(parser)


def run(args: argparse.Namespace) -> int:
    """Serves until a signal, or the end of standard input, stops it."""
    from tui_voice.network import is_loopback
    from tui_voice.server.command import ServeCommandOptions, print_progress, run
    from tui_voice.server.limits import SessionLimits
    from tui_voice.server.local.engines import LocalEngines
    from tui_voice.server.realtime_server import ServerOptions

    wanted = settings_of(args).backend
    api_key = _api_key(args.api_key)
    if api_key is None and not args.open and not is_loopback(args.host):
        raise UsageError(
            f"With --host {args.host} everybody who can reach this machine could use the server.",
            "Name a key with --api-key, or say --open if that is what you want.",
        )
    engines = LocalEngines(
        llm_url=wanted.llm_url,
        llm_model=wanted.llm_model,
        llm_path=wanted.llm_path,
        stt=wanted.stt,
        tts=wanted.tts,
        progress=print_progress,
        speech_on_demand=args.speech_on_demand,
    )
    serving = ServerOptions(
        api_key=api_key,
        max_connections=args.max_connections,
        limits=SessionLimits(session_seconds=args.session_minutes * 60),
    )
    options = ServeCommandOptions(args.host, args.port, args.exit_on_stdin_eof, serving)
    return run(options, engines)


def _api_key(given: str | None) -> str | None:
    """Returns the key that clients must send, None for none. Raises UsageError."""
    if given is None:
        return None
    key = given
    if given == "-":
        key = sys.stdin.buffer.readline().decode(errors="replace").strip() if sys.stdin else ""
    if not key or not (key.isascii() and key.isprintable()):
        raise UsageError(
            "The key of --api-key is empty, or has characters that no key can have.",
            "Leave --api-key out to serve without a key.",
        )
    return key


def _port(text: str) -> int:
    number = _whole(text)
    if number is None or number > 65_535:
        raise argparse.ArgumentTypeError("a port is a whole number from 0 to 65535")
    return number


def _count(text: str) -> int:
    number = _whole(text)
    if not number:
        raise argparse.ArgumentTypeError("allowed is a whole number from 1 to 99999")
    return number


def _whole(text: str) -> int | None:
    """Returns a whole number of at most five digits; None for any other text."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else None


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = math.nan
    if not 0 < minutes <= _MOST_MINUTES:
        raise argparse.ArgumentTypeError(
            f"allowed is a number of minutes above 0, up to {_MOST_MINUTES}"
        )
    return minutes
