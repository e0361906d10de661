"""The house rules, as tests: form, types, who leans on whom, size, and what must not be in here."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LONGEST = 400
"""Lines of a Python file; one that is nearing them usually holds two ideas."""


def run(*command: str) -> None:
    """One of the development group's tools, from the environment these tests run in."""
    tool = shutil.which(command[0], path=str(Path(sys.executable).parent))
    assert tool is not None, f"{command[0]} is not installed: uv sync"
    ended = subprocess.run(
        [tool, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, f"{' '.join(command)}\n{ended.stdout}{ended.stderr}"


def tracked(*patterns: str) -> list[Path]:
    """The files under version control, or all files where this is no checkout."""
    asked = subprocess.run(
        ["git", "ls-files", "-z", "--", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode:
        pytest.skip("this is no git checkout")
    return [path for name in asked.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def test_the_form_is_ruffs() -> None:
    run("ruff", "format", "--check", ".")


def test_the_linter_is_content() -> None:
    run("ruff", "check", ".")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_types_hold() -> None:
    run("mypy")


def test_arrows_point_down() -> None:
    run("lint-imports", "--no-cache")


def test_the_conversation_asks_for_no_now() -> None:
    """It may read a written time (the import contract allows that much), but not the clock."""
    asked = [
        f"{path.name}:{node.lineno}"
        for path in tracked("tui_voice/conversation/*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("now", "today", "utcnow")
    ]
    assert asked == []


def test_no_file_holds_two_ideas() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in tracked("*.py")}
    assert {str(p.relative_to(ROOT)): n for p, n in lengths.items() if n > LONGEST} == {}


def test_every_exception_to_a_rule_has_its_reason_beside_it() -> None:
    """`# noqa: RULE  # why` or `# noqa: RULE - why`; likewise for types."""
    bare = re.compile(r"#\s*(noqa|type:\s*ignore)\b(:\s*[A-Z0-9, ]+|\[[\w, -]+\])?\s*$", re.M)
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in tracked("*.py")
        for match in bare.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []


FORBIDDEN = {
    # Each pattern is written so that it does not match itself.
    "a registry's address": r"https?://[\w.-]*(pypi|pythonhosted|npmjs|debian)[.](org|com|net)",
    "a path of one machine": r"(?<![\w~.])/(work|root|home/[a-z]+|Users/[A-Za-z]+)/",
    "a key": r"\b(sk|ek)-[A-Za-z0-9_-]*[A-Za-z0-9]{20}|\bAKIA[0-9A-Z]{16}|BEGIN [A-Z ]*PRIVATE KEY",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_the_repository_holds_no(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what].encode())
    found = [
        f"{path.relative_to(ROOT)}: {match[0].decode(errors='replace')}"
        for path in tracked()
        for match in pattern.finditer(path.read_bytes())
    ]
    assert found == []


@pytest.mark.parametrize(
    ("what", "example"),
    [
        ("a registry's address", "https://files." + "pythonhosted.org/x"),
        ("a path of one machine", "open('/" + "root/x')"),
        ("a key", "sk-proj-" + "aB3" * 10),
    ],
)
def test_what_must_not_be_here_would_be_found(what: str, example: str) -> None:
    assert re.search(FORBIDDEN[what], example)
