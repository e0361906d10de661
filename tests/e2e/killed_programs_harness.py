"""Runs `tui-voice say` again and again, kills it after a print, and compares print with disk.

    python killed_programs_harness.py SERVER_URL FOLDER KILLS SEED

Each run is a process of its own: a fork of this one, which has the modules loaded, so that
hundreds of them take seconds. It prints into a pipe, and gets SIGKILL within 10 ms of a print.
Its disk is slow, as a share of them are: each sync takes up to 1 000 ms. A line of what was printed
as complete must then be in the part of the journal that was synced, so that a power cut at the same
moment would not lose it either.

For each run this prints one line of JSON: `{"run": 3, "printed": 2, "missing": []}`.
"""

from __future__ import annotations

import json
import os
import random
import selectors
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from tui_voice.conversation import events as e
from tui_voice.store.disk import Disk
from tui_voice.store.journal import is_synced
from tui_voice.store.parsing import Progress, parse

AT_ONCE = 12
"""Number of programs that run side by side: those with slow disks only wait."""
TURNS = 4
LONGEST_SYNC_S = (0.0, 0.0, 0.0, 0.005, 0.05, 1.0)
"""One of these is chosen for each run: a sync takes a random part of it."""
COMPLETING = {name for name, kind in e.EVENTS.items() if is_synced(kind.__new__(kind))}
"""Names of the events that complete something. The others may be printed before they are saved."""
KILL_WITHIN_S = 0.010
"""The longest time from the print that a run waits for until SIGKILL."""
ENVIRONMENT = {
    "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    "OPENBLAS_NUM_THREADS": "1",  # a process with threads must not be forked
}


@dataclass
class Run:
    """One program and what it has printed."""

    number: int
    pid: int
    stdout: int
    folder: Path
    as_json: bool
    wanted: int
    """How many replies are to be printed before it is killed."""
    kill_after_s: float
    printed: bytes = b""
    kill_at: float | None = None
    killed: bool = False
    replies: int = field(default=0)

    def take(self, data: bytes) -> None:
        self.printed += data
        mark = b'"role": "assistant"' if self.as_json else b"\nvoice "
        self.replies = self.printed.count(mark)
        if self.kill_at is None and self.replies >= self.wanted:
            self.kill_at = time.monotonic() + self.kill_after_s

    def missing(self) -> list[str]:
        """What was printed as complete, and is not in the synced part of the journal."""
        lines = self.printed.split(b"\n")[:-1]
        data = synced_part(self.folder)
        said = texts_of(data)
        if not self.as_json:
            texts = [line[7:].decode() for line in lines]
            return [text for text in texts if text not in said]
        found = []
        for line in lines:
            shown = json.loads(line)
            name = shown["event"]
            if name == "turn":
                known = shown["text"] in said
            else:
                known = line + b"\n" in data or name not in COMPLETING
            if not known:
                found.append(line.decode())
        return found


def synced_part(folder: Path) -> bytes:
    """The journal in this folder as a power cut would leave it."""
    journal = next(folder.glob("*.jsonl"), None)
    size = int((folder / "synced").read_bytes() or b"0")
    return journal.read_bytes()[:size] if journal else b""


def texts_of(journal: bytes) -> list[str]:
    """The texts of the complete turns in a journal."""
    events = parse(journal, Progress())
    return [event.text for event in events if isinstance(event, e.TextSubmitted | e.TranscriptDone)]


class SlowDisk:
    """Makes each sync of this process slow, and notes how much of the journal is synced."""

    def __init__(self, folder: Path, longest_s: float, chance: random.Random) -> None:
        self._note = os.open(folder / "synced", os.O_WRONLY | os.O_CREAT, 0o600)
        self._longest_s = longest_s
        self._chance = chance
        self._sync = Disk.sync

    def sync(self, fd: int) -> None:
        size = os.fstat(fd).st_size
        time.sleep(self._chance.random() * self._longest_s)
        self._sync(Disk(), fd)
        os.pwrite(self._note, b"%-12d" % size, 0)


def start(number: int, url: str, folder: Path, chance: random.Random) -> Run:
    """Forks a process that runs `tui-voice say`."""
    folder.mkdir(parents=True)
    longest_s = chance.choice(LONGEST_SYNC_S)
    as_json = chance.random() < 0.5
    wanted = 1 + chance.randrange(2 if longest_s == 1.0 else 3)
    kill_after_s = chance.random() * KILL_WITHIN_S
    seed = chance.random()
    read_end, write_end = os.pipe()
    stdin, _never_closed = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.dup2(stdin, 0)
            os.dup2(write_end, 1)
            disk = SlowDisk(folder, longest_s, random.Random(seed))
            Disk.sync = disk.sync  # type: ignore[method-assign]  # slow
            arguments = ["say", "--backend", url, "--sessions-dir", str(folder)]
            turns = [f"{number} one {turn}" for turn in range(TURNS)]
            # After the turns it waits for more on standard input, until it is killed.
            main([*arguments, *turns, "-", *(["--json"] if as_json else [])])
        finally:
            os._exit(1)
    os.close(write_end)
    os.close(stdin)
    return Run(number, pid, read_end, folder, as_json, wanted, kill_after_s)


def run_all(url: str, folder: Path, kills: int, seed: str) -> None:
    """Runs and kills so many programs, and prints the result of each."""
    chance = random.Random(seed)
    selector = selectors.DefaultSelector()
    running: list[Run] = []
    started = 0
    while started < kills or running:
        while started < kills and len(running) < AT_ONCE:
            run = start(started, url, folder / str(started), chance)
            selector.register(run.stdout, selectors.EVENT_READ, run)
            running.append(run)
            started += 1
        due = min((run.kill_at for run in running if run.kill_at and not run.killed), default=None)
        wait_s = None if due is None else max(0.0, due - time.monotonic())
        ready = selector.select(wait_s)
        for run in running:
            if run.kill_at and not run.killed and time.monotonic() >= run.kill_at:
                os.kill(run.pid, signal.SIGKILL)
                run.killed = True
        for key, _ in ready:
            run = key.data
            if data := os.read(run.stdout, 65_536):
                run.take(data)
                continue
            selector.unregister(run.stdout)
            os.close(run.stdout)
            os.waitpid(run.pid, 0)
            running.remove(run)
            result = {"run": run.number, "printed": run.replies, "killed": run.killed}
            print(json.dumps({**result, "missing": run.missing()}), flush=True)


if __name__ == "__main__":
    os.environ |= ENVIRONMENT
    # What the command imports while it runs is imported once, before the forks.
    import filelock  # noqa: F401  (imported before the forks)
    import websockets.asyncio.client  # noqa: F401  (imported before the forks)

    import tui_voice.audio.null
    import tui_voice.audio.sound
    import tui_voice.cli.say
    import tui_voice.runtime.headless  # noqa: F401  (imported before the forks)
    from tui_voice.__main__ import main

    run_all(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
