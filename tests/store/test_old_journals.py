"""Journals that earlier versions of the program wrote still open, fold, resume and grow.

Two were written by the last program of format version 1, one by the first program of version 2
(see `sessions/README.md`), so nothing here depends on the code that writes journals today.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.runtime.session_harness import toy_server
from tui_voice.__main__ import main
from tui_voice.conversation.reducers import fold
from tui_voice.store import catalog, codec
from tui_voice.store.journal import Journal
from tui_voice.store.reading import load, read

RECORDED = Path(__file__).parents[2] / "sessions"


class Figures(NamedTuple):
    """What the program that wrote a journal made of it, written down at that time."""

    file: str
    turns: int
    compactions: dict[str, int]
    """How many of each kind; all of them were completed."""
    interrupted: int
    """Turns of which the user heard only a part."""
    pinned: int
    title: str
    memory: str
    """The first words of the summary that the model held at the end."""
    notes: tuple[str, ...]
    """What reading says of damage."""


LONG = Figures(
    file="v1-long-with-compactions.jsonl",
    turns=108,
    compactions={"textify": 39, "summary": 6, "restore": 1},
    interrupted=2,
    pinned=1,
    title="I keep bees near Coimbra",
    memory='People and facts: "My name is Ines", "I keep bees near Coimbra"',
    notes=(),
)
CUT_OFF = Figures(
    file="v1-cut-off.jsonl",
    turns=28,
    compactions={"textify": 13, "summary": 1},
    interrupted=0,
    pinned=0,
    title="I am building a small wooden",
    memory='People and facts: "I am building a small wooden boat in my garage"',
    notes=("the last line was torn (67 bytes) and was left out",),
)
VERSION_2 = Figures(
    file="v2-a-dry-stone-wall.jsonl",
    turns=30,
    compactions={"textify": 10, "summary": 2, "restore": 1},
    interrupted=0,
    pinned=1,
    title="A dry stone wall",
    memory="The user said:\n- The stones come from the old mill near Viseu.",
    notes=(),
)

old_journals = pytest.mark.parametrize("old", [LONG, CUT_OFF, VERSION_2], ids=lambda old: old.file)


@old_journals
def test_an_old_journal_folds_to_the_figures_of_its_own_program(old: Figures) -> None:
    events, notes = read(RECORDED / old.file)
    ledger = load(RECORDED / old.file).ledger
    assert notes == old.notes
    assert ledger == fold(events)
    assert len(ledger.turns) == old.turns
    assert Counter(done.kind for done in ledger.compactions) == old.compactions
    assert {done.stage for done in ledger.compactions} == {"confirmed"}
    assert sum(turn.interrupted for turn in ledger.turns) == old.interrupted
    assert sum(turn.pinned for turn in ledger.turns) == old.pinned
    assert ledger.title == old.title
    assert ledger.memory.startswith(old.memory)


def test_the_cut_off_journal_ends_in_the_middle_of_a_reply() -> None:
    last = list(load(RECORDED / CUT_OFF.file).ledger.turns)[-1]
    assert (last.role, last.words) == ("assistant", "open")
    assert last.text == "The hull is the ship's bottom, and it's where the sails are attached."


async def resume(path: Path, *asked: str) -> int:
    """Goes on with a session by the real command and runtime; returns its exit status.

    The server repeats what it is sent; asked for its `window`, it lists the items that it holds.
    """
    async with toy_server() as server:
        where = ["--session", str(path), "--sessions-dir", str(path.parent)]
        command = ["say", "--json", "--backend", server.url, *where, *asked]
        return await asyncio.to_thread(main, command)


@old_journals
def test_an_old_session_resumes_and_a_new_turn_is_answered_and_saved(
    old: Figures, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("And what comes next?", "window")
    path = Path(shutil.copy(RECORDED / old.file, tmp_path))
    assert asyncio.run(resume(path, *asked)) == 0
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    said = [(line["role"], line["text"]) for line in printed if line["event"] == "turn"]
    assert said[:3] == [("user", asked[0]), ("assistant", asked[0]), ("user", asked[1])]
    memory = " ".join(old.memory.split())  # the toy server lists its items on one line
    assert memory in said[3][1], "the new server session is sent the summary"

    before = (RECORDED / old.file).read_bytes()
    whole_lines = before[: before.rfind(b"\n") + 1]
    now = path.read_bytes()
    assert now.startswith(whole_lines)
    appended = now[len(whole_lines) :].splitlines()
    assert codec.version_of(appended[0]) == codec.VERSION
    assert codec.event_name(appended[0]) == b"session_resumed"

    ledger, notes = load(path)
    assert notes == ()
    assert ledger == fold(read(path).events)
    assert len(ledger.turns) == old.turns + 4
    assert [turn.text for turn in ledger.turns][-4:-2] == [asked[0]] * 2
    assert ledger.memory.startswith(old.memory)
    texts = [turn.text for turn in load(RECORDED / old.file).ledger.turns]
    assert [turn.text for turn in ledger.turns][: old.turns] == texts
    assert all(turn.words == "done" for turn in ledger.turns)
    Journal.open(path).close()


def test_a_fork_of_an_old_session_is_written_in_the_version_of_today(tmp_path: Path) -> None:
    old = Path(shutil.copy(RECORDED / LONG.file, tmp_path))
    last = list(load(old).ledger.turns)[-1]
    lines = catalog.fork(old, last.id).read_bytes().splitlines()
    assert codec.version_of(lines[0]) == codec.VERSION
    assert not {codec.event_name(line).decode() for line in lines} & codec.RENAMED.keys()
