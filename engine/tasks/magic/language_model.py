"""Write prompts with a causal language model on the CPU: MagicPrompt (GPT-2), or any instruct model.

A model without a chat template continues the idea, as MagicPrompt was trained to. A model with one gets an instruction.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.core.errors import MissingModel, UserMessage
from engine.core.job import Fact
from engine.tasks.magic.contract import Report, Writing, style_notes
from engine.tasks.magic.grammar.grammar import TRIMMED_CHARACTERS, contradicts, medium, write
from engine.tasks.magic.grammar.idea import Idea, parse_idea
from engine.tasks.magic.grammar.lexicon import tokenize
from engine.text.sentences import split_sentences
from engine.torch_support.torchvision_import import import_torchvision

if TYPE_CHECKING:
    from engine.tasks.magic.params import Params

MAX_TOKENS, MAX_TOKENS_INSTRUCTED = 60, 160
"""Maximum new tokens of a model that continues the idea, and of one with an instruction, which repeats the
idea first.
"""
MAX_PHRASES, MAX_CHARACTERS = 16, 1500
"""Maximum number of phrases that are added, and maximum length of a prompt in characters."""
MAX_THREADS = 4
"""Maximum number of threads for generation."""
MAX_ATTEMPTS = 3
"""Number of seeds to try until the model writes something usable."""
SAMPLING = {"do_sample": True, "temperature": 0.9, "top_k": 50, "top_p": 0.95, "repetition_penalty": 1.1}
"""Sampling options for transformers."""
INSTRUCTION = (
    "Write a prompt for a text-to-image model out of this idea: one line of comma-separated phrases in {language}. "
    "Begin with the idea, every word of it unchanged. Then add {style}detail of the subject, light, {lens}composition, "
    "palette and mood. Contradict nothing of the idea. Answer with the prompt alone.\n\nIdea: {idea}"
)
"""Prompt for a model with a chat template."""
_THINKING = re.compile(r"<think>.*?(</think>|$)", re.DOTALL)
_LABEL = re.compile(r"^\s*(\**prompt\**\s*:|[\"'“`*]+)\s*", re.IGNORECASE)
_PARTS = re.compile(r"[,;\n]")
_JUNK = re.compile(r"[<>{}\[\]|\\#@~^_=]|https?:|--|::|\.\.\.")


class LanguageModelWriter:
    """Writes prompts with the model in `source`, a folder or a hub repository.

    A repository is stored under `cache`, at `revision` or the newest one. Raises MissingModel if it cannot be loaded.
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
                "The language model {name} can't be loaded: its files are missing or incomplete, or the hub "
                "can't be reached. Check models.magic in config.toml."
            )
            raise MissingModel(template, name=name) from error

    @property
    def size(self) -> int:
        """Bytes used on the device."""
        return int(self._model.get_memory_footprint())

    def close(self) -> None:
        """Release the model."""
        del self._model

    def write(self, params: "Params", report: Report) -> Writing:
        """Return the idea followed by what the model adds without contradicting it.

        If no attempt gives anything usable, the grammar writes the prompt.
        """
        idea = parse_idea(params.idea)
        style = idea.medium or params.style
        seed = params.seed or 0
        start_phrases = [params.idea.strip(TRIMMED_CHARACTERS)] + (
            [] if style == "auto" or idea.medium else [medium(style, seed, "en")]
        )
        for attempt in range(MAX_ATTEMPTS):
            phrases = list(self._phrases(params, idea, start_phrases, seed + attempt, report))
            if phrases:
                prompt = ", ".join([*start_phrases, *phrases[: 1 if params.short else MAX_PHRASES]])
                return Writing(_truncate(prompt), style, (*style_notes(params.style, style), *self._notes(params)))
        written = write(params.idea, seed, params.style, params.language, short=params.short)
        note = UserMessage(template="The language model wrote nothing usable, so the built-in rules wrote this prompt.")
        facts: dict[str, Fact] = {"backend": "grammar", "tier": "embedded", "model": "grammar"}
        return Writing(written.prompt, written.style, (*style_notes(params.style, written.style), note), facts)

    @property
    def _has_chat_template(self) -> bool:
        return bool(self._tokenizer.chat_template)

    def _notes(self, params: "Params") -> tuple[UserMessage, ...]:
        if self._has_chat_template or params.language != "es":
            return ()
        return (UserMessage(template="The language model mostly writes in English."),)

    def _phrases(
        self, params: "Params", idea: Idea, start_phrases: Sequence[str], seed: int, report: Report
    ) -> Iterator[str]:
        """Yield the phrases that the model adds to `start_phrases`, without junk, repetition or contradiction."""
        prompt_text = ", ".join(start_phrases) + ","
        text, is_complete = self._generate(
            self._build_instruction(params, idea) if self._has_chat_template else prompt_text, seed, report
        )
        sentences = split_sentences(_LABEL.sub("", _THINKING.sub("", text)), idea.language)
        parts = [part.strip(" \"'“”*`.!-") for sentence in sentences for part in _PARTS.split(sentence)]
        text_so_far, used_words = prompt_text, {*tokenize(prompt_text)}
        for part in parts if is_complete else parts[:-1]:
            words = {word for word in tokenize(part) if word[0].isalnum()}
            if (
                words
                and not words <= used_words
                and not _JUNK.search(part)
                and not contradicts(parse_idea(text_so_far), part)
            ):
                text_so_far, used_words = f"{text_so_far} {part},", used_words | words
                yield part

    def _build_instruction(self, params: "Params", idea: Idea) -> str:
        style = idea.medium or params.style
        is_spanish = (idea.language if params.language == "auto" else params.language) == "es"
        return INSTRUCTION.format(
            language="Spanish" if is_spanish else "English",
            style="" if style == "auto" else f"the medium ({style}), ",
            lens="lens, " if style in ("auto", "photo", "cinematic") else "",
            idea=params.idea,
        )

    def _generate(self, prompt_text: str, seed: int, report: Report) -> tuple[str, bool]:
        """Return the text that the model adds to `prompt_text`, and whether it ended by itself."""
        import torch
        from transformers import StoppingCriteriaList

        inputs = self._inputs(prompt_text)
        max_tokens = MAX_TOKENS_INSTRUCTED if self._has_chat_template else MAX_TOKENS
        start = int(inputs["input_ids"].shape[1])

        def report_tokens(text_so_far: Any, _scores: Any, **_: Any) -> Any:
            report("writing", min((text_so_far.shape[1] - start) / max_tokens, 1.0))
            return torch.zeros(text_so_far.shape[0], dtype=torch.bool)

        with torch.random.fork_rng(devices=[]), torch.inference_mode(), _limit_threads():
            torch.manual_seed(seed)
            new_tokens = self._model.generate(
                **inputs,
                **SAMPLING,
                max_new_tokens=max_tokens,
                pad_token_id=self._tokenizer.pad_token_id or self._tokenizer.eos_token_id,
                stopping_criteria=StoppingCriteriaList([report_tokens]),
            )[0][start:]
        text: str = self._tokenizer.decode(new_tokens, skip_special_tokens=True)
        return text, len(new_tokens) < max_tokens

    def _inputs(self, prompt_text: str) -> Any:
        if not self._has_chat_template:
            return self._tokenizer(prompt_text, return_tensors="pt")
        messages = [{"role": "user", "content": prompt_text}]
        return self._tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )


@contextmanager
def _limit_threads() -> Iterator[None]:
    """Use at most half of the cores. More threads only wait for memory, and for each other when a core is busy.

    GPT-2 on two cores takes 2.7 s with one thread or two. Beside two busy programs it takes 4.8 s with one, 26 s with
    two.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(max(1, min(MAX_THREADS, before // 2)))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _truncate(prompt: str) -> str:
    """Return as many whole phrases as fit in MAX_CHARACTERS."""
    return prompt if len(prompt) <= MAX_CHARACTERS else prompt[: prompt.rindex(",", 0, MAX_CHARACTERS)]
