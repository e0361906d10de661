"""Functions of MCP servers: a real server answers, fails, hangs or ends; the user may refuse."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.patience_harness import patience
from tests.requirements_harness import require
from tests.runtime.session_harness import running_session, toy_server
from tests.server.toy_engines_harness import ToyEngines
from tui_voice.config.tool_servers import ToolServer
from tui_voice.conversation import events as e
from tui_voice.runtime import mcp_servers
from tui_voice.runtime.approvals import Approvals
from tui_voice.runtime.mcp_servers import McpServers
from tui_voice.runtime.tools import Tools

HARNESS = "tests.runtime.tool_server_harness"
MODULE = ("-m", HARNESS)


def own_server(**settings: Any) -> ToolServer:
    """Returns the settings of the test's server, started as a process."""
    given = {"command": sys.executable, "args": MODULE, "allow": "always", **settings}
    return ToolServer(**given)


@asynccontextmanager
async def running(
    folder: Path, *, can_ask: bool = False, **servers: ToolServer
) -> AsyncIterator[tuple[McpServers, Approvals, list[str]]]:
    """Runs tool servers; yields them, what waits for the user, and the notices."""
    try:
        import mcp  # noqa: F401  (only whether it is there)
    except ImportError:
        require(False, "the extra `tools` is not installed")
    notices: list[str] = []
    approvals = Approvals(folder / "allowed.json", can_ask=can_ask)
    started = McpServers(servers, approvals, notices.append)
    task = asyncio.create_task(started.run())
    try:
        yield started, approvals, notices
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def call(servers: McpServers, name: str, **arguments: Any) -> Any:
    tools = Tools(await servers.tools())
    return json.loads(await tools.call(name, json.dumps(arguments)))


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(patience(30)):
        while not true():  # noqa: ASYNC110  (nothing tells when it becomes true)
            await asyncio.sleep(0.02)


async def test_functions_of_a_process_answer_and_their_failures_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_SKY", "blue")
    own = own_server(
        env={"SKY": "${TEST_SKY}"},
        functions={"hangs": "never"},
        result_limit=100,
    )
    async with running(tmp_path, own=own) as (servers, _, notices):
        declared = {one["name"]: one for one in Tools(await servers.tools()).declared()}
        assert sorted(declared) == ["own_ends", "own_fails", "own_long_text", "own_weather"]
        weather = declared["own_weather"]
        assert weather["description"] == "Returns the weather in a city."
        assert weather["parameters"]["required"] == ["city"]
        assert await call(servers, "own_weather", city="Uji") == "Uji: 21 degrees, blue"
        cut = await call(servers, "own_long_text", length=1_000)
        assert cut == "x" * 100 + "\n[900 characters are left out]"
        assert "the lamp is broken" in (await call(servers, "own_fails"))["error"]
        assert "error" in await call(servers, "own_weather")  # an argument is missing
        assert notices == []


async def test_a_server_that_ends_is_told_and_started_again_once(tmp_path: Path) -> None:
    async with running(tmp_path, own=own_server()) as (servers, _, notices):
        for end in (1, 2):
            ended = await call(servers, "own_ends")
            assert ended == {"error": "the tool server own ended during the call"}
            await until(lambda end=end: len(notices) == end)
            if end == 1:
                async with asyncio.timeout(patience(30)):
                    while "error" in (answer := await call(servers, "own_weather", city="Uji")):
                        assert answer == {"error": "the tool server own does not run"}
                        await asyncio.sleep(0.05)
        assert notices == [
            "The tool server own ended; it is started again. It printed: the server ends itself",
            "The tool server own ended; its functions are not available. It printed: the server "
            "ends itself",
        ]
        gone = await call(servers, "own_weather", city="Uji")
        assert gone == {"error": "the tool server own does not run"}


async def test_a_call_without_a_result_is_given_up(tmp_path: Path) -> None:
    async with running(tmp_path, own=own_server(timeout_s=0.3)) as (servers, _, _notices):
        assert await call(servers, "own_hangs") == {"error": "hangs gave no result within 0.3 s"}


@pytest.mark.parametrize(
    ("server", "said"),
    [
        (ToolServer(command=sys.executable, args=("-c", "raise SystemExit('no key')")), "no key"),
        (ToolServer(url="http://127.0.0.1:9/mcp"), "failed"),
    ],
    ids=["ends at once", "nobody answers"],
)
async def test_a_server_that_does_not_start_is_told(
    tmp_path: Path, server: ToolServer, said: str
) -> None:
    async with running(tmp_path, own=server) as (servers, _, notices):
        async with asyncio.timeout(patience(60)):
            assert await servers.tools() == ()
        assert len(notices) == 2
        assert "its functions are not available" in notices[1]
        assert said in notices[1]


async def test_a_program_that_is_not_there_is_told_once(tmp_path: Path) -> None:
    async with running(tmp_path, own=ToolServer(command="no-such-program")) as (
        servers,
        _,
        notices,
    ):
        assert await servers.tools() == ()
        assert notices == [
            "The tool server own cannot be started: there is no program no-such-program that may "
            "be run. Install it, or correct [tools.own] in the settings."
        ]


async def test_a_server_over_http_is_reached_without_a_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *MODULE, str(port), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(patience(30)):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except ConnectionRefusedError:
                    await asyncio.sleep(0.05)
                    continue
                writer.close()
                break
        web = ToolServer(url=f"http://127.0.0.1:{port}/mcp", allow="always")
        async with running(tmp_path, web=web) as (servers, _, notices):
            assert "Uji: 21 degrees" in await call(servers, "web_weather", city="Uji")
            assert notices == []
    finally:
        process.terminate()
        await process.wait()


async def test_a_call_waits_for_the_user_who_may_allow_it_for_good(tmp_path: Path) -> None:
    own = own_server(allow="ask")
    async with running(tmp_path, own=own, can_ask=True) as (servers, approvals, _):

        async def decided(decision: Any) -> Any:
            calling = asyncio.create_task(call(servers, "own_weather", city="Uji"))
            await until(lambda: approvals.oldest is not None)
            assert approvals.oldest is not None
            assert (approvals.oldest.function, approvals.oldest.arguments) == (
                "weather",
                '{"city": "Uji"}',
            )
            approvals.answer(approvals.oldest.number, decision)
            return await calling

        assert await decided("refuse") == {"error": "the user did not allow this call"}
        assert "21 degrees" in await decided("once")
        assert "21 degrees" in await decided("always")
        assert "21 degrees" in await call(servers, "own_weather", city="Uji")  # not asked for
    remembered = Approvals(tmp_path / "allowed.json", can_ask=False)
    assert await remembered.allowed("own", "weather", "{}")
    assert not await remembered.allowed("own", "fails", "{}")


async def test_without_the_package_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    notices: list[str] = []
    servers = McpServers(
        {"own": own_server()}, Approvals(tmp_path / "a.json", can_ask=False), notices.append
    )
    await servers.run()
    assert await servers.tools() == ()
    assert notices == [mcp_servers.EXTRA_MISSING.format("uv run --extra tools tui-voice")]


async def test_the_model_uses_a_function_of_a_tool_server_in_a_session(tmp_path: Path) -> None:
    notices: list[str] = []
    approvals = Approvals(tmp_path / "allowed.json", can_ask=False)
    servers = McpServers({"own": own_server()}, approvals, notices.append)
    async with (
        toy_server(ToyEngines()) as server,
        running_session(server.url, tmp_path, tool_servers=servers) as harness,
    ):
        harness.session.post(e.TextSubmitted(item_id="q", text="call own_fails"))
        answered = await harness.event(e.ToolAnswered)
        assert "the lamp is broken" in answered.output
        now = await harness.settled()
        assert [turn.tool for turn in now.ledger.turns if turn.tool] == ["own_fails"]
    assert notices == []
