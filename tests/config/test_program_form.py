"""Commands that the program prints are in the form that works where it is installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tui_voice.cli.resume_hint import resume_lines
from tui_voice.config.program_form import (
    in_working_form,
    install,
    keyring_program,
    with_extra,
    working_form,
)


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


def test_commands_in_texts_are_named_in_that_form(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "No sessions: `tui-voice` starts one, `tui-voice doctor` tells more, tui-voice's."
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    monkeypatch.setenv("UV_RUN_RECURSION_DEPTH", "1")
    assert in_working_form(text) == text.replace("`tui-voice", "`uv run tui-voice", 1).replace(
        "`tui-voice doctor", "`uv run tui-voice doctor"
    )
    done = subprocess.run(
        [sys.executable, "-m", "tui_voice", "sessions", "show", "none-such"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "`uv run tui-voice` begins one" in done.stderr


def test_packages_are_installed_where_this_program_finds_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Path(sys.executable).parent
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("UV_RUN_RECURSION_DEPTH", "1")
    assert install("a==1", "--no-deps") == "uv pip install --no-deps a==1"
    assert keyring_program() == "uv run keyring"
    assert with_extra("sound") == "uv run --extra sound tui-voice"
    monkeypatch.delenv("UV_RUN_RECURSION_DEPTH")
    assert install("a") == f"uv pip install a --python {sys.executable}"
    assert keyring_program() == f"{sys.executable} -m keyring"
    monkeypatch.setenv("PATH", str(own))
    assert keyring_program() == "keyring"
    assert with_extra("sound") == "uv run --extra sound tui-voice", "it runs in its checkout"


@pytest.mark.parametrize(
    ("source", "command"),
    [
        ({"url": "file:///a%20b", "dir_info": {}}, "'/a b[local]'"),
        ({"url": "https://x/t.whl", "archive_info": {}}, "'tui-voice[local] @ https://x/t.whl'"),
        (None, "'tui-voice[local]'"),
    ],
)
def test_an_installed_program_is_installed_again_with_the_extra(
    source: dict[str, object] | None,
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    info = tmp_path / "tui_voice-9.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tui-voice\nVersion: 9\n")
    if source:
        (info / "direct_url.json").write_text(json.dumps(source))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("UV_RUN_RECURSION_DEPTH", raising=False)
    assert with_extra("local") == install(command)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    (tmp_path / "uv-receipt.toml").touch()
    excludes = "--excludes '/a b/uv-excludes.txt' " if source and "dir_info" in source else ""
    assert with_extra("local") == f"uv tool install --force {excludes}{command}"
