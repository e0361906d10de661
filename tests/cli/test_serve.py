"""`tui-voice serve`: its flags, its key, and how it ends."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from time import sleep
from typing import IO

import pytest
from websockets.sync.client import connect

from tui_voice.__main__ import main


@contextmanager
def serve(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Runs `tui-voice serve` on a free port; it ends when its standard input is closed."""
    command = [sys.executable, "-m", "tui_voice", "serve", "--port", "0", "--exit-on-stdin-eof"]
    with subprocess.Popen(
        [*command, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def wait_for(stream: IO[str] | None, words: str) -> None:
    assert stream is not None
    assert any(words in line for line in stream), words


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "99999"], "from 0 to 65535"),
        (["--port", "-1"], "from 0 to 65535"),
        (["--port", "9" * 5000], "from 0 to 65535"),
        (["--port", "٣"], "from 0 to 65535"),
        (["--session-minutes", "nan"], "minutes above 0"),
        (["--session-minutes", "inf"], "minutes above 0"),
        (["--session-minutes", "0"], "minutes above 0"),
        (["--session-minutes", "-5"], "minutes above 0"),
        (["--session-minutes", "ten"], "minutes above 0"),
        (["--max-connections", "0"], "from 1"),
        (["--api-key", ""], "is empty"),
        (["--api-key", "ké"], "no key can have"),
        (["--host", "0.0.0.0"], "everybody who can reach this machine"),
        (["--host", ""], "everybody who can reach this machine"),
        (["--host", "my-name.example"], "everybody who can reach this machine"),
    ],
)
def test_wrong_flags_are_one_sentence(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", *arguments]) == 2
    out, err = capsys.readouterr()
    assert words in err
    assert out == ""
    assert err.count("\n") == 1


def test_a_host_name_that_cannot_be_one_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--open", "--port", "0", "--host", "a" * 300]) == 1
    assert "cannot listen on" in capsys.readouterr().err


def test_a_key_from_standard_input_is_needed_by_clients() -> None:
    with serve("--api-key", "-") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("secret-key\n")
        process.stdin.flush()
        url = process.stdout.readline().strip()
        headers = {"Authorization": "Bearer secret-key"}
        with connect(f"{url}?model=m", additional_headers=headers) as socket:
            assert '"session.created"' in str(socket.recv())
        with connect(f"{url}?model=m") as socket:
            assert '"invalid_api_key"' in str(socket.recv())
        process.stdin.close()
        assert process.wait(20) == 0


def test_an_empty_key_on_standard_input_is_refused() -> None:
    with serve("--api-key", "-") as process:
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(20) == 2


@pytest.mark.local
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
def test_it_may_end_while_its_engines_load() -> None:
    """Engines in C crashed (-11) when Python was taken down while one of its threads loaded them.

    It happened in 4 of 16 runs, so the signal comes at four moments. Two of the processes have
    loaded the engines for speech before.
    """
    with ExitStack() as stack:
        arguments = ((), (), ("--speech-on-demand",), ("--speech-on-demand",))
        processes = [stack.enter_context(serve(*each)) for each in arguments]
        for process in processes:
            wait_for(process.stderr, "loading language model")
        for process in processes:
            sleep(0.1)
            process.terminate()
        assert [process.wait(20) for process in processes] == [143] * 4
