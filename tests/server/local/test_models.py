"""`tui-voice models`: a model is fetched from a stand-in for the hub, checked, used and removed."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from threading import Event

import pytest

from tests.server.local.model_hub_harness import ModelHub, serving_models
from tests.server.local.turns_harness import turns
from tui_voice.__main__ import main
from tui_voice.cli import models
from tui_voice.config import program_form
from tui_voice.server.interfaces import ReplyRequest
from tui_voice.server.local import model_store, model_table
from tui_voice.server.local.engines import LocalEngines
from tui_voice.server.local.model_table import MODELS, FetchableModel, ModelFile
from tui_voice.server.local.smollm import SMOLLM2, SmolLM

CONTENT = random.Random(1).randbytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def small_model(sha256: str | None = SHA256) -> FetchableModel:
    files = (ModelFile("model.gguf", sha256),)
    return FetchableModel("small", "chat", "o/r", "main", files, 1, 0.1, "English", "MIT")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TUI_VOICE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setitem(model_table.MODELS, "small", small_model())
    return tmp_path / "cache"


@pytest.fixture
def hub(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelHub]:
    assert cache
    with serving_models(ModelHub({"model.gguf": CONTENT})) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
        yield hub


def listed(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """Returns the state of each model in the list."""
    capsys.readouterr()
    assert main(["models", "list", "--json"]) == 0
    return {row["name"]: row["state"] for row in json.loads(capsys.readouterr().out)}


def test_a_model_is_fetched_used_and_removed(
    hub: ModelHub, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert listed(capsys)["small"] == "absent"
    assert main(["models", "get", "small"]) == 0
    out = capsys.readouterr().out
    assert "Fetching small (1 MB, MIT) from o/r." in out
    assert "model.gguf: 100 % of 0 MB" in out
    assert "is used from now on" in out
    assert (cache / "models/small/model.gguf").read_bytes() == CONTENT
    assert listed(capsys)["small"] == "used"
    assert LocalEngines().describe().endswith("small")
    assert LocalEngines(probe=False).describe().endswith(SmolLM.built_in)
    downloads = len(hub.ranges)
    assert main(["models", "get", "small"]) == 0
    assert len(hub.ranges) == downloads, "it is here already"
    capsys.readouterr()
    for said in ("small is deleted.", "small was not here."):
        assert main(["models", "remove", "small"]) == 0
        assert capsys.readouterr().out.strip() == said
    assert listed(capsys)["small"] == "absent"
    assert not (cache / "models/small").exists()
    assert not any("Authorization" in headers for headers in hub.headers)


def test_a_download_that_broke_off_is_continued(
    hub: ModelHub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The package writes to the disk in pieces of 10 MiB."""
    content = random.Random(2).randbytes(12 * 2**20)
    sha256 = hashlib.sha256(content).hexdigest()
    monkeypatch.setitem(model_table.MODELS, "small", small_model(sha256))
    hub.files["model.gguf"] = content
    hub.cut_after = 11 * 2**20
    assert main(["models", "get", "small"]) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1, "the package says nothing itself"
    assert "model.gguf of o/r could not be fetched" in err
    assert "again to go on" in err
    assert listed(capsys)["small"] == "absent"
    hub.is_down = False
    assert main(["models", "get", "small"]) == 0
    assert hub.ranges == ["", f"bytes={10 * 2**20}-"]
    assert listed(capsys)["small"] == "used"


@pytest.mark.parametrize("known", [True, False])
def test_a_corrupted_file_is_refused_and_deleted(
    hub: ModelHub,
    cache: Path,
    known: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """By the SHA-256 in our table; where it has none, by the one that the hub states."""
    monkeypatch.setitem(model_table.MODELS, "small", small_model(SHA256 if known else None))
    hub.stated_sha256["model.gguf"] = SHA256
    hub.files["model.gguf"] = CONTENT[:-1] + b"?"
    assert main(["models", "get", "small"]) == 1
    assert "its SHA-256 differs" in capsys.readouterr().err
    assert not (cache / "models/small/model.gguf").exists()
    assert listed(capsys)["small"] == "absent"
    hub.files["model.gguf"] = CONTENT
    assert main(["models", "get", "small"]) == 0
    assert listed(capsys)["small"] == "used"


def test_a_file_that_the_hub_does_not_have_is_one_sentence(
    hub: ModelHub, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.files.clear()
    assert main(["models", "get", "small"]) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "could not be fetched" in err


def test_a_hub_that_is_not_reached_is_one_sentence(
    cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cache
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert main(["models", "get", "small"]) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "could not be fetched" in err


def test_an_unknown_model_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "get", "qwen3-4"]) == 2
    assert "Did you mean qwen3-4b?" in capsys.readouterr().err


def test_speech_recognition_needs_its_library_first(
    hub: ModelHub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without it, the embedded server would not start; so it also falls back to its own."""
    whisper = MODELS["whisper-tiny"]
    hub.files = {file.path: b"data" for file in whisper.files}
    installed = ModuleSpec("faster_whisper", None)
    monkeypatch.setattr(model_store, "find_spec", lambda _name: None)
    assert main(["models", "get", "whisper-tiny"]) == 1
    assert program_form.install("faster-whisper") in capsys.readouterr().err
    monkeypatch.setattr(model_store, "find_spec", lambda _name: installed)
    assert main(["models", "get", "whisper-tiny"]) == 0
    assert model_store.used_model("speech-to-text") == whisper
    monkeypatch.setattr(model_store, "find_spec", lambda _name: None)
    assert model_store.used_model("speech-to-text") is None


def test_a_damaged_choice_is_ignored(cache: Path) -> None:
    (cache / "models").mkdir(parents=True)
    for content in ("{", "[]", '{"chat": 7}', '{"chat": "gone"}', '{"chat": "small"}'):
        (cache / "models/used.json").write_text(content)
        assert model_store.used_model("chat") is None


def test_the_list_says_how_to_get_voices_in_other_languages(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "find_spec", lambda _name: None)
    assert main(["models", "list"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("Voices in German, Spanish, French and Italian come with the extra")
    assert last.endswith("uv run --extra voices tui-voice")


def test_all_models_have_free_licences_and_fit_the_table() -> None:
    for model in MODELS.values():
        assert model.licence in ("Apache-2.0", "MIT")
        assert model.memory_gb * 1000 > model.megabytes
        if model.kind == "chat":
            (file,) = model.files
            assert file.path.endswith(".gguf")
            assert file.sha256 is not None
            assert len(model.revision) == 40


@pytest.mark.local
def test_a_fetched_model_answers(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is the built-in model, as it is the only one here; it runs as a fetched one does."""
    assert cache
    content = SMOLLM2.find().read_bytes()
    model = small_model(SMOLLM2.sha256)
    monkeypatch.setitem(model_table.MODELS, "small", model)
    with serving_models(ModelHub({"model.gguf": content})) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        assert main(["models", "get", "small"]) == 0
    engines = LocalEngines()
    instructions = "You are Ana, the receptionist of Hotel Sol."
    request = ReplyRequest(instructions, turns(("user", "Who are you?")), max_tokens=12)
    reply = "".join(map(str, engines.responder().reply(request, Event())))
    assert len(reply.split()) > 2  # what it says is chosen by chance
    assert engines.describe().endswith("small")
