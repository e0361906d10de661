"""Many hours of talk in shortened time: what they leave behind in the process, hour by hour.

The server is the embedded one, in a process of its own, on a real websocket; its engines are the
tests' small ones. Its sessions end after `cap_s` instead of an hour, so that they are renewed;
lines are cut in the middle of replies, and old turns are summarised by the server all the while.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.runtime.session_harness import SessionHarness, running_session, settled, toy_server
from tests.server.toy_engines_harness import WORDS
from tui_voice.conversation import events as e
from tui_voice.conversation.limits import Limits
from tui_voice.runtime.reconnecting_connection import HANDED_OVER
from tui_voice.server.limits import SessionLimits

LIMITS = Limits(trigger=800, keep=6, policy="notebook")


@dataclass(frozen=True)
class Hour:
    """How things stood at the end of it; counts are of this hour alone. Memory in bytes: what
    Python's objects hold (`held`), and what the process takes of the machine (`resident`).
    """

    exchanges: int
    renewals: int
    breaks: int
    prunings: int
    window: int
    turns: int
    tasks: int
    threads: int
    files: int
    held: int
    resident: int
    journal: int


def left_behind(hours: list[Hour]) -> tuple[int, int, int]:
    """Tasks, threads and descriptors that are there since the first hour. A line that is just being
    opened has some, too, so the fewest of all later hours count.
    """
    first, later = hours[0], hours[1:] or hours
    return (
        max(0, min(hour.tasks for hour in later) - first.tasks),
        max(0, min(hour.threads for hour in later) - first.threads),
        max(0, min(hour.files for hour in later) - first.files),
    )


def words_of(number: int) -> str:
    """A turn unlike its neighbours, of words that the toy server can hear."""
    digits = (number // len(WORDS) ** place for place in (1, 0))
    return " ".join(["hello", *(WORDS[digit % len(WORDS)] for digit in digits)])


@asynccontextmanager
async def server_process(cap_s: float) -> AsyncIterator[str]:
    """The address of a server that ends its sessions after so many seconds."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.runtime.soak_harness", str(cap_s)),
        cwd=Path(__file__).parents[2],
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.stdin.close()
        await process.wait()


async def _serve(cap_s: float) -> None:
    async with toy_server(limits=SessionLimits(session_seconds=cap_s)) as server:
        print(server.url, flush=True)
        await asyncio.to_thread(sys.stdin.read)


async def soak(
    folder: Path, *, hours: int, exchanges: int, breaks: int, cap_s: float
) -> AsyncIterator[Hour]:
    """One talk of so many hours, each of so many `exchanges` (every third is spoken) and `breaks`.
    Raises AssertionError where a word was lost or doubled. Memory is traced only where
    `tracemalloc` runs.
    """
    async with (
        server_process(cap_s) as url,
        running_session(url, folder, limits=LIMITS, keep_replies=False) as harness,
    ):
        number, pruned = 0, 0
        for _ in range(hours):
            cuts = {round((n + 1) * exchanges / (breaks + 1)) // 3 * 3 for n in range(breaks)}
            seen = [0, 0]  # renewals, breaks
            for one in range(exchanges):
                number += 1
                await _exchange(harness, number, cut=one in cuts)
                seen[0] += sum(
                    isinstance(f, e.Noticed) and f.text == HANDED_OVER for f in harness.events
                )
                seen[1] += sum(isinstance(f, e.ConnectionLost) for f in harness.events)
                harness.events.clear()
            if not seen[0]:  # a quick machine is done before the server's cap comes near
                await harness.event(e.Noticed, lambda fact: fact.text == HANDED_OVER)
                seen[0] = 1
            await harness.settled()
            done = sum(c.stage == "confirmed" for c in harness.snapshot.ledger.compactions)
            yield await _measured(harness, exchanges, seen[0], seen[1], done - pruned)
            pruned = done
        _judge(harness, number)


async def _exchange(harness: SessionHarness, number: int, *, cut: bool) -> None:
    words = words_of(number)
    if number % 3 == 0:
        await harness.speak(words)
        return
    harness.session.post(e.TextSubmitted(item_id=f"typed_{number}", text=words))
    if cut:
        await harness.event(e.ResponseStarted)
        await harness.until_on_loop(lambda: _cut(harness))
        await harness.event(e.ConnectionLost)
    else:
        await harness.event(e.ResponseDone)
    await harness.until(lambda now: settled(now) and _answered(harness))


def _cut(harness: SessionHarness) -> bool:
    """The line goes without a word, as a net does; False while it is just being renewed."""
    line = harness.backend._line.connection
    if line is not None:
        line._link._connection.transport.abort()
    return line is not None


def _answered(harness: SessionHarness) -> bool:
    last = harness.snapshot.ledger.turns.last
    return last is not None and last.role == "assistant" and bool(last.text or last.note)


async def _measured(
    harness: SessionHarness, exchanges: int, renewals: int, breaks: int, pruned: int
) -> Hour:
    async def running() -> int:
        return len(asyncio.all_tasks())

    line = harness.backend._line
    await harness.until_on_loop(lambda: line._spare is None and not line._closing)
    gc.collect()
    ledger = harness.snapshot.ledger
    return Hour(
        exchanges=exchanges,
        renewals=renewals,
        breaks=breaks,
        prunings=pruned,
        window=ledger.window.total,
        turns=len(ledger.turns),
        tasks=await asyncio.wrap_future(harness.session.call(running())),
        threads=threading.active_count(),
        files=_open_files(),
        held=tracemalloc.get_traced_memory()[0] if tracemalloc.is_tracing() else 0,
        resident=_resident(),
        journal=harness.session.path.stat().st_size,
    )


def _open_files() -> int:
    """0 where the system does not tell."""
    folder = Path("/proc/self/fd")
    return len(os.listdir(folder)) if folder.is_dir() else 0


def _resident() -> int:
    """0 where the system does not tell."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if statm.is_file() else 0


def _judge(harness: SessionHarness, number: int) -> None:
    """Every word of the user once and in order, every answer whole or marked."""
    worded = [turn for turn in harness.snapshot.ledger.turns if turn.text]
    said = [turn.text for turn in worded if turn.role == "user"]
    wanted = [words_of(n) for n in range(1, number + 1)]
    wrong = [pair for pair in zip(said, wanted, strict=False) if pair[0] != pair[1]]
    assert said == wanted, f"{len(said)} of {len(wanted)} questions; first wrong: {wrong[:3]}"
    question = ""
    for turn in worded:
        if turn.role == "user":
            question = turn.text
        elif turn.role == "assistant":
            whole = turn.text == question
            assert whole or (turn.note and question.startswith(turn.text.strip())), turn


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1])))
