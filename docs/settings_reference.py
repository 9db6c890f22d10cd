"""The reference of config.toml, read from the settings' models and from the comments of the file that comes along."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.commands import COMMANDS
from bot.config.sections import Section
from bot.config.settings import Settings
from bot.config.units import format_rate
from docs.markdown import code, plain, sentence, table

CONFIG = Path(__file__).parents[1] / "config.toml"
SECTION = re.compile(r"^\[(\w+)\](?: +# (.+))?$", re.MULTILINE)
KEY = re.compile(r"^# (\w+) = (.+?) +# (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Key:
    """One key as config.toml shows it: its name, its default as TOML, and the comment about it."""

    name: str
    default: str
    about: str


def reference(config: Path = CONFIG) -> str:
    """Return a heading and a table for each section of config.toml."""
    return "\n\n".join(part for name, about, keys in sections(config) for part in _section(name, about, keys))


def sections(config: Path = CONFIG) -> Iterator[tuple[str, str, list[Key]]]:
    """Yield the name of each section, the comment beside it, and its keys."""
    text = config.read_text("utf-8")
    found = list(SECTION.finditer(text))
    ends = [match.start() for match in found[1:]] + [len(text)]
    for match, end in zip(found, ends, strict=True):
        keys = {key.name: key for key in (Key(*parts) for parts in KEY.findall(text[match.end() : end]))}
        yield match[1], match[2] or "", list((_command_keys(match[1]) | keys).values())


def _command_keys(section: str) -> dict[str, Key]:
    """Return the keys of [limits] and [off] by name: the commands that declare a rate, in the words of COMMANDS."""
    if section not in ("limits", "off"):
        return {}
    rates = {command.name: (command.rate, command.description) for command in COMMANDS if command.rate}
    return {
        name: Key(name, f'"{format_rate(rate)}"' if section == "limits" else "[]", about)
        for name, (rate, about) in rates.items()
    }


def _section(name: str, about: str, keys: list[Key]) -> Iterator[str]:
    yield f"## {name}"
    if about:
        yield sentence(plain(about))
    yield table(("key", "what it does", "default", "allowed"), (_row(name, key) for key in keys))


def _row(section: str, key: Key) -> tuple[str, str, str, str]:
    name, about = code(f"{section}.{key.name}"), sentence(plain(key.about))
    return name, about, _default(section, key), plain(describe_allowed_values(section, key.name))


def _default(section: str, key: Key) -> str:
    """Return the default as it would stand in the file; a word where the file's value is an example instead."""
    model = _model(section)
    if model is not None and model.model_fields[key.name].default is None:
        return f"none, for example {code(key.default)}"
    return code(key.default)


def describe_allowed_values(section: str, name: str) -> str:
    """Return what the key takes, in the words with which a value that does not fit is refused."""
    model = _model(section)
    extra = (model.model_fields[name] if model else Settings.model_fields[section]).json_schema_extra
    assert isinstance(extra, dict), f"{section}.{name} does not say what it takes"
    return str(extra["allowed"])


def _model(section: str) -> type[Section] | None:
    """Return the model of a section with keys of its own; None for a table such as `limits`."""
    model = Settings.model_fields[section].annotation
    return model if isinstance(model, type) and issubclass(model, Section) else None
