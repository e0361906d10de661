"""A real MCP server in a process of its own, with functions that answer, fail, hang and end it.

python -m tests.runtime.tool_server_harness          # over standard input and output
python -m tests.runtime.tool_server_harness PORT     # over Streamable HTTP
"""

from __future__ import annotations

import asyncio
import os
import sys

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

server = MCPServer("test")


@server.tool()
def weather(city: str) -> str:
    """Returns the weather in a city."""
    return f"{city}: 21 degrees, {os.environ.get('SKY', 'no sky given')}"


@server.tool()
def long_text(length: int) -> str:
    """Returns a long text."""
    return "x" * length


@server.tool()
def fails() -> str:
    """Always fails."""
    raise ToolError("the lamp is broken")


@server.tool()
async def hangs() -> str:
    """Gives no result for a minute."""
    await asyncio.sleep(60)
    return "late"


@server.tool()
def ends() -> str:
    """Ends the server."""
    print("the server ends itself", file=sys.stderr, flush=True)
    os._exit(3)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
    else:
        server.run("stdio")
