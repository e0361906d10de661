"""`tui-voice sessions`."""

import io
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from tui_voice.__main__ import main
from tui_voice.cli.parser import parse
from tui_voice.config.program_form import working_form
from tui_voice.store.journal import Journal

REPOSITORY = Path(__file__).parents[2]
KYOTO = "2026-03-14-1202-kyto"
EGGS = "2026-03-15-0807-eggs"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "saved"
    folder.mkdir()
    for name in ("v1-kyoto-in-april.jsonl", "v1-soft-eggs.jsonl"):
        shutil.copy(REPOSITORY / "sessions" / name, folder)
    return folder


def run(folder: Path, *words: str) -> int:
    return main(["sessions", *words, "--sessions-dir", str(folder)])


def read_json(folder: Path, capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert run(folder, *words, "--json") == 0
    return json.loads(capsys.readouterr().out)


def test_list(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "odd.jsonl").write_text("Dear diary")
    assert run(folder, "list") == 0
    out, err = capsys.readouterr()
    head, eggs, kyoto = out.splitlines()
    assert head.split() == ["id", "when", "length", "turns", "cost", "model", "title"]
    assert eggs.startswith(EGGS)
    assert kyoto.startswith(KYOTO)
    assert kyoto.endswith("  Kyoto in April")
    assert head.index("turns") + 5 == kyoto.index(" 46  ") + 3
    assert "odd.jsonl is not a saved session" in err
    assert run(folder) == 0
    assert capsys.readouterr().out == out


def test_list_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    eggs, kyoto = read_json(folder, capsys, "list")
    keys = {"id", "title", "started", "seconds", "turns", "model", "backend", "usd", "path"}
    assert keys <= set(kyoto)
    assert (kyoto["id"], kyoto["title"], kyoto["turns"]) == (KYOTO, "Kyoto in April", 46)
    assert Path(kyoto["path"]).is_file()
    assert eggs["usd"] == 0


def test_without_sessions_list_is_empty_and_show_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path / "none", "list") == 0
    assert f"`{working_form()}` starts one" in capsys.readouterr().out
    assert read_json(tmp_path / "none", capsys, "list") == []
    assert run(tmp_path / "none", "show", "last") == 1
    assert "no saved sessions yet" in capsys.readouterr().err


def test_show(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kyoto = read_json(folder, capsys, "show", "kyoto")
    assert kyoto["id"] == KYOTO
    assert len(kyoto["turn_list"]) == 46
    assert {"role", "text", "at", "pruned", "pinned"} <= set(kyoto["turn_list"][0])
    assert {"at", "turns", "tokens_before", "tokens_after", "usd", "seconds", "summary"} <= set(
        kyoto["prunings"][0]
    )
    assert kyoto["notes"] == []
    journal = folder / "v1-kyoto-in-april.jsonl"
    with journal.open("ab") as file:
        file.write(b'{"event":')
    assert run(folder, "show", str(journal)) == 0
    out, err = capsys.readouterr()
    assert out.startswith("Kyoto in April\n")
    assert "the last line was torn" in err


def test_search(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = read_json(folder, capsys, "search", "shellfish", "role:you")
    assert {"id", "title", "turn", "role", "excerpt"} <= set(rows[0])
    assert [row["role"] for row in rows] == ["user"]
    assert read_json(folder, capsys, "search", "yolk stays")  # the shell took the quotes
    assert read_json(folder, capsys, "search", "stays yolk") == []
    assert len(read_json(folder, capsys, "search", "the", "--limit", "3")) == 3
    assert run(folder, "search", "shellfish", "role:you") == 0
    assert "Kyoto in April · 2026-03-14 12:" in capsys.readouterr().out
    assert run(folder, "search", "xylophone") == 0
    assert capsys.readouterr() == ("", "No turn contains these words.\n")
    assert run(folder, "search", "x", "--limit", "0") == 2
    assert "'0' is no number from 1 to" in capsys.readouterr().err


def test_search_prints_the_words_in_bold_on_a_terminal(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    run(folder, "search", "shellfish", "role:you")
    assert "allergic to \x1b[1mshellfish\x1b[0m" in capsys.readouterr().out


def test_search_in_a_session_without_a_date(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "torn.jsonl").write_text(
        '{"event":"session_opened","id":"torn","started":"?","backend":"","model":""}\n'
        '{"event":"text_submitted","item_id":"i","text":"xylophone"}\n'
    )
    run(folder, "search", "xylophone")
    assert "xylophone · ? · you · torn" in capsys.readouterr().out


def test_export(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(folder, "export", "kyoto") == 0
    assert run(folder, "export", "kyoto") == 0
    assert capsys.readouterr().out == "kyoto-in-april.md\nkyoto-in-april-2.md\n"
    facts = read_json(folder, capsys, "export", "kyoto", "--out", str(tmp_path / "k.srt"))
    assert facts["format"] == "srt"
    assert Path(facts["path"]).read_text().startswith("1\n00:")
    assert run(folder, "export", "kyoto", "--format", "vtt", "--out", "-") == 0
    assert capsys.readouterr().out.startswith("WEBVTT")
    assert run(folder, "export", "kyoto", "--format", "pdf") == 2
    assert "There is no format pdf. There are md, txt, html, json" in capsys.readouterr().err


def test_rename(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "rename", EGGS, "Soft", "eggs") == 0
    assert "now called Soft eggs" in capsys.readouterr().out
    assert read_json(folder, capsys, "list")[0]["title"] == "Soft eggs"
    assert read_json(folder, capsys, "rename", "soft eggs", "Eggs") == {"id": EGGS, "title": "Eggs"}
    journal = Journal.open(folder / "v1-soft-eggs.jsonl")
    assert run(folder, "rename", EGGS, "x") == 1
    assert f"is open in process {os.getpid()}" in capsys.readouterr().err
    journal.close()


def test_delete_asks_first(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("send2trash.send2trash", lambda path: path.unlink())
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert run(folder, "delete", "kyoto") == 2
    assert "--yes" in capsys.readouterr().err
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _question: "n")
    assert run(folder, "delete", "kyoto") == 0
    assert len(read_json(folder, capsys_cleared(capsys), "list")) == 2
    monkeypatch.setattr("builtins.input", lambda _question: "Y")
    assert run(folder, "delete", "kyoto") == 0
    assert f"{KYOTO} is in the trash" in capsys.readouterr().out
    assert read_json(folder, capsys, "delete", EGGS, "--yes") == {"id": EGGS, "deleted": True}
    assert read_json(folder, capsys, "list") == []


def capsys_cleared(capsys: pytest.CaptureFixture[str]) -> pytest.CaptureFixture[str]:
    capsys.readouterr()
    return capsys


def test_fork(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    facts = read_json(folder, capsys, "fork", "kyoto", "4")
    assert facts["parent"] == KYOTO
    forked = read_json(folder, capsys, "show", facts["id"])
    assert len(forked["turn_list"]) == 4
    assert (forked["parent"], forked["parent_turn"]) == (KYOTO, facts["parent_turn"])
    assert run(folder, "fork", EGGS, facts["parent_turn"]) == 1
    assert run(folder, "fork", EGGS, "99") == 1
    assert "has 8 turns" in capsys.readouterr().err
    assert run(folder, "fork", EGGS, "0") == 1
    assert run(folder, "fork", KYOTO, facts["parent_turn"]) == 0
    assert "Resume it: tui-voice resume" in capsys.readouterr().out


def test_the_folder_may_be_named_before_or_after_the_action() -> None:
    for words in (
        ["--sessions-dir", "x", "sessions", "list"],
        ["sessions", "--sessions-dir", "x", "list"],
        ["sessions", "list", "--sessions-dir", "x"],
    ):
        assert parse(words).sessions_dir == "x"
        assert parse(words).action == "list"


# The documented keys of the JSON output. Programs rely on them: none may go.
LISTED = {"id", "title", "started", "seconds", "turns", "model", "backend", "usd", "path"}
TURN = {"role", "text", "at", "pruned", "pinned"}
PRUNING = {"at", "turns", "tokens_before", "tokens_after", "usd", "seconds", "summary"}
FOUND = {"id", "title", "turn", "role", "excerpt"}


def test_the_json_output_has_the_documented_keys(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sessions = read_json(folder, capsys, "list")
    assert [set(one) for one in sessions] == [LISTED | {"parent", "private", "profile"}] * 2
    shown = read_json(folder, capsys, "show", "kyoto")
    assert set(shown) == LISTED | {
        *("parent", "parent_turn", "private", "profile", "memory", "notes"),
        *("turn_list", "prunings"),
    }
    assert {key: shown[key] for key in LISTED} == {key: sessions[1][key] for key in LISTED}
    for turn in shown["turn_list"]:
        assert set(turn) == TURN | {
            *("id", "interrupted", "heard", "audio_ms", "tool", "note", "after_silence"),
        }
    assert shown["prunings"]
    for pruning in shown["prunings"]:
        assert set(pruning) == PRUNING | {"kind", "stage", "source"}
    hits = read_json(folder, capsys, "search", "shellfish")
    assert hits
    for hit in hits:
        assert set(hit) == FOUND | {"marks", "at", "path"}
        assert hit["id"] in {one["id"] for one in sessions}
        assert hit["turn"] in {turn["id"] for turn in shown["turn_list"]}
        for first, behind in hit["marks"]:
            assert hit["excerpt"][first:behind].casefold() == "shellfish"


def test_a_fork_names_its_parent_in_every_output(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forked = read_json(folder, capsys, "fork", "kyoto", "4")
    assert set(forked) == {"id", "path", "parent", "parent_turn"}
    parents = {one["id"]: one["parent"] for one in read_json(folder, capsys, "list")}
    assert parents == {forked["id"]: KYOTO, KYOTO: "", EGGS: ""}
    again = read_json(folder, capsys, "fork", forked["id"], "2")
    shown = read_json(folder, capsys, "show", again["id"])
    assert shown["parent"] == forked["id"]  # not the grandparent
    first = json.loads(Path(forked["path"]).read_text().splitlines()[0])
    assert (first["parent"], first["parent_turn"]) == (KYOTO, forked["parent_turn"])
    assert read_json(
        folder, capsys, "export", forked["id"], "--out", str(folder), "--format", "json"
    )
    (exported,) = folder.glob("*.json")
    assert json.loads(exported.read_text())["parent"] == KYOTO
