"""A session over many server sessions loses and doubles no turn, and does not grow in memory."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import tracemalloc
from pathlib import Path

import pytest

from tests.runtime.session_harness import SessionHarness, running_session, toy_server
from tests.server.toy_engines_harness import WORDS
from tui_voice.conversation import events as e
from tui_voice.conversation.limits import Limits
from tui_voice.conversation.reducers import fold
from tui_voice.runtime.reconnecting_connection import HANDED_OVER
from tui_voice.server.limits import SessionLimits
from tui_voice.store.reading import read

HANDOVERS = 5
"""As many as a session of more than five hours has; a server session ends after 60 minutes."""
MAX_GROWTH = 5 * 2**20
"""Bytes of Python objects that the last third of the session may add."""


def _summaries(harness: SessionHarness) -> int:
    compactions = harness.snapshot.ledger.compactions
    return sum(one.stage == "confirmed" and one.kind == "summary" for one in compactions)


async def _talk_until_handed_over(harness: SessionHarness, times: int) -> int:
    """Type and speak until there were so many handovers, and two summaries; returns the number of
    turns."""
    number = 0
    while sum(map(_is_handover, harness.events)) < times or _summaries(harness) < 2:
        number += 1
        words = words_of(number)
        await (harness.speak(words) if number % 3 == 0 else harness.say(words))
    return number


def words_of(number: int) -> str:
    """Return a turn that differs from its neighbours, of words that the test's engines know."""
    return f"hello {WORDS[number % len(WORDS)]} {WORDS[number // len(WORDS)]}"


def _threads_of_sessions() -> int:
    """Returns the number of threads without those of pools, which have a limit."""
    pools = ("speech-", "replies-", "asyncio_")
    return sum(not thread.name.startswith(pools) for thread in threading.enumerate())


def _is_handover(event: e.Event) -> bool:
    return isinstance(event, e.Noticed) and event.text == HANDED_OVER


@pytest.mark.slow
async def test_no_turn_is_lost_or_doubled_over_many_server_sessions(tmp_path: Path) -> None:
    limits = Limits(trigger=900, keep=4, policy="notebook")
    session = SessionLimits(session_seconds=3)
    async with toy_server(limits=session) as server:
        threads = _threads_of_sessions()
        async with running_session(server.url, tmp_path, limits=limits) as harness:
            count = await _talk_until_handed_over(harness, HANDOVERS)
            turns = harness.turns()
            ledger = harness.snapshot.ledger
            path = harness.session.path
        for _ in range(50):  # some threads end a little later
            if _threads_of_sessions() <= threads + 2:
                break
            await asyncio.to_thread(gc.collect)
        assert _threads_of_sessions() <= threads + 2, threading.enumerate()
    said = [text for role, text in turns if role == "user"]
    assert said == [words_of(n) for n in range(1, count + 1)]
    answers = [text for role, text in turns if role == "assistant"]
    assert answers == said  # the toy server repeats each turn
    assert not any(c.stage == "failed" for c in ledger.compactions), ledger.compactions
    saved = fold(read(path).events)
    assert [turn.text for turn in saved.turns] == [text for _, text in turns]


def _open_files() -> int:
    """Return the number of open descriptors, 0 where the system does not tell."""
    folder = Path("/proc/self/fd")
    return len(os.listdir(folder)) if folder.is_dir() else 0


@pytest.mark.slow
async def test_a_long_session_does_not_grow_in_memory(tmp_path: Path) -> None:
    """The harness throws its copies of the events away, so that only the product is measured."""
    limits = Limits(trigger=600, keep=4, policy="notebook")
    tracemalloc.start()
    try:
        async with (
            toy_server() as server,
            running_session(server.url, tmp_path, limits=limits) as harness,
        ):
            held, files = [], []
            for part in range(3):
                for number in range(60):
                    await harness.say(f"part {part} turn {number}")
                harness.events.clear()
                gc.collect()
                held.append(tracemalloc.get_traced_memory()[0])
                files.append(_open_files())
    finally:
        tracemalloc.stop()
    assert held[2] - held[1] < MAX_GROWTH
    assert files[2] == files[1]
