"""`tui-voice say`, from an environment in which nothing is set but PATH and HOME."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.e2e.heard import Ear
from tests.e2e.room import need
from tests.e2e.talk import read
from tests.server.local.speech_harness import word_errors

pytestmark = [pytest.mark.local, pytest.mark.slow]

QUESTION = "My sister lives in London and she has two children."


def say(home: Path, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """Runs it to its end; standard error must stay empty of everything but our own sentences."""
    done = subprocess.run(
        [sys.executable, "-m", "tui_voice", "say", *arguments],
        env={"PATH": "/usr/bin:/bin", "HOME": str(home)},
        input=given,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture
def bare_home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def question(tmp_path: Path) -> Path:
    need(shutil.which("flite"), "nobody to speak: apt install flite")
    path = tmp_path / "question.wav"
    subprocess.run(["flite", "-voice", "slt", "-t", QUESTION, "-o", str(path)], check=True)
    return path


def turns(facts: list[dict[str, Any]], role: str) -> list[str]:
    return [fact["text"] for fact in facts if fact["event"] == "turn" and fact["role"] == role]


def test_text_and_sound_in_facts_and_sound_out(
    bare_home: Path, question: Path, tmp_path: Path, ear: Ear
) -> None:
    out = tmp_path / "out.wav"
    done = say(bare_home, "Hello, my name is Anna.", str(question), "--json", "--speak", str(out))
    assert (done.returncode, done.stderr) == (0, "")
    facts = [json.loads(line) for line in done.stdout.splitlines()]

    # One fact a line, as the journal has it; turns as they are completed; the sum at the end.
    told = [fact for fact in facts if fact["event"] not in ("turn", "done")]
    assert all(isinstance(fact["at"], (int, float)) for fact in told)
    for fact in facts:
        if fact["event"] == "turn":
            assert set(fact) >= {"role", "text", "interrupted"}
            assert fact["interrupted"] is False
    assert [f["role"] for f in facts if f["event"] == "turn"] == ["user", "assistant"] * 2
    assert facts[-1]["event"] == "done"
    assert facts[-1]["usd"] == 0
    journal = next(bare_home.rglob("*.jsonl"))
    assert facts[-1]["session"] == journal.stem
    kept = read(journal)
    assert [fact for fact in told if fact in kept] == told

    typed, spoken = turns(facts, "user")
    assert typed == "Hello, my name is Anna."
    wrong, total = word_errors(QUESTION, spoken)
    assert wrong / total <= 0.35, spoken
    with wave.open(str(out)) as file:
        rate, sound = file.getframerate(), np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert rate == 24_000
    replies = " ".join(turns(facts, "assistant"))
    assert replies
    assert ear.error_rate(replies, sound) <= 0.2, (replies, ear.words(sound))

    # From standard input, in the same talk: it knows the name.
    again = say(bare_home, "--session", journal.stem, "-", given="What is my name?\n\n")
    assert (again.returncode, again.stderr) == (0, "")
    assert "Anna" in again.stdout
    assert again.stdout.startswith("you    What is my name?\n")
    assert [fact["event"] for fact in read(journal)][: len(kept)] == [f["event"] for f in kept]
    assert list(bare_home.rglob("*.jsonl")) == [journal]


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (("Hello", "--session", "never-was"), 1, "no saved sessions"),
        (("missing.wav",), 2, "missing.wav"),
        (("Hello", "--speak", "no/such/folder/out.wav"), 2, "no/such/folder"),
        (("Hello", "--trigger", "many"), 2, "--trigger"),
        (("Hello", "--backend", "telephone"), 2, "telephone"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    bare_home: Path, arguments: tuple[str, ...], status: int, sentence: str
) -> None:
    done = say(bare_home, *arguments)
    assert (done.returncode, done.stdout) == (status, "")
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
