"""The text-only trap over a real line: a reply that comes without sound is asked for again, the
assistant's earlier words move into system items, and the talk remembers that for good.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.runtime.session_harness import SessionHarness, running_session, toy_server
from tests.runtime.test_opening import driven, settings
from tests.runtime.text_only_harness import trapped
from tui_voice.config import ContextSettings
from tui_voice.conversation import events as e
from tui_voice.conversation.folding import fold
from tui_voice.conversation.limits import Limits
from tui_voice.conversation.turns import Turn
from tui_voice.runtime.headless import HeadlessSession
from tui_voice.runtime.session_factory import SessionOptions
from tui_voice.store.reading import load, read

THRIFT = Limits(trigger=4_000, keep=24, policy="thrift")
"""Everything becomes text as soon as it is answered: what springs the trap."""
SAID = "[the assistant said: {}]"


async def exchange(harness: SessionHarness, words: str, *, by_voice: bool) -> list[Turn]:
    """One turn and all that was answered, the silent reply included."""
    before = len(harness.snapshot.ledger.turns)
    await (harness.speak(words) if by_voice else harness.say(words))
    await harness.settled()
    return [t for t in list(harness.snapshot.ledger.turns)[before:] if t.role == "assistant"]


def only_spoken(turns: list[Turn]) -> None:
    assert [turn.spoken for turn in turns] == [True]
    assert turns[0].audio_ms > 0


@pytest.mark.parametrize("by_voice", [False, True], ids=["typed", "spoken"])
async def test_a_silent_reply_is_asked_for_again_and_is_then_heard(
    tmp_path: Path, by_voice: bool
) -> None:
    async with (
        toy_server() as server,
        trapped(server.url) as trap,
        running_session(trap.proxy.url, tmp_path, limits=THRIFT) as harness,
    ):
        only_spoken(await exchange(harness, "one two three", by_voice=by_voice))
        await harness.until(lambda _: trap.held)  # the assistant's words are text now
        silent, heard = await exchange(harness, "four five six", by_voice=by_voice)
        assert silent.note == "came without sound, asked for again"
        assert silent.text == heard.text == "four five six"
        assert (silent.spoken, silent.in_window) == (False, False)
        assert (heard.spoken, heard.in_window) == (True, True)
        assert heard.audio_ms > 0
        assert heard.heard_ms in (None, heard.audio_ms)
        asked = await harness.event(e.VoiceRepairRequested)
        assert asked.withdrawn == (silent.id,)
        assert len(asked.turns) == 2
        # From now on nothing of the assistant's goes back as its own words.
        only_spoken(await exchange(harness, "seven eight", by_voice=by_voice))
        only_spoken(await exchange(harness, "red green", by_voice=by_voice))
        assert (trap.silent, trap.spoken) == (1, 4)
        assert trap.created("assistant") == ["one two three"]
        moved = [text for text in trap.created("system") if text.startswith("[the assistant")]
        assert moved[0] == SAID.format("one two three")
        assert moved.count(SAID.format("one two three")) == 1
        assert SAID.format("four five six") in moved
        assert SAID.format("seven eight") in moved
        facts, path = list(harness.events), harness.session.path
        ledger = harness.snapshot.ledger
        row = next(c for c in ledger.compactions if c.kind == "voice")
        assert (row.stage, row.cause) == ("confirmed", "the reply came without sound")
    journaled = read(path)
    assert journaled.notes == ()
    assert journaled.events[: len(facts)] == facts
    done = [f for f in journaled.events if isinstance(f, e.ResponseDone)]
    assert [fact.audio for fact in done] == [True, False, True, True, True]
    again = load(path).ledger
    assert again.voice_by_system
    assert again.silent == 0
    assert fold(journaled.events).turns == again.turns


async def test_a_talk_that_is_resumed_remembers_the_trap(tmp_path: Path) -> None:
    async with toy_server() as server, trapped(server.url) as trap:
        opening = SessionOptions(
            settings=settings(trap.proxy.url, context=ContextSettings(policy="thrift")),
            folder=tmp_path,
        )

        def first(talk: HeadlessSession) -> None:
            talk.say("one two three")
            talk.say("four five six")
            talk.say("seven eight")

        path = await driven(opening, first)
        assert (trap.silent, trap.spoken) == (1, 3)
        trap.sent.clear()

        def second(talk: HeadlessSession) -> None:
            answers = [t for t in talk.say("window") if t.role == "assistant"]
            only_spoken(answers)
            assert SAID.format("one two three") in answers[0].text

        again = SessionOptions(settings=opening.settings, folder=tmp_path, resume=path)
        assert await driven(again, second) == path
    assert trap.created("assistant") == []
    assert len([t for t in trap.created("system") if t.startswith("[the assistant said")]) >= 3
    assert (trap.silent, trap.spoken) == (1, 4)


async def test_a_line_that_broke_springs_the_trap_as_well(tmp_path: Path) -> None:
    """The new server session is given the assistant's words as text: nothing was pruned."""
    async with (
        toy_server() as server,
        trapped(server.url) as trap,
        running_session(trap.proxy.url, tmp_path) as harness,
    ):
        for words in ("one two", "three four"):
            only_spoken(await exchange(harness, words, by_voice=False))
        assert trap.held == set()
        trap.proxy.cut_oldest()
        await harness.event(e.ConnectionLost)
        await harness.online()
        assert len(trap.held) == 2
        silent, heard = await exchange(harness, "five six", by_voice=False)
        assert (silent.in_window, heard.in_window) == (False, True)
        assert heard.audio_ms > 0
        since = len(harness.events)
        trap.proxy.cut_oldest()
        await harness.event(e.ConnectionLost, since=since)
        await harness.online()
        only_spoken(await exchange(harness, "seven", by_voice=False))
        assert (trap.silent, trap.spoken) == (1, 4)


async def test_without_the_trap_nothing_is_moved(tmp_path: Path) -> None:
    """The guard must not cry wolf: words stay the assistant's own where replies are heard."""
    async with (
        toy_server() as server,
        running_session(server.url, tmp_path, limits=THRIFT) as harness,
    ):
        for words in ("one two", "three four", "five six"):
            only_spoken(await exchange(harness, words, by_voice=False))
        assert not harness.snapshot.ledger.voice_by_system
        assert not [f for f in harness.events if isinstance(f, e.VoiceRepairRequested)]
