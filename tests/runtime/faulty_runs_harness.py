"""A whole session for each message of a session, with a fault at that message, several at once.

Most of the time of such a session is spent waiting for what the fault has lost.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.runtime.fault_proxy_harness import Fault, FaultProxy, Step, fault_proxy
from tests.runtime.session_harness import SessionHarness, running_session, toy_server

AT_ONCE = 4
"""Number of sessions that run side by side."""


@asynccontextmanager
async def faulty_session(
    folder: Path, step: Step | None, fault: Fault, *, by_key: bool, **options: Any
) -> AsyncIterator[tuple[FaultProxy, SessionHarness]]:
    """A session with a server of its own behind a proxy, which causes the fault at this message.

    `by_key`: keys begin and end the spoken turns. `options`: as for `running_session`.
    """
    detection = "manual" if by_key else "server_vad"
    async with (
        toy_server() as server,
        fault_proxy(server.url, step, fault) as proxy,
        running_session(proxy.url, folder, turn_detection=detection, **options) as harness,
    ):
        yield proxy, harness


async def failures_of(
    run: Callable[[str, Step, Fault], Awaitable[object]],
    steps: Sequence[Step],
    faults: Sequence[Fault],
    *,
    first: int = 0,
) -> str:
    """Runs a session for each step, and returns what failed, "" where nothing did.

    Each step gets one kind of fault, in turn from number `first` on; all kinds where
    TUI_VOICE_ALL_FAULTS is set. `run` gets a name for the session, the step and the fault.
    """
    cases = [
        (f"{number}-{fault}", step, fault)
        for number, step in enumerate(steps)
        for fault in (
            faults
            if "TUI_VOICE_ALL_FAULTS" in os.environ
            else (faults[(number + first) % len(faults)],)
        )
    ]
    failures: list[str] = []
    free = asyncio.Semaphore(AT_ONCE)

    async def run_one(name: str, step: Step, fault: Fault) -> None:
        async with free:
            try:
                await run(name, step, fault)
            except AssertionError as error:
                failures.append(f"── {fault} at {step}: {error}")

    async with asyncio.TaskGroup() as group:
        for case in cases:
            group.create_task(run_one(*case))
    return "\n".join([f"{len(failures)} of them:", *failures]) if failures else ""


def some_of(steps: Sequence[Step]) -> list[Step]:
    """Returns the steps; of audio and deltas numbers 1, 2 and 9 only."""
    often = ("append", "delta")
    return [step for step in steps if not step.type.endswith(often) or step.number in (1, 2, 9)]
