"""`tui-voice tokens`."""

import json
from pathlib import Path
from typing import Any

import pytest

from tui_voice.__main__ import main
from tui_voice.audio.files import write_wav
from tui_voice.audio.pcm import silence


def measured(capsys: pytest.CaptureFixture[str], *what: str) -> dict[str, object]:
    assert main(["tokens", *what, "--json"]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_text_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    found = measured(capsys, "The quick brown fox jumps over the lazy dog.")
    assert found["text_tokens"] == 10
    assert found["audio_seconds"] == pytest.approx(3.6)
    assert found["audio_tokens"] == 36
    assert found["ratio"] == 3.6
    assert found["audio_tokens_per_second"] == 10
    assert found["usd"] == {"text": pytest.approx(40e-6), "audio": pytest.approx(36 * 32e-6)}


def test_a_sound_file_with_its_words_needs_no_estimate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The example of the cookbook: 10.75 s are about 105 tokens, 2.5 times its 42 text tokens."""
    path = tmp_path / "said.wav"
    write_wav(path, silence(10_750))
    estimated = measured(capsys, str(path))
    assert estimated["audio_seconds"] == pytest.approx(10.75)
    assert estimated["audio_tokens"] == pytest.approx(105, abs=3)
    assert estimated["estimated"] == "text_tokens"
    exact = measured(capsys, str(path), "word " * 42)
    assert exact["text_tokens"] == pytest.approx(42, abs=2)
    assert exact["ratio"] == pytest.approx(2.5, abs=0.2)
    assert exact["estimated"] == ""


def test_the_plain_output_is_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tokens", "good", "morning"]) == 0
    out = capsys.readouterr().out
    assert "as text" in out
    assert "as speech" in out
    assert "times as many tokens" in out


def test_an_unknown_model_has_no_price(capsys: pytest.CaptureFixture[str]) -> None:
    found = measured(capsys, "hello", "--model", "nobody")
    assert found["usd"] == {"text": None, "audio": None}
    assert main(["tokens", "hello", "--model", "nobody"]) == 0
    assert "not known" in capsys.readouterr().out


@pytest.mark.parametrize("what", ["", "missing.wav"])
def test_without_words_or_a_readable_file_it_fails(
    what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tokens", what]) == 2
    assert capsys.readouterr().err


def test_the_ratio_of_almost_no_sound_is_unknown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "short.wav"
    write_wav(path, silence(1))
    assert measured(capsys, str(path))["ratio"] is None


def test_markers_and_endless_words_are_counted_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ("<|endoftext|> and <|endofprompt|>", "a" * 50_000):
        assert main(["tokens", "--json", words]) == 0
        assert json.loads(capsys.readouterr().out)["text_tokens"] > 5


@pytest.mark.local
@pytest.mark.slow
def test_the_embedded_server_measures_what_is_estimated(
    capsys: pytest.CaptureFixture[str], embedded_server: str
) -> None:
    """The first time it starts the server, the second time that one runs already."""
    words = "The quick brown fox jumps over the lazy dog."
    found: Any = measured(capsys, "--measure", "--backend", "local", words)
    assert found["measured"] is True
    assert found["text_tokens"] == found["estimate"]["text_tokens"]
    assert found["audio_tokens"] == pytest.approx(10 * found["audio_seconds"], abs=2)
    assert found["audio_tokens_per_second"] == pytest.approx(10, abs=0.6)
    assert found["ratio"] == pytest.approx(found["audio_tokens"] / found["text_tokens"], abs=0.01)
    there = ("--backend", embedded_server, "--model", "gpt-realtime")
    assert main(["tokens", "--measure", *there, words]) == 0
    rows = [line.rsplit(maxsplit=2) for line in capsys.readouterr().out.splitlines()[:-1]]
    assert [row[0].strip() for row in rows[1:]] == [
        "text tokens",
        "seconds of speech",
        "audio tokens",
        "audio tokens for each text token",
        "audio tokens a second",
        "USD as text (gpt-realtime)",
        "USD as speech (gpt-realtime)",
    ]
    assert [row[2] for row in rows[1:4]] == ["10", "3.6", "36"], "the estimate stands beside it"
    assert rows[1][1] == str(found["text_tokens"])
    assert float(rows[7][1]) == pytest.approx(int(rows[3][1]) * 32 / 1e6, abs=1e-6)
