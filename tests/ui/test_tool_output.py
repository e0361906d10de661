"""How the transcript shows what a function returned."""

from __future__ import annotations

import json

import pytest
from rich.style import Style

from tui_voice.conversation.turns import Turn
from tui_voice.ui.block_painter import BlockPainter, TranscriptStyles
from tui_voice.ui.glyphs import UNICODE
from tui_voice.ui.tool_output import readable

PLAIN = TranscriptStyles(*[Style()] * 7)


def painted(output: str) -> list[str]:
    turn = Turn("out", "tool", 0.0, output, words="done")
    painter = BlockPainter(60, PLAIN, UNICODE, timestamps=False)
    return [strip.text.strip(" ▌") for strip in painter.paint(turn)]


def test_everything_that_recall_sent_to_the_server_is_in_the_transcript() -> None:
    hits = [
        {"session": f"Talk {n}", "date": "2026-10-01", "role": "user", "excerpt": f"said {n}"}
        for n in range(5)
    ]
    assert painted(json.dumps({"found": hits}))[1:-1] == [
        f"Talk {n}, 2026-10-01, you: said {n}" for n in range(5)
    ]
    hits = [hits[0] | {"before": "user: one", "after": "assistant: two", "score": 0.5}]
    assert painted(json.dumps({"found": hits}))[2:-1] == [
        "before it, user: one",
        "after it, assistant: two",
    ]
    assert painted('{"found": [], "note": "Try other words."}')[1] == "nothing found"


def test_the_output_of_another_function_is_shortened() -> None:
    lines = painted(json.dumps({"text": "word " * 200}))
    assert len(lines) == 1 + 3 + 1 + 1
    assert lines[-2] == "…"


@pytest.mark.parametrize("output", ["", "{", "[1]", '{"found": 3}', '{"found": [3]}', '{"a": 1}'])
def test_any_other_output_is_shown_as_it_is(output: str) -> None:
    assert readable(output) == output
