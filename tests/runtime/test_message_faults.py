"""A message that is lost, doubled, late or spoiled, on a connection that lasts.

A network does none of this, but relays and servers do. What the fault hits may be lost, for example
a reply; the session goes on, and it holds each turn once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.patience_harness import patience
from tests.runtime.fault_proxy_harness import MESSAGE_FAULTS, Fault, Step
from tests.runtime.faulty_runs_harness import failures_of, faulty_session, some_of
from tests.runtime.session_harness import (
    NEVER,
    SessionHarness,
    utterance,
)
from tui_voice.conversation import events as e
from tui_voice.conversation.conversation import Snapshot
from tui_voice.conversation.limits import Limits
from tui_voice.conversation.states import State
from tui_voice.conversation.timeouts import ConversationTimeouts
from tui_voice.store.reading import load

WAITS_S = {
    "reply_s": 1.5,
    "cancel_s": 0.3,
    "commit_s": 0.5,
    "late_speech_s": 0.3,
    "listening_s": 0.7,
    "turn_s": 2.0,
    "playback_s": 0.7,
    "step_s": 0.4,
    "transcript_s": 0.7,
}
"""On a quiet machine: the server answers much earlier."""
LIMITS = Limits(trigger=NEVER.trigger, keep=2, policy="notebook")
TYPED = ["hello Anna", "tell me a story", "yes"]
SPOKEN = "one two three"


def at_rest(now: Snapshot) -> bool:
    """Returns whether nothing is under way."""
    situation = now.situation
    waits = situation.response.active or situation.response.follow_up != "none"
    return (
        now.state is State.IDLE
        and not waits
        and now.ledger.connection.status == "online"
        and not situation.seeding.under_way
        and not situation.microphone.turn
        and situation.microphone.commit is None
        and not situation.transcripts.turns
        and now.ledger.compaction is None
        and all(turn.words != "open" for turn in now.ledger.turns)  # saved, too
    )


def is_answered(now: Snapshot) -> bool:
    """Returns whether the newest turn with words is a reply."""
    worded = [turn for turn in now.ledger.turns if turn.text]
    return bool(worded) and worded[-1].role == "assistant"


async def rest_after(
    harness: SessionHarness, event: e.Event, begun: Callable[[Snapshot], object]
) -> None:
    """Posts what the user does, and waits until nothing that follows from it is under way.

    `begun`: whether a snapshot shows that the session has taken the event.
    """
    harness.session.post(event)
    await harness.until(begun)
    await harness.until(at_rest)


async def type_turn(harness: SessionHarness, item_id: str, text: str) -> None:
    typed = e.TextSubmitted(item_id=item_id, text=text)
    await rest_after(harness, typed, lambda now: now.ledger.turns.get(item_id))


async def converse(harness: SessionHarness, *, by_key: bool) -> None:
    """A typed, a spoken and a typed turn, a summary, and a last turn."""
    await type_turn(harness, "typed_0", TYPED[0])
    harness.session.post(e.TalkPressed())
    await harness.until(lambda s: s.situation.microphone.open)
    count = len(harness.snapshot.ledger.turns)
    await harness.feed(utterance(SPOKEN))
    if by_key:
        released = e.TalkReleased()
        await rest_after(harness, released, lambda now: not now.situation.microphone.open)
    else:
        await harness.until(lambda now: len(now.ledger.turns) > count)
        await harness.until(at_rest)
    await type_turn(harness, "typed_1", TYPED[1])
    await rest_after(harness, e.SummarisePressed(), lambda now: now.ledger.compactions)
    await type_turn(harness, "typed_2", TYPED[2])


async def run_with_fault(
    tmp_path: Path, step: Step | None, fault: Fault, *, by_key: bool
) -> list[Step]:
    waits = ConversationTimeouts(**{name: patience(s) for name, s in WAITS_S.items()})
    options = {"limits": LIMITS, "waits": waits, "by_key": by_key}
    async with faulty_session(tmp_path, step, fault, **options) as (proxy, harness):
        await converse(harness, by_key=by_key)
        steps = list(proxy.seen)
        await type_turn(harness, "last", "three two one")
        # A late reply to the turn before may be done first. The server still answers this one.
        await harness.until(lambda now: at_rest(now) and is_answered(now))
        turns = list(harness.snapshot.ledger.turns)
        path = harness.session.path
    assert step is None or proxy.done, f"{step} never came"
    assert proxy.connections == 1
    worded = [(turn.role, turn.text) for turn in turns if turn.text]
    shown = "\n".join(map(str, turns))
    # The toy model repeats the last item. Where our request was late, that is the late reply.
    answers = ("three two one", TYPED[2]) if step and step.direction == "up" else ("three two one",)
    assert worded[-1] in [("assistant", text) for text in answers], shown
    assert ("user", "three two one") in worded[-3:], shown
    said = Counter(text for role, text in worded if role == "user")
    assert all(said[text] == 1 for text in TYPED), shown
    assert said.total() <= len(TYPED) + 2, shown
    if step is None or step.direction == "down":  # else the server has truly got something else
        assert said[SPOKEN] == 1, shown
        replies = Counter(text for role, text in worded if role == "assistant")
        assert all(replies[text] <= 1 for text in said), shown
    assert [(t.id, t.text) for t in load(path).ledger.turns] == [(t.id, t.text) for t in turns]
    return steps


def steps_to_disturb(steps: list[Step]) -> list[Step]:
    """Returns the messages after the configuration."""
    first = next(n for n, step in enumerate(steps) if step.type == "session.updated") + 1
    return some_of(steps[first:])


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("by_key", [False, True])
async def test_a_fault_of_every_message(tmp_path: Path, by_key: bool) -> None:
    whole = await run_with_fault(tmp_path / "whole", None, "drop", by_key=by_key)
    steps = steps_to_disturb(whole)
    assert len({(step.direction, step.type) for step in steps}) > 20

    async def run(name: str, step: Step, fault: Fault) -> None:
        await run_with_fault(tmp_path / name, step, fault, by_key=by_key)

    failures = await failures_of(run, steps, MESSAGE_FAULTS, first=2 * by_key)
    assert not failures, failures
