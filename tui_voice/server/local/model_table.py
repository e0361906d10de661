"""Models that `tui-voice models get` can fetch. To add one, add a row.

Sizes are of the files; a chat model needs about that much memory and half a GB more. A SHA-256 is
that of the file which the named revision has; where none is known, the one that the hub states is
compared. All licences allow use and redistribution.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["chat", "speech-to-text"]


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a repository; `sha256` None: not known here."""

    path: str
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class FetchableModel:
    """One model on the Hugging Face hub."""

    name: str
    kind: Kind
    repo: str
    revision: str
    """A commit, so that a later change of the repository is not fetched; or `main`."""
    files: tuple[ModelFile, ...]
    megabytes: int
    memory_gb: float
    """Memory that it takes when it is loaded."""
    languages: str
    licence: str


def _chat(
    name: str,
    repo: str,
    revision: str,
    file: ModelFile,
    megabytes: int,
    memory_gb: float,
    languages: str,
) -> FetchableModel:
    return FetchableModel(
        name, "chat", repo, revision, (file,), megabytes, memory_gb, languages, "Apache-2.0"
    )


def _whisper(name: str, size: str, megabytes: int, memory_gb: float) -> FetchableModel:
    files = ("config.json", "model.bin", "tokenizer.json", "vocabulary.txt")
    return FetchableModel(
        name,
        "speech-to-text",
        f"Systran/faster-whisper-{size}",
        "main",
        tuple(ModelFile(path) for path in files),
        megabytes,
        memory_gb,
        "99 languages",
        "MIT",
    )


_ROWS = (
    _chat(
        "qwen3-0.6b",
        "Qwen/Qwen3-0.6B-GGUF",
        "23749fefcc72300e3a2ad315e1317431b06b590a",
        ModelFile(
            "Qwen3-0.6B-Q8_0.gguf",
            "9465e63a22add5354d9bb4b99e90117043c7124007664907259bd16d043bb031",
        ),
        639,
        1.2,
        "100 languages",
    ),
    _chat(
        "smollm2-1.7b",
        "HuggingFaceTB/SmolLM2-1.7B-Instruct-GGUF",
        "2d4a76a30b4af41ecd395c35725ac11688d4cfe4",
        ModelFile(
            "smollm2-1.7b-instruct-q4_k_m.gguf",
            "decd2598bc2c8ed08c19adc3c8fdd461ee19ed5708679d1c54ef54a5a30d4f33",
        ),
        1056,
        1.8,
        "English",
    ),
    _chat(
        "qwen3-1.7b",
        "ggml-org/Qwen3-1.7B-GGUF",
        "daeb8e2d528a760970442092f6bf1e55c3b659eb",
        ModelFile(
            "Qwen3-1.7B-Q4_K_M.gguf",
            "d2387ca2dbfee2ffabce7120d3770dadca0b293052bc2f0e138fdc940d9bc7b5",
        ),
        1282,
        2.2,
        "100 languages",
    ),
    _chat(
        "granite-3.3-2b",
        "ibm-granite/granite-3.3-2b-instruct-GGUF",
        "7cdf86ccd1f1bb3491c9b7017b033f2e51367397",
        ModelFile(
            "granite-3.3-2b-instruct-Q4_K_M.gguf",
            "ac71e9e32c0bea919b409c5918f69ca74339854b0319c5065e4e9fb6d95c4852",
        ),
        1545,
        2.4,
        "12 languages",
    ),
    _chat(
        "smollm3-3b",
        "ggml-org/SmolLM3-3B-GGUF",
        "4965cb60b150737b68a0408c36aeefb65078f894",
        ModelFile(
            "SmolLM3-Q4_K_M.gguf",
            "8334b850b7bd46238c16b0c550df2138f0889bf433809008cc17a8b05761863e",
        ),
        1915,
        2.8,
        "6 European languages",
    ),
    _chat(
        "qwen3-4b",
        "Qwen/Qwen3-4B-GGUF",
        "bc640142c66e1fdd12af0bd68f40445458f3869b",
        ModelFile(
            "Qwen3-4B-Q4_K_M.gguf",
            "7485fe6f11af29433bc51cab58009521f205840f5b4ae3a32fa7f92e8534fdf5",
        ),
        2497,
        3.6,
        "100 languages",
    ),
    _whisper("whisper-tiny", "tiny", 78, 0.3),
    _whisper("whisper-base", "base", 148, 0.4),
    _whisper("whisper-small", "small", 486, 0.9),
    _whisper("whisper-medium", "medium", 1531, 2.1),
)
MODELS: dict[str, FetchableModel] = {model.name: model for model in _ROWS}
"""By name, in the order in which they are listed."""
