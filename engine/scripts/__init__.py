"""Scripts of films: read from text, Markdown, TOML and Fountain, written down again, drafted from an idea."""

from engine.scripts.reader import read
from engine.scripts.script import Script, ScriptScene

__all__ = ["Script", "ScriptScene", "read"]
