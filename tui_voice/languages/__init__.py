"""The languages that a summary can be asked for by name, and which of them a text is in."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

MIN_CONFIDENCE = 0.7
"""Probability, 0–1, below which `detect_language` gives no answer. Short texts of names alone
("Trondheim, Marit, Bolla") reach 0.3; one sentence of ten words reaches 0.77 or more."""


class LanguageNames(NamedTuple):
    """The names of a language, for example `LanguageNames("fr", "French", "français")`."""

    code: str
    """ISO 639-1."""
    name: str
    """In English; shown to the user."""
    own_name: str
    """In the language itself."""


LANGUAGES = (
    LanguageNames("ar", "Arabic", "العربية"),
    LanguageNames("zh", "Chinese", "中文"),
    LanguageNames("da", "Danish", "dansk"),
    LanguageNames("nl", "Dutch", "Nederlands"),
    LanguageNames("en", "English", "English"),
    LanguageNames("fr", "French", "français"),
    LanguageNames("de", "German", "Deutsch"),
    LanguageNames("el", "Greek", "ελληνικά"),
    LanguageNames("he", "Hebrew", "עברית"),
    LanguageNames("hi", "Hindi", "हिन्दी"),
    LanguageNames("it", "Italian", "italiano"),
    LanguageNames("ja", "Japanese", "日本語"),
    LanguageNames("ko", "Korean", "한국어"),
    LanguageNames("no", "Norwegian", "norsk"),
    LanguageNames("pl", "Polish", "polski"),
    LanguageNames("pt", "Portuguese", "português"),
    LanguageNames("ru", "Russian", "русский"),
    LanguageNames("es", "Spanish", "español"),
    LanguageNames("sv", "Swedish", "svenska"),
)


def is_spoken_language(setting: str) -> bool:
    """Returns whether the setting asks for the language that is spoken: "same", "auto" or ""."""
    return setting.strip().casefold() in ("", "same", "auto")


def find_language(setting: str) -> LanguageNames | None:
    """Returns the language named by its English name, its own name or its code ("fr", "fr-CA")."""
    wanted = setting.strip().casefold()
    code = wanted.partition("-")[0]
    for language in LANGUAGES:
        if wanted in (language.name.casefold(), language.own_name.casefold()):
            return language
        if code == language.code:
            return language
    return None


def detect_language(text: str) -> str:
    """Returns the English name of the language of `text`, "" where the text gives no clear answer.

    The first call loads a model of 4.5 MB, which takes about 0.6 s: do not make it on an event
    loop. The text stays on this machine.
    """
    code, confidence = most_likely(text, tuple(language.code for language in LANGUAGES))
    if confidence < MIN_CONFIDENCE:
        return ""
    return next(language.name for language in LANGUAGES if language.code == code)


def most_likely(text: str, codes: tuple[str, ...]) -> tuple[str, float]:
    """Returns which of these languages (ISO 639-1) a text is in, and the probability (0–1) of that
    among them. The first call for a set of languages takes as long as that of `detect_language`.
    """
    code, confidence = _identifier(codes).classify(text)
    return str(code), float(confidence)


@lru_cache(maxsize=2)
def _identifier(codes: tuple[str, ...]) -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # imports numpy

    # The library has no type annotations.
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)  # type: ignore[no-untyped-call]  # py3langid has no types
    identifier.set_languages(list(codes))
    return identifier
