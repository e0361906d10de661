"""Runs the server as the command `tui-voice serve`, until it is asked to end."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass, field
from threading import Thread

from tui_voice.network import is_loopback
from tui_voice.server.interfaces import Engines
from tui_voice.server.memory import ignore_loaded_objects
from tui_voice.server.realtime_server import ServerOptions, start_server
from tui_voice.signals import handled


@dataclass(frozen=True, slots=True)
class ServeCommandOptions:
    """`port` 0: any free port. `exit_on_stdin_eof`: end when standard input ends."""

    host: str = "127.0.0.1"
    port: int = 0
    exit_on_stdin_eof: bool = False
    server: ServerOptions = field(default_factory=ServerOptions)


def run(options: ServeCommandOptions, engines: Engines) -> int:
    """Serves until a signal or the end of stdin; returns the exit status.

    That is 0 at the end of stdin, 130 for SIGINT, 143 for SIGTERM and 129 for SIGHUP.

    Prints the URL as the first line on stdout once the server accepts connections, and news on
    stderr in lines that begin with `progress: `; the last one is `ending` where the engines cannot
    be loaded. Raises `TuiVoiceError` in that case, and where the server cannot listen.
    """
    return asyncio.run(_run(options, engines))


def print_progress(message: str) -> None:
    """Prints one line of news on stderr, from any thread. The engines report their loading here."""
    print(f"progress: {message}", file=sys.stderr, flush=True)


async def _run(options: ServeCommandOptions, engines: Engines) -> int:
    server = await start_server(options.host, options.port, engines, options.server)
    try:
        end_requested = asyncio.Event()
        loop = asyncio.get_running_loop()
        signals: list[int] = []

        def end_by(number: int) -> None:
            signals.append(number)
            end_requested.set()

        if sys.platform != "win32":
            for number in handled():
                loop.add_signal_handler(number, end_by, number)
        print(server.url, flush=True)
        print_progress(_reachability(options))
        # Before any client learns of it: then nobody who reads this connects once more.
        server.failed.add_done_callback(lambda _error: print_progress("ending"))
        if options.exit_on_stdin_eof:
            Thread(
                target=_watch_stdin, args=(loop, end_requested), name="stdin-watcher", daemon=True
            ).start()
        ending = asyncio.create_task(end_requested.wait())
        loading = asyncio.create_task(server.loaded.wait())
        try:
            await asyncio.wait(
                (ending, loading, server.failed), return_when=asyncio.FIRST_COMPLETED
            )
            if server.failed.done():
                raise server.failed.result()
            if loading.done():
                ignore_loaded_objects()
                print_progress(f"ready: {engines.describe()}")
                await ending
        finally:
            ending.cancel()
            loading.cancel()
    finally:
        await server.close()
    return 128 + signals[0] if signals else 0


def _reachability(options: ServeCommandOptions) -> str:
    """Returns one sentence that says who can connect."""
    if is_loopback(options.host):
        return "listening on this machine only (loopback)"
    condition = "with the key" if options.server.api_key is not None else "without any key"
    return (
        f"listening on {options.host}: everybody who can reach this machine can connect, "
        f"{condition}"
    )


def _watch_stdin(loop: asyncio.AbstractEventLoop, end_requested: asyncio.Event) -> None:
    """Reads standard input to its end, in a thread of its own."""
    while sys.stdin is not None and os.read(sys.stdin.fileno(), 4096):
        pass
    try:
        loop.call_soon_threadsafe(end_requested.set)
    except RuntimeError:  # the server has ended already
        return
