"""Keys in a real pseudo-terminal, in reads of any size: what is sent is what was typed."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ui.keys_in_terminal_harness import RecordingTerminal

BACKSPACE, ENTER, ESCAPE, LEFT, ALT_ENTER = "\x7f", "\r", "\x1b", "\x1b[D", "\x1b\r"


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[RecordingTerminal]:
    program = RecordingTerminal(tmp_path)
    yield program
    program.close()


def test_keys_in_one_write(terminal: RecordingTerminal) -> None:
    """The cases that went wrong while Textual handled several keys at once."""
    terminal.wait_for("type here")
    wanted: list[str] = []
    for keys, *sent in (
        (f"alpha{ENTER}{ENTER}", "alpha"),
        (f"one{ENTER}two{ENTER}", "one", "two"),
        (f"teh{BACKSPACE * 3}the quick{ENTER}", "the quick"),
        (f"{ESCAPE}help{ENTER}", "help"),
        (f"a{LEFT}b{ALT_ENTER}c{ENTER}", "b\nca"),
        ("  ", "open", "closed"),
        (f"{ESCAPE}x{ENTER}", "x"),
    ):
        terminal.write([keys], 0.3)
        wanted += sent
        terminal.wait_for_sent(wanted)


def wakes(pid: int) -> dict[str, int]:
    """How often each thread of a process has waited so far."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return {
        thread.name: int(
            (thread / "status").read_text().split("\nvoluntary_ctxt_switches:")[1].split()[0]
        )
        for thread in threads
    }


def test_at_rest_no_thread_looks_for_work(terminal: RecordingTerminal) -> None:
    """The screen is drawn once a second, and a draft is saved every two seconds."""
    terminal.wait_for("type here")
    terminal.write(["\x12"], 0.3)
    terminal.wait_for("saved sessions")
    terminal.write([ESCAPE], 1.0)  # a key that ends by a timeout
    terminal.wait_for("type here")
    before = wakes(terminal.process.pid)
    time.sleep(2)
    after = wakes(terminal.process.pid)
    assert max(count - before.get(thread, 0) for thread, count in after.items()) <= 12


def test_what_is_typed_before_the_session_is_open_is_sent_when_it_is(tmp_path: Path) -> None:
    terminal = RecordingTerminal(tmp_path, opening_s=2.0)
    try:
        terminal.write([f"early{ENTER}{ENTER}"])  # before the app has changed the terminal's mode
        terminal.wait_for("type here")
        terminal.write([f"and{ENTER}"])  # within 0.5 s of the first paint
        terminal.wait_for_sent(["early", "and"])
    finally:
        terminal.close()


class Typist:
    """Writes a random script of keys, and knows what a patient typist would have sent by it."""

    def __init__(self, numbers: random.Random) -> None:
        self._random = numbers
        self.keys: list[str] = []
        """One key each, as the terminal sends it."""
        self.sent: list[str] = []
        self._text, self._cursor = "", 0

    def act(self) -> None:
        acts = (self._word, self._word, self._word, self._erase, self._left, self._newline)
        self._random.choice((*acts, self._escape, self._send, self._send))()

    def finish(self) -> None:
        self._word()
        self._send()

    def _press(self, key: str) -> None:
        self.keys.append(key)

    def _insert(self, text: str) -> None:
        self._text = self._text[: self._cursor] + text + self._text[self._cursor :]
        self._cursor += len(text)

    def _word(self) -> None:
        # No blank first, which talks. Neither [ nor O nor a digit, b or f: behind Esc in one read
        # these are a sequence of the terminal, as Alt+B is.
        length = self._random.randint(1, 7)
        for letter in self._random.choices("aehilmnrstuéß日", k=length):
            self._press(letter)
            self._insert(letter)
        if self._random.random() < 0.7:
            self._press(" ")
            self._insert(" ")

    def _erase(self) -> None:
        for _ in range(self._random.randint(1, 4)):
            self._press(BACKSPACE)
            if self._cursor:
                self._text = self._text[: self._cursor - 1] + self._text[self._cursor :]
                self._cursor -= 1

    def _left(self) -> None:
        self._press(LEFT)
        self._cursor = max(0, self._cursor - 1)

    def _newline(self) -> None:
        self._press(self._random.choice((ALT_ENTER, "\n")))
        self._insert("\n")

    def _escape(self) -> None:
        # A letter follows: in one read, Esc and Enter are Alt+Enter, Esc and Backspace are Alt+
        # Backspace; and Esc twice in an empty prompt begins select mode.
        self._press(ESCAPE)
        self._word()

    def _send(self) -> None:
        self._press(ENTER)
        if text := self._text.strip():
            self.sent.append(text)
            self._text, self._cursor = "", 0

    def chunks(self) -> list[str]:
        """Returns the keys in chunks of random sizes; no sequence is cut, but Esc may come last."""
        chunks, at = [], 0
        while at < len(self.keys):
            size = self._random.choice((1, 2, 3, 5, 8, 30))
            chunks.append("".join(self.keys[at : at + size]))
            at += size
        return chunks


def test_random_keys_in_random_chunks(terminal: RecordingTerminal) -> None:
    """What is sent equals what a patient typist would have sent."""
    terminal.wait_for("type here")
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    typist = Typist(random.Random(seed))
    for _ in range(150):
        typist.act()
    typist.finish()
    for chunk in typist.chunks():
        terminal.write([chunk], typist._random.choice((0.0, 0.0, 0.002, 0.02)))
    terminal.wait_for_sent(typist.sent)
