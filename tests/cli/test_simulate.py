"""`tui-voice simulate`."""

import json
from pathlib import Path

import pytest

from tui_voice.__main__ import main
from tui_voice.conversation import events as e
from tui_voice.store.journal import Journal

KEYS = {
    "policy",
    "model",
    "hours",
    "usd",
    "floor_usd",
    "prunings",
    "peak_window",
    "verbatim_min",
}


def test_the_json_output_has_the_documented_keys(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["simulate", "--hours", "0.5", "--policy", "thrift", "--policy", "none", "--json"]
    assert main([*command, "--model", "gpt-realtime-2.1-mini"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["policy"] for row in rows] == ["thrift", "none"]
    for row in rows:
        assert row.keys() >= KEYS
        assert row["model"] == "gpt-realtime-2.1-mini"
        assert row["hours"] == pytest.approx(0.5, abs=0.01)
    assert rows[0]["usd"] < rows[1]["usd"]
    assert rows[0]["floor_usd"] == rows[1]["floor_usd"] < rows[0]["usd"]


def test_gpt_live_is_a_row_and_the_assumptions_are_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["simulate", "--hours", "0.5", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    live = rows[-1]
    assert live["policy"] == "gpt-live"
    assert live["usd"] == pytest.approx(live["hours"] * 3, abs=0.01)
    assert live.keys() >= KEYS
    assert all(any("GPT-Live" in one for one in row["assumptions"]) for row in rows)
    command = ["simulate", "--hours", "1", "--policy", "none", "--model", "gpt-realtime-2.1-mini"]
    assert main(command) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "GPT-Live ($0.05 a minute) would cost less than none from minute" in out
    assert main(["simulate", "--hours", "0.3", "--policy", "balanced", "--cache-hit", "0.8"]) == 0
    assert "balanced keeps the sound of some replies" in capsys.readouterr().out


def test_table_and_plot(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--hours", "0.3", "--cache-hit", "0.5"]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    lines = out.splitlines()
    assert lines[0].startswith("invented session, 18 minutes on gpt-realtime-2.1, cache works 50%")
    table = [line.split()[0] for line in lines[2:8]]
    assert set(table) == {"thrift", "textify", "balanced", "notebook", "none", "server"}
    costs = [float(line.split()[1]) for line in lines[2:8]]
    assert costs == sorted(costs)
    assert "tokens in the window" in out
    assert "Assumed (2026-11-22)" in out


def test_trigger_and_keep_are_used(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["simulate", "--hours", "0.5", "--policy", "notebook", "--json"]
    assert main([*command, "--trigger", "6000", "--keep", "4"]) == 0
    high = json.loads(capsys.readouterr().out)[0]
    assert main(command) == 0
    low = json.loads(capsys.readouterr().out)[0]
    assert high["peak_window"] > 5_000 > low["peak_window"]
    assert (high["verbatim_min"], low["verbatim_min"]) == (2, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--hours", "x"], "'x' is no number"),
        (["--hours", "1000"], "from 0.01 to 24.0"),
        (["--policy", "free"], "invalid choice"),
        (["--model", "gpt-realtime-99"], "price of gpt-realtime-99 is not known"),
        (["--policy", "thrift", "--trigger", "500"], "every turn would be pruned"),
        (["nobody"], "no saved"),
    ],
)
def test_wrong_arguments_are_refused_with_the_reason(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", *arguments]) in (1, 2)
    assert message in capsys.readouterr().err


def test_a_saved_session_is_simulated(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = home / "saved"
    opened = e.SessionOpened(
        id="2026-01-01-0900-abcd",
        started="2026-01-01T09:00:00+00:00",
        backend="local",
        model="local",
    )
    journal = Journal.create(folder, opened)
    for n in range(6):
        for event in (
            e.SpeechStarted(item_id=f"u{n}", at=20.0 * n),
            e.SpeechStopped(item_id=f"u{n}", at=20.0 * n + 4, audio_ms=4_000),
            e.TranscriptDone(item_id=f"u{n}", at=20.0 * n + 4, text="Where were we?"),
            e.TurnAdded(item_id=f"a{n}", at=20.0 * n + 5, role="assistant"),
            e.AudioReceived(item_id=f"a{n}", at=20.0 * n + 5, audio_ms=6_000),
            e.TranscriptDone(item_id=f"a{n}", at=20.0 * n + 6, text="At the beginning."),
        ):
            journal.append(event)
    journal.close()
    command = ["simulate", opened.id, "--sessions-dir", str(folder), "--policy", "none", "--json"]
    assert main(command) == 0
    row = json.loads(capsys.readouterr().out)[0]
    assert row["session"] == opened.id
    assert row["hours"] == pytest.approx(110 / 3600, abs=0.003)
    assert main([*command, "--hours", "1"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["hours"] == pytest.approx(1, abs=0.01)


def test_a_session_without_a_reply_is_refused(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = home / "saved"
    opened = e.SessionOpened(
        id="2026-01-01-0900-abce",
        started="2026-01-01T09:00:00+00:00",
        backend="local",
        model="local",
    )
    journal = Journal.create(folder, opened)
    journal.append(e.TextSubmitted(item_id="t", text="Anybody there?"))
    journal.close()
    assert main(["simulate", opened.id, "--sessions-dir", str(folder)]) == 2
    assert "has no reply" in capsys.readouterr().err


def test_the_seed_decides_the_result(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["simulate", "--hours", "0.3", "--policy", "thrift", "--json", "--seed"]
    costs = []
    for seed in ("0", "1", "2", "1"):
        assert main([*command, seed]) == 0
        costs.append(json.loads(capsys.readouterr().out)[0]["usd"])
    assert costs[1] == costs[3]
    assert len(set(costs)) == 3
