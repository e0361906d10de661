"""Exports: every format shows what was said, and no file is overwritten."""

from __future__ import annotations

import errno
import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.store.random_events_harness import any_event
from tests.store.sessions_harness import opened, session
from tui_voice.conversation import events as e
from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.reducers import fold
from tui_voice.errors import StoreError
from tui_voice.store.export import export, export_minutes, render
from tui_voice.store.exporters import EXPORT_FORMATS
from tui_voice.store.exporters.document import ExportCompaction, ExportTurn, document_of
from tui_voice.store.exporters.subtitles import cues
from tui_voice.store.reading import load

KYOTO = Path(__file__).parents[2] / "sessions" / "v1-kyoto-in-april.jsonl"


@pytest.fixture(scope="module")
def kyoto() -> Ledger:
    return load(KYOTO).ledger


def typed(*texts: str) -> Ledger:
    turns = (e.TextSubmitted(at=n, item_id=f"i{n}", text=text) for n, text in enumerate(texts))
    return fold([opened(), *turns])


def test_an_unknown_format_is_refused_with_a_list_of_the_known_ones() -> None:
    with pytest.raises(StoreError, match="no format pdf") as raised:
        render(Ledger(), "pdf")
    assert raised.value.hint == f"there are {', '.join(EXPORT_FORMATS)}"


def test_a_document_has_turns_and_compactions_in_order_of_time(kyoto: Ledger) -> None:
    page = document_of(kyoto)
    assert page.title == "Kyoto in April"
    assert page.about[0] == "2026-03-14 12:02"
    assert page.about[1:3] == ("openai · gpt-realtime-2.1", "46 turns")
    assert [part.at for part in page.parts] == sorted(part.at for part in page.parts)
    prunings = [part for part in page.parts if isinstance(part, ExportCompaction)]
    assert [part.line.split(" · ")[0] for part in prunings] == [
        "2 turns turned into text",
        "11 turns summarised",
        "22 turns summarised",
    ]
    assert all("→" in part.line for part in prunings)
    assert prunings[2].summary.startswith("Trip to Kyoto")
    (cut,) = (part for part in page.parts if isinstance(part, ExportTurn) and part.unheard)
    assert "interrupted at 4.2 s" in cut.remarks
    assert cut.text
    assert cut.unheard.endswith("hold it up and compare.")
    remarks = {word for part in page.parts if isinstance(part, ExportTurn) for word in part.remarks}
    assert {"pinned", "pruned"} <= remarks


def test_a_failed_compaction_is_left_out_and_the_last_one_comes_last() -> None:
    ledger = fold(
        [
            *session(1),
            e.SummaryRequested(at=20, compaction_id="memory_0001", drop=("item_u0",), window=500),
            e.SummaryFailed(at=21, compaction_id="memory_0001", reason="no"),
            e.SummaryRequested(at=22, compaction_id="memory_0002", drop=("item_u0",), window=500),
            e.SummaryReady(at=23, compaction_id="memory_0002", text="a trip", usd=0.01),
            e.ItemPlaced(at=24, item_id="memory_0002"),
            e.ItemDeleted(at=25, item_id="item_u0"),
        ]
    )
    *_, last = document_of(ledger).parts
    assert isinstance(last, ExportCompaction)
    assert last.line.startswith("1 turn summarised · 500 → ")
    assert last.line.endswith(" tokens · $0.0100")


def test_a_compaction_that_a_lost_connection_ended_has_no_token_figures() -> None:
    ledger = fold(
        [
            *session(1),
            e.SummaryRequested(at=20, compaction_id="memory_0001", drop=("item_u0",), window=500),
            e.SummaryReady(at=21, compaction_id="memory_0001", text="a trip"),
            e.ConnectionLost(at=22, reason="gone"),
        ]
    )
    *_, last = document_of(ledger).parts
    assert isinstance(last, ExportCompaction)
    assert last.line == "1 turn summarised"


def test_tools_and_failures_are_shown() -> None:
    ledger = fold(
        [
            opened(),
            e.ToolCalled(at=1, item_id="c", call_id="1", tool="recall", arguments='{"q":1}'),
            e.ToolAnswered(at=2, item_id="d", call_id="1", output="found"),
            e.SpeechStarted(at=3, item_id="e"),
            e.TranscriptFailed(at=4, item_id="e", reason="too quiet"),
            e.SpeechStarted(at=5, item_id="f"),
            e.TextSubmitted(at=6, item_id="g", text="mine"),
            e.ItemRefused(at=7, item_id="g"),
        ]
    )
    said = [part for part in document_of(ledger).parts if isinstance(part, ExportTurn)]
    assert [part.name for part in said] == ["Tool recall", "Tool", "You", "You"]
    assert said[2].remarks == ("too quiet",)
    assert said[3].remarks == ("not sent",)


def test_a_session_without_its_first_line_has_no_clock_times() -> None:
    page = document_of(fold([e.TextSubmitted(at=1, item_id="i", text="x")]))
    assert [part.clock for part in page.parts] == [""]
    assert page.about == ("1 turn",)
    far = fold([opened(), e.TextSubmitted(at=1e17, item_id="i", text="x")])
    assert [part.clock for part in document_of(far).parts] == [""]


# ── Markdown and plain text ──────────────────────────────────────────────────────────────────


def test_markdown(kyoto: Ledger) -> None:
    text = render(kyoto, "md", minutes="## Decisions\n\n- the boat")
    assert text.startswith("# Kyoto in April\n\n2026-03-14 12:02 · openai · gpt-realtime-2.1 · ")
    assert "\n\n## Minutes\n\n## Decisions\n\n- the boat\n\n## Session\n\n" in text
    assert re.search(r"\*\*Voice\*\* · 12:\d\d · interrupted at 4\.2 s", text)
    assert re.search(r"For the second day.+ ~~.+hold it up and compare\.~~\n", text)
    assert "\n> Trip to Kyoto, 4–11 April" in text
    assert "*12:" in text


def test_markup_in_what_was_said_is_escaped() -> None:
    said = "# no *head*\n- no_list_\n1. none\n<b>&amp;`x`</b> ~~s~~ [a](b) \\ | 2 + 2"
    text = render(typed(said), "md")
    for escaped in (
        "\\# no \\*head\\*",
        "\\- no\\_list\\_",
        "1\\. none",
        "\\<b\\>\\&amp;\\`x\\`\\</b\\> \\~\\~s\\~\\~ \\[a\\](b) \\\\ \\| 2 + 2",
    ):
        assert escaped in text


@pytest.mark.parametrize(
    "said",
    [
        "## x",
        "####### seven",
        "C#",
        "---",
        "words\n---",
        "words\n==",
        "words\n=",
        "-- a\n- - -\n+ b\n+",
        "    four blanks\n\ta tab",
        "&copy; &#169; &notin; & so on",
        "1. one\n2) two\n3.5",
        "> quoted\n>quoted",
        "```\ncode\n```\n~~~",
        "a  \nb\\\nc",
        "a | b\n--|--\n1 | 2",
        '[a]: http://x.y "z"',
        "![i](j) <http://x.y> <!-- c -->",
        "- [ ] a\n* b\n_c_",
        "first\n\n\n    second",
        "#",
        "=",
    ],
)
def test_markdown_is_read_back_as_what_was_said(said: str) -> None:
    reader = MarkdownIt("commonmark").enable(["strikethrough", "table"])
    events = [
        opened(),
        e.SessionRenamed(at=0, title="A title"),
        e.TextSubmitted(at=1, item_id="i0", text=said),
    ]
    tokens = reader.parse(render(fold(events), "md"))
    kinds = {one.type for one in tokens}
    assert kinds <= {
        *("heading_open", "heading_close", "paragraph_open", "paragraph_close", "inline"),
    }
    assert [one.type for one in tokens].count("heading_open") == 1
    *_, about_turn = [n for n, one in enumerate(tokens) if one.content.startswith("**You**")]
    paragraphs = [one.children or [] for one in tokens[about_turn + 1 :] if one.type == "inline"]
    read = "\n\n".join(
        "".join("\n" if child.type == "hardbreak" else child.content for child in children)
        for children in paragraphs
    )
    assert all(child.type in ("text", "hardbreak") for children in paragraphs for child in children)
    expected = re.sub(r"\n(\s*\n)+", "\n\n", said.expandtabs(4)).strip()
    assert read.replace("\xa0", " ") == re.sub(r" +$", "", expected, flags=re.MULTILINE)


def test_plain_text(kyoto: Ledger) -> None:
    text = render(kyoto, "txt", minutes="Book the boat.")
    assert max(map(len, text.splitlines())) <= 90
    assert "\n\nMINUTES\n\nBook the boat.\n\nSESSION\n\n" in text
    assert re.search(r"You · 12:\d\d · pinned\n  I am allergic to shellfish", text)
    assert re.search(r"--- 12:\d\d 22 turns summarised · 5.272 → ", text)
    assert "[not heard: " in text


def test_minutes_alone(kyoto: Ledger, tmp_path: Path) -> None:
    path = export_minutes(kyoto, "\n- book the boat\n", tmp_path)
    assert path.name == "kyoto-in-april-minutes.md"
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# Kyoto in April: minutes\n\n2026-03-14")
    assert text.endswith("\n\n- book the boat\n")


def test_control_characters_are_removed() -> None:
    ledger = typed("red \x1b[31m bell \x07 \u202etxet\u2069\r\nnext\tline")
    for form in set(EXPORT_FORMATS) - {"json"}:
        text = render(ledger, form)
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202e]", text)
    assert "next" in text


def test_no_key_gets_into_an_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "words-that-are-a-key")
    said = "it is words-that-are-a-key or sk-" + "a1" * 12
    texts = [render(typed(said), form) for form in EXPORT_FORMATS]
    for text in (*texts, export_minutes(typed("x"), said, tmp_path).read_text()):
        assert "words-that" not in text
        assert "a1a1" not in text


# ── HTML, JSON, subtitles ────────────────────────────────────────────────────────────────────


def test_html_has_light_and_dark_colours_and_marks_compactions_and_interruptions(
    kyoto: Ledger,
) -> None:
    text = render(kyoto, "html")
    assert "prefers-color-scheme: dark" in text
    assert "default-src 'none'" in text
    assert text.count("<details>") == 3
    assert "The turns above stay in the transcript." in text
    assert re.search(r"<s>.+hold it up and compare\.</s>", text)
    assert "Minutes" not in text


def test_json_contains_the_whole_session(kyoto: Ledger) -> None:
    whole = json.loads(render(kyoto, "json"))
    assert whole["title"] == "Kyoto in April"
    assert len(whole["turn_list"]) == whole["turns"] == 46
    assert [done["turns"] for done in whole["prunings"]] == [2, 11, 22]
    assert {"role", "text", "at", "pruned", "pinned"} <= set(whole["turn_list"][0])
    assert "path" not in whole
    assert "minutes" not in whole
    assert json.loads(render(kyoto, "json", minutes="m"))["minutes"] == "m"
    assert json.loads(render(Ledger(), "json"))["id"] == ""


def test_subtitles(kyoto: Ledger) -> None:
    found = cues(document_of(kyoto))
    assert all(cue.start < cue.end for cue in found)
    assert all(len(line) <= 42 for cue in found for line in cue.text.split("\n"))
    assert all(cue.text.count("\n") <= 1 for cue in found)
    assert "hold it up" not in " ".join(cue.text for cue in found)
    srt = render(kyoto, "srt")
    assert re.match(
        r"1\n00:00:0\d,\d{3} --> 00:00:\d\d,\d{3}\nYou: Hi\. I want to plan a trip", srt
    )
    assert srt.count(" --> ") == len(found)
    vtt = render(kyoto, "vtt")
    assert vtt.startswith("WEBVTT\n\n00:00:0")
    assert "<v Voice>" in vtt


def test_a_typed_turn_is_shown_until_it_can_be_read_or_the_next_begins() -> None:
    ledger = typed("a < b --> c", "hello " * 10, "last " * 10)
    first, *rest = cues(document_of(ledger))
    assert first.end - first.start == 1.0
    assert rest[-1].end == pytest.approx(2 + 49 / 15)
    assert "<v You>a &lt; b --&gt; c" in render(ledger, "vtt")


@given(st.lists(any_event, max_size=30))
@settings(max_examples=60, deadline=None)
def test_a_session_of_random_events_can_be_exported(events: list[e.Event]) -> None:
    ledger = fold([opened(), *events])
    for form in EXPORT_FORMATS:
        render(ledger, form)


# ── files ────────────────────────────────────────────────────────────────────────────────────


def test_nothing_is_overwritten(kyoto: Ledger, tmp_path: Path) -> None:
    names = [export(kyoto, "md", tmp_path).name for _ in range(3)]
    assert names == ["kyoto-in-april.md", "kyoto-in-april-2.md", "kyoto-in-april-3.md"]
    file = tmp_path / "my trip.html"
    assert export(kyoto, "html", file) == file
    assert export(kyoto, "html", file) == tmp_path / "my trip-2.html"


def test_a_file_is_named_like_the_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert export(typed("../../etc/Pass wd?")).name == "etc-pass-wd.md"
    assert export(typed("京都の Ça va")).name == "京都の-ça-va.md"
    assert export(typed("?!")).name == "session.md"
    assert len(export(typed("x" * 300)).name) < 80


def test_a_file_that_cannot_be_written_is_reported_and_leaves_nothing(
    kyoto: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StoreError, match="cannot be written: no such file or directory"):
        export(kyoto, "md", tmp_path / "no" / "x.md")

    class Full:
        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None: ...

        def write(self, _data: bytes) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    def full(path: Path, _mode: str, **_opener: object) -> Full:
        path.touch()
        return Full()

    monkeypatch.setattr("tui_voice.store.export.open", full, raising=False)
    with pytest.raises(StoreError, match="no space left"):
        export(kyoto, "md", tmp_path)
    assert list(tmp_path.iterdir()) == []
