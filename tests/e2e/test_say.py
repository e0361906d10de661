"""`tui-voice say` in an environment that contains PATH and HOME only."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.app_harness import JournalEvent, read_journal
from tests.e2e.recorded_audio_harness import SpeechEngines
from tests.requirements_harness import require
from tests.server.local.speech_harness import word_errors

pytestmark = [pytest.mark.local, pytest.mark.slow]

QUESTION = "My sister lives in London and she has two children."


def say(home: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Runs `tui-voice say` to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "tui_voice", "say", *arguments],
        env={"PATH": "/usr/bin:/bin", "HOME": str(home)},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert "Traceback" not in done.stderr
    done.stderr = re.sub(r"(?m)^tui-voice: waiting for .*\n", "", done.stderr)  # on a slow machine
    return done


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def spoken_question(tmp_path: Path) -> Path:
    require(shutil.which("flite"), "no synthetic voice: apt install flite")
    path = tmp_path / "question.wav"
    subprocess.run(["flite", "-voice", "slt", "-t", QUESTION, "-o", str(path)], check=True)
    return path


def turn_texts(events: list[JournalEvent], role: str) -> list[str]:
    return [e["text"] for e in events if e["event"] == "turn" and e["role"] == role]


def test_say_sends_text_and_sound_and_writes_json_lines_and_a_sound_file(
    home: Path, spoken_question: Path, tmp_path: Path, engines: SpeechEngines
) -> None:
    out = tmp_path / "out.wav"
    files = (str(spoken_question), "--json", "--speak", str(out))
    done = say(home, "Hello, my name is Anna.", *files)
    assert (done.returncode, done.stderr) == (0, "")
    printed = [json.loads(line) for line in done.stdout.splitlines()]

    # It prints each event as the journal has it, each complete turn, and at the end the costs.
    events = [line for line in printed if line["event"] not in ("turn", "done")]
    assert all(isinstance(event["at"], (int, float)) for event in events)
    turns = [line for line in printed if line["event"] == "turn"]
    assert all(set(turn) >= {"role", "text"} and turn["interrupted"] is False for turn in turns)
    assert [turn["role"] for turn in turns] == ["user", "assistant"] * 2
    assert printed[-1]["event"] == "done"
    assert printed[-1]["usd"] == 0
    path = next(home.rglob("*.jsonl"))
    assert printed[-1]["session"] == path.stem
    journal = read_journal(path)
    assert [event for event in events if event in journal] == events

    typed, spoken = turn_texts(printed, "user")
    assert typed == "Hello, my name is Anna."
    wrong, total = word_errors(QUESTION, spoken)
    assert wrong / total <= 0.35, spoken
    with wave.open(str(out)) as file:
        rate, sound = file.getframerate(), np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert rate == 24_000
    replies = " ".join(turn_texts(printed, "assistant"))
    assert replies
    assert engines.error_rate(replies, sound) <= 0.2, (replies, engines.transcribe(sound))

    # A second run reads a turn from standard input and resumes the session: it knows the name.
    again = say(home, "--session", path.stem, "-", stdin="What is my name?\n\n")
    assert (again.returncode, again.stderr) == (0, "")
    assert "Anna" in again.stdout
    assert again.stdout.startswith("you    What is my name?\n")
    names = [event["event"] for event in read_journal(path)]
    assert names[: len(journal)] == [event["event"] for event in journal]
    assert list(home.rglob("*.jsonl")) == [path]


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        (("Hello", "--session", "never-was"), 1, "no saved sessions"),
        (("missing.wav",), 2, "missing.wav"),
        (("Hello", "--speak", "no/such/folder/out.wav"), 2, "no/such/folder"),
        (("Hello", "--trigger", "many"), 2, "--trigger"),
        (("Hello", "--backend", "telephone"), 2, "telephone"),
    ],
)
def test_say_describes_a_wrong_argument_in_one_line(
    home: Path, arguments: tuple[str, ...], status: int, text: str
) -> None:
    done = say(home, *arguments)
    assert (done.returncode, done.stdout) == (status, "")
    assert text in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
