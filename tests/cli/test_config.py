"""`tui-voice config`."""

import json
import os
import shlex
import sys
from pathlib import Path

import pytest

from tui_voice.__main__ import main
from tui_voice.config import config_path, load
from tui_voice.config.model import all_settings
from tui_voice.config.shipped_profiles import shipped_profiles


def set_editor(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """An editor that runs `code` with the file as `path`."""
    program = f"import sys, pathlib; path = pathlib.Path(sys.argv[1]); {code}"
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", f"{sys.executable} -c {shlex.quote(program)}")


def test_path_prints_the_path_of_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "path"]) == 0
    assert capsys.readouterr().out == f"{config_path()}\n"
    assert main(["config", "path", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"path": str(config_path()), "exists": False}


def test_show_prints_value_and_origin(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config_path().parent.mkdir(parents=True)
    config_path().write_text('[profiles.p.ui]\nascii = true\n[backend]\nvoice = "ash"')
    monkeypatch.setenv("TUI_VOICE_CONTEXT_EVERY", "10m")
    assert main(["config", "show", "--keep", "4", "--profile", "p"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    shown = "~/config/tui-voice/config.toml"
    assert [shown] in lines
    assert ["backend.voice", "ash", shown] in lines
    assert ["ui.ascii", "true", shown, "[profiles.p]"] in lines
    assert ["context.every", "600.0", "TUI_VOICE_CONTEXT_EVERY"] in lines
    assert ["context.keep", "4", "--keep"] in lines
    assert ["backend.kind", "auto"] in lines
    assert ["profiles:", "p", "(in", "force),", "coach,", "meeting,", "support,", "tutor"] in lines


def test_show_prints_every_setting_as_json_without_api_keys(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a-most-secret-key")
    assert main(["config", "--json"]) == 0
    out = capsys.readouterr().out
    assert "a-most-secret-key" not in out
    shown = json.loads(out)
    assert [row["key"] for row in shown["settings"]] == list(all_settings())
    assert shown["exists"] is False


def test_edit_creates_a_file_of_comments(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_editor(monkeypatch, "path.write_text(path.read_text() + '[profiles.p.ui]\\nascii = true')")
    assert main(["config", "edit"]) == 0
    assert "is correct" in capsys.readouterr().out
    assert load().profiles == ("p",)
    assert config_path().stat().st_mode & 0o077 == 0


def test_edit_keeps_an_existing_file_and_reports_what_is_wrong_in_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config_path().parent.mkdir(parents=True)
    config_path().write_text("ui.ascii = true")
    set_editor(monkeypatch, "path.write_text(path.read_text().replace('true', '7'))")
    assert main(["config", "edit"]) == 2
    assert "ui.ascii is 7; allowed is true or false" in capsys.readouterr().err


def test_a_missing_editor_is_reported(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.setenv("EDITOR", "no-such-editor --wait")
    assert main(["config", "edit"]) == 1
    assert "no-such-editor" in capsys.readouterr().err
    monkeypatch.delenv("EDITOR")
    monkeypatch.setenv("PATH", os.fspath(home))
    assert main(["config", "edit"]) == 1
    assert "Set EDITOR" in capsys.readouterr().err


def test_a_shipped_profile_is_printed_and_can_be_copied_into_the_file(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["config", "profile"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(
        shipped_profiles()
    )
    assert main(["config", "profile", "tutor"]) == 0
    printed = capsys.readouterr().out
    config_path().parent.mkdir(parents=True)
    config_path().write_text(printed.replace('"coral"', '"ash"'))
    assert load(profile="tutor").backend.voice == "ash", "the user's own wins over the shipped one"
    assert load(profile="coach").backend.voice == "cedar"
    assert main(["config", "profile"]) == 0
    assert "your own" in capsys.readouterr().out
    assert main(["config", "profile", "nope"]) == 2
    assert "coach, meeting" in capsys.readouterr().err
    assert main(["config", "show", "tutor"]) == 2
