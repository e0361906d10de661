"""SIGKILL at any moment: what was said to be on disk is on disk, and the talk goes on."""

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

KILLS = int(os.environ.get("TUI_VOICE_KILLS", "200"))
EACH = 100  # kills in one talk, so that reading it again and again stays short

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked here"),
    pytest.mark.slow,
    pytest.mark.timeout(600),
]


@pytest.mark.parametrize("part", range(-(-KILLS // EACH)))
def test_no_completed_turn_is_lost_to_any_kill(tmp_path: Path, part: int) -> None:
    path = tmp_path / "s" / "t1.jsonl"
    chance = random.Random(f"{os.environ.get('TUI_VOICE_SEED', 'kills')} {part}")
    said = 0
    script = Path(__file__).with_name("talker.py")
    with subprocess.Popen(
        [sys.executable, str(script), str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as talker:
        assert talker.stdin
        assert talker.stdout
        for _ in range(EACH):
            talker.stdin.write("talk\n")
            talker.stdin.flush()
            pid, saved, patience = 0, [], chance.randrange(6)
            for line in talker.stdout:
                word, _, number = line.strip().partition(" ")
                if word == "gone":
                    break
                if word == "talker":
                    pid = int(number)
                else:
                    saved.append(int(number))
                if pid and len(saved) >= patience:
                    until = time.perf_counter() + chance.random() * 0.003
                    while time.perf_counter() < until:  # any moment of the next turn
                        pass
                    os.kill(pid, signal.SIGKILL)
                    pid, patience = 0, 1 << 60
            if not path.exists() or not path.stat().st_size:
                assert not saved
                continue
            events, notes = read(path)
            turns = [event.text for event in events if isinstance(event, e.TranscriptDone)]
            assert [int(text.split()[1]) for text in turns] == list(range(len(turns)))
            assert not saved or len(turns) > saved[-1]
            assert len(turns) >= said
            said = len(turns)
            assert all("torn" in note for note in notes), notes
        talker.stdin.close()
    assert said > EACH // 2
    ledger, _ = load(path)
    assert [turn.text for turn in ledger.turns if turn.words == "done" and turn.text] == turns
