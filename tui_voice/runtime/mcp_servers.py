"""Servers of the Model Context Protocol (MCP): their functions are offered to the model.

Source: https://modelcontextprotocol.io, through the official package `mcp` (extra `tools`). A
server is a process that is spoken to over its standard input and output, or an address (Streamable
HTTP). One that ends is started again once.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from string import Template
from typing import TYPE_CHECKING, Any

from tui_voice.config.program_form import with_extra
from tui_voice.config.tool_servers import ToolServer
from tui_voice.network import is_loopback
from tui_voice.runtime.approvals import Approvals
from tui_voice.runtime.tools import Tool

if TYPE_CHECKING:
    from mcp import Client

START_TIMEOUT_S = 15.0
"""Seconds that a server may take to start and to list its functions."""
ALIVE_CHECK_S = 20.0
"""Seconds between two checks whether a server still answers."""
STARTS = 2
"""How often a server is started: it is started again once."""
NAME_LENGTH = 64
"""The Realtime API takes names of functions up to this number of characters."""
EXTRA_MISSING = "[tools] needs the package mcp, which is not installed: run `{}`."


class McpServers:
    """The tool servers of one session. All methods run on the session's loop.

    `notify` gets sentences for the user about servers that do not start or end.
    """

    def __init__(
        self,
        servers: Mapping[str, ToolServer],
        approvals: Approvals,
        notify: Callable[[str], None],
    ) -> None:
        self._notify = notify
        self._servers = [
            _McpServer(name, settings, approvals, notify) for name, settings in servers.items()
        ]

    async def run(self) -> None:
        """Starts the servers and keeps them until it is cancelled."""
        if not self._servers:
            return
        try:
            await asyncio.to_thread(__import__, "mcp")  # takes about 1 s
        except ImportError:
            self._notify(EXTRA_MISSING.format(with_extra("tools")))
            for server in self._servers:
                server.listed.set()
            return
        async with asyncio.TaskGroup() as group:
            for server in self._servers:
                group.create_task(server.run())

    async def tools(self) -> tuple[Tool, ...]:
        """Returns the functions of all servers, once each has listed them or failed."""
        for server in self._servers:
            await server.listed.wait()
        return tuple(tool for server in self._servers for tool in server.tools)


class _McpServer:
    """One server and its connection."""

    def __init__(
        self,
        name: str,
        settings: ToolServer,
        approvals: Approvals,
        notify: Callable[[str], None],
    ) -> None:
        self._name = name
        self._settings = settings
        self._approvals = approvals
        self._notify = notify
        self._client: Client | None = None
        self._lost = asyncio.Event()
        self.listed = asyncio.Event()
        """The functions are known, or the server could not be started."""
        self.tools: tuple[Tool, ...] = ()

    async def run(self) -> None:
        for start in range(1, STARTS + 1):
            again = "it is started again" if start < STARTS else "its functions are not available"
            with tempfile.TemporaryFile("w+", errors="replace") as printed:
                try:
                    await self._run_once(printed)
                    reason = "ended"
                except Exception as error:  # noqa: BLE001  (of any library below `mcp`)
                    missing = isinstance(_first(error), FileNotFoundError | PermissionError)
                    if missing and self._settings.command:
                        self._notify(
                            f"The tool server {self._name} cannot be started: there is no program "
                            f"{self._settings.command} that may be run. Install it, or correct "
                            f"[tools.{self._name}] in the settings."
                        )
                        break
                    reason = f"failed: {_reason(error)}"
                finally:
                    self._client = None
                last = _last_line(printed)
            said = f" It printed: {last}" if last else ""
            self._notify(f"The tool server {self._name} {reason}; {again}.{said}")
        self.listed.set()

    async def _run_once(self, printed: Any) -> None:
        """Runs the server until it ends. `printed`: a file for what it prints as errors."""
        from mcp import Client

        self._lost.clear()
        async with asyncio.timeout(START_TIMEOUT_S) as starting:
            async with Client(self._transport(printed)) as client:
                listed = (await client.list_tools()).tools
                starting.reschedule(None)
                self._client = client
                self.tools = tuple(self._tool(one) for one in listed if self._offers(one.name))
                self.listed.set()
                await self._until_lost(client)

    async def _until_lost(self, client: Client) -> None:
        """Returns when the server no longer answers."""
        while not self._lost.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(ALIVE_CHECK_S):
                    await self._lost.wait()
                return
            try:
                async with asyncio.timeout(ALIVE_CHECK_S):
                    await client.list_tools(cache_mode="bypass")
            except Exception:  # noqa: BLE001  (of any library below `mcp`)
                return

    def _transport(self, printed: Any) -> Any:
        settings = self._settings
        if settings.url is not None:
            return _http(settings.url, settings)
        from mcp import StdioServerParameters, stdio_client

        assert settings.command is not None  # the settings were checked
        command = StdioServerParameters(
            command=settings.command, args=list(settings.args), env=_filled(settings.env)
        )
        return stdio_client(command, errlog=printed)

    def _offers(self, function: str) -> bool:
        return self._settings.permission(function) != "never"

    def _tool(self, listed: Any) -> Tool:
        async def run(arguments: Mapping[str, Any]) -> object:
            return await self._call(listed.name, arguments)

        return Tool(
            name=re.sub(r"[^A-Za-z0-9_-]", "_", f"{self._name}_{listed.name}")[:NAME_LENGTH],
            description=listed.description or listed.name,
            parameters=listed.input_schema or {"type": "object", "properties": {}},
            run=run,
        )

    async def _call(self, function: str, arguments: Mapping[str, Any]) -> object:
        """Returns the result for the model. Raises ValueError with a sentence for it."""
        if self._settings.permission(function) == "ask":
            text = json.dumps(arguments, ensure_ascii=False)
            if not await self._approvals.allowed(self._name, function, text):
                raise ValueError("the user did not allow this call")
        client = self._client
        if client is None:
            raise ValueError(f"the tool server {self._name} does not run")
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                result = await client.call_tool(function, dict(arguments))
        except TimeoutError:
            raise ValueError(
                f"{function} gave no result within {self._settings.timeout_s:g} s"
            ) from None
        except Exception as error:
            if not await _answers(client):
                self._lost.set()
                raise ValueError(f"the tool server {self._name} ended during the call") from error
            raise ValueError(_reason(error)) from error
        text = "\n".join(getattr(part, "text", f"[{part.type}]") for part in result.content)
        if result.is_error:
            raise ValueError(text or f"{function} failed")
        return _cut(text, self._settings.result_limit)


@asynccontextmanager
async def _http(url: str, settings: ToolServer) -> AsyncIterator[Any]:
    """Opens the streams of a server over HTTP. A loopback address is reached without a proxy."""
    import httpx2
    from mcp.client.streamable_http import streamable_http_client

    async with (
        httpx2.AsyncClient(
            headers=_filled(settings.headers),
            timeout=settings.timeout_s,
            trust_env=not is_loopback(httpx2.URL(url).host),
        ) as client,
        streamable_http_client(url, http_client=client) as streams,
    ):
        yield streams


async def _answers(client: Client) -> bool:
    try:
        async with asyncio.timeout(2.0):
            await client.list_tools(cache_mode="bypass")
    except Exception:  # noqa: BLE001  (of any library below `mcp`)
        return False
    return True


def _cut(text: str, limit: int) -> str:
    """Returns the text, or its first `limit` characters and a note of how many are left out."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}\n[{len(text) - limit:,} characters are left out]"


def _filled(values: Mapping[str, str]) -> dict[str, str]:
    """Returns the values with `${NAME}` replaced by the environment variable of that name."""
    return {name: Template(value).safe_substitute(os.environ) for name, value in values.items()}


def _last_line(printed: Any) -> str:
    """Returns the last line that is not empty, at most 200 characters."""
    printed.seek(0)
    lines = [line.strip() for line in printed.read().splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""


def _first(error: BaseException) -> BaseException:
    """Returns the first error of a group, or the error itself."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _reason(error: BaseException) -> str:
    """Returns the first error of a group, in one line of at most 200 characters."""
    error = _first(error)
    if isinstance(error, TimeoutError):
        return f"no answer within {START_TIMEOUT_S:g} s"
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
