"""Runs the server as the command `tui-voice serve`, until it is asked to end."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import signal
import sys
from dataclasses import dataclass, field
from threading import Thread

from tui_voice.server.interfaces import Engines
from tui_voice.server.realtime_server import ServerOptions, start_server


@dataclass(frozen=True, slots=True)
class ServeCommandOptions:
    """`port` 0: any free port. `exit_on_stdin_eof`: end when standard input ends."""

    host: str = "127.0.0.1"
    port: int = 0
    exit_on_stdin_eof: bool = False
    server: ServerOptions = field(default_factory=ServerOptions)


def run(options: ServeCommandOptions, engines: Engines) -> int:
    """Serves until SIGTERM, Ctrl+C (raised as `KeyboardInterrupt`) or the end of stdin; returns 0.

    Prints the URL as the first line on stdout once the server accepts connections, and news on
    stderr in lines that begin with `progress: `. Raises `TuiVoiceError` where the server cannot
    listen or the engines cannot be loaded.
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
        if sys.platform != "win32":
            loop.add_signal_handler(signal.SIGTERM, end_requested.set)
        print(server.url, flush=True)
        print_progress(_reachability(options))
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
                print_progress(f"ready: {engines.describe()}")
                await ending
        finally:
            ending.cancel()
            loading.cancel()
    finally:
        await server.close()
    return 0


def _reachability(options: ServeCommandOptions) -> str:
    """Returns one sentence that says who can connect."""
    if _is_loopback(options.host):
        return "listening on this machine only (loopback)"
    condition = "with the key" if options.server.api_key is not None else "without any key"
    return (
        f"listening on {options.host}: everybody who can reach this machine can connect, "
        f"{condition}"
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _watch_stdin(loop: asyncio.AbstractEventLoop, end_requested: asyncio.Event) -> None:
    """Reads standard input to its end, in a thread of its own."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    try:
        loop.call_soon_threadsafe(end_requested.set)
    except RuntimeError:  # the server has ended already
        return
