"""What the small chat model has computed for the beginning of its prompts is kept, and checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tui_voice.server.local.smollm import SmolLM, _beginning

pytestmark = pytest.mark.local


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


def test_the_second_start_reads_the_beginning_from_the_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = read_tokens(SmolLM())
    [file] = folder.iterdir()
    assert first < 30
    assert (file.stat().st_mode & 0o77, folder.stat().st_mode & 0o77) == (0, 0)
    with monkeypatch.context() as patch:
        patch.setattr("tui_voice.server.local.prompt_state.PromptState.save", None)
        assert read_tokens(SmolLM()) == first  # it would fail where it had to save it again
    assert list(folder.iterdir()) == [file]


@pytest.mark.parametrize("damage", [b"", b"short", None])
def test_a_damaged_file_is_made_again(folder: Path, damage: bytes | None) -> None:
    """llama.cpp would end the process at a file that was cut."""
    SmolLM()
    [file] = folder.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    assert read_tokens(SmolLM()) < 30
    [again] = folder.iterdir()
    assert again.stat().st_size == len(whole)


def test_a_folder_that_cannot_be_made_is_no_fault(folder: Path) -> None:
    folder.write_text("a file")
    assert read_tokens(SmolLM()) < 30
    assert folder.read_text() == "a file"
