"""The form in which the program is started again is the one that works."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tui_voice.cli.program_form import working_form
from tui_voice.cli.resume_hint import resume_lines


def program_in(folder: Path) -> Path:
    folder.mkdir()
    (folder / "tui-voice").write_text("#!/bin/sh\n")
    (folder / "tui-voice").chmod(0o755)
    return folder


def test_uv_run_is_named_where_only_it_finds_the_program(tmp_path: Path) -> None:
    own, elsewhere = Path(sys.executable).parent, program_in(tmp_path / "bin")
    uv = {"UV_RUN_RECURSION_DEPTH": "1"}
    assert working_form({"PATH": str(own), **uv}) == "uv run tui-voice"
    assert working_form({"PATH": f"{own}{os.pathsep}{elsewhere}", **uv}) == "tui-voice"
    assert working_form({"PATH": str(elsewhere)}) == "tui-voice"
    assert working_form({"PATH": ""}) == f"{sys.executable} -m tui_voice"


def test_the_resume_line_names_that_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jsonl").write_text("{}\n")
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    monkeypatch.setenv("UV_RUN_RECURSION_DEPTH", "1")
    *_, line = resume_lines(tmp_path / "a.jsonl", tmp_path, named=False)
    assert line == "Resume it: tui-voice resume a (here: uv run tui-voice)"
    monkeypatch.setenv("PATH", str(program_in(tmp_path / "bin")))
    *_, line = resume_lines(tmp_path / "a.jsonl", tmp_path, named=False)
    assert line == "Resume it: tui-voice resume a"
