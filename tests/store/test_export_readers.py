"""Exports as other programs read them: each format is read by an independent reader."""

from __future__ import annotations

import json
import re
import unicodedata
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.store.random_events_harness import any_event
from tests.store.sessions_harness import exchange, opened, session
from tui_voice.conversation import events as e
from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.reducers import fold
from tui_voice.store.export import export, render
from tui_voice.store.exporters import EXPORT_FORMATS
from tui_voice.store.exporters.document import ExportTurn, document_of
from tui_voice.store.reading import load

RECORDED = sorted((Path(__file__).parents[2] / "sessions").glob("*.jsonl"))
HARD = '<b>& "it\'s" --> ~~x~~ # 1. `y` \\ | [a](b) 京都 שלום\n\n- z\n00:00:01,000 --> 00:00:02,000'


def hard() -> Ledger:
    """A session full of text that looks like markup: spoken, typed and interrupted."""
    return fold(
        [
            *session(2),
            *exchange(2, 20.0, HARD, HARD),
            e.PlaybackInterrupted(at=25, item_id="item_a2", played_ms=900),
            e.TextSubmitted(at=24.5, item_id="typed", text=HARD),
            e.SummaryRequested(at=30, compaction_id="memory_0001", drop=("item_u0",), window=500),
            e.SummaryReady(at=31, compaction_id="memory_0001", text=HARD, usd=0.01),
            e.ItemPlaced(at=32, item_id="memory_0001"),
            e.ItemDeleted(at=33, item_id="item_u0"),
        ]
    )


ledgers = pytest.mark.parametrize(
    "ledger", [*(load(path).ledger for path in RECORDED), hard(), fold([opened()])]
)


def flat(text: str) -> str:
    return " ".join(text.split())


def said(ledger: Ledger) -> list[ExportTurn]:
    return [part for part in document_of(ledger).parts if isinstance(part, ExportTurn)]


# ── subtitles ────────────────────────────────────────────────────────────────────────────────


class Cue(NamedTuple):
    start: int
    """Milliseconds."""
    end: int
    lines: list[str]


def time_of(clock: str, point: str) -> int:
    found = re.fullmatch(rf"(\d{{2,}}):([0-5]\d):([0-5]\d){re.escape(point)}(\d{{3}})", clock)
    assert found, clock
    hours, minutes, seconds, ms = map(int, found.groups())
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms


def cue(block: list[str], point: str) -> Cue:
    start, arrow, end = block[0].split(" ")
    assert arrow == "-->"
    assert block[1:], "a cue has words"
    assert not any("-->" in line for line in block[1:]), "WebVTT ends a cue there"
    return Cue(time_of(start, point), time_of(end, point), block[1:])


def srt_cues(text: str) -> list[Cue]:
    """SubRip: a number, times with a comma, lines, an empty line."""
    blocks = [block.split("\n") for block in text.strip("\n").split("\n\n") if block]
    assert [block[0] for block in blocks] == [str(n) for n in range(1, len(blocks) + 1)]
    return [cue(block[1:], ",") for block in blocks]


def vtt_cues(text: str) -> list[Cue]:
    """WebVTT: its name, an empty line, cues with voice tags and escaped text."""
    head, *rest = text.split("\n\n")
    assert head.strip("\n") == "WEBVTT"
    cues = [cue(block.strip("\n").split("\n"), ".") for block in rest if block.strip("\n")]
    for found in cues:
        voice = re.fullmatch(
            r"<v ((?:[^>&]|&(?:amp|lt|gt);)+)>(.*)", "\n".join(found.lines), re.DOTALL
        )
        assert voice, found
        assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", voice[2]), found
    return cues


def in_order(cues: list[Cue]) -> None:
    assert all(one.start < one.end for one in cues)
    assert all(one.end <= other.start for one, other in pairwise(cues)), "one at a time"


@ledgers
def test_subtitles_are_valid_and_their_times_never_go_back(ledger: Ledger) -> None:
    srt, vtt = srt_cues(render(ledger, "srt")), vtt_cues(render(ledger, "vtt"))
    in_order(srt)
    in_order(vtt)
    assert [one[:2] for one in srt] == [one[:2] for one in vtt]
    words = " ".join(line for one in srt for line in one.lines)
    for part in said(ledger):
        first = part.text.split()[:3]
        shown = flat(" ".join(first)).replace("-->", "→").translate(str.maketrans("<>", "＜＞"))
        assert shown in words or not first


@given(st.lists(any_event, max_size=30))
@example(
    [e.TextSubmitted(at=9, item_id="a", text="x"), e.TextSubmitted(at=1, item_id="b", text="y")]
)
@example([e.TextSubmitted(at=2**53, item_id="a", text="x")])
@example([e.ToolCalled(item_id="a", call_id="c", tool="<&>", arguments="x")])
@example([e.TextSubmitted(at=n, item_id=f"i{n}", text="word " * 2000 + "x") for n in range(2)])
@settings(max_examples=80, deadline=None)
def test_subtitles_of_random_events_are_in_order(events: list[e.Event]) -> None:
    ledger = fold([opened(), *events])
    in_order(srt_cues(render(ledger, "srt")))
    in_order(vtt_cues(render(ledger, "vtt")))


@pytest.mark.parametrize(
    "said",
    [
        "use vector<int> here",
        "press <Enter>",
        "a < b and c > d",
        r"{\an8}top {i} {y:i}slanted",
        "<b>bold</b> <font color=red>",
    ],
)
def test_players_lose_no_word_of_a_subtitle(said: str) -> None:
    [cue] = srt_cues(render(fold([opened(), e.TextSubmitted(item_id="a", text=said)]), "srt"))
    played = re.sub(r"<[^>]*>|\{\\[^}]*\}|\{[A-Za-z]:[^}]*\}", "", " ".join(cue.lines))
    assert unicodedata.normalize("NFKC", played) == f"You: {said}"


def test_quick_turns_follow_each_other_in_subtitles() -> None:
    turns = [e.TextSubmitted(at=1 + n / 10, item_id=f"i{n}", text="quick words") for n in range(5)]
    later = e.TextSubmitted(at=60, item_id="later", text="much later")
    cues = srt_cues(render(fold([opened(), *turns, later]), "srt"))
    in_order(cues)
    assert min(one.end - one.start for one in cues) >= 700
    assert cues[-1].start == 60_000


# ── HTML ─────────────────────────────────────────────────────────────────────────────────────


class Page(HTMLParser):
    """A strict reader: checks that tags are closed in order, and collects what would be loaded."""

    VOID = frozenset({"meta"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.loads: list[str] = []
        self.articles: list[str] = []
        self.titles: list[str] = []
        self.minutes: list[str] = []
        self.declared = ""

    def handle_decl(self, decl: str) -> None:
        self.declared = decl

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute twice in {tag}"
        if tag in ("script", "img", "link", "iframe", "object", "embed", "audio", "base", "form"):
            self.loads.append(tag)
        self.loads += [name for name, _ in attrs if name in ("src", "href") or name[:2] == "on"]
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "article":
            self.articles.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "article" in self.open:
            self.articles[-1] += f" {data}"
        if self.open[-1:] == ["div"] and "article" not in self.open:
            self.minutes.append(data)
        if self.open[-1:] == ["h1"]:
            self.titles.append(data)
        if self.open[-1:] == ["style"]:
            assert "url(" not in data
            assert "@import" not in data


@ledgers
def test_html_is_one_valid_page_that_loads_nothing(ledger: Ledger) -> None:
    text = render(ledger, "html", minutes=HARD)
    page = Page()
    page.feed(text)
    page.close()
    assert page.declared.lower() == "doctype html"
    assert page.open == []
    assert page.loads == []
    assert page.titles == [document_of(ledger).title]
    assert len(page.articles) == len(said(ledger))
    for part, article in zip(said(ledger), page.articles, strict=True):
        assert flat(part.text) in flat(article)
    # The body is valid XML, too, which is stricter than HTML.
    body = text[text.index("<body>") : text.index("</body>")] + "</body>"
    assert ElementTree.fromstring(body).find("main") is not None


@given(st.text(max_size=80))
@settings(max_examples=100, deadline=None)
def test_html_is_valid_and_loads_nothing_whatever_was_said(text: str) -> None:
    turns = [
        e.TextSubmitted(at=n, item_id=f"i{n}", text=said)
        for n, said in enumerate((f"x{text}x", '<script>"</p>&'))
    ]
    page = Page()
    page.feed(render(fold([opened(), *turns]), "html", minutes="<b>now</b>"))
    page.close()
    assert page.open == []
    assert page.loads == []
    assert '<script>"</p>&' in page.articles[1]
    assert "<b>now</b>" in page.minutes


# ── Markdown, plain text, JSON ───────────────────────────────────────────────────────────────


@ledgers
def test_markdown_contains_every_word_and_none_of_it_as_markup(ledger: Ledger) -> None:
    tokens = MarkdownIt("commonmark").enable("strikethrough").parse(render(ledger, "md"))
    headings = [tokens[n + 1] for n, one in enumerate(tokens) if one.type == "heading_open"]
    assert [one.content for one in headings] != []
    assert len(headings) == 1
    kinds = {one.type for one in tokens} | {
        child.type for one in tokens for child in one.children or ()
    }
    assert not {"html_block", "html_inline", "code_inline", "fence", "link_open"} & kinds
    assert not {"bullet_list_open", "ordered_list_open", "code_block", "image"} & kinds
    text = flat(
        " ".join(
            child.content if child.type == "text" else " "
            for one in tokens
            for child in one.children or ()
        )
    )
    for part in said(ledger):
        assert flat(part.text).replace(" ", "") in text.replace(" ", "")


@ledgers
def test_plain_text_contains_every_word(ledger: Ledger) -> None:
    text = flat(render(ledger, "txt"))
    for part in said(ledger):
        assert flat(part.text) in text


TURN = {
    "id": str, "role": str, "text": str, "at": (int, float), "pruned": bool, "pinned": bool,
    "interrupted": bool, "heard": str, "audio_ms": int, "tool": str, "note": str,
    "after_silence": bool,
}  # fmt: skip
PRUNING = {
    "at": (int, float), "kind": str, "stage": str, "turns": int, "tokens_before": int,
    "tokens_after": (int, type(None)), "usd": (int, float, type(None)), "seconds": (int, float),
    "summary": str, "source": str,
}  # fmt: skip
SESSION = {
    "id": str, "title": str, "started": str, "seconds": (int, float), "turns": int, "model": str,
    "backend": str, "usd": (int, float), "parent": str, "parent_turn": str, "private": bool,
    "profile": str, "memory": str, "turn_list": list, "prunings": list,
}  # fmt: skip


def of_kind(given: dict[str, object], schema: dict[str, type | tuple[type, ...]]) -> None:
    assert set(given) == set(schema)
    for key, kind in schema.items():
        assert isinstance(given[key], kind), (key, given[key])
        assert kind is bool or not isinstance(given[key], bool), (key, given[key])


@ledgers
def test_json_has_exactly_the_documented_fields(ledger: Ledger) -> None:
    whole = json.loads(render(ledger, "json"))
    of_kind(whole, SESSION)  # type: ignore[arg-type]  # types and tuples of them
    for turn in whole["turn_list"]:
        of_kind(turn, TURN)  # type: ignore[arg-type]  # the same
        assert turn["role"] in ("user", "assistant", "tool", "system")
    for pruning in whole["prunings"]:
        of_kind(pruning, PRUNING)  # type: ignore[arg-type]  # the same
    assert [turn["text"] for turn in whole["turn_list"]] == [turn.text for turn in ledger.turns]
    minutes = json.loads(render(ledger, "json", minutes="- it"))
    of_kind(minutes, SESSION | {"minutes": str})


@pytest.mark.parametrize("form", EXPORT_FORMATS)
def test_nothing_is_overwritten_in_any_format(form: str, tmp_path: Path) -> None:
    for target in (tmp_path, tmp_path / f"mine.{form}"):
        first = export(hard(), form, target)
        first.write_text("my own notes")
        second = export(hard(), form, target)
        assert second != first
        assert first.read_text() == "my own notes"
        assert second.read_bytes() == render(hard(), form).encode()
    assert len(list(tmp_path.iterdir())) == 4
