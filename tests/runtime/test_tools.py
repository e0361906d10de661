"""Functions that the model calls: their result, or an error, goes back to the model."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.fault_proxy_harness import Step, fault_proxy
from tests.runtime.session_harness import running_session, toy_server
from tests.server.toy_engines_harness import ToyEngines
from tui_voice.conversation import events as e
from tui_voice.conversation.states import State
from tui_voice.conversation.timeouts import ConversationTimeouts
from tui_voice.errors import StoreError
from tui_voice.runtime.tools import Tool, Tools


def tool(run: Any) -> Tool:
    schema = {"type": "object", "properties": {}}
    return Tool(name="lamp", description="Switch the lamp.", parameters=schema, run=run)


def fail(error: Exception) -> Any:
    def run(_arguments: Mapping[str, Any]) -> object:
        raise error

    return run


async def test_a_function_gets_parsed_arguments_and_its_result_becomes_json() -> None:
    tools = Tools((tool(lambda given: {"got": given, "é": True}),))
    assert await tools.call("lamp", '{"on": true}') == '{"got": {"on": true}, "é": true}'
    assert json.loads(await tools.call("lamp", ""))["got"] == {}
    [declared] = tools.declared()
    assert declared["name"] == "lamp"


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("kettle", "{}", "there is no function kettle"),
        ("lamp", "{", "the arguments are not JSON"),
        ("lamp", "[1]", "the arguments are not a JSON object"),
    ],
)
async def test_a_call_that_cannot_be_made_is_an_error_for_the_model(
    name: str, arguments: str, sentence: str
) -> None:
    output = await Tools((tool(lambda _: None),)).call(name, arguments)
    assert json.loads(output) == {"error": sentence}


@pytest.mark.parametrize("error", [StoreError("no"), KeyError("no"), OSError("no"), ValueError()])
async def test_an_exception_of_a_function_is_an_error_for_the_model(error: Exception) -> None:
    output = json.loads(await Tools((tool(fail(error)),)).call("lamp", "{}"))
    assert output["error"]


async def test_a_function_is_called_once_and_its_output_is_used(tmp_path: Path) -> None:
    calls: list[Mapping[str, Any]] = []

    def run(arguments: Mapping[str, Any]) -> object:
        calls.append(arguments)
        return {"lamp": "on"}

    async with (
        toy_server(ToyEngines()) as server,
        running_session(server.url, tmp_path, tools=(tool(run),)) as harness,
    ):
        harness.session.post(e.TextSubmitted(item_id="q", text="call lamp"))
        answered = await harness.event(e.ToolAnswered)
        await harness.event(e.ItemPlaced, lambda placed: placed.item_id == answered.item_id)
        second = sum(isinstance(event, e.ResponseStarted) for event in harness.events)
        await harness.settled()
    assert len(calls) == 1
    assert second <= 2


async def test_an_output_that_comes_after_a_reconnect_is_sent_as_text(tmp_path: Path) -> None:
    """The new server session does not know the call; it gets the output as text and answers."""
    async with (
        toy_server(ToyEngines()) as server,
        fault_proxy(server.url, Step("up", "conversation.item.create", 2), "cut") as proxy,
        running_session(proxy.url, tmp_path, tools=(tool(lambda _: {"lamp": "on"}),)) as harness,
    ):
        harness.session.post(e.TextSubmitted(item_id="q", text="call lamp"))
        await harness.event(e.ConnectionLost)
        await harness.until(
            lambda s: (
                s.ledger.turns.last.role == "assistant" and harness.snapshot.ledger.turns.last.text
            )
        )
        now = await harness.settled()
        assert [turn.role for turn in now.ledger.turns if turn.text].count("tool") == 2


TOLD_SOON = ConversationTimeouts(tool_told_s=0.05)


class SlowLamp:
    """A function that runs until it is let go, or cancelled."""

    def __init__(self) -> None:
        self.may_end = asyncio.Event()
        self.cancelled = False

    async def run(self, _arguments: Mapping[str, Any]) -> object:
        try:
            while not self.may_end.is_set():  # noqa: ASYNC110  (it is set on another loop)
                await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        return {"lamp": "warm"}


async def test_the_model_speaks_on_while_a_function_runs_and_gets_its_result_later(
    tmp_path: Path,
) -> None:
    lamp = SlowLamp()
    async with (
        toy_server(ToyEngines()) as server,
        running_session(server.url, tmp_path, tools=(tool(lamp.run),), waits=TOLD_SOON) as harness,
    ):
        harness.session.post(e.TextSubmitted(item_id="q", text="call lamp"))
        told = await harness.event(e.ToolAnswered, lambda answer: answer.interim)
        await harness.until(
            lambda now: (
                "still runs" in now.ledger.turns.last.text
                and now.ledger.turns.last.role == "assistant"
                and now.ledger.turns.last.words == "done"
                and now.state
                is State.IDLE  # else `say` would take the end of this reply for its own
            )
        )
        await harness.say("hello")
        assert harness.turns()[-1] == ("assistant", "hello"), "the talk goes on"
        lamp.may_end.set()
        await harness.event(e.ToolAnswered, lambda answer: not answer.interim)
        now = await harness.until(
            lambda now: (
                "warm" in now.ledger.turns.last.text and now.ledger.turns.last.role == "assistant"
            )
        )
        await harness.settled()
    calls = [turn for turn in now.ledger.turns if turn.role == "tool"]
    assert [turn.wire_id for turn in calls][1:] == [told.item_id, f"out_{told.call_id}"]
    assert {turn.call_id for turn in calls} == {told.call_id}


@pytest.mark.parametrize("told", [False, True])
async def test_esc_stops_a_function_and_the_model_is_told_without_a_reply(
    tmp_path: Path, told: bool
) -> None:
    lamp, waits = SlowLamp(), TOLD_SOON if told else None
    async with (
        toy_server(ToyEngines()) as server,
        running_session(server.url, tmp_path, tools=(tool(lamp.run),), waits=waits) as harness,
    ):
        harness.session.post(e.TextSubmitted(item_id="q", text="call lamp"))
        await harness.event(e.ToolCalled)
        wanted = State.IDLE if told else State.AWAITING
        await harness.until(
            lambda now: (
                now.state is wanted
                and bool(now.situation.response.late_tools) is told
                and not now.situation.response.active
            )
        )
        replies = len(harness.events)
        harness.session.post(e.StopPressed())
        stopped = await harness.event(e.ToolAnswered, lambda answer: not answer.interim)
        placed = f"out_{stopped.call_id}"
        await harness.event(e.ItemPlaced, lambda event: event.item_id == placed)
        now = await harness.settled()
        again = [one for one in harness.events[replies:] if isinstance(one, e.ResponseStarted)]
    assert lamp.cancelled
    assert "The user stopped this call." in stopped.output
    assert not again
    assert not now.situation.response.open_tools
