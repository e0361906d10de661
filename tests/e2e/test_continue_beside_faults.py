"""`tui-voice --continue` in a folder with files that are no sessions, or cannot be read."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.cli.test_faulty_sessions import FAULTS, SESSIONS
from tests.e2e.terminal_harness import TerminalProgram
from tests.privileges_harness import can_give_away

NEWEST, OLDER = "v1-soft-eggs.jsonl", "v1-kyoto-in-april.jsonl"
AS_ORDINARY_USER = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search,-fowner")
"""Root reads every file; without these capabilities it is like any user (util-linux)."""


@pytest.mark.slow
@pytest.mark.skipif(not can_give_away, reason="only root can make a file somebody else's")
def test_continue_opens_the_newest_session_beside_faulty_files(
    clean_env: dict[str, str], sessions_folder: Path, server: str
) -> None:
    for number, (name, (make, _fault)) in enumerate(FAULTS.items()):
        make(sessions_folder / f"2999-01-{number + 1:02}-{name}.jsonl")
    kyoto = (SESSIONS / OLDER).read_bytes()
    started = b'"started":"2026-03-14T12:02:11.204+01:00"'
    for name, text in {b"2998-\xff\xfe.jsonl": b"{}\n", b"2997-\xe9t\xe9.jsonl": kyoto}.items():
        Path(os.fsdecode(os.fsencode(sessions_folder) + b"/" + name)).write_bytes(text)
    for number, wrong in enumerate((b'"started":"soon"', b'"started":17', b'"started":null')):
        path = sessions_folder / f"2996-0{number}.jsonl"
        path.write_bytes(kyoto.replace(started, wrong).replace(b"kyto", b"k%d" % number))
        os.utime(path, (1e9, 1e9))  # a session without a date has that of its file
    (sessions_folder / "2995-cut.jsonl").write_bytes(kyoto[:150])
    shutil.copy(SESSIONS / OLDER, sessions_folder)
    shutil.copy(SESSIONS / NEWEST, sessions_folder)
    before = (sessions_folder / NEWEST).read_bytes()
    app = TerminalProgram(
        ["--text", "--backend", server, "--continue", "--sessions-dir", str(sessions_folder)],
        clean_env,
        command=(*AS_ORDINARY_USER, sys.executable, "-m", "tui_voice"),
    )
    try:
        app.wait_for("boil an egg")
        app.wait_for("idle")
        app.press(*"Are you there?", "enter")
        app.wait_for("I hear you.")
        app.press("ctrl+q")
        app.wait_for_exit()
    finally:
        app.close()
    assert (sessions_folder / NEWEST).read_bytes().removeprefix(before)
