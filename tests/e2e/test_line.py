"""`tui-voice line` as a user of a screen reader has it: lines in, whole lines out."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from queue import Empty, Queue
from threading import Thread

import pytest

from tests.e2e.sound_setup_harness import SoundSetup
from tests.patience_harness import patience
from tests.server.local.speech_harness import word_errors
from tui_voice.errors import ExitStatus

pytestmark = pytest.mark.slow

SENTENCE = "My sister lives in London and she has two children."


class LineProgram:
    """`tui-voice line ARGUMENTS`, whose lines are read while it runs."""

    def __init__(self, arguments: tuple[str, ...], env: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tui_voice", "line", *arguments],
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self._new: Queue[str] = Queue()
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._new.put(line.rstrip("\n"))

    def type(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def wait_for(self, start: str) -> str:
        """Returns the next line that begins so. Lines before it are kept in `lines`."""
        return self._wait_until(lambda line: line.startswith(start), start)

    def wait_for_part(self, part: str) -> str:
        """Returns the next line that has this part."""
        return self._wait_until(lambda line: part in line, part)

    def _wait_until(self, fits: Callable[[str], bool], wanted: str) -> str:
        while True:
            try:
                line = self._new.get(timeout=patience(60))
            except Empty:
                pytest.fail(f"no line {wanted!r} after {self.lines}")
            self.lines.append(line)
            if fits(line):
                return line

    def wait_for_end(self) -> int:
        status = self.process.wait(patience(30))
        self._reader.join(patience(10))
        while not self._new.empty():
            self.lines.append(self._new.get())
        return status

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()


@pytest.fixture
def programs() -> Iterator[list[LineProgram]]:
    running: list[LineProgram] = []
    yield running
    for program in running:
        program.close()


def test_turns_and_commands_are_lines(
    programs: list[LineProgram], clean_env: dict[str, str], sessions_folder: Path, server: str
) -> None:
    common = ("--text", "--backend", server, "--sessions-dir", str(sessions_folder))
    program = LineProgram((*common, "--states"), clean_env)
    programs.append(program)
    program.type("hello")
    assert program.wait_for("voice") == "voice  I hear you."
    assert "state  awaiting response" in program.lines
    assert not [line for line in program.lines if line.startswith("you")]  # it was typed
    assert "\x1b" not in "".join(program.lines)
    program.type("/state")
    assert "; microphone closed; 2 turns; window " in program.wait_for_part("; microphone")
    program.type("/nothing")
    assert "/help" in program.wait_for("note   There is no command /nothing.")
    program.type("/mode often")
    program.wait_for("note   Write /mode hands-free")
    program.type("/device headset")
    program.wait_for("note   Write /device microphone NAME")
    program.type("/device microphone headset")
    program.wait_for("note   This session uses no sound devices.")
    program.type("/correct Okafor")
    program.wait_for("note   Write /correct and what you said")  # no turn was spoken
    program.type(f"/attach {sessions_folder}")
    program.wait_for("note   The image")
    program.type("")
    program.wait_for("note   There is no microphone.")
    program.type("/quit")
    assert program.wait_for_end() == ExitStatus.DONE
    saved = next(line for line in program.lines if line.startswith("The session is saved as"))

    # With sound, but without a sound server: libraries complain about that on standard error.
    again = LineProgram(
        (*common[1:], "--session", saved.split()[-1].rstrip(".")),
        {**clean_env, "TUI_VOICE_UI_BELL": "true"},
    )
    programs.append(again)
    assert again.wait_for("you") == "you    hello"
    assert again.wait_for("voice") == "voice  I hear you."
    again.type("once more")
    assert again.process.stdin is not None
    again.process.stdin.close()  # its end waits for the reply
    assert again.wait_for_end() == ExitStatus.DONE
    assert again.lines.count("voice  I hear you.") == 2
    assert "".join(again.lines).count("\a") == 1  # for the new reply
    ours = ("you    ", "voice  ", "note   ", "The session is saved as", "Resume it: ")
    assert not [line for line in again.lines if not line.lstrip("\a").startswith(ours)]


def test_a_signal_closes_the_session(
    programs: list[LineProgram], clean_env: dict[str, str], sessions_folder: Path, server: str
) -> None:
    program = LineProgram(
        ("--text", "--backend", server, "--sessions-dir", str(sessions_folder)), clean_env
    )
    programs.append(program)
    program.type("hello")
    program.wait_for("voice")
    program.process.send_signal(signal.SIGTERM)
    assert program.wait_for_end() == ExitStatus.TERMINATED
    assert any(line.startswith("Resume it: tui-voice resume") for line in program.lines)
    assert '"session_closed"' in next(sessions_folder.glob("*.jsonl")).read_text()


@pytest.mark.local
@pytest.mark.sound
def test_an_empty_line_opens_the_microphone(
    programs: list[LineProgram], clean_env: dict[str, str], sessions_folder: Path, sound: SoundSetup
) -> None:
    program = LineProgram(
        ("--backend", "local", "--states", "--sessions-dir", str(sessions_folder)),
        {**clean_env, **sound.env},
    )
    programs.append(program)
    program.wait_for("state  idle, connecting")
    program.wait_for("state  idle")
    program.type("")
    program.wait_for("state  microphone open")
    sound.speak(sound.synthesize(SENTENCE))
    heard = program.wait_for("you").removeprefix("you").strip()
    wrong, total = word_errors(SENTENCE, heard)
    assert wrong / total <= 0.35, program.lines
    program.wait_for("voice")
    program.type("")
    program.wait_for("state  microphone closed")
    program.type("/quit")
    assert program.wait_for_end() == ExitStatus.DONE
