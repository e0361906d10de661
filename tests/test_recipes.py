"""The recipes of docs/architecture.md, followed from outside the package.

Each test adds one row to a table, as one who extends the program would, and uses it.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, ClassVar

import pytest
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from tests.runtime.chat_server_harness import chat_server, completion
from tests.runtime.scripted_protocol_harness import ScriptedEndpoint
from tests.runtime.session_harness import toy_server
from tests.ui.conftest import settle
from tests.ui.scripted_session_harness import ScriptedSession, kyoto_session
from tui_voice.__main__ import main
from tui_voice.cli.registry import CHOICES
from tui_voice.config import load
from tui_voice.config.loading import allowed
from tui_voice.conversation.estimates import AUDIO_TURN_TOKENS
from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.policies import POLICIES, PolicySpec
from tui_voice.runtime.backends import BACKENDS, BackendSpec
from tui_voice.runtime.endpoints import RemoteEndpoint
from tui_voice.runtime.headless import HeadlessSession
from tui_voice.runtime.session_factory import SessionOptions
from tui_voice.runtime.summary_styles import SUMMARY_STYLES, SummaryStyle
from tui_voice.store.exporters import EXPORT_FORMATS, ExportFormat
from tui_voice.store.exporters.document import ExportDocument, ExportTurn
from tui_voice.ui.app import VoiceApp
from tui_voice.ui.options import AppOptions
from tui_voice.ui.screen_table import SCREENS, ScreenSpec
from tui_voice.ui.widgets.footer import KeyHintsLine


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings and caches of the user who runs the tests are not used."""
    monkeypatch.setenv("TUI_VOICE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


async def test_a_backend_is_a_row_of_its_table(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with toy_server() as server:
        toy = BackendSpec(
            name="toy",
            about="a server that repeats each turn",
            endpoint=lambda _settings: RemoteEndpoint(f"{server.url}?model=toy", {}, ""),
            is_ready=lambda _settings: True,
        )
        monkeypatch.setitem(BACKENDS, "toy", toy)
        command = ["say", "hello", "--backend", "toy", "--text", "--sessions-dir", str(tmp_path)]
        assert await asyncio.to_thread(main, command) == 0
    assert capsys.readouterr().out.split() == ["you", "hello", "voice", "hello"]
    assert main(["sessions", "list", "--sessions-dir", str(tmp_path)]) == 0
    assert " toy " in capsys.readouterr().out
    assert "toy" in allowed("backend.kind", CHOICES)


def test_a_backend_on_another_wire_is_one_implementation_and_a_row(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The model is in this process: there is no WebSocket and no server."""
    endpoint = ScriptedEndpoint()
    scripted = BackendSpec(
        name="scripted",
        about="a model that repeats each turn",
        endpoint=lambda _settings: endpoint,
        is_ready=lambda _settings: True,
    )
    monkeypatch.setitem(BACKENDS, "scripted", scripted)
    command = ["say", "hello", "--backend", "scripted", "--text", "--sessions-dir", str(tmp_path)]
    assert main(command) == 0
    assert capsys.readouterr().out.split() == ["you", "hello", "voice", "hello"]
    assert len(endpoint.server.clients) == 1


async def test_a_policy_is_a_row_of_its_table(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The toy policy keeps one turn and prunes from 600 tokens on, whatever that costs."""
    toy = PolicySpec(
        "keeps one turn",
        AUDIO_TURN_TOKENS,
        keep=1,
        trigger=lambda _price, _after, _growth: 600,
        economises=False,
    )
    monkeypatch.setitem(POLICIES, "toy", toy)
    async with toy_server() as server:
        settings = load(
            {"backend.kind": server.url, "audio.text_only": True, "context.policy": "toy"},
            env={},
            path=tmp_path / "none.toml",
            choices=CHOICES,
        )
        ledger = await asyncio.to_thread(_ledger_after_pruning, settings, tmp_path)
    *older, newest = ledger.turns
    assert all(turn.pruned_in for turn in older)
    assert not newest.pruned_in
    assert ledger.compactions[0].cause == "window full"
    assert ledger.compactions[0].tokens_before >= 600


async def test_a_summary_style_is_a_row_of_its_table(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    requests = []

    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if path.endswith("/models"):
            return 200, {"object": "list", "data": [{"id": "tiny", "object": "model"}]}
        requests.append(str(body))
        return 200, completion("Ingrid Solheim, in the snow, asks for walnuts.")

    monkeypatch.setitem(SUMMARY_STYLES, "haiku", SummaryStyle(prompt="Write one haiku."))
    async with toy_server() as server, chat_server(answer) as url:
        settings = load(
            {
                "backend.kind": server.url,
                "audio.text_only": True,
                "context.keep": 0,
                "summary.by": "url",
                "summary.url": url,
                "summary.style": "haiku",
            },
            env={},
            path=tmp_path / "none.toml",
            choices=CHOICES,
        )
        memory = await asyncio.to_thread(_memory_after_a_session, settings, tmp_path)
    assert any("Write one haiku." in request for request in requests)
    assert memory == "Ingrid Solheim, in the snow, asks for walnuts."


def test_an_export_format_is_a_row_of_its_table(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def speakers(document: ExportDocument) -> str:
        turns = [part for part in document.parts if isinstance(part, ExportTurn)]
        return "".join(f"{turn.name}: {len(turn.text)}\n" for turn in turns)

    toy = ExportFormat(suffix="len", sentence="how much each side said", render=speakers)
    monkeypatch.setitem(EXPORT_FORMATS, "lengths", toy)
    eggs = str(Path(__file__).parents[1] / "sessions" / "v1-soft-eggs.jsonl")
    export = ["sessions", "export", eggs, "--sessions-dir", str(tmp_path)]
    assert main([*export, "--format", "lengths", "--out", str(tmp_path)]) == 0
    (written,) = tmp_path.glob("*.len")
    assert capsys.readouterr().out == f"{written}\n"
    first, *_ = written.read_text().splitlines()
    assert first == "You: 54"
    by_suffix = tmp_path / "eggs.len"
    assert main([*export, "--out", str(by_suffix)]) == 0
    assert by_suffix.read_text() == written.read_text()
    assert main([*export, "--format", "unknown"]) == 2
    assert "lengths" in capsys.readouterr().err


def _ledger_after_pruning(settings: Any, folder: Path) -> Ledger:
    """The ledger of a session after its first pruning, which nobody asked for."""
    with HeadlessSession(SessionOptions(settings=settings, folder=folder)) as session:
        while not session.snapshot.ledger.memory:
            assert len(session.snapshot.ledger.turns) < 40
            session.say("My name is Ingrid Solheim, and I like walnuts very much. " * 3)
        return session.snapshot.ledger


def _memory_after_a_session(settings: Any, folder: Path) -> str:
    with HeadlessSession(SessionOptions(settings=settings, folder=folder)) as session:
        for words in ("My name is Ingrid Solheim.", "I like walnuts.", "It snows today."):
            session.say(words)
        session.summarise()
        return session.snapshot.ledger.memory


class ToyScreen(ModalScreen[str]):
    """Asks for one letter, and returns it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("y", "dismiss('y')")]

    def compose(self) -> ComposeResult:
        yield Static("toy screen")


async def test_a_screen_is_a_row_of_its_table(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    results: list[str] = []
    toy = ScreenSpec(
        name="toy",
        key="ctrl+g",
        label="toys",
        about="show the toy screen",
        create=lambda _context: ToyScreen(),
        on_result=lambda _context, result: results.append(result),
        in_footer=True,
    )
    monkeypatch.setitem(SCREENS, "toy", toy)
    session = kyoto_session(ScriptedSession())
    app = VoiceApp(lambda _id: session, AppOptions(live=False, sessions=tmp_path))
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        assert ("toy", "^G", "toys") in app.query_one(KeyHintsLine).hints
        await pilot.press("ctrl+g")
        assert isinstance(app.screen, ToyScreen)
        await pilot.press("y")
        await settle(pilot)
        assert results == ["y"]
        await pilot.press("f1")
        await settle(pilot)
        shown = [line.text for part in app.screen.query("_HelpColumn") for line in rows_of(part)]
        assert any("^G" in text and "show the toy screen" in text for text in shown)
        await pilot.press("escape", "ctrl+p", *"toys")
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert isinstance(app.screen, ToyScreen)


async def test_the_key_of_an_added_screen_can_be_moved(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    toy = ScreenSpec("toy", "ctrl+g", "toys", "show the toy screen", lambda _context: ToyScreen())
    monkeypatch.setitem(SCREENS, "toy", toy)
    written = tmp_path / "settings.toml"
    written.write_text('[keys]\ntoy = "f9"\n')
    keys = load({}, env={}, path=written, choices=CHOICES).keys
    session = kyoto_session(ScriptedSession())
    options = AppOptions(live=False, sessions=tmp_path, keys=keys)
    app = VoiceApp(lambda _id: session, options)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("f9")
        assert isinstance(app.screen, ToyScreen)


def rows_of(widget: Widget) -> list[Strip]:
    """Return the lines of a widget."""
    return [widget.render_line(y) for y in range(widget.size.height)]
