"""Starts llama.cpp (the package `xllamacpp`) in this process, with one model file.

It always listens on a loopback port, too; a random key keeps other programs out.
"""

from __future__ import annotations

import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui_voice.weights import library

_SPINS = "1000"
"""Rounds for which a thread of libgomp waits in a loop before it sleeps. By default it waits about
1 ms, for which there is no time where other programs compute: two threads on two busy cores took 20
times as long as one. With 1,000 rounds they take as long, and 0.6 times as long on idle cores."""


@dataclass(frozen=True, slots=True)
class LlamaServer:
    """`native`: the object of xllamacpp."""

    native: Any
    key: str

    @property
    def url(self) -> str:
        return str(self.native.listening_address)


def start(
    file: Path,
    context_tokens: int,
    *,
    alias: str | None = None,
    states: Path | None = None,
    reused_tokens: int = 0,
) -> LlamaServer:
    """Loads a GGUF model, for one reply at a time.

    `alias`: its name in the interface. `states`: folder in which the state of the model may be
    saved. `reused_tokens`: what the model computed for so many tokens in a row is moved where they
    stand at another place than in the prompt before; 0: they are read again.

    Raises `EnginesMissing` without the package, `RuntimeError` where it cannot load `file`.
    """
    os.environ.setdefault("GOMP_SPINCOUNT", _SPINS)  # read when the library is loaded
    xllamacpp = library("xllamacpp")
    cores = os.cpu_count() or 2
    params = xllamacpp.CommonParams()
    params.model.path = str(file)
    if alias is not None:
        params.model_alias = {alias}
    if states is not None:
        params.slot_save_path = f"{states}{os.sep}"
    params.n_ctx = context_tokens
    params.n_cache_reuse = reused_tokens
    params.n_parallel = 1
    # For one token at a time, the threads wait for each other too often to use every core.
    params.cpuparams.n_threads = max(1, cores - 1)
    all_cores = sys.platform == "linux"  # elsewhere the library has no libgomp
    params.cpuparams_batch.n_threads = cores if all_cores else params.cpuparams.n_threads
    params.verbosity = -1
    params.use_jinja = True  # the model's own template, which knows functions
    key = secrets.token_hex(16)
    params.api_keys = [key]
    params.ui = False
    return LlamaServer(xllamacpp.Server(params), key)
