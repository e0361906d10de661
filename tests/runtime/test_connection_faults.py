"""A fault at every message of a session: nothing that was said is lost, nothing is doubled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.patience_harness import patience
from tests.runtime.fault_proxy_harness import FAULTS, Fault, Step
from tests.runtime.faulty_runs_harness import failures_of, faulty_session, some_of
from tests.runtime.session_harness import (
    NEVER,
    SHORT_TIMEOUTS,
    SessionHarness,
    settled,
    utterance,
)
from tui_voice.conversation import events as e
from tui_voice.conversation.conversation import Snapshot
from tui_voice.conversation.turns import Turn
from tui_voice.store.reading import load

PING_S = 1.5
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
    """Returns a check: this turn of the user has a reply, and nothing is pending."""

    def true(now: Snapshot) -> bool:
        worded = [turn for turn in now.ledger.turns if turn.text]
        asked = [n for n, turn in enumerate(worded) if turn.role == "user" and turn.text == words]
        return settled(now) and bool(asked) and worded[-1].role == "assistant"

    return true


async def converse(harness: SessionHarness, *, by_key: bool = False) -> None:
    """A whole session: a typed, a spoken and a typed turn, a compaction by key, a last turn."""
    harness.session.post(e.TextSubmitted(item_id="typed_1", text="hello Anna"))
    await harness.until(answered("hello Anna"))
    harness.session.post(e.TalkPressed())
    await harness.until(lambda s: s.situation.microphone.open)
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
    """Asks for a compaction, again where there was no connection at that moment, or where the
    summary was given up before the loss of the connection was noticed, as on a busy machine.
    """
    done = False
    while not done:
        since = len(harness.events)
        await harness.online()
        harness.session.post(e.SummarisePressed())

        def refused(since: int = since) -> bool:
            new = harness.events[since:]
            said = [event.text for event in new if isinstance(event, e.Noticed)]
            failed = any(isinstance(event, e.SummaryFailed) for event in new)
            return failed or any(text.startswith("Nothing was summarised") for text in said)

        done = pruned(await harness.until(lambda now: pruned(now) or refused()))


def pruned(now: Snapshot) -> bool:
    return settled(now) and any(c.stage == "confirmed" for c in now.ledger.compactions)


def check_turns(turns: list[Turn]) -> None:
    """Checks that each turn is there once, and that a turn without text has a note. A turn whose
    audio was sent again leaves no empty one beside it.
    """
    for turn in turns:
        assert turn.note != "sent again on a new connection", turns
        assert turn.text or turn.note, f"a gap without a mark: {turn}"
    worded = [turn for turn in turns if turn.text and turn.role in ("user", "assistant")]
    assert [turn.role for turn in worded] == [role for role, _ in SAID], worded
    for turn, (_, text) in zip(worded, SAID, strict=True):
        assert turn.text == text or (turn.note and text.startswith(turn.text.strip())), turn


async def window(harness: SessionHarness) -> list[str]:
    """Returns the turns that the model has, as the toy model lists them."""
    harness.session.post(e.TextSubmitted(item_id="typed_9", text="window"))
    now = await harness.until(answered("window"))
    last = now.ledger.turns.last
    assert last is not None
    return last.text.split(" | ")


async def run_with_fault(
    tmp_path: Path, step: Step | None, fault: Fault, *, by_key: bool
) -> list[Step]:
    options = {
        "timeouts": replace(SHORT_TIMEOUTS, ping_s=patience(PING_S)),
        "limits": LIMITS,
        "by_key": by_key,
    }
    async with faulty_session(tmp_path, step, fault, **options) as (proxy, harness):
        await converse(harness, by_key=by_key)
        check_turns(list(harness.snapshot.ledger.turns))
        in_window = await window(harness)
        if step is not None:
            assert proxy.done, f"{step} never came"
            assert proxy.connections == (1 if fault == "delay" else 2)
        assert len(set(in_window)) == len(in_window), f"the model has a turn twice: {in_window}"
        assert sum(part.startswith("system: Summary") for part in in_window) == 1
        assert "user: yes" in in_window
        steps = list(proxy.seen)
        path = harness.session.path
        turns = list(harness.snapshot.ledger.turns)
    journaled = load(path)
    assert journaled.notes == ()
    check_turns(list(journaled.ledger.turns)[: len(turns) - 2])
    return steps


def steps_to_disturb(steps: list[Step]) -> list[Step]:
    """Returns the messages before the last check."""
    return some_of(steps[: steps.index(Step("up", "conversation.item.create", 5))])


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("by_key", [False, True])
async def test_a_fault_at_every_message(tmp_path: Path, by_key: bool) -> None:
    whole = await run_with_fault(tmp_path / "whole", None, "cut", by_key=by_key)
    steps = steps_to_disturb(whole)
    assert len({(step.direction, step.type) for step in steps}) > 24

    async def run(name: str, step: Step, fault: Fault) -> None:
        await run_with_fault(tmp_path / name, step, fault, by_key=by_key)

    failures = await failures_of(run, steps, FAULTS, first=by_key)
    assert not failures, failures
