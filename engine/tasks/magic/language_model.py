"""Prompts by a causal language model, such as MagicPrompt (GPT-2), or any instruct model, on the CPU.

A model without a chat template goes on from the idea, as MagicPrompt was trained to; one that has one is told to.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.core.errors import MissingModel, UserMessage
from engine.core.job import Fact
from engine.tasks.magic.contract import Report, Writing, style_notes
from engine.tasks.magic.grammar.grammar import ENDS, contradicts, medium, write
from engine.tasks.magic.grammar.idea import Idea, read
from engine.tasks.magic.grammar.lexicon import tokens
from engine.text.sentences import split_sentences
from engine.torch_support.torchvision_import import import_torchvision

if TYPE_CHECKING:
    from engine.tasks.magic.params import Params

MAX_TOKENS, MAX_TOKENS_INSTRUCTED = 60, 160
"""New tokens of a model that continues, and of one that is told: those begin by saying the idea again."""
MAX_PHRASES, MAX_CHARACTERS = 16, 1500
MAX_THREADS = 4
MAX_ATTEMPTS = 3
"""Seeds that are tried where nothing that a model wrote is of use."""
SAMPLING = {"do_sample": True, "temperature": 0.9, "top_k": 50, "top_p": 0.95, "repetition_penalty": 1.1}
TOLD = (
    "Write a prompt for a text-to-image model out of this idea: one line of comma-separated phrases in {language}. "
    "Begin with the idea, every word of it unchanged. Then add {style}detail of the subject, light, {lens}composition, "
    "palette and mood. Contradict nothing of the idea. Answer with the prompt alone.\n\nIdea: {idea}"
)
_THOUGHT = re.compile(r"<think>.*?(</think>|$)", re.DOTALL)
_LEAD = re.compile(r"^\s*(\**prompt\**\s*:|[\"'“`*]+)\s*", re.IGNORECASE)
_PARTS = re.compile(r"[,;\n]")
_JUNK = re.compile(r"[<>{}\[\]|\\#@~^_=]|https?:|--|::|\.\.\.")


class LanguageModelWriter:
    """`source` is a folder, or a repository of the hub, kept under `cache`, at `revision` or its newest.

    Raises MissingModel.
    """

    def __init__(self, source: str, name: str, cache: Path, revision: str | None = None) -> None:
        import_torchvision()
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()
        local = Path(source).is_dir()
        options: dict[str, Any] = {
            "local_files_only": local,
            "cache_dir": None if local else cache,
            "revision": revision,
        }
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(source, **options)
            self._model = AutoModelForCausalLM.from_pretrained(source, **options, dtype="float32").eval()
        except (OSError, ValueError) as error:
            template = (
                "The language model {name} cannot be loaded: its files are not there, not whole, or the hub does not "
                "answer. Look at models.magic in config.toml."
            )
            raise MissingModel(template, name=name) from error

    @property
    def size(self) -> int:
        return int(self._model.get_memory_footprint())

    def close(self) -> None:
        del self._model

    def write(self, params: "Params", report: Report) -> Writing:
        """The idea, and what the model adds that does not contradict it; the grammar's words where that is nothing."""
        idea = read(params.idea)
        style = idea.medium or params.style
        seed = params.seed or 0
        begun = [params.idea.strip(ENDS)] + ([] if style == "auto" or idea.medium else [medium(style, seed, "en")])
        for attempt in range(MAX_ATTEMPTS):
            phrases = list(self._phrases(params, idea, begun, seed + attempt, report))
            if phrases:
                prompt = ", ".join([*begun, *phrases[: 1 if params.short else MAX_PHRASES]])
                return Writing(_cut(prompt), style, (*style_notes(params.style, style), *self._notes(params)))
        written = write(params.idea, seed, params.style, params.language, short=params.short)
        note = UserMessage(template="The language model wrote nothing that fits, so the grammar wrote this.")
        facts: dict[str, Fact] = {"backend": "grammar", "tier": "embedded", "model": "grammar"}
        return Writing(written.prompt, written.style, (*style_notes(params.style, written.style), note), facts)

    @property
    def _has_chat_template(self) -> bool:
        return bool(self._tokenizer.chat_template)

    def _notes(self, params: "Params") -> tuple[UserMessage, ...]:
        if self._has_chat_template or params.language != "es":
            return ()
        return (UserMessage(template="The language model goes on in the language that it learned, mostly English."),)

    def _phrases(self, params: "Params", idea: Idea, begun: Sequence[str], seed: int, report: Report) -> Iterator[str]:
        """What the model says beyond what is `begun`, phrase by phrase, without junk, repetition or contradiction."""
        given = ", ".join(begun) + ","
        text, whole = self._generate(
            self._build_instruction(params, idea) if self._has_chat_template else given, seed, report
        )
        sentences = split_sentences(_LEAD.sub("", _THOUGHT.sub("", text)), idea.language)
        parts = [part.strip(" \"'“”*`.!-") for sentence in sentences for part in _PARTS.split(sentence)]
        so_far, heard = given, {*tokens(given)}
        for part in parts if whole else parts[:-1]:
            words = {word for word in tokens(part) if word[0].isalnum()}
            if words and not words <= heard and not _JUNK.search(part) and not contradicts(read(so_far), part):
                so_far, heard = f"{so_far} {part},", heard | words
                yield part

    def _build_instruction(self, params: "Params", idea: Idea) -> str:
        style = idea.medium or params.style
        spanish = (idea.language if params.language == "auto" else params.language) == "es"
        return TOLD.format(
            language="Spanish" if spanish else "English",
            style="" if style == "auto" else f"the medium ({style}), ",
            lens="lens, " if style in ("auto", "photo", "cinematic") else "",
            idea=params.idea,
        )

    def _generate(self, given: str, seed: int, report: Report) -> tuple[str, bool]:
        """What the model says next, and whether it came to an end by itself."""
        import torch
        from transformers import StoppingCriteriaList

        inputs = self._inputs(given)
        most = MAX_TOKENS_INSTRUCTED if self._has_chat_template else MAX_TOKENS
        start = int(inputs["input_ids"].shape[1])

        def tell(so_far: Any, _scores: Any, **_: Any) -> Any:
            report("writing", min((so_far.shape[1] - start) / most, 1.0))
            return torch.zeros(so_far.shape[0], dtype=torch.bool)

        with torch.random.fork_rng(devices=[]), torch.inference_mode(), _few_threads():
            torch.manual_seed(seed)
            made = self._model.generate(
                **inputs,
                **SAMPLING,
                max_new_tokens=most,
                pad_token_id=self._tokenizer.pad_token_id or self._tokenizer.eos_token_id,
                stopping_criteria=StoppingCriteriaList([tell]),
            )[0][start:]
        text: str = self._tokenizer.decode(made, skip_special_tokens=True)
        return text, len(made) < most

    def _inputs(self, given: str) -> Any:
        if not self._has_chat_template:
            return self._tokenizer(given, return_tensors="pt")
        said = [{"role": "user", "content": given}]
        return self._tokenizer.apply_chat_template(
            said, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )


@contextmanager
def _few_threads() -> Iterator[None]:
    """At most half of the cores: more only wait for the memory, and for each other wherever a core is busy.

    GPT-2 on two cores takes 2.7 s with one thread or two; beside two busy programs 4.8 s with one, 26 s with two.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(max(1, min(MAX_THREADS, before // 2)))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _cut(prompt: str) -> str:
    """Whole phrases within what a prompt may have."""
    return prompt if len(prompt) <= MAX_CHARACTERS else prompt[: prompt.rindex(",", 0, MAX_CHARACTERS)]
