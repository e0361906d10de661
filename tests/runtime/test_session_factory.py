"""A session is opened from settings: new, resumed, refused, recorded, on a disk that is full."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import soundfile

from tests.runtime.session_harness import drive, settings_for, toy_server
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
from tui_voice.conversation.reducers import fold
from tui_voice.errors import SettingsError, StoreError
from tui_voice.runtime.factories import limits_of, session_config_of, summariser_of
from tui_voice.runtime.headless import HeadlessSession
from tui_voice.runtime.recall import Recall
from tui_voice.runtime.recorder import recording_path
from tui_voice.runtime.session_factory import SessionOptions, open_session
from tui_voice.runtime.tools import Tools
from tui_voice.store.catalog import recordings
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


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUI_VOICE_CACHE_DIR", str(tmp_path / "cache"))


async def test_a_session_is_opened_and_resumed(tmp_path: Path) -> None:
    replaced: list[e.Event] = []
    async with toy_server() as server:
        options = SessionOptions(settings=settings_for(server.url), folder=tmp_path / "sessions")

        def first(session: HeadlessSession) -> None:
            assert [turn.text for turn in session.say("hello Anna")] == ["hello Anna"] * 2

        path = await drive(replace(options, on_event=replaced.append), first)
        again = replace(options, resume=path)

        def second(session: HeadlessSession) -> None:
            [_, answer] = session.say("window")
            assert "user: hello Anna" in answer.text
            assert len(session.snapshot.ledger.turns) == 4

        assert await drive(again, second) == path
    events = read(path).events
    kinds = [type(event) for event in events]
    assert kinds.count(e.SessionOpened) == kinds.count(e.SessionResumed) == 1
    stamps = [event.at for event in events]
    assert stamps == sorted(stamps)
    assert replaced == []  # `HeadlessSession` takes its own `on_event` and replaces this one


async def test_a_text_session_has_no_audio(tmp_path: Path) -> None:
    async with toy_server() as server:
        written = settings_for(server.url, audio=AudioSettings(text_only=True, record=True))
        options = SessionOptions(settings=written, folder=tmp_path)

        def use(session: HeadlessSession) -> None:
            said = session.say("hello Anna")
            assert [(turn.modality, turn.text) for turn in said] == [("text", "hello Anna")] * 2
            assert not session._session.meters().recording

        path = await drive(options, use)
    assert recordings(path) == []


async def test_recall_is_offered_unless_the_settings_forbid_it(tmp_path: Path) -> None:
    from tests.server.toy_engines_harness import ToyEngines

    for wanted in (True, False):
        engines = ToyEngines()
        async with toy_server(engines) as server:
            context = ContextSettings(policy="notebook", recall=wanted)
            options = SessionOptions(
                settings=settings_for(server.url, context=context), folder=tmp_path / str(wanted)
            )
            await drive(options, lambda session: session.say("hello") and None)
        offered = [tool["name"] for tool in engines.llm.requests[0].tools]
        assert offered == (["recall"] if wanted else [])


async def test_audio_is_recorded_where_the_settings_ask_for_it(tmp_path: Path) -> None:
    async with toy_server() as server:
        recording = AudioSettings(record=True)
        options = SessionOptions(
            settings=settings_for(server.url, audio=recording), folder=tmp_path
        )
        path = await drive(options, lambda session: session.say("one two") and None)
    sound, _ = soundfile.read(recording_path(path, 0), dtype="int16")
    you, voice = sound[:, 0], sound[:, 1]
    assert abs(voice).max() > 1_000
    assert not you.any()


async def test_a_session_goes_on_when_its_journal_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("XDG_STATE_HOME", "HOME", "USERPROFILE", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    folder = tmp_path / "sessions"
    folder.write_text("this is no folder")
    async with toy_server() as server:
        options = SessionOptions(settings=settings_for(server.url), folder=folder)

        def use(session: HeadlessSession) -> None:
            session.say("hello")
            assert session.unsaved > 0
            notices = session.snapshot.ledger.notices
            assert any(notice.severity == "error" for notice in notices)

        with pytest.raises(StoreError, match=r"could not be saved .its folder is a file.") as end:
            await drive(options, use)
    kept = Path(str(end.value).rpartition(" kept in ")[2])
    assert kept.is_relative_to(tmp_path / "home")
    said = [event.text for event in read(kept).events if isinstance(event, e.TextSubmitted)]
    assert said == ["hello"]


async def test_a_resumed_session_has_the_events_of_its_rescue_file(tmp_path: Path) -> None:
    opened = e.SessionOpened(id="t", started="2026-11-22T12:00:00+00:00", backend="ws", model="toy")
    journal = Journal.create(tmp_path, opened)
    journal.close()
    lost = e.TextSubmitted(at=5, item_id="lost", text="hello Anna")
    put_aside(journal.path, 1, encode(lost), "the disk is full")
    async with toy_server() as server:
        options = SessionOptions(
            settings=settings_for(server.url), folder=tmp_path, resume=journal.path
        )

        def use(session: HeadlessSession) -> None:
            [notice] = [n.text for n in session.snapshot.ledger.notices]
            assert notice == "What could not be saved last time has been recovered: 1 event."
            [_, answer] = session.say("window")
            assert "user: hello Anna" in answer.text

        await drive(options, use)


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


def test_a_session_that_another_process_has_open_is_refused(held: Path) -> None:
    options = SessionOptions(
        settings=settings_for("ws://127.0.0.1:9/x"), folder=held.parent, resume=held
    )
    with pytest.raises(StoreError) as caught:
        open_session(options)
    assert str(caught.value)
    if os.name == "posix":
        assert any(character.isdigit() for character in str(caught.value))  # the pid


def test_a_file_that_is_not_a_session_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text("hello\n")
    options = SessionOptions(
        settings=settings_for("ws://127.0.0.1:9/x"), folder=tmp_path, resume=path
    )
    with pytest.raises(StoreError):
        open_session(options)
    with pytest.raises(StoreError):
        open_session(replace(options, resume=tmp_path / "missing.jsonl"))


def limited(**context: Any) -> tuple[Limits, e.TriggerChecked | None]:
    """Return limits and caution under these context settings, without tools."""
    spoken = context.pop("spoken", True)
    wanted = settings_for(
        "ws://h/x", context=ContextSettings(**context), audio=AudioSettings(text_only=not spoken)
    )
    wanted = replace(wanted, origins={"context.trigger": "--trigger"})
    return limits_of(wanted, session_config_of(wanted, Tools()))


def test_limits_and_profile_come_from_the_settings() -> None:
    limits, caution = limited(policy="thrift", trigger=900, messages=40)
    assert (limits.policy, limits.trigger, limits.messages) == ("thrift", 900, 40)
    assert caution is not None
    assert (caution.trigger, caution.instead, caution.usual) == (900, 900, True)
    assert caution.weighs > 900
    wanted = settings_for("ws://h/x", audio=AudioSettings(noise_reduction="off"))
    profile = session_config_of(wanted, Tools())
    assert (profile.model, profile.noise_reduction) == ("toy", "")


def test_a_text_session_fits_narrower_limits_than_a_voice_session() -> None:
    assert limited(trigger=500, keep=2)[1] is not None
    assert limited(trigger=500, keep=2, spoken=False)[1] is None
    assert limited(trigger=450, keep=2, spoken=False)[1] is None
    assert limited()[1] is None


@pytest.mark.parametrize(
    ("context", "message", "remedy"),
    [
        ({"trigger": 5}, r"context\.trigger 5 \(--trigger\) is below what stays", "or more"),
        ({"trigger": 130, "keep": 2}, "2 kept turns weigh at least 133", "to 133 or more"),
        ({"trigger": 90_000_0}, "is never reached", "or less"),
        ({"keep": 10_000}, r"context\.keep 10,000 \(default\) is more than", "Keep at most"),
        ({"messages": 9, "keep": 8}, r"context\.messages 9 .* too few", "at least 10"),
    ],
)
def test_limits_that_no_session_fits_are_refused(
    context: dict[str, int], message: str, remedy: str
) -> None:
    with pytest.raises(SettingsError, match=message) as caught:
        limited(**context)
    assert remedy in caught.value.hint


def test_the_tokens_of_instructions_and_tools_count() -> None:
    """They are counted, not estimated: the same trigger fits without them."""
    assert limited(trigger=140, keep=2)[0].trigger == 140
    wanted = settings_for("ws://h/x", context=ContextSettings(trigger=140, keep=2))
    profile = session_config_of(wanted, Tools().and_(Recall(Path("x")).tool()))
    with pytest.raises(SettingsError, match=r"instructions \(1\d\d tokens\)"):
        limits_of(wanted, profile)
    long = replace(session_config_of(wanted, Tools()), instructions="Be kind. " * 200)
    with pytest.raises(SettingsError, match=r"instructions \(60\d tokens\)"):
        limits_of(wanted, long)


@pytest.mark.parametrize("policy", ["balanced", "thrift", "notebook", "textify", "none", "server"])
def test_every_policy_has_default_limits(policy: str) -> None:
    limits, caution = limited(policy=policy)
    assert (limits.policy, caution) == (policy, None)
    assert limits.trigger == (8_000 if policy == "server" else limits.trigger)


def test_the_settings_choose_the_writers_of_summaries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ApiKey, "read", lambda _key, _env=None: "sk-1")

    def writers(wanted: Settings) -> list[str]:
        return [writer.name for writer in summariser_of(wanted).writers]

    here = settings_for("ws://h/x")
    assert writers(here) == ["session"]
    assert writers(replace(here, summary=SummarySettings(url="http://h/v1"))) == [
        "http://h/v1",
        "session",
    ]
    assert writers(replace(here, summary=SummarySettings(by="model"))) == ["gpt-6-luna", "session"]
    assert writers(Settings(backend=BackendSettings(kind="openai"))) == ["gpt-6-luna", "session"]


async def test_a_session_in_which_nothing_was_said_is_not_kept(tmp_path: Path) -> None:
    async with toy_server() as server:
        options = SessionOptions(settings=settings_for(server.url), folder=tmp_path / "sessions")
        path = await drive(options, lambda _session: None)
        assert not path.exists()
        path = await drive(options, lambda session: session.say("hello Anna"))
        await drive(replace(options, resume=path), lambda _session: None)
        assert [turn.text for turn in fold(read(path).events).turns] == ["hello Anna"] * 2
