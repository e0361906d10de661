"""The model searches what was said in this and earlier sessions, by the tool `recall`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from tests.runtime.session_harness import NEVER, running_session, toy_server
from tests.server.toy_engines_harness import ToyEngines
from tui_voice.conversation import events as e
from tui_voice.conversation.turns import Turn
from tui_voice.errors import StoreError
from tui_voice.realtime.wire.contract import RECALL_QUERY, RECALL_TOOL
from tui_voice.runtime.recall import HIT_CHARACTERS, MAX_HITS, NEIGHBOUR_CHARACTERS, Recall
from tui_voice.runtime.tools import Tools
from tui_voice.server.interfaces import ReplyRequest, ToolCall
from tui_voice.server.local.responder import LocalResponder
from tui_voice.server.local.smollm import SmolLM
from tui_voice.store.journal import Journal


class RecallingModel:
    """Calls `recall` for each question; otherwise answers as the embedded server does."""

    name = "searching"

    def reply(self, request: ReplyRequest, stop: Event) -> Iterator[str | ToolCall]:
        last = request.turns[-1]
        if request.metadata.purpose or last.role == "tool_output":
            yield from LocalResponder(no_model).reply(request, stop)
        elif last.text.endswith("?"):
            yield ToolCall(RECALL_TOOL, json.dumps({RECALL_QUERY: last.text}))
        else:
            yield "I see."


class RecallingEngines(ToyEngines):
    """The toy engines with that model."""

    def responder(self) -> Any:
        return RecallingModel()


def no_model() -> SmolLM:
    raise AssertionError("the small model is not needed here")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two saved sessions."""
    for number, text in enumerate(
        ("My dentist is called Doctor Okafor.", "The red bicycle is in the cellar of my aunt.")
    ):
        opened = e.SessionOpened(
            id=f"2026-10-0{number + 1}",
            started=f"2026-10-0{number + 1}T10:00:00+00:00",
            backend="local",
            model="local",
        )
        journal = Journal.create(tmp_path / "sessions", opened)
        journal.append(e.SessionRenamed(title=f"Session {number}"))
        journal.append(e.TextSubmitted(at=1, item_id=f"t{number}", text=text))
        journal.append(e.TurnAdded(at=2, item_id=f"r{number}", role="assistant", modality="text"))
        journal.append(e.TranscriptDone(at=2, item_id=f"r{number}", text="I will keep that."))
        journal.append(e.ToolCalled(at=3, item_id="f", call_id="c", tool="x", arguments="Okafor"))
        journal.close()
    return tmp_path / "sessions"


def recall(folder: Path) -> Recall:
    return Recall(folder, folder.parent / "cache")


def test_an_answer_says_who_said_what_in_which_session_and_when(folder: Path) -> None:
    assert recall(folder).run({"query": "dentist"}) == {
        "found": [
            {
                "session": "Session 0",
                "date": "2026-10-01",
                "role": "user",
                "excerpt": "My dentist is called Doctor Okafor.",
                "score": 1.0,
                "after": "assistant: I will keep that.",
            }
        ]
    }


def test_where_no_turn_has_all_words_those_with_rare_words_are_found(folder: Path) -> None:
    found = recall(folder).run({"query": "what is the name of the dentist, Okafor?"})["found"]
    assert isinstance(found, list)
    assert found[0]["excerpt"] == "My dentist is called Doctor Okafor."
    nothing = recall(folder).run({"query": "submarine"})
    assert nothing["found"] == []
    assert nothing["note"]


def test_turns_in_the_window_are_left_out(folder: Path) -> None:
    recalling = recall(folder)
    recalling.held = lambda: {"t0"}
    assert recalling.run({"query": "dentist"})["found"] == []


def test_an_answer_has_at_most_five_turns_and_is_not_long(folder: Path) -> None:
    journal = Journal.open(folder / "2026-10-01.jsonl")
    for number in range(30):
        said = f"cat {number} " + "and more of it " * 100
        journal.append(e.TextSubmitted(at=9 + number, item_id=f"c{number}", text=said))
    journal.close()
    answer = recall(folder).run({"query": "cat"})
    assert len(answer["found"]) == MAX_HITS  # type: ignore[arg-type]  # a list
    most = MAX_HITS * (HIT_CHARACTERS + 2 * NEIGHBOUR_CHARACTERS + 200)
    assert len(json.dumps(answer)) < most


def test_a_question_is_answered_by_stems_with_the_turns_beside(folder: Path) -> None:
    answer = recall(folder).run({"query": "Whose cellars hold bicycles that are red?"})
    assert answer["found"][0]["excerpt"] == "The red bicycle is in the cellar of my aunt."
    assert "note" not in answer


def test_what_was_never_said_is_nothing_sure(folder: Path) -> None:
    answer = recall(folder).run({"query": "registration number of the yellow submarine, doctor"})
    assert "Nothing sure" in answer["note"]


def test_each_turn_has_its_own_day(folder: Path) -> None:
    journal = Journal.open(folder / "2026-10-01.jsonl")
    journal.append(e.TextSubmitted(at=3 * 86_400.0, item_id="later", text="The zebra is striped."))
    journal.close()
    assert recall(folder).run({"query": "zebra"})["found"][0]["date"] == "2026-10-04"


async def test_the_model_is_told_of_a_missing_query_and_of_a_wrong_date(
    folder: Path,
) -> None:
    tools = Tools().and_(recall(folder).tool())
    assert "error" in json.loads(await tools.call("recall", "{}"))
    wrong = await tools.call("recall", '{"query": "cat before:someday"}')
    assert "error" in json.loads(wrong) or json.loads(wrong)["found"] == []
    with pytest.raises(KeyError):
        recall(folder).run({})
    assert tools.and_(recall(folder).tool()).declared() == tools.declared()


def assistant_said(turn: Turn, word: str) -> bool:
    return turn.role == "assistant" and word in turn.text and turn.words == "done"


async def test_the_model_recalls_a_turn_of_another_session(folder: Path) -> None:
    recalling = recall(folder)
    async with (
        toy_server(RecallingEngines()) as server,
        running_session(server.url, folder, tools=(recalling.tool(),)) as harness,
    ):
        recalling.held = harness.session.held
        harness.session.post(e.TextSubmitted(item_id="q", text="What is my dentist called?"))
        answer = await harness.event(e.ToolAnswered)
        await harness.until(lambda s: any(assistant_said(t, "Okafor") for t in s.ledger.turns))
        called = await harness.event(e.ToolCalled)
        await harness.event(e.ItemPlaced, lambda placed: placed.item_id == answer.item_id)
    assert called.tool == "recall"
    assert "Okafor" in answer.output
    shown = [(turn.role, turn.tool) for turn in harness.snapshot.ledger.turns]
    assert ("tool", "recall") in shown
    assert [turn.words for turn in harness.snapshot.ledger.turns] == ["done"] * 4


async def test_the_model_recalls_a_pruned_turn_of_this_session(tmp_path: Path) -> None:
    recalling = recall(tmp_path / "sessions")
    limits = replace(NEVER, policy="notebook", keep=2)
    async with (
        toy_server(RecallingEngines()) as server,
        running_session(
            server.url, tmp_path / "sessions", tools=(recalling.tool(),), limits=limits
        ) as harness,
    ):
        recalling.held = harness.session.held
        for said in ("My boat is called Seagull.", "Two and two is four.", "My cat is Tom."):
            await harness.say(said)
        assert recalling.run({"query": "boat"})["found"] == []  # it is still in the window
        harness.session.post(e.SummarisePressed())
        await harness.until(
            lambda s: s.ledger.compactions and s.ledger.compactions[-1].stage == "confirmed"
        )
        found = recalling.run({"query": "boat"})["found"]
    assert isinstance(found, list)
    assert "boat is called Seagull" in found[0]["excerpt"]


def test_an_index_that_cannot_be_created_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    try:
        answer = Recall(tmp_path / "file", tmp_path).run({"query": "x"})
    except StoreError:
        return
    assert answer["found"] == []
