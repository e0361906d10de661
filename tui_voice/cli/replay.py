"""`tui-voice replay`: shows a saved session on the screen again, without network."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from tui_voice.cli.app import appearance, run_in_terminal, status_of_app
from tui_voice.cli.arguments import find_session, number
from tui_voice.cli.flags import add_common, sessions_dir_of, settings_of
from tui_voice.errors import UsageError
from tui_voice.signals import handled

if TYPE_CHECKING:
    from tui_voice.runtime.session_handle import SessionHandle


def add_parser(commands: Any) -> None:
    """Registers the command with argparse's subparsers."""
    parser = commands.add_parser(
        "replay",
        help="replay a saved session on the same screen",
        description="Replays a saved session on the same screen, at its own speed or faster. "
        "Nothing is sent, nothing is written.",
    )
    parser.add_argument("session", metavar="ID|FILE", help="a saved session, or a journal's path")
    parser.add_argument(
        "--speed",
        type=number(float, 0, 1_000_000),
        default=1.0,
        metavar="N",
        help="N times as fast; 0: all at once",
    )
    add_common(parser)


def run(args: argparse.Namespace) -> int:
    """Runs the replay. Exit status 0. Raises `StoreError` where there is no such session."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "A replay needs a terminal.", f"`tui-voice sessions show {args.session}` prints it."
        )

    settings = settings_of(args)
    path = find_session(sessions_dir_of(args), args.session).path
    from tui_voice.runtime.turn_player import TurnPlayer
    from tui_voice.ui.app import VoiceApp
    from tui_voice.ui.options import AppOptions

    def open_handle(_session_id: str | None) -> SessionHandle:
        from tui_voice.runtime.replay import replay
        from tui_voice.store.reading import read

        return replay(path, read(path).events, args.speed, player.play_recorded)

    player = TurnPlayer(settings.audio.output_device)
    options = AppOptions(**appearance(settings), sound=False, live=False, play_turn=player.play)
    app = VoiceApp(open_handle, options, signals=handled())
    run_in_terminal(app)
    return status_of_app(app)
