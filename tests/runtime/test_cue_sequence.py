"""Sound cues: which is played when, and that they reach the loudspeaker beside a reply."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from tui_voice.audio.cues import cue_sound
from tui_voice.audio.pcm import RATE
from tui_voice.audio.speaker import Speaker
from tui_voice.conversation import events as e
from tui_voice.conversation.conversation import Conversation
from tui_voice.conversation.states import State
from tui_voice.runtime import cue_sequence
from tui_voice.runtime.cue_sequence import CueSequence


async def test_each_cue_has_its_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cue_sequence, "THINKING_S", 0.01)
    played: list[str] = []
    cues, conversation = CueSequence(played.append), Conversation()

    def give(*events: e.Event) -> None:
        for event in events:
            conversation.receive(event)
            cues.snapshot_changed(conversation.snapshot)

    give(e.ConnectionOpened(), e.TalkPressed())
    assert played == ["listening"]
    give(e.TextSubmitted(item_id="q", text="Hello."), e.ResponseStarted(response_id="r"))
    assert conversation.state is State.AWAITING
    await asyncio.sleep(0.05)
    assert played == ["listening", "thinking"]
    give(e.ResponseDone(response_id="r"))
    give(e.Noticed(text="The disk is full.", severity="error"))
    assert played == ["listening", "thinking", "done", "error"]
    assert len({cue_sound(cue) for cue in ("listening", "thinking", "done", "error")}) == 4


async def test_a_reply_that_failed_does_not_sound_as_one_that_is_done() -> None:
    played: list[str] = []
    cues, conversation = CueSequence(played.append), Conversation()
    for event in (
        e.ConnectionOpened(),
        e.Noticed(text="The microphone is too loud.", severity="warning"),
        e.TextSubmitted(item_id="q", text="Hello."),
        e.ResponseStarted(response_id="r"),
        e.Noticed(text="The model did not answer: no memory.", severity="warning"),
        e.ResponseDone(response_id="r", status="failed", reason="no memory"),
        e.TextSubmitted(item_id="p", text="Hello?"),
        e.ResponseStarted(response_id="s"),
        e.ResponseDone(response_id="s"),
    ):
        conversation.receive(event)
        cues.snapshot_changed(conversation.snapshot)
    assert played == ["error", "done"]


async def test_a_cue_is_played_beside_a_reply() -> None:
    speaker = Speaker()
    speaker.write("a", (np.ones(RATE // 100) * 1000).astype("<i2").tobytes())
    speaker.cue(cue_sound("done"))
    block = np.frombuffer(speaker._pull(RATE // 100, 0.0), "<i2")
    assert block.max() > 1500
    rest = b"".join(speaker._pull(RATE // 100, 0.0) for _ in range(40))
    assert np.frombuffer(rest, "<i2").any()
    assert not any(speaker._pull(RATE // 100, 0.0))
