"""`tui-voice serve`: the embedded Realtime server alone."""

from __future__ import annotations

import argparse
from typing import Any

from tui_voice.cli.flags import ENGINES, add_common, add_settings, settings_of


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
        "--port", type=int, default=8765, help="the port (%(default)s); 0: any free one"
    )
    parser.add_argument("--api-key", metavar="KEY", help="the API key that clients must send")
    parser.add_argument(
        "--session-minutes",
        type=float,
        metavar="N",
        default=60.0,
        help="minutes that one server session may last (%(default)s)",
    )
    parser.add_argument(
        "--exit-on-stdin-eof",
        action="store_true",
        help="end when standard input ends, as when the program that started it ends",
    )
    add_settings(parser, *ENGINES)
    add_common(parser)


def run(args: argparse.Namespace) -> int:
    """Serves until a signal, or the end of standard input, stops it."""
    from tui_voice.server.command import ServeCommandOptions, print_progress, run
    from tui_voice.server.limits import SessionLimits
    from tui_voice.server.local.engines import LocalEngines
    from tui_voice.server.realtime_server import ServerOptions

    wanted = settings_of(args).backend
    engines = LocalEngines(
        llm_url=wanted.llm_url,
        llm_model=wanted.llm_model,
        llm_path=wanted.llm_path,
        stt=wanted.stt,
        tts=wanted.tts,
        progress=print_progress,
    )
    serving = ServerOptions(
        api_key=args.api_key, limits=SessionLimits(session_seconds=args.session_minutes * 60)
    )
    options = ServeCommandOptions(args.host, args.port, args.exit_on_stdin_eof, serving)
    return run(options, engines)
