"""`tui-voice models`: fetches a better chat model or speech recognition for the embedded server."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from difflib import get_close_matches
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from tui_voice.cli.flags import add_common
from tui_voice.config.program_form import in_working_form, with_extra
from tui_voice.errors import UsageError

if TYPE_CHECKING:
    from tui_voice.server.local.model_table import FetchableModel

_STEP_PERCENT = 5


def add_parser(commands: Any) -> None:
    """Registers the command with argparse's subparsers."""
    parser = commands.add_parser(
        "models",
        help="fetch a better chat model or speech recognition, and remove it",
        description="Models for the embedded server, from the Hugging Face hub. A model that was "
        "fetched is used from then on.",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    about = "the models that can be fetched, and those here"
    listing = actions.add_parser("list", help=about, description=f"Shows {about}.")
    listing.add_argument("--json", action="store_true", help="print JSON")
    for name, about in (
        ("get", "fetch a model, or go on fetching it, and use it"),
        ("remove", "delete a model; the built-in one is used again"),
    ):
        description = f"{about[:1].upper()}{about[1:]}."
        action = actions.add_parser(name, help=about, description=description)
        action.add_argument("name", metavar="NAME", help="its name in the list")
    add_common(parser)


def run(args: argparse.Namespace) -> int:
    """Carries out one action."""
    from tui_voice.server.local import model_store

    if args.action == "list":
        _list(args.json)
        return 0
    model = _named(args.name)
    if args.action == "remove":
        was_here = model_store.remove(model)
        print(f"{model.name} {'is deleted' if was_here else 'was not here'}.")
        return 0
    model_store.check_usable(model)
    if not model_store.is_fetched(model):
        print(f"Fetching {model.name} ({model.megabytes} MB, {model.licence}) from {model.repo}.")
        model_store.fetch(model, _printer())
    model_store.use(model)
    said = f"{model.name} is used from now on; `tui-voice models remove {model.name}` ends that."
    print(in_working_form(said))
    return 0


def _named(name: str) -> FetchableModel:
    """Returns the model with this name. Raises UsageError."""
    from tui_voice.server.local.model_table import MODELS

    if name not in MODELS:
        near = get_close_matches(name, MODELS, n=1)
        meant = f"Did you mean {near[0]}? " if near else ""
        raise UsageError(
            f'There is no model "{name}".', f"{meant}`tui-voice models list` lists all."
        )
    return MODELS[name]


def _list(as_json: bool) -> None:
    from tui_voice.cli.output import print_json
    from tui_voice.cli.table import table
    from tui_voice.server.local import model_store
    from tui_voice.server.local.model_table import MODELS

    def state(model: FetchableModel) -> str:
        if model_store.used_model(model.kind) == model:
            return "used"
        return "here" if model_store.is_fetched(model) else ""

    if as_json:
        keys = ("name", "kind", "repo", "megabytes", "memory_gb", "languages", "licence")
        rows = [{key: getattr(model, key) for key in keys} for model in MODELS.values()]
        for row in rows:
            row["state"] = state(MODELS[row["name"]]) or "absent"
        print_json(rows)
        return
    heading = ("name", "kind", "download", "memory", "languages", "licence", "")
    print(
        table(
            [heading]
            + [
                (
                    model.name,
                    model.kind,
                    f"{model.megabytes} MB",
                    f"{model.memory_gb} GB",
                    model.languages,
                    model.licence,
                    state(model),
                )
                for model in MODELS.values()
            ],
            right=(2, 3),
            flexible=4,
        )
    )
    here = find_spec("py_nanotts") is not None
    how = "are installed." if here else f"come with the extra voices: {with_extra('voices')}"
    print(f"Voices in German, Spanish, French and Italian {how}")


def _printer() -> Callable[[str, int, int], None]:
    """Returns a function that prints the progress of a file in steps of five percent."""
    printed: dict[str, int] = {}

    def report(file: str, done: int, total: int) -> None:
        percent = done * 100 // total // _STEP_PERCENT * _STEP_PERCENT if total else 0
        if percent > printed.get(file, -1):
            printed[file] = percent
            print(f"  {file}: {percent} % of {total / 1e6:.0f} MB", flush=True)

    return report
