"""A session without a screen: whoever waits for it notices whatever ends a reply or the session."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection

from tests.runtime.scripted_server_harness import (
    Behaviour,
    Request,
    Send,
    add_a_stray_item,
    answer,
    cut_midway,
    fail,
    refuse,
    say_nothing,
    scripted_server,
    stop_midway,
)
from tests.runtime.session_harness import drive, settings_for, toy_server
from tui_voice.config import BackendSettings, Settings
from tui_voice.conversation import events as e
from tui_voice.errors import BackendError, TuiVoiceError
from tui_voice.runtime import headless
from tui_voice.runtime.headless import HeadlessSession, ReplyFailed
from tui_voice.runtime.session_factory import SessionOptions

REPLY_TIMEOUT_S = 0.3


def options(url: str, folder: Path) -> SessionOptions:
    settings = settings_for(url)
    backend = replace(settings.backend, reply_timeout_s=REPLY_TIMEOUT_S)
    return SessionOptions(settings=replace(settings, backend=backend), folder=folder)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUI_VOICE_CACHE_DIR", str(tmp_path / "cache"))


def locks_in(folder: Path) -> list[Path]:
    return list(folder.glob(".*.pid"))


# ── replies that fail ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("behaviour", "reason", "partial"),
    [
        (refuse, "Not now.", ""),
        (fail, "No model today.", ""),
        (say_nothing, "nothing came within", ""),
        (stop_midway, "nothing came within", "I hear you"),
        (cut_midway, "a lost connection cut off the reply", "I hear you"),
    ],
)
async def test_the_session_goes_on_after_a_reply_that_failed(
    tmp_path: Path, behaviour: Behaviour, reason: str, partial: str
) -> None:
    def use(session: HeadlessSession) -> None:
        with pytest.raises(ReplyFailed) as failed:
            session.say("hello")
        assert reason in str(failed.value)
        texts = [turn.text for turn in failed.value.turns]
        assert texts == ["hello", partial] if partial else texts[:1] == ["hello"]
        assert [turn.text for turn in session.say("again")] == ["again", "I hear you."]

    async with scripted_server(behaviour) as url:
        await drive(options(url, tmp_path), use)


async def test_an_item_outside_of_any_response_is_not_waited_for(tmp_path: Path) -> None:
    def use(session: HeadlessSession) -> None:
        for _ in range(2):
            assert session.say("hello")[-1].text == "I hear you."

    async with scripted_server(add_a_stray_item) as url:
        await drive(options(url, tmp_path), use)


async def test_a_summary_where_nothing_is_to_be_summarised_fails_at_once(tmp_path: Path) -> None:
    def use(session: HeadlessSession) -> None:
        session.say("hello")
        with pytest.raises(TuiVoiceError, match="Nothing was summarised"):
            session.summarise()
        session.say("again")

    async with toy_server() as server:
        await drive(options(server.url, tmp_path), use)


# ── the end of the session, or of its connection ─────────────────────────────────────────────


@pytest.mark.parametrize("waits_for", ["reply", "input"])
async def test_whoever_waits_gets_the_error_that_ended_the_session(
    tmp_path: Path, waits_for: str
) -> None:
    """A text with half a character cannot be written to the journal."""

    def use(session: HeadlessSession) -> None:
        if waits_for == "reply":
            session.say("caf\udce9")
        else:
            session._session.post(e.TextSubmitted(item_id="x", text="caf\udce9"))
            session.wait_for(lambda: False)

    async with toy_server() as server:
        with pytest.raises(UnicodeEncodeError):
            await drive(options(server.url, tmp_path), use)


async def test_an_error_of_the_caller_of_on_event_is_raised_in_the_caller(tmp_path: Path) -> None:
    def broken_pipe(event: e.Event) -> None:
        if isinstance(event, e.ConnectionOpened):
            raise BrokenPipeError

    async with toy_server() as server:
        with pytest.raises(BrokenPipeError):
            await drive(options(server.url, tmp_path), lambda _session: None, on_event=broken_pipe)
    assert locks_in(tmp_path) == []


async def test_the_caller_is_told_why_it_waits_and_the_wait_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(headless, "OUTAGE_TIMEOUT_S", 1.0)
    sentences: list[str] = []
    async with scripted_server() as url:
        pass
    with pytest.raises(BackendError, match="no server answers"):
        await drive(options(url, tmp_path), lambda _session: None, on_wait=sentences.append)
    assert sentences == [f"no server answers at {url}; trying again."]


async def test_a_server_that_goes_away_during_a_reply_ends_the_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(headless, "OUTAGE_TIMEOUT_S", 1.0)
    gone = asyncio.Event()

    async def go_away(_send: Send, _connection: ServerConnection, _request: Request) -> None:
        gone.set()

    sentences: list[str] = []
    async with scripted_server(go_away) as url:
        waiting = asyncio.create_task(
            drive(
                options(url, tmp_path), lambda session: session.say("hi"), on_wait=sentences.append
            )
        )
        await gone.wait()
    with pytest.raises(BackendError, match="no server answers"):
        await waiting
    assert sentences[-1].startswith("no server answers")


async def test_a_long_wait_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headless, "QUIET_S", 0.05)
    sentences: list[str] = []

    async def be_slow(send: Send, connection: ServerConnection, request: Request) -> None:
        await asyncio.sleep(1.0)
        await answer(send, connection, request)

    slow = options("", tmp_path)
    async with scripted_server(be_slow) as url:
        backend = BackendSettings(kind="ws", url=url, model="toy")
        slow = replace(slow, settings=Settings(backend=backend))
        await drive(slow, lambda session: session.say("hi") and None, on_wait=sentences.append)
    assert sentences[-1:] == ["waiting for the reply."]
    assert len(sentences) <= 2  # the first may be about the connection
