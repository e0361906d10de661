"""`docs/promises.md` names tests that exist, and every promise names at least one."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROMISES = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")


def functions_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, functions)}


def test_every_test_that_is_named_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PROMISES)
    assert len(named) > 40
    missing = [
        f"{file}::{test}"
        for file, test in named
        if not (ROOT / file).is_file() or (test and test not in functions_in(ROOT / file))
    ]
    assert missing == []


def test_every_promise_names_a_test_and_says_how_it_is_kept() -> None:
    rows = re.findall(r"^\| (.+?) \| (.+?) \| (.+) \|$", PROMISES, re.M)
    promises = [row for row in rows if row[0] != "promise" and "---" not in row[0]]
    assert len(promises) > 20
    assert [what for what, how, tests in promises if "::test_" not in tests or not how] == []


def test_every_module_that_is_named_exists() -> None:
    named = re.findall(r"`((?:tui_voice|runtime|store|server|cli)/[\w/]+\.py)`", PROMISES)
    assert named
    for name in named:
        path = name if name.startswith("tui_voice") else f"tui_voice/{name}"
        assert (ROOT / path).is_file(), name
