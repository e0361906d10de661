"""llama.cpp's own chat server with the built-in model, on a port of loopback.

python -m tests.server.local.llama_harness TOKENS    # prints its address; runs until it is killed
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tui_voice.server.local.smollm import SMOLLM2
from tui_voice.weights import library


@contextmanager
def llama_server(context_tokens: int) -> Iterator[str]:
    """Runs it with one thread; gives its address, without `/v1`.

    It has a process of its own, which can be killed: a server that is deleted while a request is
    answered, which a client may have given up, waits for the answer for ever.
    """
    command = [sys.executable, "-m", "tests.server.local.llama_harness", str(context_tokens)]
    pipe = subprocess.PIPE  # its standard input stays open until it is killed
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def main(context_tokens: int) -> None:
    xllamacpp = library("xllamacpp")
    params = xllamacpp.CommonParams()
    params.model.path = str(SMOLLM2.find())
    params.model_alias = {"smollm"}
    params.n_ctx = context_tokens
    params.n_parallel = 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.verbosity = -1
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(int(sys.argv[1]))
