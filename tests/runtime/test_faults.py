"""A line that fails at every step of a talk: nothing that was said is lost, nothing is doubled."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.runtime.proxy_harness import HARMS, Harm, Step, between
from tests.runtime.session_harness import (
    NEVER,
    SHORT_TIMEOUTS,
    SessionHarness,
    running_session,
    settled,
    toy_server,
    utterance,
)
from tui_voice.conversation import events as e
from tui_voice.conversation.conversation import Snapshot
from tui_voice.conversation.turns import Turn
from tui_voice.store.reading import load

PATIENCE = replace(SHORT_TIMEOUTS, ping=0.5)
LIMITS = replace(NEVER, policy="notebook", keep=2)
SAID = [
    ("user", "hello Anna"),
    ("assistant", "hello Anna"),
    ("user", "one two three"),
    ("assistant", "one two three"),
    ("user", "tell me a story"),
    ("assistant", "tell me a story"),
    ("user", "yes"),
    ("assistant", "yes"),
]


def answered(words: str) -> Callable[[Snapshot], bool]:
    """Whether these words of the user have a reply, and all is quiet again."""

    def true(now: Snapshot) -> bool:
        worded = [turn for turn in now.ledger.turns if turn.text]
        asked = [n for n, turn in enumerate(worded) if turn.role == "user" and turn.text == words]
        return settled(now) and bool(asked) and worded[-1].role == "assistant"

    return true


async def hold(harness: SessionHarness, *, by_key: bool = False) -> None:
    """The whole scene: typed, spoken, typed, a pruning by hand, and a last word."""
    harness.session.post(e.TextSubmitted(item_id="typed_1", text="hello Anna"))
    await harness.until(answered("hello Anna"))
    harness.session.post(e.TalkPressed())
    await harness.until(lambda s: s.microphone_open)
    await harness.feed(utterance("one two three"))
    if by_key:
        harness.session.post(e.TalkReleased())
    await harness.until(answered("one two three"))
    harness.session.post(e.TextSubmitted(item_id="typed_2", text="tell me a story"))
    await harness.until(answered("tell me a story"))
    await prune(harness)
    harness.session.post(e.TextSubmitted(item_id="typed_3", text="yes"))
    await harness.until(answered("yes"))


async def prune(harness: SessionHarness) -> None:
    """By hand, and again should there have been no line just then."""
    done = False
    while not done:
        since = len(harness.events)
        await harness.online()
        harness.session.post(e.SummarisePressed())

        def refused(since: int = since) -> bool:
            said = [fact.text for fact in harness.events[since:] if isinstance(fact, e.Noticed)]
            return any(text.startswith("Nothing was summarised") for text in said)

        done = pruned(await harness.until(lambda now: pruned(now) or refused()))


def pruned(now: Snapshot) -> bool:
    return settled(now) and any(c.stage == "confirmed" for c in now.ledger.compactions)


def same_but_for_gaps(turns: list[Turn]) -> None:
    """What was said, once each; what is missing is marked."""
    for turn in turns:
        assert turn.text or turn.note, f"a gap without a mark: {turn}"
    worded = [turn for turn in turns if turn.text and turn.role in ("user", "assistant")]
    assert [turn.role for turn in worded] == [role for role, _ in SAID], worded
    for turn, (_, text) in zip(worded, SAID, strict=True):
        assert turn.text == text or (turn.note and text.startswith(turn.text.strip())), turn


async def window(harness: SessionHarness) -> list[str]:
    """What the model has, as it says itself."""
    harness.session.post(e.TextSubmitted(item_id="typed_9", text="window"))
    now = await harness.until(answered("window"))
    last = now.ledger.turns.last
    assert last is not None
    return last.text.split(" | ")


async def disturbed(tmp_path: Path, step: Step | None, harm: Harm, *, by_key: bool) -> list[Step]:
    detection = "manual" if by_key else "server_vad"
    async with (
        toy_server() as server,
        between(server.url, step, harm) as proxy,
        running_session(
            proxy.url, tmp_path, timeouts=PATIENCE, limits=LIMITS, turn_detection=detection
        ) as harness,
    ):
        await hold(harness, by_key=by_key)
        same_but_for_gaps(list(harness.snapshot.ledger.turns))
        told = await window(harness)
        if step is not None:
            assert proxy.done, f"{step} never came"
            assert proxy.connections == (1 if harm == "delay" else 2)
        assert len(set(told)) == len(told), f"the model was told twice: {told}"
        assert sum(part.startswith("system: Summary") for part in told) == 1
        assert "user: yes" in told
        steps = list(proxy.seen)
        path = harness.session.path
        turns = list(harness.snapshot.ledger.turns)
    journaled = load(path)
    assert journaled.notes == ()
    same_but_for_gaps(list(journaled.ledger.turns)[: len(turns) - 2])
    return steps


def worth_trying(steps: list[Step]) -> list[Step]:
    """The steps of the scene itself; of sound and pieces of words the first two and one later."""
    last = steps.index(Step("up", "conversation.item.create", 5))
    often = ("append", "delta")
    return [
        step for step in steps[:last] if not step.type.endswith(often) or step.number in (1, 2, 9)
    ]


@pytest.mark.parametrize("by_key", [False, True])
async def test_an_undisturbed_run(tmp_path: Path, by_key: bool) -> None:
    steps = await disturbed(tmp_path, None, "cut", by_key=by_key)
    assert len({(step.direction, step.type) for step in worth_trying(steps)}) > 24


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("by_key", [False, True])
async def test_harm_at_every_step(tmp_path: Path, by_key: bool) -> None:
    """Each step gets one kind of harm; all kinds where TUI_VOICE_ALL_FAULTS is set."""
    steps = await disturbed(tmp_path / "whole", None, "cut", by_key=by_key)
    everything = "TUI_VOICE_ALL_FAULTS" in os.environ
    failures: list[str] = []
    for number, step in enumerate(worth_trying(steps)):
        for harm in HARMS if everything else (HARMS[(number + by_key) % len(HARMS)],):
            folder = tmp_path / f"{number}-{harm}"
            try:
                await disturbed(folder, step, harm, by_key=by_key)
            except AssertionError as error:
                failures.append(f"── {harm} at {step}: {error}")
    assert not failures, f"{len(failures)} of them:\n" + "\n".join(failures)
