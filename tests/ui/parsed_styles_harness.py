"""Parses each style sheet once for all applications of a test process."""

from __future__ import annotations

import pytest
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet

_parsed: dict[tuple[object, ...], list[RuleSet]] = {}


def use(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets Textual keep what it has parsed, for each set of variables, and find it by identity as
    Python does: its own function for that is called 200 times for each widget.
    """
    monkeypatch.setattr(RuleSet, "__hash__", object.__hash__)
    parse = Stylesheet._parse_rules

    def parse_once(sheet: Stylesheet, css: str, *rest: object, **how: object) -> list[RuleSet]:
        key = (css, rest, *how.items(), *sheet._variables.items())
        if key not in _parsed:
            _parsed[key] = parse(sheet, css, *rest, **how)  # type: ignore[arg-type]  # as given
        return _parsed[key]

    monkeypatch.setattr(Stylesheet, "_parse_rules", parse_once)
