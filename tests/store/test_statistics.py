"""Tokens and USD of all sessions, by day, model and profile."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.store.sessions_harness import opened, write
from tui_voice.__main__ import main
from tui_voice.conversation import events as e
from tui_voice.store.catalog import list_sessions
from tui_voice.store.statistics import statistics

SESSIONS = Path(__file__).parents[2] / "sessions"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two sessions: one over midnight, with a change of model, and one without any use."""
    monkeypatch.setenv("TUI_VOICE_CACHE_DIR", str(tmp_path / "cache"))
    folder = tmp_path / "saved"
    usage = e.Usage(input_text=80, input_audio=20, cached_text=60, output_text=10, output_audio=30)
    begin = opened("a", started="2026-04-01T23:00:00+02:00", model="gpt-realtime-2.1")
    write(
        folder / "a.jsonl",
        [
            begin,
            e.ResponseDone(at=10, response_id="r1", usage=usage, usd=0.5),
            e.TranscriptDone(at=20, item_id="i1", text="hello", usd=0.01),
            e.SummaryReady(
                at=3500, compaction_id="m", text="x", source="tiny", usage=usage, usd=0.1
            ),
            e.SessionResumed(at=3700, backend="local", model="small", profile="cheap"),
            e.ResponseDone(at=3800, response_id="r2", usage=usage),
            e.ResponseDone(at=3900, response_id="r3", status="cancelled"),
        ],
    )
    write(folder / "b.jsonl", [opened("b", started="2026-04-02T10:00:00+02:00")])
    (folder / "odd.jsonl").write_text("Dear diary")
    return folder


def test_uses_are_summed_by_day_model_and_profile(folder: Path, tmp_path: Path) -> None:
    found = statistics(folder, tmp_path / "cache")
    assert (found.total.replies, found.total.input, found.total.output) == (2, 300, 120)
    assert found.total.cached == 180
    assert found.total.usd == pytest.approx(0.61)
    assert found.total.unknown, "the price of the second model is not known"
    assert {day: round(one.usd, 2) for day, one in found.by["day"].items()} == {
        "2026-04-01": 0.61,
        "2026-04-02": 0.0,
    }
    assert {model: one.replies for model, one in found.by["model"].items()} == {
        "gpt-realtime-2.1": 1,
        "small": 1,
        "tiny": 0,
    }
    assert {name: one.input for name, one in found.by["profile"].items()} == {
        "cheap": 100,
        "none": 200,
    }


def test_the_sums_are_those_of_the_list(tmp_path: Path) -> None:
    total = sum(session.usd for session in list_sessions(SESSIONS, tmp_path))
    assert statistics(SESSIONS, tmp_path).total.usd == pytest.approx(total, abs=1e-5)


def test_the_command_prints_tables_a_plot_and_json(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["sessions", "stats", "--sessions-dir", str(folder)]
    assert main(argv) == 0
    out = capsys.readouterr().out
    for words in ("day", "model", "profile", "USD a day", "2026-04-01", "0.6100", "cheap"):
        assert words in out
    assert "the price of a model is not known" in out
    assert main([*argv, "--by", "model"]) == 0
    assert "USD a day" not in capsys.readouterr().out
    assert main([*argv, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found.keys() == {"total", "by_day", "by_model", "by_profile"}
    assert found["by_day"][0] == {
        "day": "2026-04-01",
        "sessions": 1,
        "replies": 1,
        "input_tokens": 200,
        "cached_tokens": 120,
        "output_tokens": 80,
        "usd": 0.61,
        "usd_complete": True,
    }
    assert main(["sessions", "stats", "--sessions-dir", str(folder / "none")]) == 0
    assert "used anything yet" in capsys.readouterr().out
