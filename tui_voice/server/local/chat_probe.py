"""Looks for a chat server that the user already runs on this machine."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException

_ADDRESSES = ("127.0.0.1:11434", "127.0.0.1:1234")
"""The default addresses of Ollama and of LM Studio."""
_TIMEOUT_S = 0.07
_NOT_FOR_CHAT = re.compile(r"embed|whisper|tts|rerank|clip|bge|minilm", re.I)
"""Names of models that do something else."""


@dataclass(frozen=True, slots=True)
class LocalChat:
    """A chat server on loopback and one of its models."""

    base_url: str
    model: str


def find_local_chat(
    model: str | None = None,
    addresses: Sequence[str] = _ADDRESSES,
    timeout_s: float = _TIMEOUT_S,
) -> LocalChat | None:
    """Returns the first of `addresses` (`host:port`) that answers `/v1/models`, None without any.

    `model`: the server must have this model; None takes its first one that can chat. `timeout_s`
    limits the connection and, once more, the answer; all addresses are asked at the same time.
    """
    with ThreadPoolExecutor(len(addresses)) as pool:
        answers = list(pool.map(lambda address: _models(address, timeout_s), addresses))
    for address, names in zip(addresses, answers, strict=True):
        for name in names:
            if name == model or (model is None and not _NOT_FOR_CHAT.search(name)):
                return LocalChat(f"http://{address}/v1", name)
    return None


def _models(address: str, timeout_s: float) -> list[str]:
    """Returns the names of the models that a server offers, [] where there is no such server."""
    host, _, port = address.rpartition(":")
    connection = HTTPConnection(host, int(port), timeout=timeout_s)
    try:
        connection.request("GET", "/v1/models")
        answer = connection.getresponse()
        if answer.status != 200:
            return []
        listed = json.loads(answer.read(1_000_000))
        return [str(entry["id"]) for entry in listed["data"]]
    except (OSError, HTTPException, ValueError, LookupError, TypeError):
        return []  # no server there, or one of another protocol
    finally:
        connection.close()
