"""The table of HTTP addresses, read from the OpenAPI document that the web server serves."""

from collections.abc import Iterator
from typing import Any

from bot.adapters.web.openapi import build_openapi
from bot.commands import COMMANDS
from docs.markdown import code, codes, sentence, table

VERBS = ("get", "post", "put", "patch", "delete")


def reference() -> str:
    """Return a table of every address with what it does and the statuses that it answers with."""
    return table(("address", "what it does", "answers"), _rows(build_openapi(COMMANDS)["paths"]))


def _rows(paths: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for path, operations in paths.items():
        for verb in VERBS:
            if verb in operations:
                operation = operations[verb]
                answers = codes(sorted(operation["responses"]))
                yield code(f"{verb.upper()} {path}"), sentence(operation["summary"]), answers
