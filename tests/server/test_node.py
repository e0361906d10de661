"""Clients from npm against our server: OpenAI's agents SDK, and its plain package."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.protocol_harness import SILENCE
from tests.server.toy_engines_harness import ToyEngines, speech
from tui_voice.server.realtime_server import RealtimeServer, start_server

SCRIPTS = Path(__file__).parent / "node"
PACKAGES = ("@openai/agents-realtime@0.20", "openai@7", "ws@8", "zod@4")

pytestmark = pytest.mark.xdist_group("node")  # the packages are installed once


def skip_or_fail(reason: str) -> None:
    """Skips the test where node is missing; in CI nothing may be missing."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a folder in which the packages are installed."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        skip_or_fail("node or npm is not installed")
    folder = tmp_path_factory.mktemp("node")
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    options = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    run = subprocess.run(
        ["npm", "install", *options, *PACKAGES],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    if run.returncode:
        skip_or_fail(f"npm cannot install the clients: {run.stderr[-300:]}")
    for script in SCRIPTS.glob("*.mjs"):
        shutil.copy(script, folder)
    (folder / "speech.raw").write_bytes(SILENCE * 300 + speech("hello what is") + SILENCE * 700)
    return folder


@pytest.fixture
async def server() -> AsyncIterator[RealtimeServer]:
    server = await start_server("127.0.0.1", 0, ToyEngines())
    yield server
    await server.close()


async def run_script(modules: Path, script: str, url: str) -> dict[str, Any]:
    """Runs a script and returns the JSON object that it prints."""
    process = await asyncio.create_subprocess_exec(
        "node",
        script,
        url,
        "speech.raw",
        cwd=modules,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), 60)
    except TimeoutError:
        process.kill()
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()[-2000:]
    result = json.loads(out.decode().splitlines()[-1])
    assert isinstance(result, dict)
    return result


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_agents_sdk(modules: Path, server: RealtimeServer) -> None:
    result = await run_script(modules, "agents.mjs", server.url)
    assert result["errors"] == []
    assert (result["typed"], result["spoken"]) == ("completed", "completed")
    assert result["transcript"] == "hello what is"
    assert result["calls"] == ["weather"]
    assert result["reply"] == "rain"
    assert result["audioBytes"] > 20_000
    assert "error" not in result["seen"]
    assert result["truncated"] > 0
    assert result["history"].count("function_call") == 1


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_openai_package(modules: Path, server: RealtimeServer) -> None:
    base = server.url.removesuffix("/realtime").replace("ws://", "http://")
    result = await run_script(modules, "openai.mjs", base)
    assert result["transcript"] == "hello what is"
    assert result["spoken"] == "hello what is"
    assert result["summary"] == "2 turns in any."
    assert result["errors"] == ["response_cancel_not_active"]
