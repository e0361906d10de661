"""What the small chat model has computed for the beginning of its prompts is kept, and checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tui_voice.server.local.llama_cpp import LlamaServer
from tui_voice.server.local.prompt_state import PromptState
from tui_voice.server.local.smollm import SmolLM, _beginning


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TUI_VOICE_CACHE_DIR", str(tmp_path))
    return tmp_path / "prompts"


def read_tokens(model: SmolLM) -> int:
    """Returns how many tokens of a first question the model has to read."""
    question = [*_beginning(), {"role": "user", "content": "What is wool?"}]
    answer: dict[str, Any] = model._server.handle_chat_completions(
        {"messages": question, "max_tokens": 1}
    )
    return int(answer["timings"]["prompt_n"])


@pytest.mark.local
def test_the_second_start_reads_a_whole_file_and_makes_a_damaged_one_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read_tokens(SmolLM()) < 30
    [file] = folder.iterdir()
    whole = file.read_bytes()
    assert (file.stat().st_mode & 0o77, folder.stat().st_mode & 0o77) == (0, 0)
    with monkeypatch.context() as patch:
        patch.setattr(PromptState, "save", None)  # it would fail where it had to save it again
        assert read_tokens(SmolLM()) < 30
    file.write_bytes(whole[: len(whole) // 2])  # llama.cpp would end the process
    assert read_tokens(SmolLM()) < 30
    [again] = folder.iterdir()
    assert again.stat().st_size == len(whole)


@pytest.mark.parametrize("content", [b"", b"short"])
def test_another_content_than_that_of_the_name_is_never_read(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "model-0123456789abcdef").write_bytes(content)
    nobody = LlamaServer(None, "key")  # asking it would fail
    assert not PromptState(tmp_path, "model").restore(nobody)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_no_fault(tmp_path: Path) -> None:
    folder = tmp_path / "prompts"
    folder.write_text("a file")
    state = PromptState(folder, "model")
    assert not state.restore(LlamaServer(None, "key"))
    state.save(LlamaServer(None, "key"))
    assert folder.read_text() == "a file"
