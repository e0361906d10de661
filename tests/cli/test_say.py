"""`tui-voice say` as a process, with a scripted server: its input, its output and its end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.runtime.scripted_server_harness import (
    Request,
    Send,
    ServerConnection,
    answer,
    refuse,
    scripted_server,
)
from tui_voice.errors import ExitStatus

needs_posix = pytest.mark.skipif(os.name == "nt", reason="signals and descriptors differ there")


class Ended(NamedTuple):
    status: int
    out: str
    err: str


class Say:
    """Runs `tui-voice say` with the server at `url`, in a home of its own."""

    def __init__(self, url: str, home: Path) -> None:
        self.sessions = home / "sessions"
        self._url = url
        ours = ("TUI_VOICE_", "OPENAI_", "AZURE_", "XDG_")
        env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        self._env = env | {"HOME": str(home)}

    async def start(
        self,
        *arguments: str | bytes,
        shell: str = "",
        stdin: int | None = asyncio.subprocess.DEVNULL,
    ) -> asyncio.subprocess.Process:
        """`shell`: what the shell appends to the command, such as `| head -1`."""
        command = f'exec "{sys.executable}" -m tui_voice say "$@" {shell}'
        if "|" in shell:
            command = command.removeprefix("exec ")
        flags = ("--backend", self._url, "--sessions-dir", str(self.sessions))
        return await asyncio.create_subprocess_exec(
            *("/bin/sh", "-c", command, "sh", *flags, *arguments),
            env=self._env,
            stdin=stdin,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def run(self, *arguments: str | bytes, shell: str = "", stdin: bytes = b"") -> Ended:
        process = await self.start(*arguments, shell=shell, stdin=asyncio.subprocess.PIPE)
        return await self.end_of(process, stdin)

    async def end_of(self, process: asyncio.subprocess.Process, stdin: bytes = b"") -> Ended:
        out, err = await asyncio.wait_for(process.communicate(stdin or None), 60)
        status = process.returncode
        assert status is not None
        assert not list(self.sessions.glob(".*.pid")), "the session is not closed"
        assert b"Traceback" not in err
        return Ended(status, out.decode(), err.decode())


def journals(folder: Path) -> list[Path]:
    return list(folder.rglob("*.jsonl"))


def texts(out: str) -> list[str]:
    return [line.split(maxsplit=1)[1] for line in out.splitlines()]


# ── input ────────────────────────────────────────────────────────────────────────────────────


@needs_posix
async def test_an_argument_that_is_not_utf_8_is_refused_before_a_session_is_opened(
    tmp_path: Path,
) -> None:
    done = await Say("ws://127.0.0.1:9/v1/realtime", tmp_path).run("hello", b"caf\xe9")
    assert (done.status, done.out) == (ExitStatus.WRONG_USAGE, "")
    assert done.err.count("\n") == 1
    assert "not text in the encoding" in done.err
    assert journals(tmp_path) == []


@needs_posix
async def test_a_line_that_is_not_utf_8_does_not_keep_the_others_from_being_sent(
    tmp_path: Path,
) -> None:
    stdin = b"\xef\xbb\xbffirst\n\n  \ncaf\xe9\nlast"
    async with scripted_server() as url:
        done = await Say(url, tmp_path).run("-", stdin=stdin)
    assert texts(done.out) == ["first", "I hear you.", "last", "I hear you."]
    assert done.status == ExitStatus.WRONG_USAGE
    assert done.err.count("\n") == 1
    assert r"caf\xe9" in done.err


@needs_posix
async def test_a_closed_standard_input_has_no_lines(tmp_path: Path) -> None:
    async with scripted_server() as url:
        done = await Say(url, tmp_path).run("-", shell="<&-")
    assert done == (ExitStatus.DONE, "", "")


# ── replies that fail ────────────────────────────────────────────────────────────────────────


@needs_posix
async def test_it_goes_on_after_a_reply_that_was_refused(tmp_path: Path) -> None:
    async with scripted_server(answer, refuse) as url:
        done = await Say(url, tmp_path).run("one", "two", "three")
    assert texts(done.out) == ["one", "I hear you.", "two", "three", "I hear you."]
    assert done.status == ExitStatus.FAILED
    assert done.err == "tui-voice: The model did not answer: Not now.\n"


@needs_posix
async def test_a_lost_connection_is_told_on_standard_error(tmp_path: Path) -> None:
    async def break_the_connection(
        _send: Send, connection: ServerConnection, _request: Request
    ) -> None:
        connection.transport.abort()

    async with scripted_server(break_the_connection) as url:
        done = await Say(url, tmp_path).run("one")
    assert (done.status, texts(done.out)) == (ExitStatus.DONE, ["one", "I hear you."])
    assert done.err == "tui-voice: the connection broke; trying again.\n"


# ── the end ──────────────────────────────────────────────────────────────────────────────────


@needs_posix
async def test_a_reader_that_closes_the_pipe_ends_it_at_once(tmp_path: Path) -> None:
    async with scripted_server() as url:
        done = await Say(url, tmp_path).run("one", "two", "--json", shell="| head -1")
    [line] = done.out.splitlines()
    assert json.loads(line)["event"] == "session_opened"
    assert done.err == ""


@needs_posix
@pytest.mark.parametrize(
    ("name", "status", "when"),
    [
        ("SIGINT", ExitStatus.INTERRUPTED, "input"),
        ("SIGTERM", ExitStatus.TERMINATED, "reply"),
        ("SIGHUP", ExitStatus.HUNG_UP, "reply"),
    ],
)
async def test_a_signal_closes_the_session_and_says_how_to_resume_it(
    tmp_path: Path, name: str, status: ExitStatus, when: str
) -> None:
    reached, closed = asyncio.Event(), asyncio.Event()

    async def hang(_send: Send, connection: ServerConnection, _request: Request) -> None:
        reached.set()
        async for _frame in connection:
            pass
        assert connection.close_code == 1000
        closed.set()

    async with scripted_server(hang if when == "reply" else answer) as url:
        say = Say(url, tmp_path)
        process = await say.start("one", "-", stdin=asyncio.subprocess.PIPE)
        if when == "input":
            assert process.stdout is not None
            await process.stdout.readline()
            await process.stdout.readline()  # the reply is printed, and it reads the input
        else:
            await reached.wait()
        process.send_signal(getattr(signal, name))
        done = await say.end_of(process)
        if when == "reply":
            await asyncio.wait_for(closed.wait(), 10)
    assert done.status == status
    saved, resume = done.err.splitlines()
    [journal] = journals(tmp_path)
    assert journal.stem in saved
    assert resume.startswith(f"Resume it: tui-voice resume {journal.stem} --sessions-dir ")
    assert json.loads(journal.read_text().splitlines()[-1])["event"] == "session_closed"


@needs_posix
async def test_signals_that_are_ignored_at_the_start_stay_ignored(tmp_path: Path) -> None:
    """As in a shell script that runs it in the background, or with `nohup`."""
    reached = asyncio.Event()

    async def answer_late(send: Send, connection: ServerConnection, request: Request) -> None:
        reached.set()
        await asyncio.sleep(0.3)
        await answer(send, connection, request)

    async with scripted_server(answer_late) as url:
        say = Say(url, tmp_path)
        ignoring = "trap '' INT HUP; "
        process = await asyncio.create_subprocess_exec(
            *("/bin/sh", "-c", f'{ignoring} exec "$@"', "sh", sys.executable, "-m", "tui_voice"),
            *("say", "--backend", url, "--sessions-dir", str(say.sessions), "one"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        await reached.wait()
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGHUP)
        done = await say.end_of(process)
    assert (done.status, texts(done.out)) == (ExitStatus.DONE, ["one", "I hear you."])


@needs_posix
async def test_a_second_signal_does_not_interrupt_the_closing(tmp_path: Path) -> None:
    reached = asyncio.Event()

    async def hang(_send: Send, connection: ServerConnection, _request: Request) -> None:
        reached.set()
        await connection.wait_closed()

    async with scripted_server(hang) as url:
        say = Say(url, tmp_path)
        process = await say.start("one")
        await reached.wait()
        for _ in range(3):
            process.send_signal(signal.SIGINT)
        done = await say.end_of(process)
    assert done.status == ExitStatus.INTERRUPTED
    assert "Resume it" in done.err
