"""Every file and folder that the program creates is for its owner alone, whatever the umask is."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runtime.session_harness import toy_server
from tests.store.sessions_harness import session, write
from tui_voice.audio.files import write_wav
from tui_voice.store.export import export
from tui_voice.store.exporters import EXPORT_FORMATS
from tui_voice.store.reading import load

pytestmark = pytest.mark.skipif(os.name != "posix", reason="files have modes on POSIX alone")


def run(home: Path, umask: int, *arguments: str) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "TUI_VOICE_AUDIO_RECORD": "true",
        "EDITOR": "true",
    }
    subprocess.run(
        [sys.executable, "-m", "tui_voice", *arguments],
        env=environment,
        cwd=home / "cwd",
        umask=umask,
        check=True,
        capture_output=True,
        timeout=100,
    )


@pytest.mark.slow
async def test_all_commands_write_private_files_into_private_folders(tmp_path: Path) -> None:
    umask = 0o207  # it would let the group read, and would not let the owner write
    home = tmp_path / "home"
    (home / "cwd").mkdir(parents=True)
    given = {home, home / "cwd"}
    async with toy_server() as server:
        say = ("say", "--backend", server.url, "one", "two", "--speak", "reply.wav")
        await asyncio.to_thread(run, home, umask, *say)
    for form in EXPORT_FORMATS:
        run(home, umask, "sessions", "export", "last", "--format", form)
    run(home, umask, "sessions", "search", "one")
    run(home, umask, "config", "edit")
    made = [path for path in home.rglob("*") if path not in given]
    assert {path.suffix for path in made} >= {".jsonl", ".wav", ".sqlite", ".toml", ".md", ".html"}
    wrong = [
        f"{stat.filemode(path.stat().st_mode)} {path.relative_to(home)}"
        for path in made
        if path.stat().st_mode & 0o777 != (0o700 if path.is_dir() else 0o600)
    ]
    assert not wrong


def test_exports_and_sound_are_private_for_other_callers_too(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        ledger = load(write(tmp_path / "t1.jsonl", list(session(1)))).ledger
        made = [export(ledger, form, tmp_path) for form in EXPORT_FORMATS]
        write_wav(tmp_path / "a.wav", b"\0\0")
    finally:
        os.umask(before)
    for path in (*made, tmp_path / "a.wav"):
        assert path.stat().st_mode & 0o777 == 0o600
