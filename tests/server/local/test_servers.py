"""Servers the user runs: a real llama.cpp chat server, and small ones for sound and for trouble."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from time import monotonic
from typing import Any

import numpy as np
import pytest

from tests.server.local.turns_harness import session_with_facts, turns, with_question
from tui_voice.errors import BackendError, EnginesMissing
from tui_voice.languages.plausibility import summary_fault
from tui_voice.realtime.wire.contract import LAYOUTS, Layout, ResponseMetadata
from tui_voice.server.interfaces import ReplyRequest, ToolCall
from tui_voice.server.local.chat import ChatResponder, Thoughts, find_local_chat
from tui_voice.server.local.engines import LocalEngines
from tui_voice.server.local.remote import SpeechUrl, Whisper, WhisperUrl, base_url, wav
from tui_voice.server.local.responder import LocalResponder
from tui_voice.server.local.smollm import SMOLLM2
from tui_voice.server.local.weights import library

SUMMARY = ResponseMetadata(purpose="summary")
GERMAN = ResponseMetadata(purpose="summary", language="German")
QUICK = ResponseMetadata(purpose="summary", timeout_s=1.5)

Answer = Callable[[str, bytes], tuple[int, str, bytes]]


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """A server on loopback; gives `host:port`."""

    class Handler(BaseHTTPRequestHandler):
        def _reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            status, kind, data = answer(self.path, body)
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = _reply  # noqa: N815 - the base class calls them so

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def chat_server() -> str:
    """The real thing: llama.cpp's own server with the built-in model; its base URL."""
    xllamacpp = library("xllamacpp")
    params = xllamacpp.CommonParams()
    params.model.path = str(SMOLLM2.find())
    params.model_alias = {"smollm"}
    params.n_ctx = 2048
    params.n_parallel = 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.verbosity = -1
    chat_server.server = xllamacpp.Server(params)  # type: ignore[attr-defined]  # kept alive
    return str(chat_server.server.listening_address)


def sse(*chunks: dict[str, Any]) -> bytes:
    lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
    return "".join([*lines, "data: [DONE]\n\n"]).encode()


def chunk(**delta: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": None}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [choice]}  # fmt: skip


@pytest.mark.local
def test_a_real_chat_server_is_found_and_talks(chat_server: str) -> None:
    place = chat_server.removeprefix("http://")
    found = find_local_chat(places=("127.0.0.1:9", place), seconds=5.0)
    assert found is not None
    assert found.base_url == f"{chat_server}/v1"
    assert find_local_chat("another-model", places=(place,)) is None
    chat = ChatResponder(found.base_url, found.model)
    pieces = list(chat.reply(ReplyRequest("", turns(("user", "Say hello."))), Event()))
    assert len(pieces) > 2
    assert all(isinstance(piece, str) for piece in pieces)


@pytest.mark.local
def test_a_real_chat_server_obeys_stop_and_names_its_model(chat_server: str) -> None:
    engines = LocalEngines(llm_url=f"{chat_server}/v1")
    assert place_of(chat_server) in engines.describe()
    stop = Event()
    request = ReplyRequest("", turns(("user", "Tell me a very long story.")), max_tokens=400)
    pieces = engines.responder().reply(request, stop)
    assert next(pieces)
    began = monotonic()
    stop.set()
    assert list(pieces) == []
    assert monotonic() - began < 0.2


@pytest.mark.local
def test_a_summary_by_a_real_chat_server_is_text(chat_server: str) -> None:
    window = session_with_facts(0)
    request = ReplyRequest("", window, metadata=GERMAN)
    responder = LocalEngines(llm_url=f"{chat_server}/v1").responder()
    told = "".join(map(str, responder.reply(request, Event())))
    assert 0 < len(told) < sum(len(turn.text) for turn in window)


@pytest.mark.local
@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_summary_in_each_layout_holds_whatever_the_chat_model_wrote(
    chat_server: str, layout: Layout
) -> None:
    """The model is tiny and mostly writes what is no summary: then the extract stands for it."""
    window = session_with_facts(1)
    metadata = ResponseMetadata(purpose="summary", layout=layout, language="same", timeout_s=90)
    request = ReplyRequest("", window, metadata=metadata)
    responder = LocalEngines(llm_url=f"{chat_server}/v1").responder()
    told = "".join(map(str, responder.reply(request, Event())))
    source = "\n".join(turn.text for turn in window)
    assert 0 < len(told) < len(source)
    assert summary_fault(told, source) == ""
    if layout == "json":
        assert isinstance(json.loads(told), dict)


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        (["I see. ", "I'm sure. ", "I'm sure. ", "I'm ", "sure. ", "I'm sure. "], 5),
        (["Yes. ", "No. ", "Yes. ", "No. ", "Yes. "], 5),
    ],
)
def test_a_reply_that_says_the_same_for_ever_is_ended(said: list[str], heard: int) -> None:
    with serving(
        lambda _path, _body: (200, "text/event-stream", sse(*(chunk(content=c) for c in said)))
    ) as place:
        chat = ChatResponder(f"http://{place}/v1", "m")
        pieces = list(chat.reply(ReplyRequest("", turns(("user", "Well?"))), Event()))
    assert pieces == said[:heard]


def test_a_slow_chat_server_leaves_time_for_the_extract() -> None:
    """The client waits so many seconds for a summary; half a summary is none."""
    held = Event()

    def slow(_path: str, _body: bytes) -> tuple[int, str, bytes]:
        held.wait(30)
        return 200, "text/event-stream", sse(chunk(content="Too late."))

    window = session_with_facts(0)
    with serving(slow) as place:
        chat = ChatResponder(f"http://{place}/v1", "m")
        request = ReplyRequest("", window, metadata=QUICK)
        try:
            told = "".join(map(str, LocalResponder(nobody, chat).reply(request, Event())))
        finally:
            held.set()
    assert told.startswith("The user said:")


def test_a_second_attempt_names_the_language_by_its_own_name() -> None:
    bodies: list[dict[str, Any]] = []

    def french(_path: str, body: bytes) -> tuple[int, str, bytes]:
        bodies.append(json.loads(body))
        words = "Elle s'appelle Anna. Elle habite à Oslo."
        return 200, "text/event-stream", sse(chunk(content=words))

    window = [*session_with_facts(0), *turns(("user", prompt("French")))]
    metadata = ResponseMetadata(
        purpose="summary",
        form="Write one plain paragraph.",
        language="French",
        second_attempt=True,
        focus="Anna",
    )
    with serving(french) as place:
        chat = ChatResponder(f"http://{place}/v1", "m")
        request = ReplyRequest("", window, metadata=metadata)
        told = "".join(map(str, LocalResponder(nobody, chat).reply(request, Event())))
    assert told == "Elle s'appelle Anna. Elle habite à Oslo."
    [body] = bodies
    system, source = body["messages"]
    assert "Form: Write one plain paragraph." in system["content"]
    assert "Write every sentence in French (français)." in system["content"]
    assert "Summarise" not in source["content"]


def prompt(language: str) -> str:
    return f"Summarise the conversation above as a memory for yourself. Write in {language}."


def nobody() -> Any:
    raise AssertionError("the built-in model is not asked")


def place_of(url: str) -> str:
    return url.removeprefix("http://").removesuffix("/v1")


def test_nobody_there_is_known_quickly() -> None:
    began = monotonic()
    assert find_local_chat(places=("127.0.0.1:9", "127.0.0.1:10")) is None
    assert monotonic() - began < 0.3


def test_what_is_no_chat_server_is_left_alone() -> None:
    def embeddings_only(_path: str, _body: bytes) -> tuple[int, str, bytes]:
        return 200, "application/json", b'{"data":[{"id":"nomic-embed-text"}]}'

    def a_web_page(_path: str, _body: bytes) -> tuple[int, str, bytes]:
        return 200, "text/html", b"<h1>hello</h1>"

    with serving(embeddings_only) as one, serving(a_web_page) as other:
        assert find_local_chat(places=(one, other)) is None


def test_tools_go_out_and_calls_come_back() -> None:
    asked: list[dict[str, Any]] = []

    def answer(_path: str, body: bytes) -> tuple[int, str, bytes]:
        asked.append(json.loads(body))
        first = {"index": 0, "id": "x", "function": {"name": "recall", "arguments": '{"que'}}
        second = {"index": 0, "function": {"arguments": 'ry": "hotel"}'}}
        return 200, "text/event-stream", sse(
            chunk(content="Let me look."), chunk(tool_calls=[first]), chunk(tool_calls=[second])
        )  # fmt: skip

    tool = {"type": "function", "name": "recall", "parameters": {"type": "object"}}
    with serving(answer) as place:
        chat = ChatResponder(f"http://{place}/v1", "m")
        request = ReplyRequest(
            "Be brief.", turns(("user", "Which hotel?")), tools=[tool], tool_choice="auto"
        )
        made = list(chat.reply(request, Event()))
    assert made == ["Let me look.", ToolCall("recall", '{"query": "hotel"}')]
    assert asked[0]["messages"][0] == {"role": "system", "content": "Be brief."}
    assert asked[0]["tools"][0]["function"]["name"] == "recall"


def test_an_unknown_fact_is_left_to_the_chat_model() -> None:
    def answer(_path: str, _body: bytes) -> tuple[int, str, bytes]:
        return 200, "text/event-stream", sse(chunk(content="<think>hm</think>I do not know."))

    with serving(answer) as place:
        responder = LocalEngines(llm_url=f"http://{place}/v1", llm_model="m").responder()
        request = ReplyRequest(
            "", with_question(session_with_facts(0), "What is my favourite film?")
        )
        assert list(responder.reply(request, Event())) == ["I do not know."]


def test_a_failed_summary_falls_back_to_the_extract() -> None:
    def answer(_path: str, _body: bytes) -> tuple[int, str, bytes]:
        return 500, "application/json", b'{"error":{"message":"out of memory"}}'

    with serving(answer) as place:
        chat = ChatResponder(f"http://{place}/v1", "m")
        with pytest.raises(BackendError, match=r"127\.0\.0\.1.*failed") as error:
            list(chat.reply(ReplyRequest("", turns(("user", "Hi"))), Event()))
        assert "--llm-url" in error.value.hint

        def no_model() -> Any:
            raise AssertionError("the small model is not to summarise")

        responder = LocalResponder(no_model, chat)
        told = "".join(
            map(
                str,
                responder.reply(ReplyRequest("", session_with_facts(0), metadata=SUMMARY), Event()),
            )
        )
    assert "Anna" in told


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Anna wohnt in Oslo, Budget 500 Euro.", True),
        ("Anna wohnt in Oslo seit 2023.", False),
        ("Anna, " * 1000 + "Oslo.", False),
    ],
)
def test_a_summary_that_invents_is_not_believed(written: str, kept: bool) -> None:
    def answer(_path: str, _body: bytes) -> tuple[int, str, bytes]:
        return 200, "text/event-stream", sse(chunk(content=written))

    with serving(answer) as place:
        responder = LocalEngines(llm_url=f"http://{place}/v1", llm_model="m").responder()
        request = ReplyRequest("", session_with_facts(0), metadata=GERMAN)
        told = "".join(map(str, responder.reply(request, Event())))
    assert (told == written) is kept
    assert "Anna" in told


def test_a_server_that_went_away_is_told_in_a_sentence() -> None:
    chat = ChatResponder("http://127.0.0.1:9/v1")
    with pytest.raises(BackendError, match=r"127\.0\.0\.1:9"):
        list(chat.reply(ReplyRequest("", turns(("user", "Hi"))), Event()))


def test_thoughts_are_not_spoken_whatever_the_pieces() -> None:
    text = "<think>let me see</think>\n\nHello there. <b>"
    for step in (1, 3, 100):
        thoughts = Thoughts()
        said = "".join(thoughts.feed(text[n : n + step]) for n in range(0, len(text), step))
        assert said + thoughts.flush() == "Hello there. <b>"
    plain = Thoughts()
    assert plain.feed("<thi") + plain.flush() == "<thi"


def test_sound_servers_behind_the_same_contracts() -> None:
    heard: list[bytes] = []
    tone = (np.sin(np.arange(1000) / 10) * 10_000).astype("<i2")

    def answer(path: str, body: bytes) -> tuple[int, str, bytes]:
        heard.append(body)
        if path == "/v1/audio/transcriptions":
            return 200, "application/json", b'{"text": " hello "}'
        assert path == "/v1/audio/speech"
        if json.loads(body)["voice"] == "wav":
            return 200, "audio/wav", wav(tone.astype(np.float32) / 32768, 12_000)
        return 200, "audio/pcm", tone.tobytes() + b"\x00"

    with serving(answer) as place:
        url = f"http://{place}/v1"
        engines = LocalEngines(stt=f"{url}/audio/transcriptions", tts=url, probe=False)
        assert engines.recogniser().transcribe(np.zeros(1600, np.float32)) == "hello"
        assert b"RIFF" in heard[0]
        assert np.array_equal(engines.synthesiser().speak("Hi", "alloy", 1.0), tone)
        assert len(engines.synthesiser().speak("Hi", "wav", 1.0)) == pytest.approx(2000, abs=50)
        assert place in engines.describe()


def test_sound_servers_that_fail_are_told_in_a_sentence() -> None:
    def answer(_path: str, _body: bytes) -> tuple[int, str, bytes]:
        return 404, "application/json", b'{"error":{"message":"no such model"}}'

    with serving(answer) as place:
        with pytest.raises(BackendError, match=place):
            WhisperUrl(f"http://{place}/v1").transcribe(np.zeros(1600, np.float32))
        with pytest.raises(BackendError, match=place):
            SpeechUrl(f"http://{place}/v1").speak("Hi", "alloy", 1.0)


def test_urls_with_and_without_their_endpoint() -> None:
    for url in ("http://h/v1", "http://h/v1/", "http://h/v1/audio/speech"):
        assert base_url(url, "/audio/speech") == "http://h/v1"


def test_a_whisper_folder_must_hold_a_model(tmp_path: Any) -> None:
    with pytest.raises(EnginesMissing, match="no faster-whisper model"):
        Whisper(tmp_path)
