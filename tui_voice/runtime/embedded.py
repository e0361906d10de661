"""Runs the embedded server as a child process that never outlives this one."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from tui_voice.errors import BackendError

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 0.5
"""Seconds in which the child must exit; then it is killed. It has nothing to save, and while it
starts or loads it may take longer, for which the user would have to wait."""
END_TIMEOUT_S = 10.0
"""Seconds in which a child that has said that it is ending must exit; then it is killed. A busy
machine needs more than 1 s for it."""
_PROGRESS = "progress: "
_ERROR = "tui-voice: "
"""Beginning of an error message that `__main__` prints."""


class EmbeddedServer:
    """`tui-voice serve` on a free port of the loopback interface.

    The child exits at the end of its standard input. The operating system closes that input when
    this process ends, also when it is killed. It accepts only clients with the key in `headers`,
    which is another one for each server.
    """

    def __init__(
        self, options: Sequence[str] = (), on_progress: Callable[[str], None] | None = None
    ) -> None:
        self._options = options
        self._key = secrets.token_urlsafe(32)
        self._output = ChildOutput(on_progress)
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def headers(self) -> Mapping[str, str]:
        """What a client of this server must send in the handshake."""
        return {"Authorization": f"Bearer {self._key}"}

    @property
    def pid(self) -> int | None:
        """Id of the child process; None where there is none."""
        return self._process.pid if self._process is not None else None

    async def start(self) -> str:
        """Returns the address as soon as the server accepts connections; the engines may still be
        loading. Raises `BackendError` with what the child wrote.
        """
        self._output.last_line = ""
        process = self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tui_voice",
            "serve",
            "--port",
            "0",
            "--exit-on-stdin-eof",
            "--api-key",
            "-",  # not in the command line, which all users of this machine can read
            *self._options,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdin is not None  # asked for above
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(f"{self._key}\n".encode())
        self._reading = asyncio.create_task(self._output.read(process.stderr))
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                first_line = (await process.stdout.readline()).decode().strip()
        except TimeoutError:
            await self.stop()
            raise BackendError(
                f"the embedded server did not start within {START_TIMEOUT_S:.0f} s",
                "Run `tui-voice serve` by itself to see its messages.",
            ) from None
        if not first_line.startswith("ws://"):
            with suppress(asyncio.CancelledError):
                await self._reading
            await process.wait()
            reason = self._output.last_line or "it wrote no message"
            raise BackendError(f"the embedded server did not start: {reason}")
        return first_line

    async def wait_for_end(self) -> None:
        """Waits for the end of a child that has said that it is ending: it accepts no client any
        more. Kills it where it does not exit in time.
        """
        if self._process is not None:
            await _end_within(self._process, END_TIMEOUT_S)

    async def explain_end(self) -> None:
        """Raises `BackendError`, once, where the child has exited with an error message: it could
        not load what it needs, and would fail again. A child that was killed has no message.
        """
        if self._process is None or self._process.returncode is None:
            return
        if self._reading is not None:
            await self._reading  # it ends with the child
        if self._process.returncode > 0 and (reason := self._output.last_line):
            self._output.last_line = ""
            raise BackendError(reason)

    async def stop(self) -> None:
        """Closes the child's input, and kills it where it does not exit in time."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        await _end_within(process, STOP_TIMEOUT_S)
        if self._reading is not None:
            self._reading.cancel()
            with suppress(asyncio.CancelledError):
                await self._reading


async def _end_within(process: asyncio.subprocess.Process, seconds: float) -> None:
    """Waits for the end of the child, and kills it after `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            _kill(process)
        await process.wait()


def _kill(process: asyncio.subprocess.Process) -> None:
    """Kills the child. `process.kill` would first ask whether it has ended, and so take its end
    from the thread of asyncio that waits for it, which then prints a warning.
    """
    if sys.platform == "win32":
        process.kill()
    else:
        os.kill(process.pid, signal.SIGKILL)


class ChildOutput:
    """What the child writes to its standard error: progress, and other lines.

    `last_line`: the last line that is not progress; after an error it is the error message.
    """

    def __init__(self, on_progress: Callable[[str], None] | None = None) -> None:
        self._on_progress = on_progress
        self.last_line = ""

    async def read(self, stream: asyncio.StreamReader) -> None:
        """Reads to the end. It must always run: the child stops at a pipe that is full."""
        while raw := await stream.readline():
            line = raw.decode(errors="replace").strip()
            if line.startswith(_PROGRESS):
                if self._on_progress is not None:
                    self._on_progress(line[len(_PROGRESS) :])
            elif line:
                self.last_line = line.removeprefix(_ERROR)
