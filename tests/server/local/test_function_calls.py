"""Demanded calls fit their schema; what a function returned is read out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.server.local.turns_harness import turns
from tui_voice.server.interfaces import ContextTurn, ReplyRequest
from tui_voice.server.local.function_calls import forced_call, spoken_output

WEATHER: dict[str, Any] = {
    "type": "function",
    "name": "get_weather",
    "parameters": {
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
            "days": {"type": ["integer", "null"], "minimum": 1},
            "alerts": {"type": "boolean"},
            "hours": {"type": "array", "items": {"type": "number"}, "minItems": 2},
            "place": {"type": "object", "properties": {"x": {}}, "required": ["x"]},
            "language": {"type": "string", "default": "en"},
            "comment": {"type": "string"},
        },
        "required": ["city", "unit", "days", "alerts", "hours", "place", "language"],
    },
}
TIME: dict[str, Any] = {"type": "function", "name": "time"}


def arguments(choice: str, *said: str) -> tuple[str, Any] | None:
    session = turns(*(("user", text) for text in said))
    call = forced_call(
        ReplyRequest(instructions="", turns=session, tools=[WEATHER, TIME], tool_choice=choice)
    )
    return (call.name, json.loads(call.arguments)) if call is not None else None


def test_required_arguments_are_filled_by_the_schema_and_the_last_turn() -> None:
    assert arguments("get_weather", "Hello.", "Is it cold in Oslo?") == (
        "get_weather",
        {
            "city": "Is it cold in Oslo?",
            "unit": "celsius",
            "days": 1,
            "alerts": False,
            "hours": [0, 0],
            "place": {"x": "Is it cold in Oslo?"},
            "language": "en",
        },
    )


def test_required_calls_the_first_function_and_a_name_calls_that_function() -> None:
    called = arguments("required", "Hello.")
    assert called is not None
    assert called[0] == "get_weather"
    assert arguments("time") == ("time", {})


@pytest.mark.parametrize("choice", ["auto", "none", "no_such_function"])
def test_nothing_is_called_where_nothing_is_demanded(choice: str) -> None:
    assert arguments(choice, "Please call get_weather.") is None


@pytest.mark.parametrize(
    ("name", "output", "reply"),
    [
        (
            "recall",
            '{"found": [{"session": "Trip", "date": "2026-11-03", "role": "user", '
            '"excerpt": "My favourite film is Alien."}]}',
            'You said: "My favourite film is Alien."',
        ),
        (
            "recall",
            '{"found": [{"role": "assistant", "excerpt": "That film is long."}]}',
            'I said: "That film is long."',
        ),
        ("recall", '{"found": [], "note": "x"}', "I found nothing about it in what was said."),
        ("recall", '{"found": 5}', "I found nothing about it in what was said."),
        (
            "recall",
            '{"error": "the disk is full."}',
            "The function answered: error: the disk is full.",
        ),
        (
            "get_weather",
            '{"temperature": 12, "sky_now": "cloudy", "wind": [{"speed": 3}], "rain": null}',
            "The function answered: temperature: 12, sky now: cloudy, speed: 3.",
        ),
        ("get_weather", "Cloudy.", "The function answered: Cloudy."),
        ("get_weather", "", "The function answered nothing."),
    ],
)  # fmt: skip
def test_an_output_is_read_out(name: str, output: str, reply: str) -> None:
    assert spoken_output(ContextTurn("out", "tool_output", output, name, "c")) == reply
