"""Wheel and source archive install into an empty environment, and the program runs there."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.requirements_harness import require

ROOT = Path(__file__).parents[1]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.xdist_group("package")]


def run(*command: str | Path, **env: str) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | env, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The wheel and the source archive, built from this checkout."""
    require(shutil.which("uv") is not None, "uv builds the package (pip install uv)")
    folder = tmp_path_factory.mktemp("dist")
    run("uv", "build", "--quiet", "--out-dir", str(folder))
    found = sorted(path for path in folder.iterdir() if path.suffix in (".whl", ".gz"))
    assert {path.suffix for path in found} == {".whl", ".gz"}
    return found


def test_the_archives_contain_the_package_and_its_data(archives: list[Path]) -> None:
    for archive in archives:
        if archive.suffix == ".whl":
            names = set(zipfile.ZipFile(archive).namelist())
        else:
            with tarfile.open(archive) as file:
                names = {name.partition("/")[2] for name in file.getnames()}
        modules = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("tui_voice/**/*.py")}
        data = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("tui_voice/**/*.tcss")}
        assert modules | data <= names, sorted((modules | data) - names)[:5]


@pytest.mark.parametrize("kind", [".whl", ".gz"])
def test_the_program_runs_in_an_empty_environment(
    archives: list[Path], kind: str, tmp_path: Path
) -> None:
    archive = next(path for path in archives if path.suffix == kind)
    environment = tmp_path / "env"
    run("uv", "venv", "--quiet", "--python", sys.executable, environment)
    folder = environment / ("Scripts" if os.name == "nt" else "bin")
    run("uv", "pip", "install", "--quiet", "--python", folder / "python", archive)
    program, home = folder / "tui-voice", {"HOME": str(tmp_path)}
    assert run(program, "--version", **home).startswith("tui-voice ")
    assert "sessions" in run(program, "--help", **home)
    assert "Kyoto in April" in run(
        program, "sessions", "list", "--sessions-dir", "sessions", **home
    )
    assert '"text_tokens"' in run(program, "tokens", "--json", "good morning", **home)
    importable = "import tui_voice.ui.app, tui_voice.runtime.session_factory"
    run(folder / "python", "-P", "-c", importable, PYTHONPATH="", **home)


@pytest.mark.local
def test_the_engines_are_installed_as_a_tool_by_the_command_of_the_readme(tmp_path: Path) -> None:
    require(shutil.which("uv") is not None, "uv installs the tool (pip install uv)")
    command = next(
        line for line in (ROOT / "README.md").read_text().splitlines() if "uv tool install" in line
    )
    words = shlex.split(command.partition("#")[0])
    assert words[:3] == ["uv", "tool", "install"]
    folders = {"UV_TOOL_DIR": str(tmp_path / "tools"), "UV_TOOL_BIN_DIR": str(tmp_path / "bin")}
    no_build = {"UV_NO_BUILD_PACKAGE": "llama-cpp-python"}
    run(*words, "--quiet", "--python", sys.executable, **folders, **no_build)
    program, home = tmp_path / "bin" / "tui-voice", {"HOME": str(tmp_path)}
    checks = json.loads(run(program, "doctor", "--json", **home))["checks"]
    assert [check["status"] for check in checks if check["name"] == "engines"] == ["ok"]
