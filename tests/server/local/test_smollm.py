"""The small chat model itself: short plain sentences, and an end as soon as it is asked to stop."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from time import monotonic

import pytest

from tests.server.local.turns_harness import session_with_facts, turns
from tui_voice.errors import BackendError
from tui_voice.server.interfaces import ReplyRequest
from tui_voice.server.local.engines import LocalEngines
from tui_voice.server.local.smollm import SMOLLM2, SmolLM, messages


def reply(engines: LocalEngines, said: str) -> str:
    request = ReplyRequest(instructions="", turns=turns(("user", said)))
    return "".join(map(str, engines.responder().reply(request, Event())))


@pytest.mark.local
def test_it_says_short_plain_sentences(engines: LocalEngines) -> None:
    text = reply(engines, "What is the capital of France?")
    assert "Paris" in text
    assert not set("*#`_") & set(text)
    assert len(text.split()) <= 60


@pytest.mark.local
def test_it_stops_at_once_and_the_next_reply_comes(engines: LocalEngines) -> None:
    stop = Event()
    said = turns(("user", "Tell me about the sea and all its animals."))
    pieces = engines.responder().reply(ReplyRequest(instructions="", turns=said), stop)
    assert next(pieces)
    began = monotonic()
    stop.set()
    assert list(pieces) == []
    assert monotonic() - began < 0.2
    assert reply(engines, "Hello!")


@pytest.mark.local
def test_it_stops_before_the_first_word(engines: LocalEngines) -> None:
    engines.load()  # which may take seconds
    stop = Event()
    stop.set()
    began = monotonic()
    request = ReplyRequest(instructions="", turns=turns(("user", "Hi!")))
    assert not list(engines.responder().reply(request, stop))
    assert monotonic() - began < 0.2


@pytest.mark.local
def test_what_was_read_ahead_is_not_read_again(engines: LocalEngines) -> None:
    """The rest of the turn, its end and the beginning of the reply are left, about 10 tokens."""
    model = engines._model()
    before = turns(("user", "Hello."), ("assistant", "Hi! Where does your sister live now?"))
    begun = [*before, *turns(("user", "My sister lives in London and she has."))]
    said = [*before, *turns(("user", "My sister lives in London and she has two children."))]

    def read_tokens() -> int:
        answer = model._server.handle_chat_completions(
            {"messages": messages(said), "max_tokens": 1}
        )
        return int(answer["timings"]["prompt_n"])

    assert list(model.reply(turns(("user", "What is wool?")), Event()))
    assert read_tokens() > 30
    assert list(model.reply(turns(("user", "What is wool?")), Event()))
    model.read_ahead(begun)
    assert read_tokens() < 14


@pytest.mark.local
def test_who_recognises_speech_does_not_wait_for_a_reply(engines: LocalEngines) -> None:
    """The lock stands for a reply that another client gets."""
    model = engines._model()
    said = turns(("user", "Tell me about the sea and all its animals."))
    with ThreadPoolExecutor(1) as pool:
        with model._in_use:
            reply_begun = pool.submit(next, model.reply(said, Event()))
            with pytest.raises(BackendError, match="writes a reply"):
                model.read_ahead(said)
            with pytest.raises(BackendError, match="writes a reply"):
                model.ends(said)
            assert not reply_begun.done()
        assert reply_begun.result()
    assert 0 <= model.ends(said) <= 1


@pytest.mark.local
def test_several_at_once_all_get_their_reply(engines: LocalEngines) -> None:
    with ThreadPoolExecutor(2) as pool:
        said = ("Tell me about tea.", "Tell me about wool.")
        assert all(pool.map(lambda text: reply(engines, text), said))


@pytest.mark.local
def test_a_program_can_end_in_the_middle_of_a_reply() -> None:
    """The model's thread runs in C while the program ends."""
    code = (
        "from threading import Event\n"
        "from tui_voice.server.interfaces import ContextTurn, ReplyRequest\n"
        "from tui_voice.server.local.engines import LocalEngines\n"
        "turn = ContextTurn('1', 'user', 'Tell me about the sea and the animals in it.')\n"
        "it = LocalEngines(probe=False).responder().reply(ReplyRequest('', [turn]), Event())\n"
        "print(next(it))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip()


def test_its_prompt_is_short_and_its_roles_alternate() -> None:
    session = [*session_with_facts(3), *turns(("assistant", "x" * 5000), ("user", "y" * 5000))]
    prompt = messages(session)
    assert sum(len(message["content"]) for message in prompt) < 2500
    roles = [message["role"] for message in prompt[1:]]
    assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"]


def test_a_greeting_of_the_assistant_does_not_join_the_examples() -> None:
    session = turns(("assistant", "Welcome."), ("user", "Hi."))
    alone = messages(turns(("user", "Hi.")))
    assert messages(session) == alone
    assert alone[-1] == {"role": "user", "content": "Hi."}


@pytest.mark.parametrize(
    ("session", "system", "last"),
    [
        ([], "You are Ana.", "Hello!"),
        ([("system", "Greet the guest.")], "You are Ana.\nGreet the guest.", "Hello!"),
        ([("user", " ")], "You are Ana.", "Hello!"),
        (
            [("user", "Hi."), ("assistant", "Hi!"), ("system", "The user is silent.")],
            "You are Ana.\nThe user is silent.",
            "Go on.",
        ),
    ],
)
def test_it_speaks_first_by_its_instructions(
    session: list[tuple[str, str]], system: str, last: str
) -> None:
    prompt = messages(turns(*session), "You are Ana.")
    assert prompt[0] == {"role": "system", "content": system}
    assert prompt[-1] == {"role": "user", "content": last}


@pytest.mark.local
@pytest.mark.parametrize("session", [[], [("system", "Greet the guest.")]])
def test_it_greets_where_nobody_has_said_anything(
    engines: LocalEngines, session: list[tuple[str, str]]
) -> None:
    instructions = "You are Ana, the receptionist of Hotel Sol. Greet the guest."
    request = ReplyRequest(instructions, turns(*session))
    greeting = "".join(map(str, engines.responder().reply(request, Event())))
    assert len(greeting.split()) > 1
    assert greeting != "I don't know what to say to that."


@pytest.mark.local
def test_a_model_file_of_the_user_is_taken() -> None:
    own = LocalEngines(llm_path=SMOLLM2.find())
    assert own.describe().endswith("SmolLM2-135M-Instruct.Q4_1")
    stop = Event()
    request = ReplyRequest(instructions="", turns=turns(("user", "What is the capital of France?")))
    pieces = own.responder().reply(request, stop)
    assert next(pieces)
    stop.set()  # this small model may go on for a minute
    assert list(pieces) == []


def test_the_built_in_model_is_named_as_what_it_is() -> None:
    described = LocalEngines(probe=False).describe()
    assert described == f"moonshine tiny-en · hibari · {SmolLM.built_in}"
    assert "small chat model" in described
