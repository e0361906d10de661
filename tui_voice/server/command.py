"""`tui-voice serve`: the server alone, until it is told to end."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import signal
import sys
from dataclasses import dataclass, field
from threading import Thread

from tui_voice.server.interfaces import Engines
from tui_voice.server.serve import ServeOptions, serve

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8765


@dataclass(frozen=True, slots=True)
class RunOptions:
    """`exit_on_stdin_eof`: end when whoever started it is gone."""

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    exit_on_stdin_eof: bool = False
    serving: ServeOptions = field(default_factory=ServeOptions)


def run(options: RunOptions, engines: Engines) -> int:
    """Serves until SIGTERM, Ctrl+C (raised as `KeyboardInterrupt`), or the end of stdin.

    The first line on stdout is the URL, as soon as it accepts; what happens is told on stderr in
    lines that begin with `progress: `. Returns 0. Raises `TuiVoiceError` where it cannot listen,
    or cannot load the engines.
    """
    return asyncio.run(_run(options, engines))


def progress(line: str) -> None:
    """One line of news on stderr, from any thread. Give it to the engines."""
    print(f"progress: {line}", file=sys.stderr, flush=True)


async def _run(options: RunOptions, engines: Engines) -> int:
    server = await serve(options.host, options.port, engines, options.serving)
    try:
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        if sys.platform != "win32":
            loop.add_signal_handler(signal.SIGTERM, ended.set)
        print(server.url, flush=True)
        progress(_reach(options))
        if options.exit_on_stdin_eof:
            Thread(target=_watch_stdin, args=(loop, ended), daemon=True).start()
        ending = asyncio.create_task(ended.wait())
        loading = asyncio.create_task(server.loaded.wait())
        try:
            await asyncio.wait(
                (ending, loading, server.failed), return_when=asyncio.FIRST_COMPLETED
            )
            if server.failed.done():
                raise server.failed.result()
            if loading.done():
                progress(f"ready: {engines.describe()}")
                await ending
        finally:
            ending.cancel()
            loading.cancel()
    finally:
        await server.close()
    return 0


def _reach(options: RunOptions) -> str:
    """Who can connect, in one sentence."""
    if _is_loopback(options.host):
        return "listening on this machine only (loopback)"
    guard = "with the key" if options.serving.api_key is not None else "without any key"
    return f"listening on {options.host}: everybody who reaches this machine can connect, {guard}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _watch_stdin(loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    try:
        loop.call_soon_threadsafe(ended.set)
    except RuntimeError:  # it has ended already
        return
