"""`eval` asks for every planted fact, and shows which of them a pruning lost."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.server_harness import InspectingProxy
from tui_voice.config import BackendSettings, load
from tui_voice.lab.evaluation import FACTS, Arm, arms, run_arm, script


def test_every_fact_is_mentioned_once_before_the_questions() -> None:
    for exchanges in (1, 10, 30, 60):
        lines = script(exchanges)
        assert len(lines) >= exchanges
        for fact in FACTS:
            assert lines.count(fact.statement) == 1


def test_no_question_contains_its_answer() -> None:
    for fact in FACTS:
        if fact.question.startswith("What do I never drink"):
            continue
        assert not any(word in fact.question.casefold() for word in fact.keywords)


def test_the_arms_are_named_by_how_they_differ() -> None:
    usual = arms([800, 1600], [4], ["structured"], ["same"], ["balanced"])
    assert [arm.name for arm in usual] == [
        *("nothing", "textify only", "server cut at 800"),
        *("summary at 800", "summary at 1600"),
    ]


def test_every_combination_is_an_arm_with_a_name_of_its_own() -> None:
    found = arms([800], [4, 8], ["json", "bullets"], ["same", "French"], ["balanced", "thrift"])
    assert len(found) == 3 + 2 * 2 * 2 * 2
    assert len({arm.name for arm in found}) == len(found)
    assert "thrift at 800 keep 8 json French" in {arm.name for arm in found}
    assert max(len(arm.name) for arm in found) <= 36


@pytest.mark.local
@pytest.mark.slow
def test_a_summary_keeps_facts_that_server_truncation_loses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terse_server: InspectingProxy
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    settings = replace(
        load({"audio.text_only": True}, env={}, path=tmp_path / "none.toml"),
        backend=BackendSettings(kind="ws", url=terse_server.url, model="local"),
    )
    kept = run_arm(Arm("summary", "balanced", 250, 4), settings, tmp_path / "a", 12)
    lost = run_arm(Arm("server", "server", server_limit=250), settings, tmp_path / "b", 12)
    assert kept.prunings >= 1
    assert kept.failed_prunings == 0
    assert kept.recalled >= 7, kept.missed
    assert lost.prunings == 0
    assert lost.recalled <= kept.recalled - 4
    assert kept.peak_window < 625
