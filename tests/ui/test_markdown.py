"""Markdown in replies: how it is laid out, and that a reply painted in pieces looks the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec import structs
from rich.style import Style
from textual.geometry import Region

from tests.ui.conftest import Build, settle
from tests.ui.scripted_session_harness import ScriptedSession, session_opened
from tui_voice.conversation import events as e
from tui_voice.conversation.turns import Turn
from tui_voice.ui.block_painter import GUTTER, BlockPainter, TranscriptStyles
from tui_voice.ui.glyphs import ASCII, UNICODE
from tui_voice.ui.markdown import code_blocks, has_markup, layout

INK = TranscriptStyles(**dict.fromkeys(TranscriptStyles._fields, Style(color="#dfe2e8")))
DOCUMENT = """\
# Two days in Uji

Take the **early** train, *not* the `12:04`; see [the plan](https://example.org/plan).
Second line.

- a long item that does not fit into the forty columns of the screen
- two
  1. inner
  2. more

> quoted

| day | where |
|-----|-------|
| 1   | Uji   |

```python
def f(x):
    return "s"  # c
```
"""


def shown(text: str, width: int = 40, *, ascii_only: bool = False) -> list[str]:
    made = layout(text, width, ascii_only=ascii_only)
    return [" " * indent + made.text[begin:end] for begin, end, indent in made.lines]


def test_each_part_of_a_document_is_laid_out() -> None:
    assert shown(DOCUMENT) == [
        "Two days in Uji",
        "",
        "Take the early train, not the 12:04; see",
        "the plan.",
        "Second line.",
        "",
        "• a long item that does not fit into the",
        "  forty columns of the screen",
        "• two",
        "  1. inner",
        "  2. more",
        "",
        "  quoted",
        "",
        "day  where",
        "───  ─────",
        "1    Uji",
        "",
        "  def f(x):",
        '      return "s"  # c',
    ]
    styled = {
        (made.text[one.begin : one.end], one.kind, one.link)
        for made in [layout(DOCUMENT, 40)]
        for one in made.ranges
    }
    assert {
        ("Two days in Uji", "heading", ""),
        ("early", "strong", ""),
        ("not", "em", ""),
        ("12:04", "code", ""),
        ("the plan", "link", "https://example.org/plan"),
        ("def", "keyword", ""),
        ("# c", "comment", ""),
    } <= styled
    assert code_blocks(DOCUMENT) == ['def f(x):\n    return "s"  # c\n']


def test_ascii_has_no_other_characters() -> None:
    assert "".join(shown(DOCUMENT, ascii_only=True)).isascii()


def test_the_cells_of_a_table_that_is_too_wide_are_wrapped() -> None:
    rows = shown(f"| a | b |\n|---|--:|\n| {'word ' * 12} | 1 |\n| x | 234 |\n", 30)
    assert rows == [
        "a                            b",
        "─────────────────────────  ───",
        "word word word word word     1",
        "word word word word word",
        "word word",
        "",
        "x                          234",
    ]


@pytest.mark.parametrize("text", ["plain words, no marks", "3 - 2 = 1", "", "9.30 and 10.45"])
def test_spoken_words_are_no_markup(text: str) -> None:
    assert not has_markup(text)


@pytest.mark.parametrize(
    "text",
    [
        "a &#27;[31m b **c**",
        "`\x1b[31m`",
        "[a](http://x\x1b.y)",
        "```\n\x1b]0;t\x07\n```\n",
        "* \u202e",
    ],
)
def test_no_control_character_reaches_the_screen(text: str) -> None:
    made = layout(text, 40)
    everything = made.text + "".join(one.link for one in made.ranges)
    assert not {"\x1b", "\x07", "\u202e"} & set(everything)


def test_a_link_to_something_that_runs_is_no_link() -> None:
    made = layout("[a](javascript:alert(1)) and [b](file:///etc/passwd)", 60)
    assert [one.link for one in made.ranges if one.kind == "link"] == []


PIECES = some.one_of(
    some.sampled_from(
        [
            "**",
            "*",
            "`",
            "# ",
            "\n\n",
            "\n- ",
            "\n1. ",
            "\n```\n",
            "| a |\n|--|\n",
            "\n> ",
            "[x](y)",
        ]
    ),
    some.text(alphabet="ab \n.é漢", max_size=12),
)


@given(some.integers(14, 60), some.lists(PIECES, max_size=14), some.booleans())
def test_markdown_painted_in_pieces_equals_markdown_painted_at_once(
    width: int, pieces: list[str], done: bool
) -> None:
    painter, turn = BlockPainter(width, INK, UNICODE), Turn("t", "assistant", 0.0)
    for piece in [*pieces, ""]:
        turn = structs.replace(turn, text=turn.text + piece)
        painter.paint(turn)
    turn = structs.replace(turn, words="done" if done else "open", pinned=done)
    once = BlockPainter(width, INK, UNICODE).paint(turn)
    assert painter.paint(turn) == once
    assert all(strip.cell_length == width for strip in once)


def test_the_lines_of_earlier_blocks_are_not_painted_again() -> None:
    painter = BlockPainter(60, INK, UNICODE)
    turn = Turn("t", "assistant", 0.0, text="**one** two\n\n" * 20 + "end")
    before = painter.paint(turn)
    after = painter.paint(structs.replace(turn, text=turn.text + " and *more*"))
    same = [a is b for a, b in zip(before, after, strict=False)]
    assert all(same[: 20 * 2])


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII], ids=["unicode", "ascii"])
def test_a_reply_is_shown_as_written_on_request_and_where_it_was_interrupted(
    glyphs: object,
) -> None:
    turn = Turn("t", "assistant", 0.0, text="**bold**", words="done", audio_ms=1000)

    def second(turn: Turn, *, raw: bool = False) -> str:
        painter = BlockPainter(40, INK, glyphs, raw=raw)  # type: ignore[arg-type]  # of the table
        return painter.paint(turn)[1].text[GUTTER:].strip()

    assert second(turn) == "bold"
    assert second(turn, raw=True) == "**bold**"
    assert second(structs.replace(turn, heard_ms=400)).startswith("**")
    assert second(structs.replace(turn, role="user")) == "**bold**"


def reply_with_code(session: ScriptedSession) -> None:
    session.deliver(
        *session_opened(),
        e.TextSubmitted(item_id="u", text="a function, please", at=1.0),
        e.TurnAdded(item_id="a", role="assistant", modality="text", at=2.0),
        e.TranscriptDone(item_id="a", text=DOCUMENT, at=3.0),
    )


async def test_keys_of_select_mode_show_the_raw_text_and_copy_the_code(build: Build) -> None:
    app = build(reply_with_code)
    copied: list[str] = []
    app.copy_to_clipboard = copied.append  # type: ignore[method-assign]  # no terminal here
    async with app.run_test(size=(120, 48)) as pilot:
        await settle(pilot)

        def screen() -> str:
            lines = app.session_screen.transcript.render_lines(Region(0, 0, 80, 40))
            return "\n".join(line.text for line in lines)

        assert "Take the early train" in screen()
        await pilot.press("ctrl+t", "r")
        await settle(pilot)
        assert "Take the **early** train" in screen()
        await pilot.press("y")
        assert copied == ['def f(x):\n    return "s"  # c\n']
        await pilot.press("r")
        await settle(pilot)
        assert "Take the early train" in screen()
