"""Each shipped profile once from end to end, on the embedded server with a scripted chat server.

The server is real, with its WebSocket; only its ears and its voice are the tests' tones. What the
chat server says is written in the test.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.session_harness import SessionHarness, toy_server, utterance
from tests.server.local.http_harness import chunk, serving, stream
from tests.server.toy_engines_harness import ToyEngines
from tui_voice.__main__ import main
from tui_voice.audio.null import NullMicrophone, NullSpeaker
from tui_voice.audio.sound import SoundDevices
from tui_voice.cli.flags import editor_of, settings_for_session
from tui_voice.config import Settings, load
from tui_voice.conversation import events as e
from tui_voice.conversation.states import State
from tui_voice.runtime.outcomes import is_wanted, write_outcome
from tui_voice.runtime.session_factory import SessionOptions, open_session
from tui_voice.runtime.ticket import WITHOUT_MODEL
from tui_voice.server.local.chat import ChatResponder
from tui_voice.server.local.responder import LocalResponder
from tui_voice.store.catalog import mark_private
from tui_voice.store.reading import load as load_journal
from tui_voice.store.statistics import statistics


@dataclass
class ScriptedChat:
    """A chat server. `says`: from all that it was sent to its answer."""

    says: Callable[[str], str] = lambda _asked: "I see."
    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, path: str, body: bytes) -> tuple[int, str, bytes]:
        if path.endswith("/models"):
            models = {"object": "list", "data": [{"id": "m", "object": "model"}]}
            return 200, "application/json", json.dumps(models).encode()
        asked = json.loads(body)
        self.requests.append(asked)
        text = self.says(json.dumps(asked, ensure_ascii=False))
        if asked.get("stream"):
            return stream(chunk(content=text))
        usage = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}
        choice = {"index": 0, "finish_reason": "stop"}
        whole = {
            **{"id": "c", "object": "chat.completion", "created": 1, "model": "m", "usage": usage},
            "choices": [{**choice, "message": {"role": "assistant", "content": text}}],
        }
        return 200, "application/json", json.dumps(whole).encode()

    def heard_since(self, request: int) -> str:
        """All that the requests from this number on had: one for a title may come at any time."""
        return json.dumps(self.requests[request:], ensure_ascii=False)


@contextmanager
def scripted_chat() -> Iterator[ScriptedChat]:
    chat = ScriptedChat()
    with serving(chat.answer) as address:
        chat.url = f"http://{address}/v1"
        yield chat


class ChatEngines(ToyEngines):
    """The tests' engines with the embedded server's own way to ask a chat server."""

    def __init__(self, chat: ScriptedChat) -> None:
        super().__init__()
        self._chat = chat

    def responder(self) -> Any:
        return LocalResponder(_no_model, ChatResponder(self._chat.url, "m"))


def _no_model() -> Any:
    raise AssertionError("the built-in model is not to be asked")


def settings_of(url: str, profile: str | None, folder: Path, **flags: object) -> Settings:
    """`flags`: settings, with two underscores for the full stop."""
    given = {"backend.kind": url, "audio.text_only": "true", "context.recall": "false"}
    changed = {name.replace("__", "."): value for name, value in flags.items()}
    return load(given | changed, profile=profile, env={}, path=folder / "no-settings.toml")


@asynccontextmanager
async def talking(
    settings: Settings, folder: Path, resume: Path | None = None
) -> AsyncIterator[SessionHarness]:
    """A session as the commands open it, with microphone and loudspeaker that a test feeds."""
    harness: SessionHarness

    async def open_sound(
        on_frame: Callable[[bytes], None],
        on_finished: Callable[[str, int], None],
        _on_change: object,
    ) -> SoundDevices:
        microphone = NullMicrophone(on_frame)
        microphone.gate(False)
        harness.sound = SoundDevices(microphone, NullSpeaker(None, on_finished, speed=100.0))
        harness._wake()
        return harness.sound

    harness = SessionHarness(None, None, None)  # type: ignore[arg-type]  # the session comes below
    options = SessionOptions(
        settings=settings,
        folder=folder,
        resume=resume,
        open_sound=open_sound,
        on_event=harness._on_event,
    )
    session = await asyncio.to_thread(open_session, options)
    harness.session, harness.snapshot = session, session.subscribe(harness._on_snapshot)
    try:
        await harness.online()
        yield harness
    finally:
        await harness.close()


async def hold(
    settings: Settings, folder: Path, *said: str, resume: Path | None = None, end: bool = True
) -> Path:
    """Types these turns in a session; writes what the profile wants at its end."""
    async with talking(settings, folder, resume) as session:
        for text in said:
            await session.say(text)
    if end:
        await asyncio.to_thread(write_outcome, session.session.path, settings)
    return session.session.path


# ── the tutor ───────────────────────────────────────────────────────────────────────────────

FIRST = (
    "Hoy yo es muy cansado, porque ayer trabajé hasta las once de la noche en la oficina.",
    "Después yo comí con mi hermana Marta en un restaurante pequeño cerca de la estación.",
)
SECOND = (
    "La problema es que el tren sale siempre con diez minutos de retraso por la mañana.",
    "Pero el sábado quiero visitar a mis abuelos en Toledo y comer un cocido madrileño.",
)


async def test_a_tutor_collects_mistakes_across_sessions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mistakes = "Mistakes to practise:\n- yo es → yo soy"

    def says(asked: str) -> str:
        return mistakes if "Use these headings" in asked else "Se dice: yo soy."

    with scripted_chat() as chat:
        chat.says = says
        async with toy_server(ChatEngines(chat)) as server:
            settings = settings_of(
                server.url, "tutor", tmp_path, session__target_language="Spanish",
                session__strictness="strict",
            )  # fmt: skip
            await hold(settings, tmp_path, *FIRST)
            first = chat.requests[0]["messages"][0]["content"]
            assert "You teach Spanish." in first
            assert "by this measure: strict." in first
            async with talking(settings, tmp_path) as second:
                assert second.snapshot.ledger.memory == mistakes
                before = len(chat.requests)
                for text in SECOND:
                    await second.say(text)
                assert "yo es → yo soy" in chat.heard_since(before), "known from the last session"
            mistakes += "\n- la problema → el problema"
            path = second.session.path
            written = await asyncio.to_thread(write_outcome, path, settings)
    assert written.text.startswith(mistakes)
    assert not is_wanted(path, settings), "nothing was said since"
    arguments = ["sessions", "memory", "--sessions-dir", str(tmp_path), "--profile", "tutor"]
    assert main([*arguments, "--kind", "mistakes", "--json"]) == 0
    assert [one["text"] for one in json.loads(capsys.readouterr().out)] == [
        "yo es → yo soy",
        "la problema → el problema",
    ]


# ── the coach ───────────────────────────────────────────────────────────────────────────────

GOAL = (
    "My goal is to run the half marathon in Bergen in May, in less than two hours.",
    "I will run ten kilometres on Tuesday and on Friday morning before I go to work.",
)


async def test_a_coach_continues_with_goals_and_commitments_also_after_a_crash(
    tmp_path: Path,
) -> None:
    known = "Goals:\n- half marathon in Bergen in May\nCommitments:\n- ten kilometres on Tuesday"

    def says(asked: str) -> str:
        return known if "Use these headings" in asked else "How did it go?"

    with scripted_chat() as chat:
        chat.says = says
        async with toy_server(ChatEngines(chat)) as server, toy_server() as elsewhere:
            coach = settings_of(server.url, "coach", tmp_path)
            await hold(coach, tmp_path, *GOAL)
            async with talking(coach, tmp_path) as second:
                assert second.snapshot.ledger.memory == known
                before = len(chat.requests)
                await second.say("I ran only once, since my knee hurt.")
                assert "ten kilometres on Tuesday" in chat.heard_since(before)
            # The program ended before anything was written: its words are carried as they are.
            async with talking(coach, tmp_path) as third:
                memory = third.snapshot.ledger.memory
                assert memory.startswith("Goals:\n- half marathon in Bergen in May\nCommitments:")
                assert "- user: I ran only once, since my knee hurt." in memory
            assert not third.session.path.exists(), "nothing was said in it"
            mark_private(second.session.path, private=True)
            async with talking(coach, tmp_path) as fourth:
                assert fourth.snapshot.ledger.memory == known, "a private session is passed over"
            for other in (
                settings_of(elsewhere.url, "coach", tmp_path),
                settings_of(server.url, "support", tmp_path),
                settings_of(server.url, None, tmp_path),
            ):
                async with talking(other, tmp_path) as session:
                    assert not session.snapshot.ledger.memory, "of this server and profile alone"


# ── support ─────────────────────────────────────────────────────────────────────────────────

CASE = (
    "My name is Ingrid Solheim, and my router of the type X200 loses the connection at night.",
    "I have restarted it twice. You can reach me at ingrid at example dot org.",
)
TICKET = {
    "title": "Router X200 loses the connection at night",
    "customer": {"name": "Ingrid Solheim", "contact": "ingrid@example.org"},
    "product": "X200",
    "problem": "It loses the connection at night.",
    "facts": ["restarted twice"],
    "tried": ["restart"],
    "status": "open",
    "urgency": "normal",
    "next_steps": [{"who": "support", "what": "send new firmware"}],
    "open_questions": [],
}


@pytest.mark.parametrize("writer", ["the session", "a text model"])
async def test_a_support_session_ends_with_a_ticket_that_is_paid_in_its_total(
    tmp_path: Path, writer: str
) -> None:
    def says(asked: str) -> str:
        return f"```json\n{json.dumps(TICKET)}\n```" if "support ticket" in asked else "I see."

    with scripted_chat() as chat:
        chat.says = says
        async with toy_server(ChatEngines(chat)) as server:
            priced = {
                "summary.by": "url",
                "summary.url": chat.url,
                "summary.model": "m",
                "cost.prices": {"m": {"text_in": 10_000, "text_out": 20_000}},
            }
            flags = priced if writer == "a text model" else {}
            settings = settings_of(server.url, "support", tmp_path, **flags)
            journal = await hold(settings, tmp_path, *CASE, end=False)
            before = load_journal(journal).ledger.cost
            outcome = await asyncio.to_thread(write_outcome, journal, settings)
    file = journal.with_name(f"{journal.stem}.ticket.json")
    assert outcome.file == file
    assert file.stat().st_mode & 0o777 == 0o600
    ticket = json.loads(file.read_text())
    assert {key: ticket[key] for key in TICKET} == TICKET
    ledger = load_journal(journal).ledger
    assert ledger.outcome("ticket") is not None
    if writer == "a text model":
        assert ticket["written_by"] == "m"
        schema = chat.requests[-1]["response_format"]["json_schema"]["schema"]
        assert schema["required"] == list(TICKET)
        assert ledger.cost == pytest.approx(before + 2.0), "100 tokens read, 50 written"
        assert statistics(tmp_path).by["profile"]["support"].usd == pytest.approx(ledger.cost)


@pytest.mark.parametrize("answer", ["Sure!", '{"title": "only this"}'])
async def test_without_a_usable_model_the_ticket_quotes_the_user(
    tmp_path: Path, answer: str
) -> None:
    with scripted_chat() as chat:
        chat.says = lambda asked: answer if "support ticket" in asked else "I see."
        async with toy_server(ChatEngines(chat)) as server:
            settings = settings_of(server.url, "support", tmp_path)
            journal = await hold(settings, tmp_path, *CASE)
    ticket = json.loads(journal.with_name(f"{journal.stem}.ticket.json").read_text())
    assert ticket["facts"] == list(CASE)
    assert (ticket["status"], ticket["written_by"]) == ("unknown", WITHOUT_MODEL)


async def test_say_ends_with_the_ticket_and_exports_count_in_the_total(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def says(asked: str) -> str:
        if "support ticket" in asked:
            return json.dumps(TICKET)
        return "Decisions: firmware for X200." if "Write minutes" in asked else "I see."

    with scripted_chat() as chat:
        chat.says = says
        config = tmp_path / "config.toml"
        config.write_text(
            f'[summary]\nby = "url"\nurl = "{chat.url}"\nmodel = "m"\n'
            "[cost.prices.m]\ntext_in = 10_000\ntext_out = 20_000\n"
        )
        monkeypatch.setenv("TUI_VOICE_CONFIG", str(config))
        folder = ["--sessions-dir", str(tmp_path / "sessions")]
        async with toy_server(ChatEngines(chat)) as server:
            backend = ["--backend", server.url, "--text", "--profile", "support"]
            assert await asyncio.to_thread(main, ["say", "--json", *backend, *folder, *CASE]) == 0
        *_, outcome, done = map(json.loads, capsys.readouterr().out.splitlines())
        assert (outcome["event"], outcome["kind"]) == ("outcome", "ticket")
        assert json.loads(outcome["text"])["customer"] == TICKET["customer"]
        assert done["usd"] == pytest.approx(2.0)
        for form in ("--minutes", "--ticket"):
            export = ["sessions", "export", done["session"], form, "--out", "-", *folder]
            assert await asyncio.to_thread(main, export) == 0
        printed = capsys.readouterr()
        assert "firmware for X200" in printed.out
        assert "the minutes cost $2.0000" in printed.err
    assert main(["sessions", "list", "--json", *folder]) == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert (listed["profile"], listed["usd"]) == ("support", pytest.approx(6.0))


# ── the meeting ─────────────────────────────────────────────────────────────────────────────


async def test_a_meeting_is_listened_to_and_ends_with_minutes(tmp_path: Path) -> None:
    minutes = "Decisions: red.\nTo-dos: Anna, one story.\nOpen questions: blue?"

    def says(asked: str) -> str:
        return minutes if "Write minutes" in asked else "yes red"

    said = ("one two three red blue green", "tell me a story about cats", "six seven eight nine")
    with scripted_chat() as chat:
        chat.says = says
        async with toy_server(ChatEngines(chat)) as server:
            settings = settings_of(
                server.url, "meeting", tmp_path, session__call_name="Anna",
                audio__text_only="false", backend__silence_ms="500",
            )  # fmt: skip
            async with talking(settings, tmp_path) as session:
                session.session.post(e.TalkPressed())
                for words in said:
                    await session.feed_turn(words)
                assert not chat.requests, "nobody called"
                assert session.snapshot.state is State.IDLE
                await session.speak("Anna is red")
                assert len(chat.requests) == 1
                assert session.turns()[-1] == ("assistant", "yes red")
                await session.feed_turn("yes please")
                assert len(chat.requests) == 1
            await asyncio.to_thread(write_outcome, session.session.path, settings)
    file = session.session.path.with_name(f"{session.session.path.stem}.minutes.md")
    assert file.read_text() == minutes


# ── silence and good-bye ────────────────────────────────────────────────────────────────────


async def test_silence_closes_microphone_and_connection_and_talking_opens_them(
    tmp_path: Path,
) -> None:
    async with toy_server() as server:
        settings = settings_of(
            server.url, None, tmp_path, session__idle_s=1, session__disconnect_s=1,
            audio__text_only="false",
        )  # fmt: skip
        async with talking(settings, tmp_path) as session:
            await session.speak("hello")
            noise = (bytes([40, 0]) * 24_000) * 2  # 2 s, far below the level of speech
            feeding = asyncio.create_task(session.feed(noise))
            ended = await session.event(e.HandsFreeEnded, lambda one: one.closes == "microphone")
            assert ended.cause == "silence", "noise is no speech"
            await feeding
            assert not session.snapshot.situation.microphone.open
            lost = await session.event(e.ConnectionLost)
            assert lost.released
            assert session.snapshot.ledger.connection.status == "offline"
            count = len(session.events)
            session.session.post(e.TalkPressed())
            await session.event(e.ConnectionOpened, since=count)
            await session.speak("red")
            assert session.turns()[-2:] == [("user", "red"), ("assistant", "red")]


async def test_a_spoken_goodbye_ends_the_session_after_the_reply(tmp_path: Path) -> None:
    async with toy_server() as server:
        settings = settings_of(
            server.url, None, tmp_path, session__goodbye_words="stop", audio__text_only="false"
        )
        async with talking(settings, tmp_path) as session:
            await session.speak("please stop me")
            await session.feed(utterance("stop"))
            lost = await session.event(e.ConnectionLost)
            assert lost.released
            assert "good-bye" in lost.reason
            assert session.turns()[-1] == ("assistant", "stop"), "it was answered"


# ── which profile ───────────────────────────────────────────────────────────────────────────


async def test_a_resumed_session_keeps_its_profile_unless_another_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config.toml"
    config.write_text('session.profile = "coach"')
    monkeypatch.setenv("TUI_VOICE_CONFIG", str(config))
    async with toy_server() as server:
        support = settings_of(server.url, "support", tmp_path)
        journal = await hold(support, tmp_path, "hello", end=False)
        plain = await hold(settings_of(server.url, None, tmp_path), tmp_path, "hello", end=False)
    for path, named, expected in (
        (None, None, "coach"),
        (journal, None, "support"),
        (plain, None, None),
        (journal, "meeting", "meeting"),
        (journal, "none", None),
    ):
        args = argparse.Namespace(**({"profile": named} if named else {}))
        assert settings_for_session(editor_of(args), path).profile == expected
    assert load_journal(journal).ledger.profile == "support"
    assert statistics(tmp_path).by["profile"].keys() == {"none", "support"}
