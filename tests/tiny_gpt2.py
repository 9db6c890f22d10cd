"""Builds a small causal language model: GPT-2 of two layers and its own tokenizer, saved as transformers does.

The weights are trained for a second on a few prompts, since random weights do not produce words.
"""

import shutil
from pathlib import Path
from typing import Any

from engine.torch_support.torchvision_import import import_torchvision

WORDS = (
    "a lighthouse at noon, oil painting, highly detailed, sharp focus, soft light, wide shot, calm mood, smooth, "
    "portrait of a red fox in the snow, watercolour, elegant, moonlit night, illustration, concept art, vivid colours, "
)
CHAT = (
    "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)


def save_tiny_gpt2(folder: Path) -> Path:
    """Save a model with a context of 512 tokens."""
    words = tokenizer()
    model = _train(_model(words), words(WORDS * 2, return_tensors="pt")["input_ids"])
    model.save_pretrained(folder, safe_serialization=True)
    words.save_pretrained(folder)
    return folder


def save_silent_gpt2(folder: Path) -> Path:
    """Save the same model with a last norm of zero, so that it ends at once whatever it reads."""
    import torch

    words = tokenizer()
    model = _model(words)
    with torch.no_grad():
        model.transformer.ln_f.weight.zero_()
        model.transformer.ln_f.bias.copy_(1e4 * model.transformer.wte.weight[words.eos_token_id])
    model.save_pretrained(folder, safe_serialization=True)
    words.save_pretrained(folder)
    return folder


def save_chat_gpt2(source: Path, folder: Path) -> Path:
    """Save the same model with a chat template, so that it passes for an instruct model."""
    import_torchvision()
    from transformers import AutoTokenizer

    shutil.copytree(source, folder, dirs_exist_ok=True)
    tokenizer = AutoTokenizer.from_pretrained(source)
    tokenizer.chat_template = CHAT
    tokenizer.save_pretrained(folder)
    return folder


def tokenizer() -> Any:
    """Return a byte-pair tokenizer trained on WORDS."""
    import_torchvision()
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    plain = Tokenizer(models.BPE())
    plain.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    plain.decoder = decoders.ByteLevel()
    letters = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=["<|endoftext|>"], initial_alphabet=letters)
    plain.train_from_iterator([WORDS], trainer)
    end = "<|endoftext|>"
    return PreTrainedTokenizerFast(tokenizer_object=plain, eos_token=end, bos_token=end)


def _model(words: Any) -> Any:
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=len(words), n_positions=512, n_embd=32, n_layer=2, n_head=2, eos_token_id=0, bos_token_id=0
        )
    ).eval()


def _train(model: Any, words: Any) -> Any:
    import torch

    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    model.train()
    for _ in range(30):
        optimizer.zero_grad()
        model(input_ids=words, labels=words).loss.backward()
        optimizer.step()
    return model.eval()
