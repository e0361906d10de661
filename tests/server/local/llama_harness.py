"""llama.cpp's own chat server with the built-in model, on a port of loopback."""

from __future__ import annotations

from typing import Any

from tui_voice.server.local.smollm import SMOLLM2
from tui_voice.server.local.weights import library


def llama_server(context_tokens: int) -> Any:
    """Starts it with one thread. It ends with the last reference to it; its `listening_address`
    has no `/v1`.
    """
    xllamacpp = library("xllamacpp")
    params = xllamacpp.CommonParams()
    params.model.path = str(SMOLLM2.find())
    params.model_alias = {"smollm"}
    params.n_ctx = context_tokens
    params.n_parallel = 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.verbosity = -1
    return xllamacpp.Server(params)
