"""The command `serve` as a process: its first line, its news, and what ends it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from tests.server.toy_engines_harness import ToyEngines
from tui_voice.errors import BackendError
from tui_voice.server.command import ServeCommandOptions, run
from tui_voice.server.realtime_server import ServerOptions

SCRIPT = """
import sys
from tests.server.toy_engines_harness import ToyEngines
from tui_voice.server.command import ServeCommandOptions, run
options = ServeCommandOptions(port=0, exit_on_stdin_eof="--eof" in sys.argv)
sys.exit(run(options, ToyEngines()))
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


@pytest.fixture
def stdin_writer(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Replaces standard input by a pipe; gives the file descriptor that writes into it."""
    reader, writer = os.pipe()
    with os.fdopen(reader) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield writer


def test_first_line_is_the_url(process: subprocess.Popen[str]) -> None:
    url = first_line(process)
    assert url.startswith("ws://127.0.0.1:")
    assert url.endswith("/v1/realtime")
    assert process.stderr is not None
    assert process.stderr.readline() == "progress: listening on this machine only (loopback)\n"
    assert process.stderr.readline() == "progress: ready: tones · parrot\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize(
    ("sent", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)]
)
def test_signals_end_it(process: subprocess.Popen[str], sent: signal.Signals, status: int) -> None:
    first_line(process)
    assert process.stderr is not None
    process.stderr.readline()
    process.send_signal(sent)
    _out, err = process.communicate(timeout=60)
    assert process.returncode == status
    assert "Traceback" not in err


@pytest.mark.parametrize("process", [["--eof"]], indirect=True)
def test_ends_when_its_standard_input_ends(process: subprocess.Popen[str]) -> None:
    first_line(process)
    assert process.stdin is not None
    process.stdin.write("what is sent is ignored\n")
    process.stdin.close()
    assert process.wait(timeout=60) == 0


def test_runs_until_standard_input_ends(
    stdin_writer: int, capsys: pytest.CaptureFixture[str]
) -> None:
    class EnginesThatEndStdin(ToyEngines):
        """Standard input ends as soon as the engines are ready."""

        def describe(self) -> str:
            os.write(stdin_writer, b"what is sent is ignored\n")
            os.close(stdin_writer)
            return super().describe()

    assert run(ServeCommandOptions(port=0, exit_on_stdin_eof=True), EnginesThatEndStdin()) == 0
    out, err = capsys.readouterr()
    assert out.startswith("ws://127.0.0.1:")
    assert "progress: ready: tones · parrot\n" in err


def test_may_end_before_the_engines_are_loaded(stdin_writer: int) -> None:
    class SlowEngines(ToyEngines):
        def load(self) -> None:
            self.loaded.wait(20)

    os.close(stdin_writer)
    engines = SlowEngines()
    assert run(ServeCommandOptions(port=0, exit_on_stdin_eof=True), engines) == 0
    engines.loaded.set()


def test_engines_that_cannot_be_loaded_end_it_with_an_error() -> None:
    engines = ToyEngines()
    engines.fails = "Not installed."
    with pytest.raises(BackendError, match="Not installed"):
        run(ServeCommandOptions(port=0), engines)


@pytest.mark.parametrize(
    ("host", "key", "expected"),
    [
        ("127.0.0.1", None, "this machine only"),
        ("::1", None, "this machine only"),
        ("localhost", None, "this machine only"),
        ("0.0.0.0", None, "without any key"),
        ("0.0.0.0", "k", "with the key"),
        ("0.0.0.0", None, "everybody who can reach"),
    ],
)
def test_news_say_who_can_connect(
    host: str, key: str | None, expected: str, stdin_writer: int, capsys: pytest.CaptureFixture[str]
) -> None:
    os.close(stdin_writer)
    options = ServeCommandOptions(
        host=host, port=0, exit_on_stdin_eof=True, server=ServerOptions(api_key=key)
    )
    try:
        run(options, ToyEngines())
    except BackendError:
        pytest.skip(f"this machine cannot listen on {host}")
    assert expected in capsys.readouterr().err


def test_standard_input_may_end_after_the_server(stdin_writer: int) -> None:
    """The thread that watches standard input outlives the event loop and must not fail.

    A thread that raised would fail the test: pytest reports it.
    """
    engines = ToyEngines()
    engines.fails = "Not installed."
    with pytest.raises(BackendError):
        run(ServeCommandOptions(port=0, exit_on_stdin_eof=True), engines)
    (watcher,) = [t for t in threading.enumerate() if t.name == "stdin-watcher"]
    os.close(stdin_writer)
    watcher.join(60)
    assert not watcher.is_alive()
