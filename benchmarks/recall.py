"""Measures recall: how often the evidence of a question is found, how fast, and the index.

Run: `python benchmarks/recall.py [--turns 1000000] [--locomo locomo10.json]`. LoCoMo's data may not
be shipped (CC BY-NC 4.0), so its rows appear only where you have it. The other sessions are
invented. Every time is a median.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from itertools import accumulate
from pathlib import Path

from benchmarks.figures import note
from tui_voice.conversation import events as e
from tui_voice.lab.question_files import Question, read_questions
from tui_voice.lab.question_files import write_sessions as write_chats
from tui_voice.lab.questions import search_all
from tui_voice.store import codec, index
from tui_voice.store.evidence import find_evidence

MOST_WORDS = 60_000
"""Number of different invented words; their frequencies follow Zipf's law, as in a language."""


def vocabulary() -> tuple[list[str], list[float]]:
    """Returns invented words with their cumulative weights."""
    chance = random.Random(3)
    syllables = [a + b for a in "bdfghklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er")]
    words = list(
        dict.fromkeys(
            "".join(chance.choices(syllables, k=2 + n % 3)) for n in range(MOST_WORDS * 2)
        )
    )[:MOST_WORDS]
    return words, list(accumulate(1 / (n + 3) for n in range(len(words))))


def write_sessions(folder: Path, turns: int, each: int = 1_000) -> list[str]:
    """Writes sessions with so many turns in all; returns some of their texts."""
    words, weights = vocabulary()
    chance = random.Random(1)
    said: list[str] = []
    folder.mkdir(parents=True)
    for n in range(max(1, turns // each)):
        opened = e.SessionOpened(
            id=f"t{n:05}",
            started=f"2026-{1 + n % 12:02}-{1 + n % 28:02}T{n % 24:02}:00:00+00:00",
            backend="local",
            model="m",
        )
        texts = [
            " ".join(chance.choices(words, cum_weights=weights, k=12))
            for _ in range(min(each, turns))
        ]
        said += chance.sample(texts, min(2, len(texts)))
        typed = (
            e.TextSubmitted(at=k * 5.0, item_id=f"i{k}", text=text) for k, text in enumerate(texts)
        )
        with (folder / f"{opened.id}.jsonl").open("wb") as file:
            file.writelines(codec.encode(event) for event in _with(opened, typed))
    return said


def _with(first: e.Event, rest: Iterator[e.Event]) -> Iterator[e.Event]:
    yield first
    yield from rest


def measure(folder: Path, turns: int) -> None:
    """Prints size, time and latency for so many invented turns."""
    said = write_sessions(folder, turns)
    start = time.perf_counter()
    index.update(folder)
    made = time.perf_counter() - start
    size = index.database(folder).stat().st_size / 1e6
    print(f"{turns:>9} turns: index {size:.0f} MB, made in {made:.0f} s")
    note(f"{turns} turns: index", size, "MB")
    note(f"{turns} turns: time to make the index", made, "s")
    scan = ms_of_grep(folder, said[0].split()[0])
    chance = random.Random(2)
    find_evidence(folder, "first")
    for share, what in ((0.25, "3 words of a turn"), (0.7, "8 words of a turn")):
        taken, found = [], 0
        for text in chance.sample(said, min(100, len(said))):
            words = text.split()
            question = " ".join(chance.sample(words, round(len(words) * share)))
            start = time.perf_counter()
            hits = find_evidence(folder, question, refresh=False)
            taken.append(time.perf_counter() - start)
            found += any(hit.said.text == text for hit in hits)
        taken.sort()
        median, slow = statistics.median(taken) * 1e3, taken[-1 - len(taken) // 100] * 1e3
        print(f"{what:>27}: found {found / len(taken):.0%}, {median:.1f} ms (p99 {slow:.0f} ms)")
        note(f"{turns} turns, {what}", median, "ms", by="grep over the journals", other=scan)
        note(f"{turns} turns, {what}: p99", slow, "ms")


def ms_of_grep(folder: Path, word: str) -> float | None:
    """Returns the time of a search in every journal without an index; None without grep."""
    if (grep := shutil.which("grep")) is None:
        return None
    start = time.perf_counter()
    subprocess.run([grep, "-rhwc", word, str(folder)], stdout=subprocess.DEVNULL, check=False)
    return (time.perf_counter() - start) * 1e3


def locomo(path: Path, folder: Path) -> None:
    """Prints the share of LoCoMo's questions with evidence for which it is found."""
    chats = read_questions(path)
    asked = [one for one in chats.questions if one.evidence and one.kind != "never"]
    for what in ("each conversation in its own folder", "one folder of all"):
        folders = {}
        for name, sessions in chats.sessions.items():
            folders[name] = folder / ("all" if what.startswith("one") else name)
            write_chats(sessions, folders[name])
        found = sum(one.found for one in search_all(asked, partial(_folder_of, folders)))
        print(f"LoCoMo, {what}: {found} of {len(asked)} = {found / len(asked):.1%}")
    print(chats.note)


def _folder_of(folders: dict[str, Path], question: Question) -> Path:
    return folders[question.group]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=1_000_000, help="turns to search in")
    parser.add_argument("--locomo", type=Path, help="LoCoMo's file, where you have it")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        os.environ["TUI_VOICE_CACHE_DIR"] = str(Path(name) / "cache")
        if arguments.locomo is not None:
            locomo(arguments.locomo, Path(name))
        measure(Path(name) / "many", arguments.turns)


if __name__ == "__main__":
    main()
