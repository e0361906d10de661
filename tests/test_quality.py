"""Rules that hold for the whole repository: format, types, imports, sizes, names and words."""

import ast
import re
import shutil
import subprocess
import sys
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LONGEST = 500
"""Lines of a Python file. A longer file usually contains two ideas."""


def run(*command: str) -> None:
    """Run a tool of the development group; it must succeed."""
    tool = shutil.which(command[0], path=str(Path(sys.executable).parent))
    assert tool is not None, f"{command[0]} is not installed: uv sync"
    ended = subprocess.run(
        [tool, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, f"{' '.join(command)}\n{ended.stdout}{ended.stderr}"


def tracked(*patterns: str) -> list[Path]:
    """The files under version control that match. Skips the test where there is no git checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("this is no git checkout")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def name_of(path: Path) -> str:
    """The path as error messages show it: relative to the repository."""
    return path.relative_to(ROOT).as_posix()


def syntax_tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def tokens(path: Path) -> Iterator[tokenize.TokenInfo]:
    with path.open("rb") as file:
        yield from tokenize.tokenize(file.readline)


def test_every_file_is_formatted() -> None:
    run("ruff", "format", "--check", ".")


def test_the_linter_finds_nothing() -> None:
    run("ruff", "check", ".")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_types_are_correct() -> None:
    run("mypy")


def test_the_import_contracts_hold() -> None:
    run("lint-imports", "--no-cache")


def test_the_conversation_does_not_read_the_clock() -> None:
    """It may parse a time from the journal, so the import contract allows `datetime`."""
    calls = [
        f"{name_of(path)}:{node.lineno}"
        for path in tracked("tui_voice/conversation/*.py")
        for node in ast.walk(syntax_tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("now", "today", "utcnow")
    ]
    assert calls == []


def test_a_long_file_says_why_in_its_first_comment() -> None:
    """The comment begins with "Over 500 lines:"."""
    without_reason = []
    for path in tracked("*.py"):
        if len(path.read_text(encoding="utf-8").splitlines()) > LONGEST:
            comments = (one.string for one in tokens(path) if one.type == tokenize.COMMENT)
            if not next(comments, "").startswith(f"# Over {LONGEST} lines:"):
                without_reason.append(name_of(path))
    assert without_reason == []


def test_every_exception_to_a_rule_has_its_reason_beside_it() -> None:
    """`# noqa: RULE  # reason` or `# noqa: RULE - reason`; likewise for `type: ignore`."""
    bare = re.compile(r"#\s*(noqa|type:\s*ignore)\b(:\s*[A-Z0-9, ]+|\[[\w, -]+\])?\s*$", re.M)
    found = [
        f"{name_of(path)}: {match[0]}"
        for path in tracked("*.py")
        for match in bare.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_a_class_name_stands_for_one_thing() -> None:
    """A class inside a class is qualified by it, as Textual's messages are. The classes of
    `realtime/wire` have the names that the Realtime API gives them.
    """
    places = defaultdict(list)
    for path in tracked("tui_voice/*.py"):
        if "realtime/wire" not in name_of(path):
            for node in syntax_tree(path).body:
                if isinstance(node, ast.ClassDef):
                    places[node.name].append(name_of(path))
    assert {name: files for name, files in places.items() if len(files) > 1} == {}


def test_no_code_is_made_from_text() -> None:
    calls = [
        f"{name_of(path)}:{node.lineno}"
        for path in tracked("tui_voice/*.py")
        for node in ast.walk(syntax_tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("exec", "eval", "compile")
    ]
    assert calls == []


REPLACED_WORDS = {
    r"(an?|the|this|that|each|every|saved|old|new|another|whole|all) talks?(?!\s+key)": "session",
    r"told|tells? of": "says, reports, knows",
    r"owed": "pending",
    r"errands?": "task, message",
    r"the ears?": "turn detector, speech recognition",
    r"doors?": "handle",
    r"looked through": "scanned",
    r"(go(es|ing)?|went) on with": "resumes, continues",
    r"put(s|ting)? back": "restores",
}
"""Words of an earlier vocabulary → the words of docs/architecture.md."""


def test_no_comment_docstring_or_text_uses_a_replaced_word() -> None:
    written = (tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", None))
    patterns = {
        instead: re.compile(rf"\b({word})\b", re.IGNORECASE)
        for word, instead in REPLACED_WORDS.items()
    }
    found = [
        f"{name_of(path)}:{token.start[0]}: {match[0]}; write: {instead}"
        for path in tracked("tui_voice/*.py")
        for token in tokens(path)
        if token.type in written
        for instead, pattern in patterns.items()
        for match in pattern.finditer(token.string)
    ]
    assert found == []


FORBIDDEN = {
    # Each pattern is written so that it does not match itself.
    "a registry's address": r"https?://[\w.-]*(pypi|pythonhosted|npmjs|debian)[.](org|com|net)",
    "a path of one machine": r"(?<![\w~.])/(work|root|home/[a-z]+|Users/[A-Za-z]+)/",
    "an API key": (
        r"\b(sk|ek)-[A-Za-z0-9_-]*[A-Za-z0-9]{20}|\bAKIA[0-9A-Z]{16}|BEGIN [A-Z ]*PRIVATE KEY"
    ),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_the_repository_does_not_contain(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what].encode())
    found = [
        f"{name_of(path)}: {match[0].decode(errors='replace')}"
        for path in tracked()
        for match in pattern.finditer(path.read_bytes())
    ]
    assert found == []


@pytest.mark.parametrize(
    ("what", "example"),
    [
        ("a registry's address", "https://files." + "pythonhosted.org/x"),
        ("a path of one machine", "open('/" + "root/x')"),
        ("an API key", "sk-proj-" + "aB3" * 10),
    ],
)
def test_the_patterns_find_what_is_forbidden(what: str, example: str) -> None:
    assert re.search(FORBIDDEN[what], example)
