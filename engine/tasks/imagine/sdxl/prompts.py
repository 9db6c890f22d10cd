"""Encodes prompts of any length, with weights, for SDXL's UNet. The arithmetic is compel's."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.tasks.imagine.prompt_weights import WeightedText, fragments
from engine.text.readable import readable_form
from engine.torch_support.transfer import tensor_to_device


@dataclass(frozen=True)
class Encoded:
    """Tensors for one picture: `words` (1, 77 n, 2048) and `pooled` (1, 1280), and the same of the negative prompt.

    The negative ones are None without guidance. Both `words` are equally long.
    """

    words: Any
    pooled: Any
    negative_embeds: Any = None
    pooled_negative_embeds: Any = None

    @property
    def bytes(self) -> int:
        """Return the bytes of all tensors."""
        return sum(each.nbytes for each in vars(self).values() if each is not None)

    def pipeline_arguments(self) -> dict[str, Any]:
        """Return the arguments of diffusers' SDXL pipelines."""
        return {
            "prompt_embeds": self.words,
            "pooled_prompt_embeds": self.pooled,
            "negative_prompt_embeds": self.negative_embeds,
            "negative_pooled_prompt_embeds": self.pooled_negative_embeds,
        }


def encode(pipe: Any, prompt: str, negative: str = "", *, guided: bool) -> Encoded:
    """Encode a prompt, and the negative one if `guided`, with `pipe`, a StableDiffusionXLPipeline.

    Up to 75 tokens of weight 1 the result equals diffusers' `encode_prompt`. Pooled words come from the first 75
    tokens. Raises BadInput for a weight over the limit.
    """
    wanted, unwanted = _fragments(prompt), _fragments(negative) if guided else []
    words, against, pooled, pooled_against = pipe.encode_prompt(
        _text(wanted),
        device=pipe.text_encoder.device,
        do_classifier_free_guidance=guided,
        negative_prompt=_text(unwanted) or None,
    )
    if not guided:
        return Encoded(_read(pipe, wanted, words), pooled)
    longer, longer_against = _read(pipe, wanted, words), _read(pipe, unwanted, against)
    blank = against * 0 if not unwanted else None
    chunks = max(longer.shape[1], longer_against.shape[1])
    return Encoded(_pad_to(pipe, longer, chunks), pooled, _pad_to(pipe, longer_against, chunks, blank), pooled_against)


def is_plain(pipe: Any, prompt: str) -> bool:
    """Return whether `encode_together` accepts the prompt: no weights, and short enough for one CLIP pass."""
    pieces = _fragments(prompt)
    return all(piece.weight == 1 for piece in pieces) and _fits(pipe, _text(pieces))


def encode_together(pipe: Any, prompts: Sequence[str]) -> list[Encoded]:
    """Encode several plain prompts without guidance in one call. The results equal those of `encode`."""
    import torch

    texts = [_text(_fragments(prompt)) for prompt in prompts]
    first = _penultimate(pipe.tokenizer, pipe.text_encoder, texts)
    second = _penultimate(pipe.tokenizer_2, pipe.text_encoder_2, texts)
    words = torch.cat([first.hidden_states[-2], second.hidden_states[-2]], dim=-1)
    return [Encoded(*rows) for rows in zip(words.split(1), second.text_embeds.split(1), strict=True)]


def _penultimate(tokenizer: Any, encoder: Any, texts: list[str]) -> Any:
    """Return a text encoder's output with hidden states, of which SDXL uses the last but one."""
    length = tokenizer.model_max_length
    ids = tokenizer(texts, padding="max_length", max_length=length, truncation=True, return_tensors="pt").input_ids
    return encoder(tensor_to_device(ids, str(encoder.device)), output_hidden_states=True)


def concatenate(encoded: Sequence[Encoded]) -> Encoded:
    """Join encodings of equal length into one batch."""
    import torch

    rows = zip(*(vars(each).values() for each in encoded), strict=True)
    return Encoded(*(None if row[0] is None else torch.cat(row) for row in rows))


def _fragments(prompt: str) -> list[WeightedText]:
    """Return the pieces of the prompt with emoji by name: CLIP learned few of them as tokens of their own."""
    return fragments(readable_form(prompt))


def _text(pieces: list[WeightedText]) -> str:
    return "".join(piece.text for piece in pieces)


def _read(pipe: Any, pieces: list[WeightedText], plain: Any) -> Any:
    """Return the words with weights to their end; `plain`, diffusers' own encoding, where that covers everything."""
    if all(piece.weight == 1 for piece in pieces) and _fits(pipe, _text(pieces)):
        return plain
    return _embed_fragments(pipe, pieces)


def _fits(pipe: Any, text: str) -> bool:
    """Return whether a text fits CLIP's 77 tokens, which include a start and an end token."""
    ids = pipe.tokenizer(text, add_special_tokens=False, truncation=False, verbose=False).input_ids
    return bool(len(ids) <= pipe.tokenizer.model_max_length - 2)


def _embed_fragments(pipe: Any, pieces: list[WeightedText]) -> Any:
    return _reader(pipe).get_embeddings_for_weighted_prompt_fragments(
        [[piece.text for piece in pieces]], [[piece.weight for piece in pieces]], device=pipe.text_encoder.device
    )


def _pad_to(pipe: Any, words: Any, length: int, blank: Any = None) -> Any:
    """Return `words` padded with blocks of 77 blank tokens up to `length`."""
    import torch

    lacking = (length - words.shape[1]) // pipe.tokenizer.model_max_length
    if not lacking:
        return words
    blank = _embed_fragments(pipe, [WeightedText("")]) if blank is None else blank
    return torch.cat([words, *[blank] * lacking], dim=1)


def _reader(pipe: Any) -> Any:
    from compel import ReturnedEmbeddingsType
    from compel.embeddings_provider import EmbeddingsProviderMulti

    dtype = pipe.text_encoder.dtype
    return EmbeddingsProviderMulti(
        tokenizers=[pipe.tokenizer, pipe.tokenizer_2],
        text_encoders=[pipe.text_encoder, pipe.text_encoder_2],
        dtype_for_device_getter=lambda _: dtype,
        truncate=False,
        returned_embeddings_type=ReturnedEmbeddingsType.PENULTIMATE_HIDDEN_STATES_NON_NORMALIZED,
    )
