"""Question files: our own form and LoCoMo's; what recall finds, and what the model answers."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path

import pytest

from tests.runtime.session_harness import settings_for, toy_server
from tests.runtime.test_recall import RecallingEngines
from tui_voice.__main__ import main
from tui_voice.errors import UsageError
from tui_voice.lab.question_files import (
    KINDS,
    LOCOMO_NOTE,
    Question,
    read_questions,
    write_sessions,
)
from tui_voice.lab.questions import ask_model, search_all

OWN = Path(__file__).parents[2] / "benchmarks" / "questions.json"
LOCOMO = [
    {
        "sample_id": "conv-1",
        "conversation": {
            "speaker_a": "Ana",
            "speaker_b": "Bo",
            "session_1_date_time": "1:56 pm on 8 May, 2023",
            "session_1": [
                {"speaker": "Ana", "dia_id": "D1:1", "text": "My parrot is called Figaro."},
                {"speaker": "Bo", "dia_id": "D1:2", "text": "Nice!", "blip_caption": "a bird"},
            ],
            "session_2_date_time": "9:00 am on 1 June, 2023",
        },
        "qa": [
            {"question": "What is Ana's parrot called?", "answer": "Figaro", "category": 4}
            | {"evidence": ["D1:1; D1:2"]},
            {"question": "What is Bo's snake called?", "category": 5, "evidence": []},
        ],
    }
]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUI_VOICE_CACHE_DIR", str(tmp_path / "cache"))


def test_our_own_set_has_sixty_questions_of_every_kind() -> None:
    asked = read_questions(OWN)
    kinds = Counter(one.kind for one in asked.questions)
    assert kinds.total() >= 60
    assert all(kinds[kind] >= 5 for kind in KINDS)
    turns = {turn.id for session in asked.sessions[""] for turn in session.turns}
    for one in asked.questions:
        assert set(one.evidence) <= turns
        assert bool(one.evidence) == (one.kind != "never")


def test_recall_finds_the_evidence_of_our_own_set(tmp_path: Path) -> None:
    asked = read_questions(OWN)
    write_sessions(asked.sessions[""], tmp_path / "sessions")
    results = list(search_all(asked.questions, lambda _question: tmp_path / "sessions"))
    found = sum(one.found for one in results)
    assert found >= 0.9 * len(results), [one.question for one in results if not one.found]


def test_locomo_is_read(tmp_path: Path) -> None:
    path = tmp_path / "locomo.json"
    path.write_text(json.dumps(LOCOMO))
    chats = read_questions(path)
    (session,) = chats.sessions["conv-1"]
    assert session.started == "2023-05-08T13:56:00+00:00"
    assert [turn.role for turn in session.turns] == ["user", "assistant"]
    assert session.turns[1].text == "Bo: Nice! [picture: a bird]"
    first, second = chats.questions
    assert first.evidence == ("conv-1:D1:1", "conv-1:D1:2")
    assert (second.kind, chats.note) == ("never", LOCOMO_NOTE)
    write_sessions([session], tmp_path / "sessions")
    results = list(search_all(chats.questions, lambda _question: tmp_path / "sessions"))
    assert [one.found for one in results] == [True, True]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nothing", "is no JSON"),
        ('{"questions": [{"kind": "plain"}]}', "has not the form"),
        ('{"questions": [{"question": "x", "kind": "odd"}]}', "is none of"),
        ('{"sessions": [{"id": "a", "started": "soon", "turns": []}]}', "has not the form"),
        ("[1]", "has not the form"),
    ],
)
def test_a_wrong_file_is_refused_in_one_sentence(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "wrong.json").write_text(text)
    with pytest.raises(UsageError, match=says):
        read_questions(tmp_path / "wrong.json")
    with pytest.raises(UsageError, match="cannot be read"):
        read_questions(tmp_path / "missing.json")


async def test_the_model_answers_by_recall(tmp_path: Path) -> None:
    path = tmp_path / "locomo.json"
    path.write_text(json.dumps(LOCOMO))
    chats = read_questions(path)
    write_sessions(chats.sessions["conv-1"], tmp_path / "sessions")
    asked = [Question("What is Ana's parrot called?", answers=("Figaro",))]
    results = list(search_all(asked, lambda _question: tmp_path / "sessions"))
    async with toy_server(RecallingEngines()) as server:
        settings = settings_for(server.url)
        report = await asyncio.to_thread(
            ask_model, results, asked, tmp_path / "sessions", settings, tmp_path / "own"
        )
    (result,) = report.results
    assert result.answered is True
    assert "Figaro" in result.said
    assert report.tokens > 0


def test_the_command_prints_kinds_and_the_note_on_locomo(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "locomo.json"
    path.write_text(json.dumps(LOCOMO))
    assert main(["eval", "--import-chat", str(path), "--search-only", "--together"]) == 0
    out = capsys.readouterr().out
    assert "6.4 %" in out
    assert "never" in out
    assert main(["eval", "--questions", str(OWN), "--search-only", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["questions"] == sum(kind["questions"] for kind in found["kinds"].values()) >= 60
    assert found["usd"] == 0
