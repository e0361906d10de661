"""Runs many hours of a session in shortened time, and measures the process after each hour.

The embedded server runs in a process of its own with the tests' engines, behind a proxy that cuts
connections. Its server sessions end after `cap_s` seconds instead of an hour, so that there are
handovers; connections are cut in the middle of replies, and old turns are summarised all the time.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
import time
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.patience_harness import patience
from tests.runtime.fault_proxy_harness import FaultProxy, fault_proxy
from tests.runtime.session_harness import SessionHarness, running_session, settled, toy_server
from tests.server.toy_engines_harness import WORDS
from tui_voice.conversation import events as e
from tui_voice.conversation.limits import Limits
from tui_voice.languages.topics import topics_of
from tui_voice.runtime.reconnecting_connection import HANDED_OVER
from tui_voice.server.limits import SessionLimits

LIMITS = Limits(trigger=800, keep=6, policy="notebook")


@dataclass(frozen=True)
class Hour:
    """The process at the end of an hour."""

    exchanges: int
    """In this hour; so are the next three."""
    handovers: int
    breaks: int
    prunings: int
    window: int
    """Tokens."""
    turns: int
    """In the whole session."""
    tasks: int
    threads: int
    """Without those of the pools of the event loops, which grow up to a limit when two blocking
    calls happen to be made at once."""
    files: int
    """Open file descriptors."""
    held: int
    """Bytes of Python objects, where `tracemalloc` runs."""
    resident: int
    """Bytes of memory that the process has from the system."""
    journal: int
    """Bytes."""


def left_behind(hours: list[Hour]) -> tuple[int, int, int]:
    """Return how many tasks, threads and file descriptors were added since the first hour.

    A connection that is being opened has some, so the hour with the fewest counts.
    """
    first, later = hours[0], hours[1:] or hours
    return (
        max(0, min(hour.tasks for hour in later) - first.tasks),
        max(0, min(hour.threads for hour in later) - first.threads),
        max(0, min(hour.files for hour in later) - first.files),
    )


def words_of(number: int) -> str:
    """Return a turn that differs from its neighbours, of words that the test's engines know."""
    digits = (number // len(WORDS) ** place for place in (1, 0))
    return " ".join(["hello", *(WORDS[digit % len(WORDS)] for digit in digits)])


@asynccontextmanager
async def server_process(cap_s: float) -> AsyncIterator[str]:
    """Yields the address of a server that ends its sessions after `cap_s` seconds."""
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
    """Run one session of so many hours; each has `exchanges`, of which every third is spoken.

    In every hour so many connections break. Raises AssertionError where a word of the user was
    lost or doubled.
    """
    # The first summary, in whichever hour it is, loads it once for the process.
    await asyncio.to_thread(topics_of, [words_of(1), words_of(2)])
    async with (
        server_process(cap_s) as url,
        fault_proxy(url) as proxy,
        running_session(proxy.url, folder, limits=LIMITS, keep_replies=False) as harness,
    ):
        number, pruned = 0, 0
        done_hours: list[Hour] = []
        for _ in range(hours):
            cuts = {round((n + 1) * exchanges / (breaks + 1)) // 3 * 3 for n in range(breaks)}
            handovers = lost = 0
            for index in range(exchanges):
                number += 1
                await _exchange(harness, proxy, number, cut=index in cuts)
                handovers += sum(_is_handover(event) for event in harness.events)
                lost += sum(isinstance(event, e.ConnectionLost) for event in harness.events)
                harness.events.clear()
                proxy.seen.clear()
            if not handovers:  # on a fast machine the hour is over before `cap_s`
                await harness.event(e.Noticed, _is_handover)
                handovers = 1
            await harness.settled()
            await proxy.reached(1)  # the sockets of replaced connections are closed
            done = sum(c.stage == "confirmed" for c in harness.snapshot.ledger.compactions)
            hour = await _measured(harness, exchanges, handovers, lost, done - pruned)
            give_up_at = time.monotonic() + patience(10)
            while done_hours and any(left_behind([done_hours[0], hour])):
                if time.monotonic() > give_up_at:
                    break
                # A connection that is being opened: what is left behind stays.
                await asyncio.sleep(0.05)
                hour = await _measured(harness, exchanges, handovers, lost, done - pruned)
            done_hours.append(hour)
            yield hour
            pruned = done
        _check_turns(harness, number)


def _is_handover(event: e.Event) -> bool:
    return isinstance(event, e.Noticed) and event.text == HANDED_OVER


async def _exchange(harness: SessionHarness, proxy: FaultProxy, number: int, *, cut: bool) -> None:
    words = words_of(number)
    if number % 3 == 0:
        await harness.speak(words)
        return
    harness.session.post(e.TextSubmitted(item_id=f"typed_{number}", text=words))
    if cut:
        await harness.event(e.ResponseStarted)
        proxy.cut_all()
        await harness.event(e.ConnectionLost)
    else:
        await harness.event(e.ResponseDone)
    await harness.until(lambda now: settled(now) and _is_answered(harness))


def _is_answered(harness: SessionHarness) -> bool:
    last = harness.snapshot.ledger.turns.last
    return last is not None and last.role == "assistant" and bool(last.text or last.note)


async def _measured(
    harness: SessionHarness, exchanges: int, handovers: int, breaks: int, pruned: int
) -> Hour:
    async def count_tasks() -> int:
        return len(asyncio.all_tasks())

    gc.collect()
    ledger = harness.snapshot.ledger
    return Hour(
        exchanges=exchanges,
        handovers=handovers,
        breaks=breaks,
        prunings=pruned,
        window=ledger.window.total,
        turns=len(ledger.turns),
        tasks=await asyncio.wrap_future(harness.session.call(count_tasks())),
        threads=sum(not thread.name.startswith("asyncio_") for thread in threading.enumerate()),
        files=_open_files(),
        held=tracemalloc.get_traced_memory()[0] if tracemalloc.is_tracing() else 0,
        resident=_resident_bytes(),
        journal=harness.session.path.stat().st_size,
    )


def _open_files() -> int:
    """Return the number of open descriptors, 0 where the system does not tell."""
    folder = Path("/proc/self/fd")
    return len(os.listdir(folder)) if folder.is_dir() else 0


def _resident_bytes() -> int:
    """Return the resident memory, 0 where the system does not tell."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if statm.is_file() else 0


def _check_turns(harness: SessionHarness, number: int) -> None:
    """Every turn of the user is there once and in order, every reply is complete or marked."""
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
            complete = turn.text == question
            assert complete or (turn.note and question.startswith(turn.text.strip())), turn


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1])))
