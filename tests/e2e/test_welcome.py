"""The welcome in a terminal: at the first start alone, and not where a session is resumed."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import pytest

from tests.e2e.terminal_harness import TerminalProgram
from tui_voice.cli.welcome import SEEN, is_first_start, remember, who_answers
from tui_voice.config import load


def test_it_is_shown_at_the_first_start_and_never_again(
    clean_env: dict[str, str], sessions_folder: Path, server: str
) -> None:
    arguments = ["--backend", server, "--text", "--sessions-dir", str(sessions_folder)]
    app = TerminalProgram(arguments, clean_env, 80, 24, first_start=True)
    try:
        app.wait_for("welcome to tui-voice   1 of 2")
        app.wait_for("answers.")
        app.press("enter")
        app.wait_for("2 of 2")
        app.press("escape")
        app.wait_until(lambda: "welcome to" not in app.text, "the session screen")
        app.press("ctrl+q")
        assert app.wait_for_exit()[1] == 0
    finally:
        app.close()
    seen = Path(clean_env["HOME"]) / ".local" / "share" / "tui-voice" / SEEN
    assert seen.stat().st_mode & 0o777 == 0o600
    assert not list(sessions_folder.glob("*.jsonl")), "nothing was said"
    app = TerminalProgram(arguments, clean_env, 80, 24, first_start=True)
    try:
        app.wait_for("new session")
        app.press("hello")
        app.wait_for("hello")
        assert "welcome to" not in app.text
    finally:
        app.close()


@pytest.mark.parametrize(
    ("arguments", "saved", "first"),
    [
        ({}, False, True),
        ({}, True, False),
        ({"continue_last": True}, False, False),
        ({"command": "resume"}, False, False),
    ],
)
def test_it_is_for_a_new_session_of_a_new_user(
    arguments: dict[str, object],
    saved: bool,
    first: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path))
    if saved:
        (tmp_path / "one.jsonl").touch()
    args = argparse.Namespace(**({"command": None, "continue_last": False} | arguments))
    assert is_first_start(args, tmp_path) is first
    remember()
    assert not is_first_start(args, tmp_path)


def test_it_says_who_answers_and_where_the_key_was_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(os.environ):
        if name.startswith(("OPENAI_", "AZURE_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    monkeypatch.setenv("TUI_VOICE_CACHE_DIR", str(tmp_path))

    def said(**flags: object) -> str:
        given = {f"backend.{name}": value for name, value in flags.items()}
        return " ".join(who_answers(load(given, env={}, path=tmp_path / "none.toml")))

    assert "No API key was found (OPENAI_API_KEY, " in said()
    assert "The embedded server on this machine answers" in said()
    assert "models get NAME" in said()
    assert "No API key" not in said(kind="local")
    assert said(kind="ws://host:1/x").startswith("The server at ws://host:1/x answers.")
    assert "Set OPENAI_API_KEY" in said(kind="openai")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    assert said() == (
        "OpenAI answers, with the model gpt-realtime-2.1. Its API key was found in OPENAI_API_KEY."
    )
