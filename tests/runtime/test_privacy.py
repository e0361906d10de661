"""Which sessions a server may get: by `recall`, by resuming, and when they are private."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.session_harness import drive, settings_for, toy_server
from tests.runtime.test_recall import RecallingEngines
from tui_voice.config import PrivacySettings, Settings
from tui_voice.conversation import events as e
from tui_voice.errors import BackendError
from tui_voice.runtime.headless import HeadlessSession
from tui_voice.runtime.privacy import (
    hosts_beyond,
    is_this_machine,
    server_of,
)
from tui_voice.runtime.privacy import (
    settings_for as resumed,
)
from tui_voice.runtime.recall import Recall
from tui_voice.runtime.session_factory import SessionOptions, open_session
from tui_voice.store import catalog
from tui_voice.store.journal import Journal
from tui_voice.store.reading import load, read

SECRET = "My bank PIN is 4711."


def save(
    folder: Path,
    name: str,
    text: str = SECRET,
    *later: e.Event,
    backend: str = "local",
    **more: Any,
) -> Path:
    """A saved session with one typed turn."""
    opened = e.SessionOpened(
        id=name, started="2026-10-01T10:00:00+00:00", backend=backend, model="m", **more
    )
    journal = Journal.create(folder, opened)
    journal.append(e.TextSubmitted(at=1, item_id=f"turn_{name}", text=text))
    for event in later:
        journal.append(event)
    journal.close()
    return journal.path


def found(folder: Path, held_with: str | None) -> list[str]:
    answer = Recall(folder, folder.parent / "cache", held_with=held_with).run({"query": "PIN"})
    hits = answer["found"]
    assert isinstance(hits, list)
    return sorted(str(hit["excerpt"]) for hit in hits)


# ── recall ───────────────────────────────────────────────────────────────────────────────────


def test_recall_reaches_the_sessions_of_the_same_server_alone(tmp_path: Path) -> None:
    folder = tmp_path / "sessions"
    save(folder, "offline", "offline PIN")
    save(folder, "foreign", "foreign PIN", backend="ws", server="a.example:443")
    save(folder, "older", "older PIN", backend="ws")  # its host is not known
    moved = e.SessionResumed(at=2, backend="openai", model="m")
    save(folder, "moved", "PIN of a session that two servers have held", moved)
    save(folder, "hidden", "private PIN", e.PrivacyChanged(at=2))
    assert found(folder, "local") == ["offline PIN"]
    assert found(folder, "ws a.example:443") == ["foreign PIN"]
    assert found(folder, "ws b.example:443") == []
    assert found(folder, "openai") == []
    assert len(found(folder, None)) == 4  # all but the private one


def test_the_running_session_is_always_reached(tmp_path: Path) -> None:
    folder = tmp_path / "sessions"
    path = save(folder, "own", SECRET, e.PrivacyChanged(at=2))
    recall = Recall(folder, tmp_path / "cache", held_with="ws b.example")
    recall.reach = replace(recall.reach, own=path.name)
    assert recall.run({"query": "PIN"})["found"]


@pytest.mark.parametrize("everywhere", [False, True])
async def test_a_foreign_server_that_calls_recall_gets_no_offline_session(
    tmp_path: Path, everywhere: bool
) -> None:
    """It gets it if the user has said so."""
    folder = tmp_path / "sessions"
    save(folder, "offline")
    async with toy_server(RecallingEngines()) as server:
        privacy = PrivacySettings(recall_everywhere=everywhere)
        options = SessionOptions(settings=settings_for(server.url, privacy=privacy), folder=folder)
        path = await drive(options, lambda session: session.say("What is my PIN?"))
    [answer] = [event.output for event in read(path).events if isinstance(event, e.ToolAnswered)]
    assert ("4711" in answer) is everywhere


# ── private sessions ─────────────────────────────────────────────────────────────────────────


def remote(**groups: Any) -> Settings:
    return settings_for("wss://voice.example/v1/realtime", **groups)


def test_a_private_session_is_not_resumed_on_another_machine(tmp_path: Path) -> None:
    path = save(tmp_path, "hidden")
    catalog.mark_private(path, private=True)
    before = path.read_bytes()
    with pytest.raises(
        BackendError, match=r"private.*voice\.example would get its turns"
    ) as raised:
        open_session(SessionOptions(settings=remote(), folder=tmp_path, resume=path))
    assert "--backend local" in raised.value.hint
    assert path.read_bytes() == before
    catalog.mark_private(path, private=False)
    assert not load(path).ledger.private


def test_a_new_private_session_does_not_begin_on_another_machine(tmp_path: Path) -> None:
    settings = remote(privacy=PrivacySettings(private=True))
    with pytest.raises(BackendError, match="private"):
        open_session(SessionOptions(settings=settings, folder=tmp_path))
    assert list(tmp_path.iterdir()) == []


async def test_a_session_begun_as_private_is_marked_from_its_start(tmp_path: Path) -> None:
    async with toy_server() as server:
        settings = settings_for(server.url, privacy=PrivacySettings(private=True))
        path = await drive(SessionOptions(settings=settings, folder=tmp_path), use_once)
        again = SessionOptions(settings=settings, folder=tmp_path, resume=path)
        assert await drive(again, use_once) == path
    names = [event.name for event in read(path).events]
    assert names[1] == "privacy_changed"
    assert names.count("privacy_changed") == 1
    assert catalog.list_sessions(tmp_path, tmp_path / "cache")[0].private


def use_once(session: HeadlessSession) -> None:
    session.say("one")


def test_a_fork_of_a_private_session_is_private(tmp_path: Path) -> None:
    path = save(tmp_path, "hidden", "one", e.PrivacyChanged(at=2))
    assert load(catalog.fork(path, "turn_hidden")).ledger.private


# ── resuming elsewhere ───────────────────────────────────────────────────────────────────────


def test_an_offline_session_stays_offline_unless_a_server_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "x" * 20)
    ledger = load(save(tmp_path, "offline")).ledger
    auto = Settings()
    settings, notice = resumed(auto, ledger)
    assert settings.backend.kind == "local"
    assert "`--backend openai`" in notice
    named = replace(auto, backend=replace(auto.backend, kind="openai"))
    settings, notice = resumed(named, ledger)
    assert settings is named
    assert "held with: local" in notice
    assert "now go to: openai" in notice


async def test_resuming_with_a_server_on_this_machine_says_nothing(tmp_path: Path) -> None:
    path = save(tmp_path, "offline")
    async with toy_server() as server:
        options = SessionOptions(settings=settings_for(server.url), folder=tmp_path, resume=path)
        await drive(options, use_once)
        host = server.url.split("/")[2]
    assert not [event for event in read(path).events if isinstance(event, e.Noticed)]
    assert load(path).ledger.held_with == ("local", f"ws {host}")


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("localhost", True),
        ("LOCALHOST:80", True),
        ("127.0.0.1:8765", True),
        ("127.9.9.9", True),
        ("[::1]:80", True),
        ("0.0.0.0:80", False),
        ("10.0.0.1", False),
        ("localhost.example.com", False),
        ("", False),
    ],
)
def test_loopback_is_this_machine(host: str, here: bool) -> None:
    assert is_this_machine(host) is here


def test_every_host_that_gets_turns_is_named() -> None:
    local = Settings(backend=replace(Settings().backend, kind="local"))
    assert hosts_beyond(local) == []
    elsewhere = replace(local.backend, llm_url="https://user:pass@llm.example:1234/v1")
    assert hosts_beyond(replace(local, backend=elsewhere)) == ["llm.example:1234"]
    assert server_of(replace(local, backend=elsewhere)) == "llm.example:1234"
    here = replace(local.backend, llm_url="http://127.0.0.1:11434/v1")
    assert hosts_beyond(replace(local, backend=here)) == []
    summaries = replace(local.summary, by="url", url="https://sum.example/v1")
    assert hosts_beyond(replace(local, summary=summaries)) == ["sum.example"]
    summaries = replace(local.summary, by="model")
    assert hosts_beyond(replace(local, summary=summaries)) == ["api.openai.com"]
    openai = replace(local.backend, kind="openai")
    assert hosts_beyond(replace(local, backend=openai)) == ["api.openai.com"]
