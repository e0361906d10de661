"""`tui-voice eval`: its variations, its table and its JSON output."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from tests.runtime.chat_server_harness import chat_server, completion
from tests.runtime.session_harness import toy_server
from tui_voice.__main__ import main
from tui_voice.cli.eval import report
from tui_voice.conversation import events as e
from tui_voice.lab.evaluation import Answer, Arm, EvaluationResult, Memory
from tui_voice.lab.timings import Seconds, Stopwatch

KEYS = {
    *("arm", "facts", "recalled", "missed", "prunings", "failed_prunings", "peak_window"),
    *("final_window", "input_tokens", "usd", "turns", "memory", "answers"),
    "seconds",
}


def outcome(
    arm: Arm, memory: Memory | None = None, missed: tuple[str, ...] = ()
) -> EvaluationResult:
    answers = tuple(Answer(asked=asked, said="…", recalled=False) for asked in missed)
    return EvaluationResult(
        arm=arm,
        facts=10,
        recalled=10 - len(missed),
        missed=missed,
        prunings=12,
        failed_prunings=1,
        peak_window=123_456,
        final_window=12_345,
        input_tokens=12_345_678,
        usd=12.3456,
        turns=80,
        memory=memory,
        answers=answers,
        seconds=Seconds(first_sound=0.94, reply=12.31, summary=None),
    )


def memory(**changed: str | bool) -> Memory:
    fields = {
        "text": "The user is called Ingrid. " * 30,
        "by": "smollm",
        "language": "English",
        "shortfall": "in English, though French was asked for",
        "passed_over": "",
        "held": True,
    }
    return Memory(**{**fields, **changed})  # type: ignore[arg-type]  # of their kinds


async def test_the_json_output_has_the_documented_keys(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The English sentences that this summary lacks would be added to it word for word.
    monkeypatch.setenv("TUI_VOICE_SUMMARY_PROBE", "false")

    def answer(path: str, _body: dict[str, Any]) -> tuple[int, Any]:
        if path.endswith("/models"):
            return 200, {"object": "list", "data": [{"id": "tiny", "object": "model"}]}
        return 200, completion("Elle s'appelle Ingrid et elle habite à Trondheim avec sa sœur.")

    async with toy_server() as server, chat_server(answer) as url:
        command = ["eval", "--backend", server.url, "--exchanges", "30", "--text", "--json"]
        command += ["--summary-url", url]
        only = ["--only", "summary", "--at", "250", "--keep", "2", "--language", "French"]
        assert await asyncio.to_thread(main, [*command, *only]) == 0
    out = capsys.readouterr()
    [row] = json.loads(out.out)
    assert row.keys() == KEYS
    assert out.err.startswith("1 of 1: summary at 250 French …")
    assert row["arm"]["language"] == "French"
    assert row["prunings"] >= 1
    assert row["memory"].keys() == {*("text", "by", "language", "shortfall", "passed_over", "held")}
    assert row["memory"]["held"] is True
    assert (row["memory"]["language"], row["memory"]["by"]) == ("French", "tiny")
    assert len(row["answers"]) == row["facts"] == 10
    seconds = row["seconds"]
    assert 0 < seconds["first_sound"] <= seconds["reply"]
    assert seconds["summary"] > 0
    assert row["answers"][0].keys() == {"asked", "said", "recalled"}


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard output is a terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)


SHOWN = [
    outcome(Arm("server cut at 1600", "server"), missed=("What is my name?",) * 6),
    outcome(Arm("summary at 1600 French", "balanced", language="French"), memory()),
    outcome(Arm("notebook at 1600 keep 8 structured Portuguese", "notebook")),
]


@pytest.mark.usefixtures("terminal")
def test_the_report_fits_a_terminal_of_eighty_columns() -> None:
    text = report(SHOWN)
    assert max(map(len, text.splitlines())) <= 80
    assert "1 prunings failed" in text
    assert "language: asked French, got English" in text
    assert "by smollm; the server holds it verbatim" in text
    assert text.count("The user is called Ingrid") < 15
    assert "missed: What is my name?; What" in text


@pytest.mark.usefixtures("terminal")
def test_a_long_name_is_wrapped_on_a_narrow_terminal() -> None:
    head, first, *rest = report(SHOWN[2:]).splitlines()
    assert head.split() == ["session", "recalled", "prunings", "peak", "end", "read", "USD"]
    assert first.startswith("  notebook at 1600")
    assert first.endswith("12 346k  12.3456")
    assert rest[0].split()[-1] == "Portuguese"


def test_the_seconds_are_a_table_of_their_own() -> None:
    lines = report(SHOWN).splitlines()
    head = lines.index(next(line for line in lines if line.strip().startswith("seconds")))
    assert lines[head].split() == ["seconds", "first", "sound", "whole", "reply", "memory"]
    assert lines[head + 1].split()[-3:] == ["0.94", "12.31", "-"]


def test_in_a_pipe_no_line_of_the_table_is_wrapped() -> None:
    row = report(SHOWN[2:]).splitlines()[1]
    assert "keep 8 structured Portuguese  10 of 10" in row
    assert len(row) > 80


@pytest.mark.parametrize(
    ("summary", "language", "expected"),
    [
        (memory(language="", shortfall=""), "French", "asked French, got too little text"),
        (memory(held=False), "French", "the server does NOT hold it"),
        (memory(passed_over="smollm: busy"), "French", "not as wanted: smollm: busy"),
        (memory(shortfall="no JSON, though JSON was asked for"), "same", "the summary is no JSON"),
        (None, "French", "summary: none was written"),
    ],
)
def test_remarks_on_a_summary(summary: Memory | None, language: str, expected: str) -> None:
    assert expected in report([outcome(Arm("summary", "balanced", language=language), summary)])


def test_there_is_no_remark_on_a_summary_as_asked_for() -> None:
    good = outcome(Arm("summary", "balanced"), memory(shortfall=""))
    text = report([replace(good, failed_prunings=0)])
    assert "language" not in text
    assert text.count("summary") == 2  # the name in both tables


@pytest.mark.parametrize(
    "wrong",
    [
        ["--exchanges", "0"],
        ["--at", "50"],
        ["--keep", "-1"],
        ["--only", "nobody"],
        ["--summary-url", "localhost:1234"],
    ],
)
def test_wrong_arguments_are_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "--backend", "local", *wrong]) == 2
    assert capsys.readouterr().err.startswith("tui-voice: ")


def test_help_names_every_variation(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["eval", "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    for flag in ("--at", "--keep", "--style", "--language", "--policy", "--summary-url"):
        assert flag in text
    for word in ("textify only", "server's own", "nothing pruned", "several times"):
        assert word in " ".join(text.split())


def test_seconds_are_medians_of_the_replies_and_summaries() -> None:
    stopwatch = Stopwatch()
    for at, first, done in ((0.0, 0.5, 2.0), (10.0, 10.7, 13.0), (20.0, 24.0, 29.0)):
        stopwatch.take(e.TextSubmitted(at=at, item_id="u", text="?"))
        stopwatch.take(e.TranscriptGrew(at=at + 0.1, item_id="a", text="words"))
        stopwatch.take(e.AudioReceived(at=first, item_id="a"))
        stopwatch.take(e.AudioReceived(at=done - 0.5, item_id="a"))
        stopwatch.take(e.ResponseDone(at=done, response_id="r"))
    stopwatch.take(e.SummaryReady(compaction_id="c", text="They spoke.", seconds=1.5))
    assert stopwatch.seconds() == Seconds(first_sound=0.7, reply=3.0, summary=1.5)
    silent = Stopwatch()
    silent.take(e.TextSubmitted(at=1.0, item_id="u", text="?"))
    silent.take(e.TranscriptGrew(at=1.25, item_id="a", text="words"))
    silent.take(e.ResponseDone(at=2.0, response_id="r"))
    assert silent.seconds() == Seconds(first_sound=0.25, reply=1.0)
