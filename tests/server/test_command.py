"""`serve` as a process: its first line, its news, its ends."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.server.engines import ToyEngines
from tui_voice.errors import BackendError
from tui_voice.server import command
from tui_voice.server.command import RunOptions, run
from tui_voice.server.serve import ServeOptions

SCRIPT = """
import sys
from tests.server.engines import ToyEngines
from tui_voice.server.command import RunOptions, run
try:
    sys.exit(run(RunOptions(port=0, exit_on_stdin_eof="--eof" in sys.argv), ToyEngines()))
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.fixture
def process(request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    arguments: list[str] = getattr(request, "param", [])
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process
        process.kill()


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_first_line_is_the_url(process: subprocess.Popen[str]) -> None:
    url = first_line(process)
    assert url.startswith("ws://127.0.0.1:")
    assert url.endswith("/v1/realtime")
    assert process.stderr is not None
    assert process.stderr.readline() == "progress: listening on this machine only (loopback)\n"
    assert process.stderr.readline() == "progress: ready: tones · parrot\n"


@pytest.mark.skipif(sys.platform == "win32", reason="signals are otherwise there")
@pytest.mark.parametrize(("sent", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_signals(process: subprocess.Popen[str], sent: signal.Signals, status: int) -> None:
    first_line(process)
    assert process.stderr is not None
    process.stderr.readline()
    process.send_signal(sent)
    _out, err = process.communicate(timeout=20)
    assert process.returncode == status
    assert "Traceback" not in err


@pytest.mark.parametrize("process", [["--eof"]], indirect=True)
def test_goes_with_whoever_started_it(process: subprocess.Popen[str]) -> None:
    first_line(process)
    assert process.stdin is not None
    process.stdin.write("what is sent is ignored\n")
    process.stdin.close()
    assert process.wait(timeout=20) == 0


def test_runs_until_stdin_ends(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reader, writer = os.pipe()

    class Described(ToyEngines):
        def describe(self) -> str:
            os.write(writer, b"what is sent is ignored\n")
            os.close(writer)  # whoever started it is gone as soon as all is ready
            return super().describe()

    with os.fdopen(reader) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        assert run(RunOptions(port=0, exit_on_stdin_eof=True), Described()) == 0
    out, err = capsys.readouterr()
    assert out.startswith("ws://127.0.0.1:")
    assert "progress: ready: tones · parrot\n" in err


def test_may_end_before_anything_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(ToyEngines):
        def load(self) -> None:
            self.loaded.wait(20)

    reader, writer = os.pipe()
    os.close(writer)
    engines = Slow()
    with os.fdopen(reader) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        assert run(RunOptions(port=0, exit_on_stdin_eof=True), engines) == 0
    engines.loaded.set()


def test_engines_that_cannot_be_had() -> None:
    engines = ToyEngines()
    engines.fails = "Not installed."
    with pytest.raises(BackendError, match="Not installed"):
        run(RunOptions(port=0), engines)


@pytest.mark.parametrize(
    ("host", "key", "told"),
    [
        ("127.0.0.1", None, "this machine only"),
        ("::1", None, "this machine only"),
        ("localhost", None, "this machine only"),
        ("0.0.0.0", None, "without any key"),
        ("0.0.0.0", "k", "with the key"),
        ("example.org", None, "everybody who reaches"),
    ],
)
def test_says_who_can_connect(host: str, key: str | None, told: str) -> None:
    options = RunOptions(host=host, serving=ServeOptions(api_key=key))
    assert told in command._reach(options)


async def test_stdin_that_ends_after_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(writer)
    closed: Any = asyncio.new_event_loop()
    closed.close()
    with os.fdopen(reader) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        ended = asyncio.Event()
        await asyncio.to_thread(command._watch_stdin, closed, ended)
    assert not ended.is_set()
