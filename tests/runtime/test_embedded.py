"""The embedded server as a child: it lives while we do, no longer, and says why it cannot."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tui_voice.errors import BackendError
from tui_voice.runtime.embedded import EmbeddedServer
from tui_voice.runtime.endpoints import Local

PARENT = """
import asyncio
from tui_voice.runtime.embedded import EmbeddedServer

async def main():
    server = EmbeddedServer()
    print(await server.start(), flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def end_of(connection: ClientConnection) -> None:
    """Until the server at the other end is gone."""
    try:
        while True:
            await connection.recv()
    except ConnectionClosed:
        return


@asynccontextmanager
async def started(server: EmbeddedServer) -> AsyncIterator[str]:
    url = await server.start()
    try:
        yield url
    finally:
        await server.stop()


async def test_it_accepts_at_once_and_ends_when_told() -> None:
    server = EmbeddedServer()
    async with started(server) as url, asyncio.timeout(60):
        assert server.running
        connection = await connect(f"{url}?model=local")
        await server.stop()
        await end_of(connection)
    assert not server.running
    await server.stop()  # a second time is nothing


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
async def test_it_does_not_outlive_a_parent_that_is_killed() -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    async with asyncio.timeout(60):
        url = (await parent.stdout.readline()).decode().strip()
        connection = await connect(f"{url}?model=local")
        os.kill(parent.pid, signal.SIGKILL)
        await end_of(connection)
        # The pipe that both held is closed only when the child is gone, too.
        await parent.communicate()


async def test_a_child_that_cannot_start_says_why() -> None:
    server = EmbeddedServer(["--host", "203.0.113.1"])
    with pytest.raises(BackendError) as caught:
        await server.start()
    assert "cannot listen on 203.0.113.1" in str(caught.value)
    assert not server.running


async def test_a_flag_that_it_does_not_know_is_told() -> None:
    with pytest.raises(BackendError) as caught:
        await EmbeddedServer(["--no-such-flag"]).start()
    assert "did not start" in str(caught.value)


async def test_a_server_that_died_is_started_again() -> None:
    local = Local((), "local")
    try:
        async with asyncio.timeout(90):
            first = await local.target()
            assert first.url.endswith("?model=local")
            again = await local.target()
            assert again.url == first.url
            process = local._server._process
            assert process is not None
            process.kill()
            await process.wait()
            second = await local.target()
            assert second.url != first.url
            connection = await connect(second.url)
            await connection.close()
    finally:
        await local.stop()


async def test_its_news_are_read_to_the_end_whatever_they_are() -> None:
    news: list[str] = []
    server = EmbeddedServer(on_progress=news.append)
    stream = asyncio.StreamReader()
    stream.feed_data(b"progress: loading ears\n\n  \n\xff broken\nprogress: ready: all\n")
    stream.feed_eof()
    await server._read(stream)
    assert news == ["loading ears", "ready: all"]
    assert server._last_words().endswith("broken")
