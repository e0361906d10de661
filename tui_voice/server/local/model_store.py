"""The models that the user has fetched: `models/<name>/` in the cache folder.

A model counts as fetched when all of its files are there and were checked. `used.json` names the
model of each kind that the embedded server uses.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any

from tui_voice.config import cache_dir
from tui_voice.config.program_form import install, with_extra
from tui_voice.errors import BackendError, EnginesMissing
from tui_voice.server.local.model_table import MODELS, FetchableModel, Kind, ModelFile

_LIBRARIES: dict[Kind, str] = {"chat": "xllamacpp", "speech-to-text": "faster_whisper"}
"""The library that runs the models of a kind, by its import name."""
_CHECKED = "checked"
"""Name of the empty file that is written when all files of a model were checked."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


def models_folder() -> Path:
    return cache_dir() / "models"


def folder_of(model: FetchableModel) -> Path:
    return models_folder() / model.name


def is_fetched(model: FetchableModel) -> bool:
    folder = folder_of(model)
    return all((folder / name).is_file() for name in (_CHECKED, *(f.path for f in model.files)))


def used_model(kind: Kind) -> FetchableModel | None:
    """Returns the fetched model that the embedded server uses; None: the built-in one, also where
    the library of a fetched one is not installed any more."""
    model = MODELS.get(_used().get(kind, ""))
    if model is None or model.kind != kind or not is_fetched(model):
        return None
    return model if find_spec(_LIBRARIES[kind]) is not None else None


def check_usable(model: FetchableModel) -> None:
    """Raises `EnginesMissing` where the library that runs the model is not installed."""
    library = _LIBRARIES[model.kind]
    if find_spec(library) is None:
        package = library.replace("_", "-")
        raise EnginesMissing(
            f"{model.name} is run by the package {package}, which is not installed.",
            f"Run `{install(package)}`.",
        )


def use(model: FetchableModel) -> None:
    """Lets the embedded server use the fetched `model` from its next start on."""
    _write_used(_used() | {model.kind: model.name})


def remove(model: FetchableModel) -> bool:
    """Deletes the files of a model, also of one that was fetched in part; returns whether there
    were any.
    """
    was_here = folder_of(model).exists()
    shutil.rmtree(folder_of(model), ignore_errors=True)
    _write_used({kind: name for kind, name in _used().items() if name != model.name})
    return was_here


def fetch(model: FetchableModel, report: Callable[[str, int, int], None]) -> None:
    """Downloads the files that are missing, continues those that are begun, and checks all.

    `report(file, done, total)` is called with numbers of bytes. Raises `BackendError` where the hub
    cannot be reached or a file is not the expected one, which is then deleted; `EnginesMissing`
    where the package for it is not installed.
    """
    folder = folder_of(model)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _CHECKED).unlink(missing_ok=True)
    for file in model.files:
        _fetch_file(model, file, folder, report)
    (folder / _CHECKED).touch()


def _fetch_file(
    model: FetchableModel, file: ModelFile, folder: Path, report: Callable[[str, int, int], None]
) -> None:
    part = folder / f"{file.path}.part"
    try:
        stated = _download(model, file, part, report)
    except EnginesMissing:
        raise
    except Exception as error:  # of the package, and of its HTTP library
        raise BackendError(
            f"{file.path} of {model.repo} could not be fetched: {_reason(error)}.",
            f"What has come is kept: run `tui-voice models get {model.name}` again to go on.",
        ) from error
    expected = file.sha256 or (stated if _SHA256.fullmatch(stated) else None)
    if expected is not None and _digest(part) != expected:
        part.unlink()
        raise BackendError(
            f"{file.path} of {model.repo} is not the expected file: its SHA-256 differs. It was "
            "deleted.",
            f"Run `tui-voice models get {model.name}` again.",
        )
    part.replace(folder / file.path)


def _download(
    model: FetchableModel, file: ModelFile, part: Path, report: Callable[[str, int, int], None]
) -> str:
    """Downloads what `part` lacks of the file; returns its tag at the hub: of a large file, the
    SHA-256.

    `huggingface_hub` itself continues a download only while the program runs, so its lower function
    is called here.
    """
    hub, http_get = _hub()
    mirror = os.environ.get("HF_ENDPOINT")
    url = hub.hf_hub_url(model.repo, file.path, revision=model.revision, endpoint=mirror)
    metadata = hub.get_hf_file_metadata(url, token=False)
    here = part.stat().st_size if part.is_file() else 0
    if metadata.size is None or here > metadata.size:
        part.unlink(missing_ok=True)
        here = 0
    if here != metadata.size:
        with part.open("ab") as stream:
            http_get(
                metadata.location,
                stream,
                resume_size=here,
                expected_size=metadata.size,
                tqdm_class=_progress(file.path, report),
            )
    return metadata.etag or ""


def _hub() -> tuple[Any, Callable[..., Any]]:
    """Returns the package `huggingface_hub`, set so that it sends nothing but the requests, and its
    function that downloads."""
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["HF_HUB_DISABLE_IMPLICIT_TOKEN"] = "1"
    try:
        import huggingface_hub
        from huggingface_hub.file_download import http_get
    except ImportError as error:
        raise EnginesMissing(
            "Models cannot be fetched: the package huggingface-hub is not installed.",
            f"Run `{with_extra('local')}`.",
        ) from error
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    return huggingface_hub, http_get


def _progress(name: str, report: Callable[[str, int, int], None]) -> type:
    """Returns a progress bar class for `huggingface_hub` that draws nothing and reports."""
    from tqdm import tqdm

    class Progress(tqdm):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            options.pop("name", None)
            super().__init__(*arguments, **options | {"disable": False, "file": StringIO()})

        def update(self, n: float | None = 1) -> None:
            super().update(n)  # type: ignore[no-untyped-call]  # tqdm has no types
            report(name, int(self.n), int(self.total or 0))

    return Progress


def _used() -> dict[str, str]:
    """Returns the name of the model that is used, by kind."""
    try:
        found = json.loads((models_folder() / "used.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(kind): str(name) for kind, name in found.items()} if isinstance(found, dict) else {}


def _write_used(used: dict[str, str]) -> None:
    path = models_folder() / "used.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(used), encoding="utf-8")


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200].rstrip(".")
