"""The embedded server as a child process: it never outlives us, and reports why it fails."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.patience_harness import patience
from tui_voice.config import load
from tui_voice.errors import BackendError
from tui_voice.runtime.backends import LOCAL
from tui_voice.runtime.embedded import ChildOutput, EmbeddedServer
from tui_voice.runtime.endpoints import EmbeddedEndpoint

PARENT = """
import asyncio
from tui_voice.runtime.embedded import EmbeddedServer

async def main():
    server = EmbeddedServer()
    url = await server.start()
    print(url, server.headers["Authorization"], flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def end_of(connection: ClientConnection) -> None:
    """Waits until the server closes the connection or is gone."""
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


async def test_it_accepts_connections_until_it_is_stopped() -> None:
    server = EmbeddedServer()
    async with started(server) as url, asyncio.timeout(patience(60)):
        assert server.running
        connection = await connect(f"{url}?model=local", additional_headers=server.headers)
        await server.stop()
        await end_of(connection)
    assert not server.running
    await server.stop()  # a second time does nothing


def command_line(pid: int | None) -> bytes:
    """Returns the command line of a process, b"" where the system has no `/proc`."""
    file = Path(f"/proc/{pid}/cmdline")
    return file.read_bytes() if file.exists() else b""


async def test_it_accepts_only_clients_with_its_key() -> None:
    server = EmbeddedServer()
    async with started(server) as url, asyncio.timeout(patience(60)):
        async with connect(f"{url}?model=local") as stranger:
            assert '"invalid_api_key"' in str(await stranger.recv())
        key = server.headers["Authorization"].removeprefix("Bearer ")
        assert len(key) > 30
        assert key.encode() not in command_line(server.pid)  # which all users can read
    assert EmbeddedServer().headers != server.headers


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
async def test_it_does_not_outlive_a_parent_that_is_killed() -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    async with asyncio.timeout(patience(60)):
        url, key = (await parent.stdout.readline()).decode().strip().split(" ", 1)
        headers = {"Authorization": key}
        connection = await connect(f"{url}?model=local", additional_headers=headers)
        os.kill(parent.pid, signal.SIGKILL)
        await end_of(connection)
        # Both processes held this pipe: it is closed when the child is gone as well.
        await parent.communicate()


async def test_a_child_that_cannot_listen_reports_why() -> None:
    server = EmbeddedServer(["--host", "203.0.113.1"])
    with pytest.raises(BackendError) as caught:
        await server.start()
    assert "cannot listen on 203.0.113.1" in str(caught.value)
    assert not server.running


async def test_a_child_that_refuses_an_option_reports_it() -> None:
    with pytest.raises(BackendError) as caught:
        await EmbeddedServer(["--no-such-flag"]).start()
    assert "did not start" in str(caught.value)


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="no /proc here")
@pytest.mark.parametrize("text_only", [False, True])
async def test_speech_is_loaded_on_demand_in_a_session_of_text(
    tmp_path: Path, text_only: bool
) -> None:
    settings = load({"audio.text_only": text_only}, env={}, path=tmp_path / "none.toml")
    endpoint = LOCAL.endpoint(settings)
    assert isinstance(endpoint, EmbeddedEndpoint)
    try:
        await endpoint.address()
        assert (b"--speech-on-demand" in command_line(endpoint.server.pid)) is text_only
    finally:
        await endpoint.stop()


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
async def test_a_server_that_was_killed_is_started_again() -> None:
    endpoint = EmbeddedEndpoint([], "local")
    try:
        async with asyncio.timeout(patience(90)):
            first = await endpoint.address()
            assert first.url.endswith("?model=local")
            assert (await endpoint.address()).url == first.url
            assert endpoint.server.pid is not None
            connection = await connect(first.url, additional_headers=first.headers)
            os.kill(endpoint.server.pid, signal.SIGKILL)
            await end_of(connection)
            while endpoint.server.running:  # noqa: ASYNC110  (the exit status comes a little later)
                await asyncio.sleep(0)
            second = await endpoint.address()
            assert second.url != first.url
            connection = await connect(second.url, additional_headers=second.headers)
            await connection.close()
    finally:
        await endpoint.stop()


@pytest.mark.local
async def test_a_server_that_is_ending_is_not_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys, time; sys.modules['xllamacpp'] = None\n"
        "end = os._exit\n"
        "os._exit = lambda status: (time.sleep(2), end(status))  # as on a busy machine"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    endpoint = EmbeddedEndpoint([], "local")
    try:
        async with asyncio.timeout(patience(60)):
            await endpoint.address()
            while not endpoint._ending:  # noqa: ASYNC110  (no event tells it)
                await asyncio.sleep(0)
            with pytest.raises(BackendError, match="xllamacpp cannot be imported"):
                await endpoint.address()
    finally:
        await endpoint.stop()


async def test_all_lines_of_the_child_are_read() -> None:
    progress: list[str] = []
    output = ChildOutput(progress.append)
    stream = asyncio.StreamReader()
    stream.feed_data(b"progress: loading voice\n\n  \n\xff broken\nprogress: ready: all\n")
    stream.feed_eof()
    await output.read(stream)
    assert progress == ["loading voice", "ready: all"]
    assert output.last_line.endswith("broken")
