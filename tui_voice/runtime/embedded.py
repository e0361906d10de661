"""The embedded server as a child process that lives no longer than we do."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress

from tui_voice.errors import BackendError

START_TIMEOUT_S = 30.0
_PROGRESS = "progress: "
_OURS = "tui-voice: "


class EmbeddedServer:
    """`tui-voice serve` on a free port of the loopback, held by its standard input: when we end,
    however we end, the child reads the end of its input and ends too.
    """

    def __init__(
        self, options: Sequence[str] = (), on_progress: Callable[[str], None] | None = None
    ) -> None:
        self._options = options
        self._on_progress = on_progress
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._said: list[str] = []

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self) -> str:
        """The address, as soon as the server accepts (the engines may still be loading).

        Raises `BackendError` with what the child said.
        """
        self._said.clear()
        process = self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tui_voice",
            "serve",
            "--port",
            "0",
            "--exit-on-stdin-eof",
            *self._options,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None  # asked for above
        assert process.stderr is not None
        self._reading = asyncio.create_task(self._read(process.stderr))
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                first = (await process.stdout.readline()).decode().strip()
        except TimeoutError:
            await self.stop()
            raise BackendError(
                f"the embedded server did not start within {START_TIMEOUT_S:.0f} s",
                "Try `tui-voice serve` by itself to see what it says.",
            ) from None
        if not first.startswith("ws://"):
            with suppress(asyncio.CancelledError):
                await self._reading
            await process.wait()
            said = self._last_words() or "it said nothing"
            raise BackendError(f"the embedded server did not start: {said}")
        return first

    async def explain_end(self) -> None:
        """Raises `BackendError`, once, where the child has ended by itself and said why: it could
        not load what it needs, and would not the next time. One that was killed says nothing.
        """
        if self._process is None or self._process.returncode is None:
            return
        if self._reading is not None:
            await self._reading  # ends with the child
        if self._process.returncode > 0 and (said := self._last_words()):
            self._said.clear()
            raise BackendError(said)

    def _last_words(self) -> str:
        """What it said of its end, as `__main__` says it."""
        return self._said[-1].removeprefix(_OURS) if self._said else ""

    async def stop(self) -> None:
        """Ends the child: gently by its input, after two seconds by force."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(2):
                await process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        if self._reading is not None:
            self._reading.cancel()
            with suppress(asyncio.CancelledError):
                await self._reading

    async def _read(self, stream: asyncio.StreamReader) -> None:
        """To the end: a child whose news nobody reads would stop at a full pipe."""
        while raw := await stream.readline():
            line = raw.decode(errors="replace").strip()
            if line.startswith(_PROGRESS):
                if self._on_progress is not None:
                    self._on_progress(line[len(_PROGRESS) :])
            elif line:
                self._said = [*self._said[-20:], line]
