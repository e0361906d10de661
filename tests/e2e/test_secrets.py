"""No file and no screen contains the API key: not when the server quotes it, not when the user
types it, not in the details of a crash, not in an export.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus
from pathlib import Path

import pytest
from websockets.asyncio.server import Server, ServerConnection
from websockets.asyncio.server import serve as listen
from websockets.http11 import Request, Response

from tests.e2e.app_harness import StartApp
from tests.e2e.server_harness import accepting_server, running
from tests.e2e.terminal_harness import TerminalProgram
from tui_voice.store.exporters import EXPORT_FORMATS

pytestmark = pytest.mark.slow

KEYS = [
    "sk-" + "proj-" + "Zq7" * 12,  # the form of OpenAI's keys; divided for scanners of source code
    "correct-horse-battery-staple",  # no known form
]


@pytest.fixture(params=KEYS, ids=["known-form", "any-form"])
def key(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# ── servers ──────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def handshake_refusing_server(key: str) -> AsyncIterator[str]:
    """Refuses the WebSocket handshake, and quotes the key in its answer."""
    received: list[str] = []

    def refuse(connection: ServerConnection, request: Request) -> Response:
        received.append(request.headers["Authorization"])
        body = {"error": {"message": f"Incorrect API key provided: {key}."}}
        return connection.respond(HTTPStatus.UNAUTHORIZED, json.dumps(body))

    async def never_called(_connection: ServerConnection) -> None: ...

    async with listen(never_called, "127.0.0.1", 0, process_request=refuse) as server:
        yield url_of(server)
    assert received[0] == f"Bearer {key}"


@asynccontextmanager
async def connection_closing_server(key: str) -> AsyncIterator[str]:
    """Accepts the connection, quotes the key in an `error` event, and again as it closes."""

    async def refuse(connection: ServerConnection) -> None:
        assert connection.request is not None
        assert connection.request.headers["Authorization"] == f"Bearer {key}"
        error = {
            "type": "invalid_request_error",
            "code": "invalid_api_key",
            "message": f"Incorrect API key provided: {key}. You can find yours elsewhere.",
        }
        event = {"type": "error", "event_id": "event_1", "error": error}
        await connection.send(json.dumps(event))
        await connection.close(3000, f"invalid_request_error.invalid_api_key {key}")

    async with listen(refuse, "127.0.0.1", 0) as server:
        yield url_of(server)


def url_of(server: Server) -> str:
    port = next(iter(server.sockets)).getsockname()[1]
    return f"ws://127.0.0.1:{port}/v1/realtime"


# ── a user with a key ────────────────────────────────────────────────────────────────────────


@pytest.fixture
def env(clean_env: dict[str, str], key: str) -> dict[str, str]:
    """The environment of a user who has set the API key."""
    return clean_env | {
        "OPENAI_API_KEY": key,
        "TUI_VOICE_BACKEND_KIND": "openai",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }


Run = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture
def run(env: dict[str, str], sessions_folder: Path) -> Run:
    """Runs a command to its end, for example `run("say", "hello", url=…)`."""

    def command(
        *arguments: str,
        url: str = "",
        program: Sequence[str] = ("-m", "tui_voice"),
        **variables: str,
    ) -> subprocess.CompletedProcess[bytes]:
        ours = {"TUI_VOICE_BACKEND_URL": url, "TUI_VOICE_SESSIONS_DIR": str(sessions_folder)}
        return subprocess.run(
            [sys.executable, *program, *arguments],
            env=env | ours | variables,
            capture_output=True,
            timeout=100,
            check=False,
        )

    return command


ONE_AFTER_ANOTHER = """
import json, sys
from tui_voice.__main__ import main

for arguments in json.loads(sys.argv[1]):
    print("ended:", main(arguments), flush=True)
"""
"""A program that runs several commands, whose starts would take most of the time."""


def check_absence(key: str, *folders: Path, output: bytes = b"") -> None:
    """Raises AssertionError if a file in these folders, or the output, contains the key."""
    assert key.encode() not in output
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert files, "the program has written files"
    assert not [path for path in files if key.encode() in path.read_bytes()]


def test_a_session_its_exports_and_all_commands_hide_the_key(
    run: Run, key: str, clean_env: dict[str, str], sessions_folder: Path, tmp_path: Path
) -> None:
    with running(accepting_server(key)) as url:
        said = run("say", "hello", f"remember {key} for me", "bye", url=url)
        as_json = run("say", "again", f"and {key}", "--json", url=url)
    assert (said.returncode, as_json.returncode) == (0, 0), said.stderr + as_json.stderr
    assert b"remember [key] for me" in said.stdout
    output = said.stdout + said.stderr + as_json.stdout + as_json.stderr
    exports = tmp_path / "exports"
    exports.mkdir()
    commands = [
        ["sessions", "export", "last", "--format", name, "--out", out]
        for name in EXPORT_FORMATS
        for out in (str(exports), "-")
    ]
    commands += [
        ["sessions", "list", "--json"],
        ["sessions", "show", "last", "--json"],
        ["sessions", "search", "remember", "--json"],
    ]
    done = run(json.dumps(commands), program=("-c", ONE_AFTER_ANOTHER))
    *printed, rest = re.split(rb"ended: (?=\d)", done.stdout)
    assert len(printed) == len(commands), done.stderr
    assert rest == b"0\n", done.stderr
    assert all(one.startswith(b"0\n") and len(one) > 2 for one in printed[1:]), done.stderr
    assert len(list(exports.iterdir())) == len(EXPORT_FORMATS)
    output += done.stdout + done.stderr
    for arguments in (("config", "show"), ("doctor", "--json")):
        done = run(*arguments)
        assert done.stdout, done.stderr
        output += done.stdout + done.stderr
    check_absence(key, sessions_folder, exports, Path(clean_env["HOME"]), output=output)
    assert b"[key]" in output


@pytest.mark.parametrize("server", [handshake_refusing_server, connection_closing_server])
def test_a_key_quoted_by_the_server_that_refuses_it_is_hidden(
    run: Run,
    start_app: StartApp,
    env: dict[str, str],
    key: str,
    sessions_folder: Path,
    server: Callable[[str], AbstractAsyncContextManager[str]],
) -> None:
    with running(server(key)) as url:
        said = run("say", "hello", "--debug", url=url)
        as_json = run("say", "hello", "--json", url=url)
        app = start_app("--text", "--debug", env=env | {"TUI_VOICE_BACKEND_URL": url})
        reason = app.wait_for_event("connection_lost")["reason"]
        app.wait_for(reason[1:40])  # the notice may begin with a capital letter
        app.quit()
    assert said.returncode == as_json.returncode == 1
    assert b"key" in said.stderr
    assert b"Details are in" in said.stderr
    output = said.stdout + said.stderr + as_json.stdout + as_json.stderr + bytes(app.raw)
    check_absence(key, sessions_folder, Path(env["HOME"]), output=output)
    log = next(Path(env["HOME"]).rglob("tui-voice.log")).read_text()
    assert "Traceback" in log


CRASH = """
import os, sys
from tui_voice import __main__ as program
from tui_voice.runtime import session_factory

def fail(_options):
    key = os.environ["OPENAI_API_KEY"]
    raise RuntimeError(f"a defect, with {key} in it")

session_factory.open_session = fail
sys.argv[0] = "tui-voice"
sys.exit(program.main())
"""
"""A program that starts the app and then raises an exception whose message has the key in it."""


def test_the_details_of_a_crash_hide_the_key(
    env: dict[str, str], key: str, sessions_folder: Path
) -> None:
    program = TerminalProgram(
        ["--text", "--debug", "--sessions-dir", str(sessions_folder)],
        env,
        command=(sys.executable, "-c", CRASH),
    )
    try:
        printed, status = program.wait_for_exit(60)
    finally:
        program.close()
    assert status == 1
    assert "RuntimeError: a defect" in " ".join(printed.split())
    log = next(Path(env["HOME"]).rglob("tui-voice.log"))
    assert "with [key] in it" in log.read_text()
    check_absence(key, Path(env["HOME"]), output=bytes(program.raw))


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
def test_a_key_in_the_settings_file_is_refused_without_repeating_it(
    run: Run, key: str, clean_env: dict[str, str], tmp_path: Path, settings: str
) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(settings.format(key=key))
    done = run("config", "show", "--debug", TUI_VOICE_CONFIG=str(path))
    assert done.returncode == 2, done.stdout
    assert str(path).encode() in done.stderr
    check_absence(key, Path(clean_env["HOME"]), output=done.stdout + done.stderr)
