"""How the app ends: by a signal, with its terminal, by an error; and that it survives a stop."""

from __future__ import annotations

import os
import signal
import sys
import termios
import time
from pathlib import Path

import pytest

from tests.e2e.app_harness import AppUnderTest, StartApp
from tui_voice.errors import ExitStatus

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal and signals"),
]

LEAVE_SCREEN = b"\x1b[?1049l"
SHOW_CURSOR = b"\x1b[?25h"


@pytest.fixture
def app(start_app: StartApp, server: str) -> AppUnderTest:
    """The app after one turn, with half of another one in the prompt."""
    app = start_app("--text", "--backend", server, size=(100, 30))
    app.wait_until_connected()
    app.press("hello\r")
    app.wait_for("I hear you.")
    app.wait_for_state("idle")
    app.press("half a thought")
    app.wait_for("half a thought")
    return app


def check_that_it_was_closed(app: AppUnderTest, printed: str) -> None:
    """The terminal is restored, the session closed, its lock gone, and the resume line printed."""
    assert LEAVE_SCREEN in app.raw
    assert bytes(app.raw).rindex(SHOW_CURSOR) > bytes(app.raw).rindex(b"\x1b[?25l")
    assert app.journal()[-1]["event"] == "session_closed"
    assert not list(app.folder.glob(".*.pid"))
    assert f"Resume it: tui-voice resume {app.journal_path.stem}" in printed
    assert "Traceback" not in printed


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("SIGINT", ExitStatus.INTERRUPTED),
        ("SIGTERM", ExitStatus.TERMINATED),
        ("SIGHUP", ExitStatus.HUNG_UP),
    ],
)
def test_a_signal_closes_the_session_and_restores_the_terminal(
    app: AppUnderTest, start_app: StartApp, server: str, name: str, status: ExitStatus
) -> None:
    app.process.kill(getattr(signal, name))
    printed, left = app.wait_for_exit()
    assert left == status
    check_that_it_was_closed(app, printed)
    if name == "SIGTERM":  # what was half typed is a draft
        assert "half a thought" in (app.folder / "typed.ndjson").read_text().splitlines()[-1]
        again = start_app("--text", "--backend", server, "--continue", size=(100, 30))
        again.wait_for("half a thought")
        again.quit()


def test_the_end_of_the_terminal_ends_the_app(app: AppUnderTest) -> None:
    """As when its window is closed: nothing can be drawn or printed any more."""
    app.process.ptyproc.fd, descriptor = -1, app.process.ptyproc.fd  # it is closed here, not twice
    os.close(descriptor)
    _, waited = os.waitpid(app.process.pid, 0)
    assert os.waitstatus_to_exitcode(waited) == ExitStatus.HUNG_UP
    app.process.ptyproc.terminated = app.process.terminated = app.process.closed = True
    assert app.journal()[-1]["event"] == "session_closed"
    assert not list(app.folder.glob(".*.pid"))


@pytest.mark.parametrize("name", ["SIGTSTP", "SIGSTOP"])
def test_the_screen_is_drawn_again_after_a_stop_and_quitting_ends_the_process(
    app: AppUnderTest, name: str
) -> None:
    for _ in range(2):
        app.process.kill(getattr(signal, name))
        wait_until_stopped(app)
        app.wait_until_still()
        if name == "SIGTSTP":
            assert termios.tcgetattr(app.process.child_fd)[3] & termios.ECHO, "not given back"
        app.screen.reset()  # the shell has written all over it
        app.process.kill(signal.SIGCONT)
        app.wait_for("I hear you.")
        app.wait_for("half a thought")
        app.press("s")
        app.wait_for("half a thoughts")
        app.press("\x7f")
    readers = [name for name in thread_names(app.process.pid) if "textual-input" in name]
    assert len(readers) <= 1
    began = time.monotonic()
    printed = app.quit()
    check_that_it_was_closed(app, printed)
    assert time.monotonic() - began < 15  # it took forever; how fast it is, is not tested here


def test_an_error_of_the_screen_is_one_sentence_after_the_session_is_closed(
    start_app: StartApp, server: str, tmp_path: Path
) -> None:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(BREAK_THE_SCREEN)
    env = {"PYTHONPATH": str(folder)}
    app = start_app("--text", "--backend", server, size=(100, 30), env=env)
    app.wait_until_connected()
    app.press("secret words\r")
    printed, status = app.wait_for_exit()
    assert status == ExitStatus.FAILED
    check_that_it_was_closed(app, printed)
    lines = " ".join(printed.split())
    assert "tui-voice: An unexpected ZeroDivisionError: the screen broke." in lines
    assert "--debug" in lines
    assert "locals" not in printed
    assert "secret words" not in printed


BREAK_THE_SCREEN = """
import sys
from importlib.abc import MetaPathFinder
from importlib.util import find_spec

class Breaking(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name != "tui_voice.ui.session_drawing":
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        execute = spec.loader.exec_module

        def execute_and_break(module):
            execute(module)
            draw = module.SessionDrawing.draw

            def broken(drawing):
                draw(drawing)
                if drawing._screen().view.turns:
                    raise ZeroDivisionError("the screen broke")

            module.SessionDrawing.draw = broken

        spec.loader.exec_module = execute_and_break
        return spec

sys.meta_path.insert(0, Breaking())
"""


def wait_until_stopped(app: AppUnderTest) -> None:
    status = Path(f"/proc/{app.process.pid}/stat")
    app.wait_until(lambda: status.read_text().rpartition(")")[2].split()[0] == "T", "the stop")


def thread_names(pid: int) -> list[str]:
    tasks = Path(f"/proc/{pid}/task")
    return [(task / "comm").read_text() for task in tasks.iterdir()]
