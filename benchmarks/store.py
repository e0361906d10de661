"""Measures what saving, opening, listing and searching sessions costs, beside simpler ways.

Run: `python benchmarks/store.py [--turns 1000000]`. Every figure is a median, or p50 and p99; the
first half is processor time, appending and searching are wall time. Making the index of a million
turns takes some minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import sqlite3
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks.figures import note
from tui_voice.config import cache_dir
from tui_voice.conversation import events as e
from tui_voice.conversation.reducers import fold
from tui_voice.store import catalog, checkpoint, codec, index, search
from tui_voice.store.journal import Journal
from tui_voice.store.reading import load, read

WORDS = re.findall(
    r"\w+",
    """the a and of to in is it that was for on are with as at be this have from or had by but not
    what all were we when there can an your which their said if do will each about how up out garden
    temple river morning tea train summer winter letter music window story bread mountain""",
)
OPENED = e.SessionOpened(id="t", started="2026-04-01T12:00:00+00:00", backend="local", model="m")


def processor_seconds(work: Callable[[], object], rounds: int = 5) -> float:
    """Median processor time of one call: it does not count what else the machine does."""
    taken = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return statistics.median(taken)


def wall_seconds(
    work: Callable[[], object], rounds: int, *, pause: bool = False
) -> tuple[float, float]:
    """p50 and p99 of one call. `pause`: lets other threads run between the calls."""
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
        if pause:
            time.sleep(0)
    return percentiles(taken)


def percentiles(taken: list[float]) -> tuple[float, float]:
    """p50 and p99."""
    taken = sorted(taken)
    return taken[len(taken) // 2], taken[len(taken) * 99 // 100]


_ours: list[tuple[str, str, float]] = []  # what is measured, our way, and its median in seconds


def row(what: str, way: str, *figures: float) -> None:
    """Prints one way; the rows without `what` are alternatives to the row above them."""
    if what:
        _ours.append((what, way, figures[0]))
        note(f"{what}, {way}", figures[0] * 1e3, "ms")
    else:
        same, own, median = _ours[-1]
        note(f"{same}, {own}", median * 1e3, "ms", by=way, other=figures[0] * 1e3)
    print(f"  {what:38}{way:34}" + "".join(f"{formatted(figure):>12}" for figure in figures))


def formatted(seconds: float) -> str:
    if seconds < 1e-3:
        return f"{seconds * 1e6:.1f} µs"
    return f"{seconds * 1e3:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


# ── sessions to measure with ─────────────────────────────────────────────────────────────────


def spoken(turns: int) -> Iterator[e.Event]:
    """A spoken session as a server reports it: some 14 events for an exchange."""
    yield OPENED
    yield e.ConnectionOpened(at=0.1)
    at, before = 1.0, None
    for n in range(turns // 2):
        user, voice, response = f"item_u{n}", f"item_a{n}", f"resp_{n}"
        yield e.SpeechStarted(at=at, item_id=user)
        yield e.SpeechStopped(at=at + 2, item_id=user, audio_ms=2000)
        yield e.SpeechCommitted(at=at + 2, item_id=user, previous_item_id=before, audio_ms=2000)
        yield e.ResponseStarted(at=at + 2.1, response_id=response)
        yield e.TurnAdded(at=at + 2.1, item_id=voice, role="assistant", previous_item_id=user)
        yield e.TranscriptDone(at=at + 2.2, item_id=user, text="What is there to see here?")
        for k in range(6):
            yield e.TranscriptGrew(at=at + 2.3 + k / 10, item_id=voice, text=" and some words")
        yield e.AudioReceived(at=at + 3, item_id=voice, response_id=response, audio_ms=4000)
        yield e.TranscriptDone(at=at + 3, item_id=voice, text=" and some words" * 6)
        usage = e.Usage(input_text=300, input_audio=20, output_text=20, output_audio=80)
        yield e.ResponseDone(at=at + 3.1, response_id=response, usage=usage, usd=0.001)
        yield e.PlaybackFinished(at=at + 7, item_id=voice, played_ms=4000)
        at, before = at + 8, voice


def write(path: Path, events: Iterator[e.Event]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.writelines(map(codec.encode, events))


def write_many(folder: Path, turns: int, each: int = 100) -> None:
    """Sessions with `turns` turns in all, typed: one line for each turn."""
    chance = random.Random(1)
    for n in range(max(1, turns // each)):
        opened = e.SessionOpened(
            id=f"t{n:05}",
            started=f"2026-{1 + n % 12:02}-{1 + n % 28:02}T{n % 24:02}:00:00+00:00",
            backend="local",
            model="m",
        )
        typed = (
            e.TextSubmitted(
                at=k * 5.0, item_id=f"i{k}", text=" ".join(chance.choices(WORDS, k=12)) + f" x{n}"
            )
            for k in range(min(each, turns))
        )
        write(folder / f"{opened.id}.jsonl", iter([opened, *typed]))


# ── what is measured ─────────────────────────────────────────────────────────────────────────


def appending(folder: Path) -> None:
    print("\nappend one event" + " " * 56 + "p50         p99")
    grew = e.TranscriptGrew(at=1.5, item_id="item_1", text=" word")
    done = e.TranscriptDone(at=1.5, item_id="item_1", text="some words of a turn " * 5)
    journal = Journal.create(folder / "append", OPENED)

    def turn() -> None:
        journal.append(done)
        journal.sync().result()

    waiting = wall_seconds(partial(journal.append, grew), 20_000, pause=True)
    row("a word, as the event loop waits for it", "journal", *waiting)
    journal.sync().result()
    row("a whole turn, until it is on disk", "journal", *wall_seconds(turn, 500))
    journal.close()
    path = folder / "all.json"
    turns = [{"text": "some words of a turn " * 5}] * 10_000

    def rewrite() -> None:
        with path.open("w") as file:
            json.dump(turns, file)
            file.flush()
            os.fsync(file.fileno())

    db = sqlite3.connect(folder / "turns.sqlite", isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE turns (text TEXT)")
    insert = partial(db.execute, "INSERT INTO turns VALUES (?)", (done.text,))
    row("the same", "a row in SQLite", *wall_seconds(insert, 500))
    row("the same, at 10 000 turns", "one JSON file, written again", *wall_seconds(rewrite, 10))
    db.close()


def parse_json(paths: list[Path]) -> None:
    for path in paths:
        for line in path.read_text().splitlines():
            json.loads(line)


def load_without_checkpoint(path: Path) -> None:
    checkpoint.delete(cache_dir(), path)
    load(path)


def opening(folder: Path) -> None:
    print("\nopen a spoken session" + " " * 48 + "processor")
    for turns in (100, 1_000, 10_000, 100_000):
        path = folder / f"long-{turns}.jsonl"
        write(path, spoken(turns))
        size = f"{turns} turns, {path.stat().st_size / 1e6:.1f} MB"
        row(
            size,
            "without a checkpoint",
            processor_seconds(partial(load_without_checkpoint, path), 3),
        )
        row("", "with its checkpoint", processor_seconds(partial(load, path)))
        row("", "json.loads of every line", processor_seconds(partial(parse_json, [path]), 1))
        if turns < 100_000:
            row(
                "",
                "every event kept and folded",
                processor_seconds(partial(read_and_fold, path), 1),
            )


def read_and_fold(path: Path) -> None:
    fold(read(path).events)


def listing(folder: Path) -> None:
    print("\nlist sessions of 100 turns each" + " " * 38 + "processor")
    for turns in (100, 10_000, 100_000):
        place = folder / f"sessions-{turns}"
        write_many(place, turns)
        size = f"{turns} turns in {max(1, turns // 100)} sessions"
        first = processor_seconds(partial(catalog.list_sessions, place), 1)
        row(size, "from the index", processor_seconds(partial(catalog.list_sessions, place)))
        row("", "the first time", first)
        paths = list(place.iterdir())
        row("", "json.loads of every line", processor_seconds(partial(parse_json, paths), 1))


def searching(folder: Path, turns: int) -> None:
    place = folder / "many"
    write_many(place, turns, each=1_000)
    start = time.perf_counter()
    index.update(place)
    made = time.perf_counter() - start
    size = index.database(place).stat().st_size / 1e6
    print(f"\nsearch {turns} turns (index: {size:.0f} MB, made in {made:.0f} s)" + " " * 19, end="")
    print("p50         p99")
    search.search(place, "temple")
    for query in (
        "temple",
        "the",
        "gar*",
        '"the garden"',
        "tea role:you before:2026-06",
        "x7",
        "zq",
    ):
        typing = partial(search.search, place, query, typing=True, refresh=False)
        row(query, "while the user types", *wall_seconds(typing, 100))
    command = partial(search.search, place, "temple")
    row("temple", "as the command", *wall_seconds(command, 100))
    row("", "no change: the index is up to date", *wall_seconds(partial(index.update, place), 50))
    for turns_of_session in (0, 1_000, 10_000):
        size = f"a session of {turns_of_session or '1 000 typed'} turns grows"
        at_once, later = growing(place, turns_of_session, 30)
        row(size, "a search while the user types", *at_once)
        row("", "update, then find the newest turn", *later)
    db = sqlite3.connect(index.database(place))
    statement = "SELECT rowid FROM words WHERE words MATCH 'the' ORDER BY bm25(words) LIMIT 50"
    ranked = processor_seconds(lambda: db.execute(statement).fetchall(), 3)
    row("the", "FTS5 ranks all hits", ranked)
    db.close()

    def scan() -> None:
        for path in place.glob("*.jsonl"):
            for line in path.read_text().splitlines():
                _found = "temple" in line

    row("temple", "every journal read, in Python", processor_seconds(scan, 1))
    if grep := shutil.which("grep"):
        grep_all = [grep, "-rhwc", "temple", str(place)]
        work = partial(subprocess.run, grep_all, stdout=subprocess.DEVNULL, check=True)
        row("", "every journal read, by grep", processor_seconds(work, 3))


def growing(
    folder: Path, turns: int, rounds: int
) -> tuple[tuple[float, float], tuple[float, float]]:
    """p50 and p99 of a search that does not refresh, and of an update with a search after it.

    Both come after each turn of a session that grows. `turns`: of this spoken session; 0: one of
    the typed sessions, which have 1 000.
    """
    path = next(folder.glob("t*.jsonl"))
    if turns:
        path = folder / f"spoken-{turns}.jsonl"
        write(path, spoken(turns))
    index.update(folder)
    journal = Journal.open(path)
    at_once, later = [], []
    for n in range(rounds):
        news = f"news{turns}x{n}"
        journal.append(e.TextSubmitted(at=9e4 + n, item_id=news, text=f"{news} of it"))
        journal.sync().result()
        start = time.perf_counter()
        search.search(folder, "temple", typing=True, refresh=False)
        at_once.append(time.perf_counter() - start)
        index.update(folder)
        (hit,) = search.search(folder, news, typing=True, refresh=False)
        later.append(time.perf_counter() - start - at_once[-1])
        assert hit.turn == news
    journal.close()
    return percentiles(at_once), percentiles(later)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=1_000_000, help="turns to search in")
    turns = parser.parse_args().turns
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["TUI_VOICE_CACHE_DIR"] = str(folder / "cache")
        appending(folder)
        opening(folder)
        listing(folder)
        searching(folder, turns)


if __name__ == "__main__":
    main()
