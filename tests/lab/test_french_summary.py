"""A summary in French, as in the notebook that this product retells, from a real chat model.

llama.cpp's server runs SmolLM2 135M, which is too small to obey reliably. So the test does not
demand French: it demands that the server holds the text that was written, and that the result
names the right writer and the right language.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.e2e.server_harness import InspectingProxy
from tests.runtime.fault_proxy_harness import Direction, fault_proxy
from tests.server.local.llama_harness import llama_server
from tui_voice.config import BackendSettings, Settings, SummarySettings, load
from tui_voice.conversation.items import MEMORY_HEADING, memory_text
from tui_voice.lab.evaluation import FACTS, Arm, EvaluationResult, run_arm
from tui_voice.languages import detect_language

FRENCH = Arm("summary", "balanced", 400, 4, language="French")
EXCHANGES = 10
"""As many as there are facts: enough for a summary."""
pytestmark = [pytest.mark.local, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def llama() -> Iterator[str]:
    """The address, without `/v1`, of llama.cpp's server with the built-in model."""
    with llama_server(4096) as address:
        yield address


@contextmanager
def recording_proxy(address: str) -> Iterator[tuple[str, list[str]]]:
    """Yields the address of a proxy to the chat server, and the texts that the server wrote."""
    written: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0))) or None
            asked = Request(address + self.path, body, {"content-type": "application/json"})
            with urlopen(asked, timeout=300) as answer:
                data = answer.read()
            if body is not None:
                written.append(json.loads(data)["choices"][0]["message"]["content"])
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = _pass  # noqa: N815 - the base class calls them so

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", written
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def settings_for(url: str, folder: Path) -> Settings:
    """Returns the settings of a text session with this embedded server."""
    return replace(
        load({"audio.text_only": True}, env={}, path=folder / "none.toml"),
        backend=BackendSettings(kind="ws", url=url, model="local"),
    )


async def test_the_server_holds_the_summary_that_the_chat_model_wrote(
    tmp_path: Path, llama: str, terse_server: InspectingProxy
) -> None:
    frames: list[tuple[Direction, dict[str, Any]]] = []

    def pass_on(direction: Direction, frame: str | bytes) -> list[str | bytes]:
        frames.append((direction, json.loads(frame)))
        return [frame]

    async with fault_proxy(terse_server.url, pass_on=pass_on) as proxy:
        with recording_proxy(llama) as (url, written):
            settings = replace(
                settings_for(proxy.url, tmp_path),
                summary=SummarySettings(by="url", url=url, timeout_s=120.0, questions=False),
            )
            outcome = await asyncio.to_thread(run_arm, FRENCH, settings, tmp_path, EXCHANGES)
    check_result(outcome, written)
    check_frames(outcome, frames)


def check_result(outcome: EvaluationResult, written: list[str]) -> None:
    """Writer and language are named correctly, and questions are answered after the summary."""
    memory = outcome.memory
    assert memory is not None
    assert outcome.prunings >= 1
    assert outcome.failed_prunings == 0
    assert memory.held, "the server holds something else"
    assert written, "the chat model was never asked"
    assert memory.language == detect_language(memory.text) != ""
    asked_and_got = memory.language == "French"
    assert (memory.shortfall == "") == asked_and_got
    if memory.by == "smollm":
        model_text = " ".join(written)
        for sentence in re.split(r"(?<=[.!?])\s+", memory.text):
            assert sentence in model_text, "the chat model did not write it"
        assert memory.passed_over == ""
    else:  # its text could not be used, and the result says why
        assert memory.passed_over
        assert "cannot translate into French" in memory.text
        assert memory.shortfall == f"in {memory.language}, though French was asked for"
    assert len(outcome.answers) == outcome.facts == len(FACTS)
    assert all(answer.said for answer in outcome.answers)
    assert outcome.recalled == sum(answer.recalled for answer in outcome.answers)
    assert len(outcome.missed) == outcome.facts - outcome.recalled


def check_frames(outcome: EvaluationResult, frames: list[tuple[Direction, dict[str, Any]]]) -> None:
    """The summary was inserted as the first item and acknowledged before the old turns were
    deleted; at the end it was read back.
    """
    assert outcome.memory is not None
    text = memory_text(outcome.memory.text)
    created = [
        number
        for number, (direction, frame) in enumerate(frames)
        if direction == "up"
        and frame["type"] == "conversation.item.create"
        and MEMORY_HEADING in str(frame["item"])
    ]
    last = frames[created[-1]][1]
    assert last["previous_item_id"] == "root"
    assert last["item"]["role"] == "system"
    assert last["item"]["content"] == [{"type": "input_text", "text": text}]
    item_id = last["item"]["id"]

    def first(kind: str, **fields: object) -> int:
        return next(
            number
            for number, (_, frame) in enumerate(frames)
            if number > created[-1]
            and frame["type"] == kind
            and all(frame.get(key) == value for key, value in fields.items())
        )

    acknowledged = first("conversation.item.added", previous_item_id=None)
    assert frames[acknowledged][1]["item"]["id"] == item_id
    assert acknowledged < first("conversation.item.delete")
    retrieved = frames[first("conversation.item.retrieved")][1]["item"]
    assert (retrieved["id"], retrieved["content"][0]["text"]) == (item_id, text)


def test_without_a_chat_model_the_summary_is_in_the_language_of_the_session(
    tmp_path: Path, terse_server: InspectingProxy
) -> None:
    outcome = run_arm(FRENCH, settings_for(terse_server.url, tmp_path), tmp_path, EXCHANGES)
    memory = outcome.memory
    assert memory is not None
    assert memory.held
    assert (memory.by, memory.language) == ("local", "English")
    assert memory.shortfall == "in English, though French was asked for"
    assert memory.text.count("cannot translate into French") == 1
    assert outcome.recalled >= 7, outcome.missed
