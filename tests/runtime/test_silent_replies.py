"""A server that answers without audio while the conversation holds assistant turns as text.

Such a reply is requested again after the assistant's turns were moved into system items, and the
session keeps doing so from then on.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.runtime.session_harness import (
    SessionHarness,
    drive,
    running_session,
    settings_for,
    toy_server,
)
from tests.runtime.silent_reply_proxy_harness import silent_reply_proxy
from tui_voice.config import ContextSettings
from tui_voice.conversation import events as e
from tui_voice.conversation.limits import Limits
from tui_voice.conversation.reducers import fold
from tui_voice.conversation.turns import Turn
from tui_voice.runtime.headless import HeadlessSession
from tui_voice.runtime.session_factory import SessionOptions
from tui_voice.store.reading import load, read

THRIFT = Limits(trigger=4_000, keep=24, policy="thrift")
"""Each turn becomes text as soon as it is answered, which causes the fault of the server."""
SAID = "[the assistant said: {}]"


async def exchange(harness: SessionHarness, words: str, *, by_voice: bool) -> list[Turn]:
    """Returns all replies to one turn, the one without audio included."""
    before = len(harness.snapshot.ledger.turns)
    await (harness.speak(words) if by_voice else harness.say(words))
    await harness.settled()
    return [t for t in list(harness.snapshot.ledger.turns)[before:] if t.role == "assistant"]


def only_spoken(turns: list[Turn]) -> None:
    assert [turn.spoken for turn in turns] == [True]
    assert turns[0].audio_ms > 0


@pytest.mark.parametrize("by_voice", [False, True], ids=["typed", "spoken"])
async def test_a_reply_without_audio_is_requested_again_and_then_has_audio(
    tmp_path: Path, by_voice: bool
) -> None:
    async with (
        toy_server() as server,
        silent_reply_proxy(server.url) as proxy,
        running_session(proxy.proxy.url, tmp_path, limits=THRIFT) as harness,
    ):
        only_spoken(await exchange(harness, "one two three", by_voice=by_voice))
        await harness.until(lambda _: proxy.held)  # the assistant's turn is text now
        silent, audible = await exchange(harness, "four five six", by_voice=by_voice)
        assert silent.note == "came without audio, asked for again"
        assert silent.text == audible.text == "four five six"
        assert (silent.spoken, silent.in_window) == (False, False)
        assert (audible.spoken, audible.in_window) == (True, True)
        assert audible.audio_ms > 0
        assert audible.heard_ms in (None, audible.audio_ms)
        asked = await harness.event(e.VoiceRepairRequested)
        assert asked.withdrawn == (silent.id,)
        assert len(asked.turns) == 2
        # From now on no text is created as a turn of the assistant.
        only_spoken(await exchange(harness, "seven eight", by_voice=by_voice))
        only_spoken(await exchange(harness, "red green", by_voice=by_voice))
        assert (proxy.silent, proxy.spoken) == (1, 4)
        assert proxy.created("assistant") == ["one two three"]
        moved = [text for text in proxy.created("system") if text.startswith("[the assistant")]
        assert moved[0] == SAID.format("one two three")
        assert moved.count(SAID.format("one two three")) == 1
        assert SAID.format("four five six") in moved
        assert SAID.format("seven eight") in moved
        events, path = list(harness.events), harness.session.path
        ledger = harness.snapshot.ledger
        row = next(c for c in ledger.compactions if c.kind == "voice")
        assert (row.stage, row.cause) == ("confirmed", "the reply came without audio")
    journaled = read(path)
    assert journaled.notes == ()
    assert journaled.events[: len(events)] == events
    done = [f for f in journaled.events if isinstance(f, e.ResponseDone)]
    assert [event.audio for event in done] == [True, False, True, True, True]
    again = load(path).ledger
    assert again.assistant_as_system
    assert again.silent_replies == 0
    assert fold(journaled.events).turns == again.turns


async def test_a_resumed_session_keeps_the_assistants_turns_in_system_items(tmp_path: Path) -> None:
    async with toy_server() as server, silent_reply_proxy(server.url) as proxy:
        options = SessionOptions(
            settings=settings_for(proxy.proxy.url, context=ContextSettings(policy="thrift")),
            folder=tmp_path,
        )

        def first(session: HeadlessSession) -> None:
            session.say("one two three")
            session.say("four five six")
            session.say("seven eight")

        path = await drive(options, first)
        assert (proxy.silent, proxy.spoken) == (1, 3)
        proxy.sent.clear()

        def second(session: HeadlessSession) -> None:
            answers = [t for t in session.say("window") if t.role == "assistant"]
            only_spoken(answers)
            assert SAID.format("one two three") in answers[0].text

        again = SessionOptions(settings=options.settings, folder=tmp_path, resume=path)
        assert await drive(again, second) == path
    assert proxy.created("assistant") == []
    assert len([t for t in proxy.created("system") if t.startswith("[the assistant said")]) >= 3
    assert (proxy.silent, proxy.spoken) == (1, 4)


async def test_a_reconnect_causes_the_fault_as_well(tmp_path: Path) -> None:
    """The new server session gets the assistant's turns as text, though nothing was pruned."""
    async with (
        toy_server() as server,
        silent_reply_proxy(server.url) as proxy,
        running_session(proxy.proxy.url, tmp_path) as harness,
    ):
        for words in ("one two", "three four"):
            only_spoken(await exchange(harness, words, by_voice=False))
        assert proxy.held == set()
        proxy.proxy.cut_oldest()
        await harness.event(e.ConnectionLost)
        await harness.online()
        await harness.until_on_loop(lambda: len(proxy.held) == 2)
        silent, audible = await exchange(harness, "five six", by_voice=False)
        assert (silent.in_window, audible.in_window) == (False, True)
        assert audible.audio_ms > 0
        since = len(harness.events)
        proxy.proxy.cut_oldest()
        await harness.event(e.ConnectionLost, since=since)
        await harness.online()
        only_spoken(await exchange(harness, "seven", by_voice=False))
        assert (proxy.silent, proxy.spoken) == (1, 4)


async def test_on_other_servers_nothing_is_moved(tmp_path: Path) -> None:
    """The assistant's turns stay its own where replies have audio."""
    async with (
        toy_server() as server,
        running_session(server.url, tmp_path, limits=THRIFT) as harness,
    ):
        for words in ("one two", "three four", "five six"):
            only_spoken(await exchange(harness, words, by_voice=False))
        assert not harness.snapshot.ledger.assistant_as_system
        assert not [f for f in harness.events if isinstance(f, e.VoiceRepairRequested)]
