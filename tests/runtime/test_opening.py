"""From settings to a talk: begun, gone on with, refused, recorded, and what it tells of trouble."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.session_harness import toy_server
from tests.runtime.test_recorder import sound
from tui_voice.config import (
    ApiKey,
    AudioSettings,
    BackendSettings,
    ContextSettings,
    Settings,
    SummarySettings,
)
from tui_voice.conversation import events as e
from tui_voice.conversation.limits import Limits
from tui_voice.errors import SettingsError, StoreError
from tui_voice.runtime.factories import limits_of, profile_of, summariser_of
from tui_voice.runtime.headless import HeadlessSession
from tui_voice.runtime.recall import Recall
from tui_voice.runtime.recorder import beside
from tui_voice.runtime.session_factory import SessionOptions, open_session
from tui_voice.runtime.tools import Tools
from tui_voice.store.codec import encode
from tui_voice.store.journal import Journal
from tui_voice.store.reading import read
from tui_voice.store.rescue import put_aside

HOLDER = """
import sys
from pathlib import Path
from tui_voice.store.journal import Journal
journal = Journal.open(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def settings(url: str, **groups: object) -> Settings:
    backend = BackendSettings(kind="ws", url=url, model="toy")
    given = {"audio": AudioSettings(), "context": ContextSettings(policy="notebook"), **groups}
    return replace(Settings(backend=backend), **given)  # type: ignore[arg-type]  # groups


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUI_VOICE_CACHE_DIR", str(tmp_path / "cache"))


async def driven(
    opening: SessionOptions, use: Callable[[HeadlessSession], None], **more: bool
) -> Path:
    """Uses a talk in a thread, as commands do, while the server runs on this loop."""

    def hold() -> Path:
        with HeadlessSession(opening, **more) as talk:
            use(talk)
            return talk.session.path

    return await asyncio.to_thread(hold)


async def test_a_talk_is_begun_and_gone_on_with(tmp_path: Path) -> None:
    heard: list[e.Event] = []
    async with toy_server() as server:
        opening = SessionOptions(settings=settings(server.url), folder=tmp_path / "talks")

        def first(talk: HeadlessSession) -> None:
            assert [turn.text for turn in talk.say("hello Anna")] == ["hello Anna"] * 2

        path = await driven(replace(opening, on_fact=heard.append), first)
        again = replace(opening, resume=path)

        def second(talk: HeadlessSession) -> None:
            [_, answer] = talk.say("window")
            assert "user: hello Anna" in answer.text
            assert len(talk.now.ledger.turns) == 4

        assert await driven(again, second) == path
    events = read(path).events
    kinds = [type(event) for event in events]
    assert kinds.count(e.SessionOpened) == kinds.count(e.SessionResumed) == 1
    stamps = [event.at for event in events]
    assert stamps == sorted(stamps)
    assert heard == []  # a talk that is driven is heard by whoever drives it


async def test_a_written_talk_has_no_sound(tmp_path: Path) -> None:
    async with toy_server() as server:
        written = settings(server.url, audio=AudioSettings(text_only=True, record=True))
        opening = SessionOptions(settings=written, folder=tmp_path)

        def use(talk: HeadlessSession) -> None:
            said = talk.say("hello Anna")
            assert [(turn.modality, turn.text) for turn in said] == [("text", "hello Anna")] * 2

        path = await driven(opening, use)
    assert not beside(path, "voice").exists()


async def test_recall_is_offered_unless_the_user_does_not_want_it(tmp_path: Path) -> None:
    from tests.server.toy_engines_harness import ToyEngines

    for wanted in (True, False):
        engines = ToyEngines()
        async with toy_server(engines) as server:
            context = ContextSettings(policy="notebook", recall=wanted)
            opening = SessionOptions(
                settings=settings(server.url, context=context), folder=tmp_path / str(wanted)
            )
            await driven(opening, lambda talk: talk.say("hello") and None)
        offered = [tool["name"] for tool in engines.llm.requests[0].tools]
        assert offered == (["recall"] if wanted else [])


async def test_the_sound_is_kept_where_the_user_asks_for_it(tmp_path: Path) -> None:
    async with toy_server() as server:
        audio = AudioSettings(record=True)
        opening = SessionOptions(settings=settings(server.url, audio=audio), folder=tmp_path)
        path = await driven(opening, lambda talk: talk.say("one two") and None)
    assert len(sound(beside(path, "voice"))) > 10_000
    assert not beside(path, "you").exists()


async def test_a_disk_that_does_not_take_the_talk_is_told_and_the_talk_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("XDG_STATE_HOME", "HOME", "USERPROFILE", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    folder = tmp_path / "talks"
    folder.write_text("this is no folder")
    async with toy_server() as server:
        opening = SessionOptions(settings=settings(server.url), folder=folder)

        def use(talk: HeadlessSession) -> None:
            talk.say("hello")
            assert talk.session.meters().unsaved > 0
            told = [n for n in talk.now.ledger.notices if n.severity == "error"]
            assert told

        with pytest.raises(StoreError, match=r"could not be saved .its folder is a file.") as end:
            await driven(opening, use)
    kept = Path(str(end.value).rpartition(" kept in ")[2])
    assert kept.is_relative_to(tmp_path / "home")
    said = [event.text for event in read(kept).events if isinstance(event, e.TextSubmitted)]
    assert said == ["hello"]


async def test_what_no_disk_took_is_back_when_the_talk_goes_on(tmp_path: Path) -> None:
    opened = e.SessionOpened(id="t", started="2026-11-22T12:00:00+00:00", backend="ws", model="toy")
    journal = Journal.create(tmp_path, opened)
    journal.close()
    lost = e.TextSubmitted(at=5, item_id="lost", text="hello Anna")
    put_aside(journal.path, 1, encode(lost), "the disk is full")
    async with toy_server() as server:
        opening = SessionOptions(
            settings=settings(server.url), folder=tmp_path, resume=journal.path
        )

        def use(talk: HeadlessSession) -> None:
            [told] = [n.text for n in talk.now.ledger.notices]
            assert told == "What could not be saved the last time is in the session again: 1 event."
            [_, answer] = talk.say("window")
            assert "user: hello Anna" in answer.text

        await driven(opening, use)


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Path]:
    """A journal that another process has open."""
    opened = e.SessionOpened(id="t", started="2026-11-22T12:00:00+00:00", backend="ws", model="toy")
    journal = Journal.create(tmp_path, opened)
    journal.close()
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(journal.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    assert holder.stdin is not None
    assert holder.stdout.readline() == b"held\n"
    yield journal.path
    holder.stdin.close()
    holder.stdout.close()
    holder.wait()


def test_a_talk_that_another_process_has_is_refused(held: Path) -> None:
    opening = SessionOptions(
        settings=settings("ws://127.0.0.1:9/x"), folder=held.parent, resume=held
    )
    with pytest.raises(StoreError) as caught:
        open_session(opening)
    assert str(caught.value)
    if os.name == "posix":
        assert any(character.isdigit() for character in str(caught.value))  # the pid


def test_what_is_no_talk_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text("hello\n")
    opening = SessionOptions(settings=settings("ws://127.0.0.1:9/x"), folder=tmp_path, resume=path)
    with pytest.raises(StoreError):
        open_session(opening)
    with pytest.raises(StoreError):
        open_session(replace(opening, resume=tmp_path / "missing.jsonl"))


def limited(**context: Any) -> tuple[Limits, e.TriggerChecked | None]:
    """The limits that these settings of the context come to, without tools."""
    spoken = context.pop("spoken", True)
    wanted = settings(
        "ws://h/x", context=ContextSettings(**context), audio=AudioSettings(text_only=not spoken)
    )
    wanted = replace(wanted, origins={"context.trigger": "--trigger"})
    return limits_of(wanted, profile_of(wanted, Tools()))


def test_limits_and_profile_come_from_the_settings() -> None:
    limits, caution = limited(policy="thrift", trigger=900, messages=40)
    assert (limits.policy, limits.trigger, limits.messages) == ("thrift", 900, 40)
    assert caution is not None
    assert (caution.trigger, caution.instead, caution.usual) == (900, 900, True)
    assert caution.weighs > 900
    wanted = settings("ws://h/x", audio=AudioSettings(noise_reduction="off"))
    profile = profile_of(wanted, Tools())
    assert (profile.model, profile.noise_reduction) == ("toy", "")


def test_a_typed_talk_fits_narrower_limits_than_a_spoken_one() -> None:
    assert limited(trigger=500, keep=2)[1] is not None
    assert limited(trigger=500, keep=2, spoken=False)[1] is None
    assert limited(trigger=450, keep=2, spoken=False)[1] is None
    assert limited()[1] is None


@pytest.mark.parametrize(
    ("context", "told", "remedy"),
    [
        ({"trigger": 5}, r"context\.trigger 5 \(--trigger\) is below what stays", "or more"),
        ({"trigger": 130, "keep": 2}, "2 kept turns weigh at least 133", "to 133 or more"),
        ({"trigger": 90_000_0}, "is never reached", "or less"),
        ({"keep": 10_000}, r"context\.keep 10,000 \(default\) is more than", "Keep at most"),
        ({"messages": 9, "keep": 8}, r"context\.messages 9 .* too few", "at least 10"),
    ],
)
def test_limits_that_no_talk_fits_are_refused(
    context: dict[str, int], told: str, remedy: str
) -> None:
    with pytest.raises(SettingsError, match=told) as caught:
        limited(**context)
    assert remedy in caught.value.hint


def test_what_the_instructions_and_tools_weigh_counts() -> None:
    """The real ones, counted where it decides: the same trigger fits without them."""
    assert limited(trigger=140, keep=2)[0].trigger == 140
    wanted = settings("ws://h/x", context=ContextSettings(trigger=140, keep=2))
    profile = profile_of(wanted, Tools().and_(Recall(Path("x")).tool()))
    with pytest.raises(SettingsError, match=r"instructions \(1\d\d tokens\)"):
        limits_of(wanted, profile)
    long = replace(profile_of(wanted, Tools()), instructions="Be kind. " * 200)
    with pytest.raises(SettingsError, match=r"instructions \(60\d tokens\)"):
        limits_of(wanted, long)


@pytest.mark.parametrize("policy", ["balanced", "thrift", "notebook", "textify", "none", "server"])
def test_every_policy_can_be_had(policy: str) -> None:
    limits, caution = limited(policy=policy)
    assert (limits.policy, caution) == (policy, None)
    assert limits.trigger == (8_000 if policy == "server" else limits.trigger)


def test_who_writes_summaries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ApiKey, "read", lambda _key, _env=None: "sk-1")

    def writers(wanted: Settings) -> list[str]:
        return [writer.name for writer in summariser_of(wanted).writers]

    here = settings("ws://h/x")
    assert writers(here) == ["session"]
    assert writers(replace(here, summary=SummarySettings(url="http://h/v1"))) == [
        "http://h/v1",
        "session",
    ]
    assert writers(replace(here, summary=SummarySettings(by="model"))) == ["gpt-6-luna", "session"]
    assert writers(Settings(backend=BackendSettings(kind="openai"))) == ["gpt-6-luna", "session"]
