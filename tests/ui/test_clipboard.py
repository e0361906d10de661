"""Copying says by which way it copied, or that nothing could."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.ui.conftest import Build, settle
from tests.ui.session_screen_harness import idle
from tui_voice.ui.clipboard import NOTHING, copy_by_program, programs
from tui_voice.ui.widgets.notice import NoticeLine

NAMES = ("pbcopy", "wl-copy", "xclip", "tmux")
LAST = "Then let us move the walk to Monday, and keep Sunday for the garden at"


def install(folder: Path, name: str, *, works: bool = True) -> Path:
    """Writes a program that stores its standard input. Returns where."""
    stored = folder / f"{name}.stored"
    program = folder / name
    program.write_text(f'#!/bin/sh\n{"cat" if works else "false &&"} > "{stored}"\n')
    program.chmod(0o700)
    return stored


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is searched for programs first; no display and no terminal is known."""
    for name in ("SSH_CONNECTION", "WAYLAND_DISPLAY", "DISPLAY", "TMUX", "TERM_PROGRAM"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("TERM", "xterm-256color")
    return folder


@pytest.mark.parametrize(
    ("platform", "environment", "wanted"),
    [
        ("darwin", {}, ["pbcopy"]),
        ("linux", {"WAYLAND_DISPLAY": "w", "DISPLAY": ":0"}, ["wl-copy", "xclip"]),
        ("linux", {"DISPLAY": ":0"}, ["xclip"]),
        ("linux", {"DISPLAY": ":0", "SSH_CONNECTION": "1"}, []),
        ("linux", {"DISPLAY": ":0", "SSH_CONNECTION": "1", "TMUX": "t"}, ["tmux"]),
        ("linux", {}, []),
    ],
)
def test_the_programs_that_can_reach_the_clipboard(
    path: Path, platform: str, environment: dict[str, str], wanted: list[str]
) -> None:
    for name in NAMES:
        install(path, name)
    found = programs({"PATH": str(path), **environment}, platform)
    assert [command[0] for command in found] == wanted


def test_a_program_that_fails_is_followed_by_the_next(path: Path) -> None:
    install(path, "wl-copy", works=False)
    stored = install(path, "xclip")
    environment = {**os.environ, "WAYLAND_DISPLAY": "w", "DISPLAY": ":0"}
    assert copy_by_program("Grüße\n", environment) == "xclip"
    assert stored.read_text() == "Grüße\n"


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"WAYLAND_DISPLAY": "w"}, "words copied by wl-copy"),
        ({}, "words copied by the terminal (OSC 52)"),
        ({"TERM": "linux"}, NOTHING),
    ],
)
async def test_the_user_is_told_by_which_way(
    build: Build, path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], said: str
) -> None:
    stored = install(path, "wl-copy")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    app = build(idle)
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("ctrl+t", "c")
        await settle(pilot)
        assert app.screen.query_one(NoticeLine).shown.text.endswith(said)
        assert LAST.startswith(app.clipboard)
        assert app.clipboard
    if said.endswith("by wl-copy"):
        assert stored.read_text() == app.clipboard
