"""The key is in no file of ours and on no screen: not when the server quotes it back, not when the
user types it, not in the details of a crash, not in any export.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as listen
from websockets.http11 import Request, Response

from tests.e2e.talk import Start
from tests.e2e.terminal import Terminal
from tests.runtime.session_harness import toy_server
from tui_voice.store.exporters import EXPORT_FORMATS

pytestmark = pytest.mark.slow

KEYS = [
    "sk-" + "proj-" + "Zq7" * 12,  # as OpenAI makes them; invented, parted so that no scan trips
    "correct-horse-battery-staple",  # of no form that one could know
]


@pytest.fixture(params=KEYS, ids=["known-form", "any-form"])
def key(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# ── servers ──────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def toy(key: str) -> AsyncIterator[str]:
    """Lets in who has the key, and answers with what it heard."""
    async with toy_server(api_key=key) as server:
        yield server.url


@asynccontextmanager
async def closed_door(key: str) -> AsyncIterator[str]:
    """Refuses the handshake, and quotes the key while it does."""
    seen: list[str] = []

    def refuse(connection: ServerConnection, request: Request) -> Response:
        seen.append(request.headers["Authorization"])
        told = {"error": {"message": f"Incorrect API key provided: {key}."}}
        return connection.respond(HTTPStatus.UNAUTHORIZED, json.dumps(told))

    async with listen(_nobody, "127.0.0.1", 0, process_request=refuse) as server:
        yield _url(server.sockets[0].getsockname()[1])
    assert seen[0] == f"Bearer {key}"


async def _nobody(_connection: ServerConnection) -> None: ...


@asynccontextmanager
async def talkative_door(key: str) -> AsyncIterator[str]:
    """Opens, and then says on the line which key it does not like; again as it hangs up."""

    async def refuse(connection: ServerConnection) -> None:
        assert connection.request is not None
        assert connection.request.headers["Authorization"] == f"Bearer {key}"
        error = {
            "type": "invalid_request_error",
            "code": "invalid_api_key",
            "message": f"Incorrect API key provided: {key}. You can find yours elsewhere.",
        }
        told = {"type": "error", "event_id": "event_1", "error": error}
        await connection.send(json.dumps(told))
        await connection.close(3000, f"invalid_request_error.invalid_api_key {key}")

    async with listen(refuse, "127.0.0.1", 0) as server:
        yield _url(server.sockets[0].getsockname()[1])


def _url(port: int) -> str:
    return f"ws://127.0.0.1:{port}/v1/realtime"


@contextmanager
def running(server: AbstractAsyncContextManager[str]) -> Iterator[str]:
    """Its address, while a thread runs it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="server")
    thread.start()

    def done(work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(30)

    try:
        with ExitStack() as stack:
            url = done(server.__aenter__())
            stack.callback(lambda: done(server.__aexit__(None, None, None)))
            yield url
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


# ── a user with a key ────────────────────────────────────────────────────────────────────────


@pytest.fixture
def env(home: dict[str, str], key: str) -> dict[str, str]:
    return home | {
        "OPENAI_API_KEY": key,
        "TUI_VOICE_BACKEND_KIND": "openai",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }


Run = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture
def run(env: dict[str, str], folder: Path) -> Run:
    """`run("say", "hello", url=…)`: a command to its end."""

    def command(*words: str, url: str = "", **more: str) -> subprocess.CompletedProcess[bytes]:
        where = {"TUI_VOICE_BACKEND_URL": url, "TUI_VOICE_SESSIONS_DIR": str(folder), **more}
        return subprocess.run(
            [sys.executable, "-m", "tui_voice", *words],
            env=env | where,
            capture_output=True,
            timeout=100,
            check=False,
        )

    return command


def nothing_of(key: str, *places: Path, seen: bytes = b"") -> None:
    """No file below these places has the key in it, nor has what was seen."""
    assert key.encode() not in seen
    files = [path for place in places for path in place.rglob("*") if path.is_file()]
    assert files, "there is something to look at"
    assert not [path for path in files if key.encode() in path.read_bytes()]


def test_a_talk_and_all_that_is_made_of_it(
    run: Run, key: str, home: dict[str, str], folder: Path, tmp_path: Path
) -> None:
    with running(toy(key)) as url:
        said = run("say", "hello", f"remember {key} for me", "bye", url=url)
        facts = run("say", "again", f"and {key}", "--json", url=url)
    assert (said.returncode, facts.returncode) == (0, 0), said.stderr + facts.stderr
    assert b"remember [key] for me" in said.stdout
    out = tmp_path / "out"
    out.mkdir()
    seen = said.stdout + said.stderr + facts.stdout + facts.stderr
    for form in EXPORT_FORMATS:
        done = run("sessions", "export", "last", "--format", form, "--out", str(out))
        assert done.returncode == 0, done.stderr
        seen += (
            done.stdout + run("sessions", "export", "last", "--format", form, "--out", "-").stdout
        )
    assert len(list(out.iterdir())) == len(EXPORT_FORMATS)
    for words in (
        ("sessions", "list", "--json"),
        ("sessions", "show", "last", "--json"),
        ("sessions", "search", "remember", "--json"),
        ("config", "show"),
        ("doctor", "--json"),
    ):
        done = run(*words)
        assert done.stdout, done.stderr
        seen += done.stdout + done.stderr
    nothing_of(key, folder, out, Path(home["HOME"]), seen=seen)
    assert b"[key]" in seen


@pytest.mark.parametrize("server", [closed_door, talkative_door])
def test_a_server_that_quotes_the_key_it_refuses(
    run: Run,
    start: Start,
    env: dict[str, str],
    key: str,
    folder: Path,
    server: Callable[[str], AbstractAsyncContextManager[str]],
) -> None:
    with running(server(key)) as url:
        said = run("say", "hello", "--debug", url=url)
        told = run("say", "hello", "--json", url=url)
        talk = start("--text", "--debug", env=env | {"TUI_VOICE_BACKEND_URL": url})
        reason = talk.fact("connection_lost")["reason"]
        talk.wait_for(reason[1:40])  # a notice may begin with a capital
        talk.quit()
    assert said.returncode == told.returncode == 1
    assert b"key" in said.stderr
    assert b"Details are in" in said.stderr
    seen = said.stdout + said.stderr + told.stdout + told.stderr + bytes(talk.raw)
    nothing_of(key, folder, Path(env["HOME"]), seen=seen)
    log = next(Path(env["HOME"]).rglob("tui-voice.log")).read_text()
    assert "Traceback" in log


CRASH = """
import os, sys
from tui_voice import __main__ as program
from tui_voice.runtime import session_factory

def open_session(_options):
    key = os.environ["OPENAI_API_KEY"]
    raise RuntimeError(f"a fault of ours, with {key} in it")

session_factory.open_session = open_session
sys.argv[0] = "tui-voice"
sys.exit(program.main())
"""


def test_the_details_of_a_crash(env: dict[str, str], key: str, folder: Path) -> None:
    terminal = Terminal(
        ["--text", "--debug", "--sessions-dir", str(folder)],
        env,
        command=(sys.executable, "-c", CRASH),
    )
    try:
        printed, status = terminal.end(60)
    finally:
        terminal.close()
    assert status == 1
    assert "RuntimeError: a fault of ours" in " ".join(printed.split())
    log = next(Path(env["HOME"]).rglob("tui-voice.log"))
    assert "with [key] in it" in log.read_text()
    nothing_of(key, Path(env["HOME"]), seen=bytes(terminal.raw))


@pytest.mark.parametrize(
    "settings",
    [
        '[backend]\napi_key = "{key}"\n',
        '[backend]\nurl = "{key}"\n',
        '[backend]\nmodel = ["{key}"]\n',
        'key = "{key}"\n',
        '[backend]\nkind = "{key}"\n',
        '[keys]\ntalk = "{key}"\n',
    ],
)
def test_a_key_in_the_settings_is_refused_and_not_repeated(
    run: Run, key: str, home: dict[str, str], tmp_path: Path, settings: str
) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(settings.format(key=key))
    done = run("config", "show", "--debug", TUI_VOICE_CONFIG=str(path))
    assert done.returncode == 2, done.stdout
    assert str(path).encode() in done.stderr
    nothing_of(key, Path(home["HOME"]), seen=done.stdout + done.stderr)
