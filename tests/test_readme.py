"""The documents say what the program does: their tables and diagram are compared with the code."""

import re
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from tui_voice.cli.parser import COMMANDS
from tui_voice.config import DEFAULT_KEYS
from tui_voice.config.model import share_a_screen

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"


@pytest.fixture(scope="module")
def readme() -> str:
    return README.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    """`docs/generate.py`, which is a script and no part of a package."""
    spec = spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_generated_documents_are_up_to_date(generate: ModuleType) -> None:
    documents: dict[str, Callable[[], str]] = generate.DOCUMENTS
    outdated = [
        name
        for name, text in documents.items()
        if (ROOT / name).read_text(encoding="utf-8") != text()
    ]
    assert outdated == [], "run: uv run python docs/generate.py"


def test_a_missing_marker_of_a_generated_part_is_an_error(generate: ModuleType) -> None:
    text = "a\n<!-- generated: x -->\nold\n<!-- end -->\nb\n"
    assert generate.replace_part(text, "x", "new\n") == text.replace("old", "new")
    for missing in ("<!-- generated: x -->\n", "<!-- end -->\n"):
        with pytest.raises(ValueError, match="no generated part x"):
            generate.replace_part(text.replace(missing, ""), "x", "new\n")


def test_the_readme_shows_every_key_of_a_session(readme: str) -> None:
    """`test_documented.py` finds those of the lists and of the reader in `docs/keys.md`."""
    in_session = [one for one in DEFAULT_KEYS if share_a_screen(one, "talk")]
    missing = [action for action in in_session if f"| `{action}` |" not in readme]
    assert missing == []


def test_the_readme_shows_every_command(readme: str) -> None:
    missing = [name for name in COMMANDS if f"| `tui-voice {name}" not in readme]
    assert missing == []


def test_the_first_two_commands_start_the_app_and_the_tests(readme: str) -> None:
    blocks = re.findall(r"```sh\n(.*?)\n```", readme, re.S)
    assert blocks[:2] == [
        "pip install uv && uv run --extra local tui-voice",
        "pip install uv && uv run pytest -n auto --dist loadgroup",
    ]


@pytest.mark.parametrize("document", [README, *sorted((ROOT / "docs").glob("*.md"))], ids=str)
def test_the_files_that_a_document_links_to_exist(document: Path) -> None:
    named = re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text(encoding="utf-8"))
    assert [name for name in named if not (document.parent / name).exists()] == []
