"""SIGKILL at any moment: what was reported as saved is on disk, and the session goes on."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tui_voice.conversation import events as e
from tui_voice.store.reading import load, read

KILLS = int(os.environ.get("TUI_VOICE_KILLS", "100"))
KILLS_PER_SESSION = 100  # so that the journal, which is read after every kill, stays short

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the harness forks its processes"),
    pytest.mark.slow,
    pytest.mark.timeout(600),
]


@pytest.mark.parametrize("part", range(-(-KILLS // KILLS_PER_SESSION)))
def test_no_completed_turn_is_lost_to_any_kill(tmp_path: Path, part: int) -> None:
    path = tmp_path / "s" / "t1.jsonl"
    chance = random.Random(f"{os.environ.get('TUI_VOICE_SEED', 'kills')} {part}")
    turns_before = 0
    script = Path(__file__).with_name("killed_writer_harness.py")
    with subprocess.Popen(
        [sys.executable, str(script), str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdin
        assert writer.stdout
        for _ in range(KILLS_PER_SESSION):
            writer.stdin.write("write\n")
            writer.stdin.flush()
            pid, saved, wanted = 0, [], chance.randrange(6)
            for line in writer.stdout:
                word, _, number = line.strip().partition(" ")
                if word == "ended":
                    break
                if word == "writer":
                    pid = int(number)
                else:
                    saved.append(int(number))
                if pid and len(saved) >= wanted:
                    until = time.perf_counter() + chance.random() * 0.003
                    while time.perf_counter() < until:  # any moment of the next turn
                        pass
                    os.kill(pid, signal.SIGKILL)
                    pid, wanted = 0, 1 << 60
            if not path.exists() or not path.stat().st_size:
                assert not saved
                continue
            events, notes = read(path)
            turns = [event.text for event in events if isinstance(event, e.TranscriptDone)]
            assert [int(text.split()[1]) for text in turns] == list(range(len(turns)))
            assert not saved or len(turns) > saved[-1]
            assert len(turns) >= turns_before
            turns_before = len(turns)
            assert all("torn" in note for note in notes), notes
        writer.stdin.close()
    assert turns_before > KILLS_PER_SESSION // 2
    ledger, _ = load(path)
    assert [turn.text for turn in ledger.turns if turn.words == "done" and turn.text] == turns
