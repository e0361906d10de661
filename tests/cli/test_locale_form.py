"""A locale without UTF-8 is recognised by its name: Python's streams are UTF-8 in all of these."""

from __future__ import annotations

import pytest

from tui_voice.cli.app import appearance
from tui_voice.cli.locale_form import is_utf8
from tui_voice.config import Settings


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, True),
        ({"LANG": "en_US.UTF-8"}, True),
        ({"LANG": "de_DE.utf8@euro"}, True),
        ({"LANG": "pt_PT"}, True),
        ({"LC_CTYPE": "UTF-8"}, True),
        ({"LANG": "C.UTF-8"}, True),
        ({"LANG": "C", "LC_ALL": "C.UTF-8"}, True),
        ({"LANG": "C"}, False),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, False),
        ({"LC_ALL": "POSIX", "LANG": "en_US.UTF-8"}, False),
        ({"LANG": "en_US.ISO-8859-1"}, False),
    ],
)
def test_the_locale_says_whether_it_is_utf8(environ: dict[str, str], expected: bool) -> None:
    assert is_utf8(environ) is expected


@pytest.mark.parametrize(("name", "ascii_form"), [("POSIX", True), ("C.UTF-8", False)])
def test_the_app_has_the_ascii_form_there(
    monkeypatch: pytest.MonkeyPatch, name: str, ascii_form: bool
) -> None:
    monkeypatch.setenv("LC_ALL", name)
    assert appearance(Settings())["ascii"] is ascii_form
