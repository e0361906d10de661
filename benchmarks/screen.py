"""Measures the screen: time to the first paint, CPU of a transcript delta, loop gaps, idle CPU.

Every figure is the median of several runs; the first paint is compared with a Textual app that
shows two lines, started in turn with ours in the same run.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

_MINIMAL = """
import os
from textual.app import App
from textual.widgets import Static
class Minimal(App):
    def compose(self):
        yield Static("one")
        yield Static("two")
    def on_mount(self):
        self.call_after_refresh(self.painted)
    def painted(self):
        os.write(1, b"!")
        self.exit()
Minimal().run(headless=True, size=(120, 36))
"""
_OURS = """
import gc, os, sys
gc.disable()  # as tui_voice.__main__ does until the first paint
from tui_voice.ui.app import VoiceApp
class Painted(VoiceApp):
    async def _after_first_paint(self):
        os.write(1, b"!")
        assert not {"openai", "numpy", "pydantic", "websockets"} & set(sys.modules)
        self.exit()
Painted(lambda session_id: None).run(headless=True, size=(120, 36))
"""


def _start(code: str) -> float:
    """Return milliseconds from the start of the interpreter to the first paint."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed program is compiled
    begin = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, bufsize=0
    ) as process:
        assert process.stdout is not None
        mark = process.stdout.read(1)
        spent = (time.perf_counter() - begin) * 1000
        if process.wait() or mark != b"!":
            raise SystemExit("the app did not paint")
    return spent


def first_paint(runs: int) -> tuple[float, float]:
    """Start a minimal app and ours in turn; return the median of each."""
    _start(_MINIMAL), _start(_OURS)
    pairs = [(_start(_MINIMAL), _start(_OURS)) for _ in range(runs)]
    return (statistics.median(p[0] for p in pairs), statistics.median(p[1] for p in pairs))


async def deltas(turns: int, count: int) -> tuple[float, float, float]:
    """Stream a reply into a session of so many turns, twice.

    Returns CPU ms for one delta, and the loop gap: 99th percentile and maximum, in ms. The gaps are
    measured the second time: to look for them takes 0.4 ms of CPU a delta.
    """
    from tests.ui.scripted_session_harness import ScriptedSession, session_opened
    from tui_voice.conversation import events as e
    from tui_voice.ui.app import VoiceApp

    session = ScriptedSession()
    for event in session_opened():
        session.deliver_unseen(event)
    words = "the quick brown fox jumps over the lazy dog and walks home again "
    for number in range(turns):
        session.deliver_unseen(
            e.TextSubmitted(at=number * 5.0, item_id=f"t{number}", text=words * 3)
        )
    session.deliver_unseen(e.TurnAdded(item_id="reply", role="assistant"))
    app = VoiceApp(lambda _id: session)
    gaps: list[float] = []

    async def watch() -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.002)
            gaps.append((time.perf_counter() - before - 0.002) * 1000)

    async def stream() -> None:
        for number in range(count):
            session.deliver(e.TranscriptGrew(item_id="reply", text=f"word{number} "))
            await asyncio.sleep(0.02)

    async with app.run_test(size=(120, 36)) as pilot:
        while app.session.handle is None:
            await pilot.pause(0.01)
        await pilot.pause(0.5)
        gc.freeze()  # as the app does once its session is open
        begin = time.process_time()
        await stream()
        spent = (time.process_time() - begin) * 1000
        watcher = asyncio.create_task(watch())
        await stream()
        watcher.cancel()
    gaps.sort()
    return spent / count, gaps[int(len(gaps) * 0.99)], gaps[-1]


async def idle(seconds: float) -> float:
    """Return the share of a core that is used while a session is open and nobody speaks."""
    from tests.ui.scripted_session_harness import ScriptedSession, kyoto_session
    from tui_voice.conversation import events as e
    from tui_voice.ui.app import VoiceApp

    session = kyoto_session(ScriptedSession())
    session.deliver(e.StopPressed())
    app = VoiceApp(lambda _id: session)
    async with app.run_test(size=(120, 36)) as pilot:
        while app.session.handle is None:
            await pilot.pause(0.01)
        await pilot.pause(6.0)  # until the notice of the stopped reply has ended
        begin = time.process_time()
        await asyncio.sleep(seconds)
        return (time.process_time() - begin) / seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=21)
    parser.add_argument("--turns", type=int, nargs="*", default=[100, 10_000, 100_000])
    parser.add_argument("--deltas", type=int, default=250)
    chosen = parser.parse_args()
    minimal, ours = first_paint(chosen.runs)
    from benchmarks.figures import note

    print(f"first paint   minimal {minimal:6.0f} ms   ours {ours:6.0f} ms   x{ours / minimal:.2f}")
    note("first paint", ours, "ms", by="Textual app of two lines", other=minimal)
    for turns in chosen.turns:
        cpu, p99, worst = asyncio.run(deltas(turns, chosen.deltas))
        print(
            f"{turns:>7} turns  {cpu:5.2f} ms CPU a delta   gap p99 {p99:4.1f} max {worst:4.1f} ms"
        )
        note(f"a delta in a session of {turns} turns, processor", cpu, "ms")
        note(f"longest gaps of the loop meanwhile (p99), {turns} turns", p99, "ms")
    at_rest = asyncio.run(idle(10))
    print(f"idle          {at_rest:.1%} of a core")
    note("idle", at_rest * 100, "% of a core")


if __name__ == "__main__":
    main()
