"""Film scripts: read from text, Markdown, TOML and Fountain, written back as text, and drafted from an idea."""

from engine.tasks.film.scripts.reader import MAX_BYTES, MAX_CHARACTERS, decode, read
from engine.tasks.film.scripts.script import Script, ScriptScene

__all__ = ["MAX_BYTES", "MAX_CHARACTERS", "Script", "ScriptScene", "decode", "read"]
