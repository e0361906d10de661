"""Commands that work where this program is installed: by `uv run`, `uv tool` or pip."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

PLAIN = "tui-voice"
_COMMAND = re.compile(r"`tui-voice(?=[ `])")
EXCLUDES = "uv-excludes.txt"
"""A file of the checkout: packages that the extra `local` names, and of which nothing is used."""


def working_form(env: Mapping[str, str] | None = None) -> str:
    """Returns what a user types to start the program again, from the folder in which it runs.

    `uv run` puts the project's programs on the PATH of what it starts only, so there `tui-voice`
    alone is found only if it is installed elsewhere, too. `env`: used instead of the environment.
    """
    env = os.environ if env is None else env
    own = Path(sys.executable).parent
    path = env.get("PATH", "")
    if "UV_RUN_RECURSION_DEPTH" not in env:
        return PLAIN if shutil.which(PLAIN, path=path) else f"{Path(sys.executable)} -m tui_voice"
    others = [folder for folder in path.split(os.pathsep) if folder and Path(folder) != own]
    return PLAIN if shutil.which(PLAIN, path=os.pathsep.join(others)) else f"uv run {PLAIN}"


def in_working_form(text: str) -> str:
    """Returns a text for the user, each "`tui-voice …`" in it as `working_form` has it."""
    return _COMMAND.sub(lambda _found: f"`{working_form()}", text) if f"`{PLAIN}" in text else text


def keyring_program() -> str:
    """Returns what starts the program `keyring` of the environment in which this program runs."""
    if _by_uv_run():
        return "uv run keyring"
    return "keyring" if _on_path("keyring") else f"{sys.executable} -m keyring"


def install(package: str, *flags: str) -> str:
    """Returns the command that installs a package into the environment of this program."""
    words = " ".join(("install", *flags, package))
    if _on_path("pip"):
        return f"pip {words}"
    if _by_uv_run():
        return f"uv pip {words}"
    if find_spec("pip") is not None:
        return f"{sys.executable} -m pip {words}"
    return f"uv pip {words} --python {sys.executable}"


def with_extra(extra: str) -> str:
    """Returns the command that brings the packages of an extra: `uv run --extra sound tui-voice`.

    Where the program is installed, it is the command that installs it again from the same source.
    """
    source = _source()
    if _by_uv_run() or source is None:
        return f"uv run --extra {extra} {PLAIN}"
    folder, url = source
    name = f"{folder}[{extra}]" if folder else f"{PLAIN}[{extra}]{f' @ {url}' if url else ''}"
    if not (Path(sys.prefix) / "uv-receipt.toml").is_file():
        return install(f"'{name}'")
    left_out = f"--excludes '{folder / EXCLUDES}' " if folder and extra == "local" else ""
    return f"uv tool install --force {left_out}'{name}'"


def _source() -> tuple[Path | None, str] | None:
    """Returns the folder (None: it is none) and the URL ("": a package index) from which the
    program is installed; None where it runs in its checkout, or is not installed at all.
    """
    import importlib.metadata  # with urllib.request 15 ms, which no start should wait for
    from urllib.request import url2pathname

    try:
        text = importlib.metadata.distribution(PLAIN).read_text("direct_url.json")
    except importlib.metadata.PackageNotFoundError:
        return None
    if text is None:
        return None, ""
    given = json.loads(text)
    folder = given.get("dir_info")
    if folder is not None and folder.get("editable"):
        return None
    url = given["url"]
    return (Path(url2pathname(urlsplit(url).path)) if folder is not None else None), url


def _by_uv_run() -> bool:
    return "UV_RUN_RECURSION_DEPTH" in os.environ


def _on_path(program: str) -> bool:
    """Returns whether the shell finds the program of this environment under its name alone."""
    found = shutil.which(program)
    return found is not None and Path(found).parent == Path(sys.executable).parent
