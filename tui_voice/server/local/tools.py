"""Function calls by rule: arguments out of the schema and the user's own words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from tui_voice.server.interfaces import ContextTurn, ReplyRequest, ToolCall
from tui_voice.server.local.lexis import content, sentences, words
from tui_voice.server.local.skills.asking import about_you, core
from tui_voice.server.local.skills.figures import figures
from tui_voice.server.local.skills.lookup import best_line, query, tell, telling_roots
from tui_voice.server.local.skills.talk import Talk, lines

RECALL = "recall"
"""The tool that searches what was said, by its name."""

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_NAME = re.compile(r"(?<=[a-z,;:'’] )([A-Z][\w'’-]+(?: [A-Z][\w'’-]+)*)")
_PLACE = re.compile(
    r"\b(?:in|at|near|to|from|for)\s+((?:the\s+)?[A-Z][\w'’-]+(?:\s[A-Z][\w'’-]+)*)"
)
_WHEN = re.compile(
    r"\b(?:today|tonight|tomorrow|yesterday|(?:next |this |on )?(?:mon|tues|wednes|thurs|fri|satur|"
    r"sun)day|\d{4}-\d\d-\d\d|(?:next|this) (?:week|month|year)|"
    r"(?:at )?\d{1,2}(?::\d\d)? ?(?:am|pm)|"
    r"\d{1,2}:\d\d|noon|midnight)\b",
    re.I,
)
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_NO = re.compile(r"\b(?:no|not|don't|never|without|off|disable|stop)\b", re.I)
_VERBS = frozenset(
    ("get", "set", "find", "look", "fetch", "show", "make", "do", "run", "call", "us")
)
_KINDS = (
    (re.compile(r"cit(?:y|ies)|location|place|where|country|address|destination", re.I), _PLACE),
    (re.compile(r"date|day|time|when", re.I), _WHEN),
    (re.compile(r"e-?mail", re.I), _MAIL),
    (re.compile(r"name|person|who|contact|recipient", re.I), _NAME),
)


def forced_call(request: ReplyRequest, talk: Talk) -> ToolCall | None:
    """The call that `tool_choice` demands; None where it demands none or names no known tool."""
    if request.tool_choice in ("auto", "none") or not request.tools:
        return None
    if request.tool_choice == "required":
        tool = max(request.tools, key=lambda t: _fits(t, talk.said))
        return call(tool, talk)
    named = next((t for t in request.tools if t.get("name") == request.tool_choice), None)
    return call(named, talk) if named is not None else None


def wanted_call(request: ReplyRequest, talk: Talk) -> ToolCall | None:
    """A call nobody demanded, where the words name the tool: "what's the weather in Oslo?"."""
    if request.tool_choice != "auto":
        return None
    asked = set(content(talk.asked))
    for tool in request.tools:
        named = [r for r in content(str(tool.get("name", "")).replace("_", " ")) if r not in _VERBS]
        if named and tool.get("name") != RECALL and set(named) <= asked:
            return call(tool, talk)
    return None


def recall(request: ReplyRequest, wanted: str) -> ToolCall | None:
    """A search in what the window has lost, where the tool `recall` is offered."""
    if request.tool_choice == "none" or not any(t.get("name") == RECALL for t in request.tools):
        return None
    return ToolCall(RECALL, json.dumps({"query": wanted}, ensure_ascii=False))


def call(tool: dict[str, Any], talk: Talk) -> ToolCall:
    """The tool with every required argument, and each other that the words give."""
    schema = tool.get("parameters") or {}
    return ToolCall(
        str(tool.get("name", "")), json.dumps(_object(schema, talk), ensure_ascii=False)
    )


def told(output: ContextTurn, talk: Talk) -> str:
    """What a function gave back, as a short reply; the answer in it where one was asked for."""
    held = _loaded(output.text)
    if output.name in ("", RECALL):
        return _recalled(held, talk)
    if isinstance(held, dict) and isinstance(held.get("error"), str):
        return f"That did not work: {held['error'].rstrip('.')}."
    found = " ".join(_flat(held)).strip()
    return " ".join(sentences(found)[:3]) or "I looked, but found nothing."


def _recalled(held: Any, talk: Talk) -> str:
    """The words found in what was said before; nothing that only tells of the search."""
    if isinstance(held, dict) and isinstance(held.get("error"), str):
        return f"I could not look through what we said before: {held['error'].rstrip('.')}."
    found = list(_hits(held))
    asked = core(talk.asked)
    told_lines = [line for hit in found for line in lines(hit)]
    line = best_line(told_lines, asked, by_us=about_you(talk.asked)) if content(asked) else None
    if line is not None:
        return tell(line)
    if isinstance(held, str) and found:
        return found[0].text
    said = next((hit for hit in found if _tells(hit, asked)), None)
    if said is None:
        return "I looked, but found nothing."
    told_words = " ".join(sentences(said.text)[:2])
    return f'{"I" if said.role == "assistant" else "You"} once said: "{told_words}"'


def _tells(hit: ContextTurn, asked: str) -> bool:
    """It is no question itself, and speaks of something that is asked for."""
    told_roots = {root for line in lines(hit) if not line.question for root in content(line.text)}
    return bool(told_roots & telling_roots(asked))


def _hits(held: Any) -> Iterator[ContextTurn]:
    """What was found, each with whom it quotes, without the dots of a cut excerpt."""
    found = held if isinstance(held, list) else [held]
    if isinstance(held, dict):
        found = next((value for value in held.values() if isinstance(value, list)), [held])
    for hit in found:
        fields = hit if isinstance(hit, dict) else {"text": hit}
        text = next((fields[k] for k in _TEXTS if isinstance(fields.get(k), str)), "")
        if text := text.strip(" …\"'“”"):
            role = "assistant" if fields.get("role") == "assistant" else "user"
            yield ContextTurn("", role, text)


def _fits(tool: dict[str, Any], said: str) -> float:
    """How well the words suit the tool: by its name and description, and by what fills it."""
    about = set(content(f"{tool.get('name', '')} {tool.get('description', '')}".replace("_", " ")))
    asked = set(content(said))
    named = len(about & asked) / (1 + len(about)) ** 0.5
    properties = (tool.get("parameters") or {}).get("properties") or {}
    return float(named + 0.3 * sum(_given(n, s, said, asked) for n, s in properties.items()))


def _given(name: str, schema: dict[str, Any], said: str, asked: set[str]) -> bool:
    if options := schema.get("enum"):
        return any(set(content(str(option))) & asked for option in options)
    if schema.get("type") in ("integer", "number"):
        return _NUMBER.search(figures(said)) is not None
    return any(asks.search(name) and gives.search(said) for asks, gives in _KINDS)


def _object(schema: dict[str, Any], talk: Talk) -> dict[str, Any]:
    required = schema.get("required") or ()
    numbers = [float(n) if "." in n else int(n) for n in _NUMBER.findall(figures(talk.said))]
    out = {}
    for name, kind in (schema.get("properties") or {}).items():
        value = _value(name, kind, talk, numbers, name in required)
        if value is not None:
            out[name] = value
    return out


def _value(
    name: str, schema: dict[str, Any], talk: Talk, numbers: list[float], required: bool
) -> Any:
    kind = schema.get("type", "string")
    kind = next((k for k in kind if k != "null"), "string") if isinstance(kind, list) else kind
    said = talk.said
    if options := schema.get("enum"):
        heard = set(content(said))
        fit = (o for o in options if set(content(str(o).replace("_", " "))) & heard)
        return next(fit, options[0] if required else None)
    if "const" in schema:
        return schema["const"]
    if kind in ("integer", "number"):
        if numbers:
            value = numbers.pop(0)
            return int(value) if kind == "integer" else value
        return schema.get("default", schema.get("minimum", 0)) if required else None
    if kind == "boolean":
        return not _NO.search(said) if required else None
    if kind == "object":
        inner = _object(schema, talk)
        return inner if inner or required else None
    if kind == "array":
        item = _value(name, schema.get("items") or {}, talk, numbers, required)
        return [item] if item is not None else ([] if required else None)
    return _string(name, schema, talk, required)


def _string(name: str, schema: dict[str, Any], talk: Talk, required: bool) -> str | None:
    about = f"{name} {schema.get('description', '')}"
    for asks, gives in _KINDS:
        if asks.search(name) or (required and asks.search(about)):
            found = gives.search(talk.said)
            if found is not None:
                return found[found.lastindex or 0].strip()
            if asks.search(name) and not required:
                return None
    if not required and "default" in schema:
        return None
    if re.search(r"quer|topic|search|keyword|subject", name, re.I) and words(talk.asked):
        return query(talk.asked)
    return talk.said if required or len(schema.get("description") or "") else None


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _flat(value: Any) -> Sequence[str]:
    """The words in a function's output: texts alone where there are some, else name and value."""
    match value:
        case str():
            return [value]
        case None:
            return []
        case list():
            return [_ended(" ".join(_flat(item))) for item in value if _flat(item)]
        case dict():
            texts = [value[k] for k in _TEXTS if isinstance(value.get(k), str) and value[k]]
            if texts:
                return texts
            inner = [v for v in value.values() if isinstance(v, list | dict) and v]
            if inner:
                return [text for v in inner for text in _flat(v)]
            named = [
                f"{k.replace('_', ' ')}: {v}"
                for k, v in value.items()
                if v not in (None, "", [], {})
            ]
            return [_ended(", ".join(named))] if named else []
        case _:
            return [str(value)]


_TEXTS = ("error", "text", "excerpt", "content", "answer", "result", "message", "summary", "output")


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?", '"')) else text + "."
