"""A summary in each style by the embedded server: it has the form of the style and keeps facts.

The second summary contains the first.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.store.sessions_harness import exchange, opened, write
from tui_voice.config import Settings, SummarySettings, load
from tui_voice.conversation import events as e
from tui_voice.conversation.items import memory_text
from tui_voice.conversation.limits import Limits
from tui_voice.runtime.headless import HeadlessSession
from tui_voice.runtime.session_factory import SessionOptions
from tui_voice.runtime.summary_styles import SUMMARY_STYLES
from tui_voice.server.local.summary import SPEAKER

FIRST = (
    "My name is Ingrid Solheim.",
    "I prefer window seats.",
    "Let's go to Kyoto first.",
    "The lighthouse keeper paints his boat.",
    "I am allergic to walnuts.",
    "My sister is called Marit.",
    "The bus was late again today.",
)
"""Turns of the user of which the first summary is made."""
SECOND = (
    "My dog is called Bolla.",
    "Actually, let's go to Osaka first instead.",
    "My budget is 2400 euros.",
    "The library has new chairs.",
    "It rained here the whole morning.",
    "There was a fine rainbow.",
    "I keep losing my left glove.",
)
KEEP = 2


def settings(embedded_server: str) -> Settings:
    given = {"backend.kind": embedded_server, "audio.text_only": True, "context.keep": KEEP}
    return load(given, env={}, path=Path(os.devnull))


@pytest.mark.local
@pytest.mark.slow
@pytest.mark.parametrize("style", SUMMARY_STYLES)
def test_a_summary_by_hand_and_its_update(tmp_path: Path, embedded_server: str, style: str) -> None:
    events: list[e.Event] = []
    said = enumerate(FIRST + SECOND)
    exchanges = (event for n, words in said for event in exchange(n, 8.0 * n, words, "I see."))
    options = SessionOptions(
        settings=replace(settings(embedded_server), summary=SummarySettings(style=style)),
        folder=tmp_path,
        resume=write(tmp_path / "t1.jsonl", (opened(), *exchanges)),
    )
    with HeadlessSession(options, on_event=events.append) as session:
        session.set_limits(Limits(keep=KEEP + 2 * len(SECOND)))
        session.summarise(focus="lighthouse, boat")
        first = session.snapshot.ledger.memory
        session.set_limits(Limits(keep=KEEP))
        session.summarise()
        second = session.snapshot.ledger.memory
        held = session.retrieve(session.snapshot.ledger.memory_id).result(30)
    assert held == memory_text(second)
    assert "lighthouse keeper" in first, "what the user wanted to keep above all"
    for kept in ("Ingrid Solheim", "walnuts", "window seats"):
        assert kept in first
        assert kept in second, "the first was to be updated"
    assert "Kyoto" in first
    assert "Bolla" not in first, "a turn that was to be kept was summarised"
    assert "Bolla" in second
    assert "2400" in second
    asked = [event for event in events if isinstance(event, e.SummaryRequested)]
    assert len(asked) == 2
    assert set(asked[0].drop).isdisjoint(asked[1].drop), "the old turns were read again"
    ready = [event for event in events if isinstance(event, e.SummaryReady)]
    assert [(event.shortfall, event.passed_over) for event in ready] == [("", "")] * 2
    match SUMMARY_STYLES[style].layout:
        case "json":
            assert isinstance(json.loads(second)[SPEAKER], list)
        case "paragraph":
            assert "\n" not in second
        case "lines":
            heading, *lines = second.splitlines()
            assert heading == f"{SPEAKER}:"
            assert all(line.startswith("- ") for line in lines)
