"""What keeping, resuming, browsing and searching talks costs, each beside the naive way.

Run: `python benchmarks/store.py [--turns 1000000]`. Medians; trust the ratios. What is resumed and
browsed is told in processor time, what is appended and searched by the clock. The index of a
million turns takes some minutes to make.
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

from tui_voice.config import cache_dir
from tui_voice.conversation import events as e
from tui_voice.conversation.folding import fold
from tui_voice.store import catalog, checkpoint, codec, index, search
from tui_voice.store.journal import Journal
from tui_voice.store.query import parse
from tui_voice.store.reading import load, read

WORDS = re.findall(
    r"\w+",
    """the a and of to in is it that was for on are with as at be this have from or had by but not
    what all were we when there can an your which their said if do will each about how up out garden
    temple river morning tea train summer winter letter music window story bread mountain""",
)
HEAD = e.SessionOpened(id="t", started="2026-04-01T12:00:00+00:00", backend="local", model="m")


def seconds(work: Callable[[], object], rounds: int = 5) -> float:
    """Median of the processor's time: that of our own work, whatever else the machine does."""
    taken = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return statistics.median(taken)


def spread(work: Callable[[], object], rounds: int, *, pause: bool = False) -> tuple[float, float]:
    """p50 and p99 of one call. `pause`: let other threads run in between."""
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
        if pause:
            time.sleep(0)
    taken.sort()
    return taken[rounds // 2], taken[rounds * 99 // 100]


def row(what: str, by: str, *figures: float) -> None:
    print(f"  {what:38}{by:34}" + "".join(f"{shown(figure):>12}" for figure in figures))


def shown(figure: float) -> str:
    if figure < 1e-3:
        return f"{figure * 1e6:.1f} µs"
    return f"{figure * 1e3:.1f} ms" if figure < 1 else f"{figure:.2f} s"


# ── talks to measure with ────────────────────────────────────────────────────────────────────


def spoken(turns: int) -> Iterator[e.Event]:
    """A talk as a server tells it: some 14 facts an exchange."""
    yield HEAD
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
    """Talks of so many turns, typed: one line a turn."""
    chance = random.Random(1)
    for n in range(max(1, turns // each)):
        head = e.SessionOpened(
            id=f"t{n:05}",
            started=f"2026-{1 + n % 12:02}-{1 + n % 28:02}T{n % 24:02}:00:00+00:00",
            backend="local",
            model="m",
        )
        said = (
            e.TextSubmitted(
                at=k * 5.0, item_id=f"i{k}", text=" ".join(chance.choices(WORDS, k=12)) + f" x{n}"
            )
            for k in range(min(each, turns))
        )
        write(folder / f"{head.id}.jsonl", iter([head, *said]))


# ── what is measured ─────────────────────────────────────────────────────────────────────────


def appending(folder: Path) -> None:
    print("\nappend one fact" + " " * 57 + "p50         p99")
    grew = e.TranscriptGrew(at=1.5, item_id="item_1", text=" word")
    done = e.TranscriptDone(at=1.5, item_id="item_1", text="some words of a turn " * 5)
    journal = Journal.create(folder / "append", HEAD)

    def turn() -> None:
        journal.append(done)
        journal.sync().result()

    row(
        "a word, as the loop waits for it",
        "ours",
        *spread(lambda: journal.append(grew), 20_000, pause=True),
    )
    journal.sync().result()
    row("a whole turn, until it is on disk", "ours", *spread(turn, 500))
    journal.close()
    path = folder / "naive.json"
    turns = [{"text": "some words of a turn " * 5}] * 10_000

    def rewrite() -> None:
        with path.open("w") as file:
            json.dump(turns, file)
            file.flush()
            os.fsync(file.fileno())

    db = sqlite3.connect(folder / "naive.sqlite", isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE turns (text TEXT)")
    row(
        "the same",
        "a row in SQLite",
        *spread(lambda: db.execute("INSERT INTO turns VALUES (?)", (done.text,)), 500),
    )
    row("the same, at 10 000 turns", "JSON written anew", *spread(rewrite, 10))
    db.close()


def by_json(paths: list[Path]) -> None:
    for path in paths:
        for line in path.read_text().splitlines():
            json.loads(line)


def load_cold(path: Path) -> None:
    checkpoint.forget(cache_dir(), path)
    load(path)


def resuming(folder: Path) -> None:
    print("\nresume a talk" + " " * 56 + "processor")
    for turns in (100, 10_000, 100_000):
        path = folder / f"long-{turns}.jsonl"
        write(path, spoken(turns))
        size = f"{turns} turns, {path.stat().st_size / 1e6:.1f} MB"
        row(size, "ours, the cache deleted", seconds(partial(load_cold, path), 3))
        row("", "ours", seconds(partial(load, path)))
        row("", "json, nothing folded", seconds(partial(by_json, [path]), 1))
        if turns < 100_000:
            row("", "every fact read and folded", seconds(lambda p=path: fold(read(p).events), 1))


def browsing(folder: Path) -> None:
    print("\nbrowse talks of 100 turns each" + " " * 39 + "processor")
    for turns in (100, 10_000, 100_000):
        place = folder / f"talks-{turns}"
        write_many(place, turns)
        size = f"{turns} turns in {max(1, turns // 100)} talks"
        first = seconds(partial(catalog.list_sessions, place), 1)
        row(size, "ours", seconds(partial(catalog.list_sessions, place)))
        row("", "ours, the first time", first)
        row("", "json, every file", seconds(partial(by_json, list(place.iterdir())), 1))


def searching(folder: Path, turns: int) -> None:
    place = folder / "many"
    write_many(place, turns, each=1_000)
    start = time.perf_counter()
    index.ask(place, lambda _db: None)
    made = time.perf_counter() - start
    size = index.database(place).stat().st_size / 1e6
    print(f"\nsearch {turns} turns (index: {size:.0f} MB, made in {made:.0f} s)" + " " * 19, end="")
    print("p50         p99")
    an_hour_ago = time.time() - 3600
    os.utime(place, (an_hour_ago, an_hour_ago))  # nobody has begun a talk just now
    search.search(place, "temple")
    queries = ("temple", "the", "gar*", '"the garden"', "tea role:you before:2026-06", "x7", "zq")
    db = sqlite3.connect(index.database(place))
    for query in queries:
        parsed = parse(query)
        row(query, "the question alone", *spread(partial(search._rows, db, parsed, ""), 100))
        whole = partial(search.search, place, query, typing=True)
        row("", "the whole call, as the app asks", *spread(whole, 100))
    row(
        "temple",
        "the whole call of the command",
        *spread(partial(search.search, place, "temple"), 100),
    )
    row("", "the app's look at all files, aside", *spread(partial(index.catch_up, place), 50))
    row("", "the whole call, a talk grows", *growing(place, 50))
    statement = """SELECT rowid FROM words WHERE words MATCH 'the'
        ORDER BY bm25(words) LIMIT 50"""
    row("the", "FTS5 ranks all hits", seconds(lambda: db.execute(statement).fetchall(), 3))

    def scan() -> None:
        for path in place.glob("*.jsonl"):
            for line in path.read_text().splitlines():
                _found = "temple" in line

    row("temple", "every journal read, in Python", seconds(scan, 1))
    if grep := shutil.which("grep"):
        command = [grep, "-rhwc", "temple", str(place)]
        work = partial(subprocess.run, command, stdout=subprocess.DEVNULL, check=True)
        row("", "every journal read, by grep", seconds(work, 3))
    db.close()


def growing(folder: Path, rounds: int) -> tuple[float, float]:
    """p50 and p99 of a search for what was said a moment ago, in a talk of 1 000 turns."""
    journal = Journal.open(next(folder.glob("*.jsonl")))
    an_hour_ago = time.time() - 3600
    os.utime(folder, (an_hour_ago, an_hour_ago))
    index.catch_up(folder)
    taken = []
    for n in range(rounds):
        journal.append(e.TextSubmitted(at=9e3 + n, item_id=f"n{n}", text=f"news{n} of it"))
        journal.sync().result()
        start = time.perf_counter()
        (hit,) = search.search(folder, f"news{n}", typing=True)
        taken.append(time.perf_counter() - start)
        assert hit.turn == f"n{n}"
    journal.close()
    taken.sort()
    return taken[rounds // 2], taken[rounds * 99 // 100]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=1_000_000, help="turns to search in")
    turns = parser.parse_args().turns
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["TUI_VOICE_CACHE_DIR"] = str(folder / "cache")
        appending(folder)
        resuming(folder)
        browsing(folder)
        searching(folder, turns)


if __name__ == "__main__":
    main()
