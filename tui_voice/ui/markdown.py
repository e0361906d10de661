"""Lays out Markdown for the transcript: plain text, its lines, and the style of each part of it.

The parser is markdown-it-py (CommonMark with tables and strikethrough); Pygments colours code. Both
are imported when the first reply with Markdown is painted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise, zip_longest
from typing import TYPE_CHECKING, Literal, NamedTuple

from rich.cells import cell_len

from tui_voice.ui.wrapping import clean, wrap

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

Kind = Literal[
    "strong",
    "em",
    "strike",
    "code",
    "heading",
    "link",
    "quiet",
    "keyword",
    "string",
    "comment",
    "uncertain",
]
_MARKUP = re.compile(r"[*_`|\[~<]|^ {0,3}(?:#{1,6}|[-+>]|\d{1,9}[.)])[ \t]", re.M)
"""What every piece of Markdown contains that looks different when it is rendered."""
_BULLETS = ("•", "–")
_ASCII_BULLETS = ("*", "-")
_GAP = 2
"""Columns between two columns of a table."""


class StyledRange(NamedTuple):
    """`text[begin:end]` has this style. Ranges may overlap; later ones are applied on top."""

    begin: int
    end: int
    kind: Kind
    link: str = ""
    """Address, for the kind `link`."""


class Line(NamedTuple):
    """A line on the screen: `text[begin:end]`, behind `indent` blank columns."""

    begin: int
    end: int
    indent: int = 0


class Stable(NamedTuple):
    """How much of a layout stays as it is when more text is added: all but the last block."""

    source: int = 0
    """Characters of the Markdown text."""
    text: int = 0
    lines: int = 0
    ranges: int = 0


class Layout(NamedTuple):
    """A text as it is painted. Positions are indices of `text`."""

    text: str
    lines: list[Line]
    ranges: Sequence[StyledRange] = ()
    source: str = ""
    """The Markdown text."""
    stable: Stable = Stable()


def plain_layout(text: str, width: int) -> Layout:
    """Returns the layout of a text without markup. `width`: columns."""
    return Layout(text, [Line(*span) for span in wrap(text, width)] if text else [])


def has_markup(text: str) -> bool:
    """Returns whether the text may look different when it is rendered."""
    return _MARKUP.search(text) is not None


def layout(
    text: str, width: int, *, ascii_only: bool = False, before: Layout | None = None
) -> Layout:
    """Returns the layout of a Markdown text. `width`: columns.

    `before`: the layout of a beginning of the text, for the same width; its stable part is used
    again, so that the cost of a reply that streams in does not grow with its length.
    """
    if before is None or not before.stable.source or not text.startswith(before.source):
        before = None
    return _Writer(width, ascii_only, before).write(text)


def code_blocks(text: str) -> list[str]:
    """Returns the code of each code block of a Markdown text, in order."""
    return [
        token.content for token in _parser().parse(text) if token.type in ("fence", "code_block")
    ]


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


class _Writer:
    """Writes the tokens of a document one after the other."""

    def __init__(self, width: int, ascii_only: bool, before: Layout | None) -> None:
        self._width = width
        self._bullets = _ASCII_BULLETS if ascii_only else _BULLETS
        self._rule = "-" if ascii_only else "─"
        self._begun = before.stable if before is not None else Stable()
        self._parts = [before.text[: self._begun.text]] if before is not None else []
        self._length = self._begun.text
        self._lines = before.lines[: self._begun.lines] if before is not None else []
        self._ranges = list(before.ranges[: self._begun.ranges]) if before is not None else []
        self._indent = 0
        self._marker = ""  # of the list item that begins with the next line
        self._lists: list[int | None] = []  # number of the next item; None: bullets
        self._blank_wanted = before is not None

    def write(self, source: str) -> Layout:
        """Writes what follows the stable part."""
        tail = source[self._begun.source :]
        tokens, lines = _parser().parse(tail), tail.split("\n")
        stable, position = self._begun, 0
        while position < len(tokens):
            token = tokens[position]
            first = token.map[0] if token.map and not token.level and token.nesting >= 0 else 0
            # Without a blank line between, the last line may still become a part of the block
            # before: `****` below a table is a rule, and with one more character a row.
            if first and not lines[first - 1].strip():
                stable = Stable(
                    self._begun.source + sum(len(line) + 1 for line in lines[:first]),
                    self._length,
                    len(self._lines),
                    len(self._ranges),
                )
            position = self._write_block(tokens, position)
        return Layout("".join(self._parts), self._lines, self._ranges, source, stable)

    # ── blocks ──────────────────────────────────────────────────────────────────────────────

    def _write_block(self, tokens: Sequence[Token], position: int) -> int:
        """Writes the block that begins at `position`; returns the position after its token."""
        token = tokens[position]
        match token.type:
            case "inline":
                heading = tokens[position - 1].type == "heading_open"
                self._paragraph(token.children or [], heading=heading)
            case "paragraph_close" | "heading_close":
                self._blank_wanted = not token.hidden  # hidden: an item of a tight list
            case "bullet_list_open":
                self._lists.append(None)
            case "ordered_list_open":
                self._lists.append(int(token.attrGet("start") or 1))
            case "bullet_list_close" | "ordered_list_close":
                self._lists.pop()
                self._blank_wanted = True
            case "list_item_open":
                self._begin_item()
            case "list_item_close":
                if self._marker:  # the item is empty
                    self._add_line([])
                self._indent -= _GAP if self._lists[-1] is None else _GAP + 1
                self._marker = ""
            case "blockquote_open":
                self._indent += _GAP
            case "blockquote_close":
                self._indent -= _GAP
                self._blank_wanted = True
            case "fence" | "code_block":
                self._code(token)
            case "hr":
                self._add_line([(self._rule * min(20, self._room), ("quiet",), "")])
                self._blank_wanted = True
            case "table_open":
                end = next(
                    n for n in range(position, len(tokens)) if tokens[n].type == "table_close"
                )
                self._table(tokens[position:end])
                return end + 1
        return position + 1

    @property
    def _room(self) -> int:
        """Columns of a line at the indent."""
        return max(8, self._width - self._indent)

    def _begin_item(self) -> None:
        number = self._lists[-1]
        if number is None:
            self._marker = self._bullets[min(len(self._lists), len(self._bullets)) - 1] + " "
            self._indent += _GAP
        else:
            self._marker = f"{number}. "
            self._lists[-1] = number + 1
            self._indent += _GAP + 1

    def _paragraph(self, children: Sequence[Token], *, heading: bool) -> None:
        begin = self._length
        for line in _inline_lines(children):
            self._add_line(line)
        if heading:
            self._ranges.append(StyledRange(begin, self._length, "heading"))

    def _code(self, token: Token) -> None:
        self._blank()
        code = clean(token.content).rstrip("\n")
        self._indent += _GAP
        begin = self._length
        for line in code.split("\n"):
            self._add_line([(line, (), "")])
        self._indent -= _GAP
        self._ranges.append(StyledRange(begin, self._length, "code"))
        # The lines are joined by newlines, so the code stands in the text as it is.
        first = begin + 1 if begin else 0
        self._ranges += [
            StyledRange(first + a, first + b, kind) for a, b, kind in _coloured(code, token.info)
        ]
        self._blank_wanted = True

    def _table(self, tokens: Sequence[Token]) -> None:
        rows: list[list[str]] = []
        rights: list[bool] = []
        for opening, token in pairwise(tokens):
            if opening.type == "tr_open":
                rows.append([])
            if token.type == "inline":
                rows[-1].append(
                    " ".join(_text_of(line) for line in _inline_lines(token.children or []))
                )
                if len(rows) == 1:
                    rights.append("right" in str(opening.attrs.get("style", "")))
        widths = _column_widths(rows, self._room)
        wrapped = [[_wrapped(c, w) for c, w in zip(row, widths, strict=False)] for row in rows]
        is_high = any(len(cell) > 1 for row in wrapped for cell in row)
        gap = " " * _GAP
        self._blank()
        for number, row in enumerate(wrapped):
            kinds: tuple[Kind, ...] = () if number else ("strong",)
            if is_high and number > 1:
                self._add_line([("", (), "")])
            for cells in zip_longest(*row, fillvalue=""):
                parts = map(_padded, cells, widths, rights)
                self._add_line([(gap.join(parts).rstrip(), kinds, "")])
            if not number:
                rule = gap.join(self._rule * width for width in widths)
                self._add_line([(rule, ("quiet",), "")])
        self._blank_wanted = True

    # ── lines ───────────────────────────────────────────────────────────────────────────────

    def _blank(self) -> None:
        if self._blank_wanted and self._lines:
            self._blank_wanted = False
            self._append("\n")
            self._lines.append(Line(self._length, self._length))
        self._blank_wanted = False

    def _add_line(self, line: _InlineLine) -> None:
        """Adds one line of the document, wrapped, in the text and on the screen."""
        self._blank()
        if self._lines:
            self._append("\n")
        begin, indent = self._length, self._indent
        if self._marker:
            self._append(self._marker)
            self._ranges.append(StyledRange(begin, self._length, "quiet"))
        body = self._length
        for text, kinds, link in line:
            start = self._length
            self._append(text)
            for kind in kinds:
                at = link if kind == "link" else ""
                self._ranges.append(StyledRange(start, self._length, kind, at))
        text = "".join(part for part, _, _ in line)
        spans = wrap(text, max(8, self._width - indent)) if text else [(0, 0)]
        for number, (first, last) in enumerate(spans):
            if number == 0 and self._marker:
                before = max(0, indent - cell_len(self._marker))
                self._lines.append(Line(begin, body + last, before))
            else:
                self._lines.append(Line(body + first, body + last, indent))
        self._marker = ""

    def _append(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)


_InlineLine = list[tuple[str, tuple[Kind, ...], str]]
"""A line of a paragraph: text, its styles, the address of a link."""


def _inline_lines(children: Sequence[Token]) -> list[_InlineLine]:
    """Returns the lines of a paragraph. A line break that the model wrote is kept.

    The texts are cleaned here: an entity such as `&#27;` becomes a control character in the parser.
    """
    lines: list[_InlineLine] = [[]]
    kinds: list[Kind] = []
    link = ""
    opening: dict[str, Kind] = {"strong_open": "strong", "em_open": "em", "s_open": "strike"}
    for token in children:
        if token.type in ("softbreak", "hardbreak"):
            lines.append([])
        elif token.type in opening:
            kinds.append(opening[token.type])
        elif token.type == "link_open":
            link = clean(str(token.attrGet("href") or ""))
            kinds.append("link")
        elif token.nesting == -1 and kinds:
            kinds.pop()
        elif token.type == "code_inline":
            lines[-1].append((clean(token.content), (*kinds, "code"), link))
        elif token.type == "image":
            address = clean(str(token.attrGet("src")))
            lines[-1].append((clean(token.content) or "image", (*kinds, "link"), address))
        elif token.content:
            lines[-1].append((clean(token.content), tuple(kinds), link))
    return lines


def _text_of(line: _InlineLine) -> str:
    return "".join(text for text, _, _ in line)


def _column_widths(rows: Sequence[Sequence[str]], room: int) -> list[int]:
    """Returns the columns' widths; where the table is too wide, the widest ones are narrowed."""
    count = max((len(row) for row in rows), default=0)
    widths = [max([1, *(cell_len(row[n]) for row in rows if n < len(row))]) for n in range(count)]
    while widths and sum(widths) + _GAP * (count - 1) > room and max(widths) > 3:
        widths[widths.index(max(widths))] -= 1
    return widths


def _wrapped(cell: str, width: int) -> list[str]:
    return [cell[begin:end] for begin, end in wrap(cell, width)]


def _padded(text: str, width: int, right: bool) -> str:
    blanks = " " * (width - cell_len(text))
    return blanks + text if right else text + blanks


@lru_cache(maxsize=64)
def _coloured(code: str, language: str) -> tuple[tuple[int, int, Kind], ...]:
    """Returns the coloured parts of code, where its language is named and known."""
    name = language.strip().partition(" ")[0]
    return tuple(_coloured_parts(code, name)) if name else ()


def _coloured_parts(code: str, name: str) -> Iterable[tuple[int, int, Kind]]:
    from pygments.lexers import get_lexer_by_name
    from pygments.token import Comment, Keyword, String
    from pygments.util import ClassNotFound

    try:
        lexer = get_lexer_by_name(  # type: ignore[no-untyped-call]  # Pygments has no annotations
            name, stripnl=False, ensurenl=False
        )
    except ClassNotFound:
        return
    kinds: tuple[tuple[object, Kind], ...] = (
        (Comment, "comment"),
        (Keyword, "keyword"),
        (String, "string"),
    )
    for begin, kind, text in lexer.get_tokens_unprocessed(code):
        for group, ours in kinds:
            if kind in group:  # type: ignore[operator]  # Pygments' types have no annotations
                yield begin, begin + len(text), ours
