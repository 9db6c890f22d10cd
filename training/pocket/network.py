"""Pocket's network and its frozen text encoder, in plain torch.

Pocket is a U-Net in pixel space over pixel-unshuffled pictures with transformer blocks at 16x16 and 8x8 that attend to
the token states of all-MiniLM-L6-v2. It predicts the clean picture x from ``z_t = t x + (1 - t) n``.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

Weights = dict[str, Tensor]


class BertLayer(nn.Module):
    """One post-norm BERT layer (Devlin et al. 2018) with its three projections fused."""

    def __init__(self, width: int = 384, heads: int = 12, hidden: int = 1536) -> None:
        super().__init__()
        self.heads = heads
        self.qkv, self.o = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.n1, self.n2 = nn.LayerNorm(width, eps=1e-12), nn.LayerNorm(width, eps=1e-12)
        self.f1, self.f2 = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """Map ``x`` (B, T, D) to (B, T, D), with an additive mask (B, 1, 1, T)."""
        batch, tokens, width = x.shape
        q, k, v = self.qkv(x).view(batch, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        seen = (
            functional.scaled_dot_product_attention(q, k, v, attn_mask=bias)
            .transpose(1, 2)
            .reshape(batch, tokens, width)
        )
        x = self.n1(x + self.o(seen))
        return self.n2(x + self.f2(functional.gelu(self.f1(x))))


class MiniLM(nn.Module):
    """The six layers of all-MiniLM-L6-v2; the token-type row is folded into the positions."""

    def __init__(self, vocabulary: int = 30522, width: int = 384, layers: int = 6, positions: int = 64) -> None:
        super().__init__()
        self.tok, self.pos = nn.Embedding(vocabulary, width), nn.Embedding(positions, width)
        self.n = nn.LayerNorm(width, eps=1e-12)
        self.layers = nn.ModuleList([BertLayer(width) for _ in range(layers)])

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the last hidden states (B, T, 384) of token ids (B, T). ``mask`` (B, T) is True at a token."""
        x = self.n(self.tok(ids) + self.pos.weight[: ids.shape[1]])
        bias = torch.zeros(mask.shape, dtype=x.dtype, device=x.device).masked_fill(~mask, -1e4)[:, None, None]
        for layer in self.layers:
            x = layer(x, bias)
        return x


def minilm_from_bert(bert: Weights, positions: int = 64) -> Weights:
    """Rename the published BERT weights to :class:`MiniLM`'s."""
    place = "embeddings.position_embeddings.weight", "embeddings.token_type_embeddings.weight"
    ours = {
        "tok.weight": bert["embeddings.word_embeddings.weight"],
        "pos.weight": bert[place[0]][:positions] + bert[place[1]][0],
        "n.weight": bert["embeddings.LayerNorm.weight"],
        "n.bias": bert["embeddings.LayerNorm.bias"],
    }
    parts = {
        "o": "attention.output.dense",
        "n1": "attention.output.LayerNorm",
        "f1": "intermediate.dense",
        "f2": "output.dense",
        "n2": "output.LayerNorm",
    }
    for i in range(6):
        for kind in ("weight", "bias"):
            at = f"encoder.layer.{i}."
            three = [bert[f"{at}attention.self.{n}.{kind}"] for n in ("query", "key", "value")]
            ours[f"layers.{i}.qkv.{kind}"] = torch.cat(three)
            ours |= {f"layers.{i}.{mine}.{kind}": bert[f"{at}{theirs}.{kind}"] for mine, theirs in parts.items()}
    return ours


class Residual(nn.Module):
    """Two 3x3 convolutions whose second norm is scaled and shifted by the condition."""

    def __init__(self, inputs: int, outputs: int, condition: int) -> None:
        super().__init__()
        self.n1, self.c1 = nn.GroupNorm(min(32, inputs // 4), inputs), nn.Conv2d(inputs, outputs, 3, padding=1)
        self.e = nn.Linear(condition, 2 * outputs)
        self.n2, self.c2 = nn.GroupNorm(min(32, outputs // 4), outputs), nn.Conv2d(outputs, outputs, 3, padding=1)
        self.skip = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()
        nn.init.zeros_(self.c2.weight)
        nn.init.zeros_(self.c2.bias)

    def forward(self, x: Tensor, e: Tensor) -> Tensor:
        """Map (B, inputs, H, W) to (B, outputs, H, W), under a condition (B, condition)."""
        h = self.c1(functional.silu(self.n1(x)))
        scale, shift = self.e(e)[:, :, None, None].chunk(2, 1)
        return self.skip(x) + self.c2(functional.silu(self.n2(h) * (1 + scale) + shift))


class Block(nn.Module):
    """Self-attention, cross-attention to the caption and feed-forward, modulated as in DiT (Peebles and Xie 2022)."""

    def __init__(self, width: int, context: int, expand: int = 3, head: int = 64) -> None:
        super().__init__()
        self.h = width // head
        self.n1 = nn.LayerNorm(width, elementwise_affine=False, eps=1e-5)
        self.n2 = nn.LayerNorm(width, eps=1e-5)
        self.n3 = nn.LayerNorm(width, elementwise_affine=False, eps=1e-5)
        self.qkv, self.o = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width)
        self.q, self.kv = nn.Linear(width, width, bias=False), nn.Linear(context, 2 * width, bias=False)
        self.o2 = nn.Linear(width, width)
        self.f1, self.f2 = nn.Linear(width, expand * width), nn.Linear(expand * width, width)
        self.mod = nn.Parameter(torch.zeros(6, width))
        self.qn, self.kn = nn.LayerNorm(head, bias=False, eps=1e-5), nn.LayerNorm(head, bias=False, eps=1e-5)
        for last in (self.o, self.o2, self.f2):
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    def forward(self, x: Tensor, modulation: Tensor, context: Tensor, bias: Tensor) -> Tensor:
        """Map ``x`` (B, T, D) to (B, T, D).

        ``modulation`` is (B, 6, D), ``context`` (B, L, C) and ``bias`` (B, 1, 1, L).
        """
        a1, b1, g1, a2, b2, g2 = (modulation + self.mod)[:, :, None].unbind(1)
        q, k, v = self._heads(self.qkv(self.n1(x) * (1 + a1) + b1), 3)
        x = x + (1 + g1) * self.o(self._join(functional.scaled_dot_product_attention(self.qn(q), self.kn(k), v)))
        (q,), (k, v) = self._heads(self.q(self.n2(x)), 1), self._heads(self.kv(context), 2)
        x = x + self.o2(self._join(functional.scaled_dot_product_attention(q, k, v, attn_mask=bias)))
        return x + (1 + g2) * self.f2(functional.gelu(self.f1(self.n3(x) * (1 + a2) + b2), approximate="tanh"))

    def _heads(self, x: Tensor, parts: int) -> Tensor:
        return x.view(x.shape[0], x.shape[1], parts, self.h, -1).permute(2, 0, 3, 1, 4)

    def _join(self, x: Tensor) -> Tensor:
        return x.transpose(1, 2).flatten(2)


class Spatial(nn.Module):
    """Transformer blocks over a feature map, with learned positions and one shared modulation."""

    def __init__(self, width: int, blocks: int, context: int, condition: int, side: int) -> None:
        super().__init__()
        self.pos = nn.Parameter(torch.randn(1, side * side, width) * 0.02)
        self.mod = nn.Linear(condition, 6 * width)
        self.b = nn.ModuleList([Block(width, context) for _ in range(blocks)])
        nn.init.zeros_(self.mod.weight)
        nn.init.zeros_(self.mod.bias)

    def forward(self, x: Tensor, e: Tensor, context: Tensor, bias: Tensor) -> Tensor:
        """Map (B, D, H, W) to (B, D, H, W)."""
        batch, width, high, wide = x.shape
        modulation = self.mod(e).view(batch, 6, width)
        h = x.flatten(2).transpose(1, 2) + self.pos
        for block in self.b:
            h = block(h, modulation, context, bias)
        return h.transpose(1, 2).reshape(batch, width, high, wide)


class Pocket(nn.Module):
    """The picture network: 30.2 million weights with the defaults."""

    freq: Tensor

    def __init__(self, widths: tuple[int, int, int, int] = (64, 128, 256, 384), mid: int = 5, size: int = 128) -> None:
        super().__init__()
        self.size, self.patch = size, 2
        w0, w1, w2, w3 = widths
        e, context, side = 512, 384, size // 2
        self.temb = nn.Sequential(nn.Linear(256, e), nn.SiLU(), nn.Linear(e, e))
        self.pool, self.ctx = nn.Linear(context, e), nn.Linear(context, context)
        self.inp = nn.Conv2d(12, w0, 3, padding=1)
        self.d0, self.down0 = Residual(w0, w0, e), nn.Conv2d(w0, w1, 3, 2, 1)
        self.d1a, self.d1b, self.down1 = Residual(w1, w1, e), Residual(w1, w1, e), nn.Conv2d(w1, w2, 3, 2, 1)
        self.d2a, self.t2a = Residual(w2, w2, e), Spatial(w2, 1, context, e, side // 4)
        self.d2b, self.t2b = Residual(w2, w2, e), Spatial(w2, 1, context, e, side // 4)
        self.down2, self.mid = nn.Conv2d(w2, w3, 3, 2, 1), Spatial(w3, mid, context, e, side // 8)
        self.up2 = nn.Conv2d(w3, w2 * 4, 1)
        self.u2a, self.v2a = Residual(2 * w2, w2, e), Spatial(w2, 1, context, e, side // 4)
        self.u2b, self.v2b = Residual(w2, w2, e), Spatial(w2, 1, context, e, side // 4)
        self.up1, self.u1a, self.u1b = nn.Conv2d(w2, w1 * 4, 1), Residual(2 * w1, w1, e), Residual(w1, w1, e)
        self.up0, self.u0 = nn.Conv2d(w1, w0 * 4, 1), Residual(2 * w0, w0, e)
        self.on, self.out = nn.GroupNorm(16, w0), nn.Conv2d(w0, 12, 3, padding=1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)
        self.register_buffer("freq", torch.exp(-math.log(1000) * torch.arange(128) / 128), persistent=False)

    def forward(self, z: Tensor, t: Tensor, ctx: Tensor, mask: Tensor) -> Tensor:
        """Return clean pictures (B, 3, S, S), in about -1..1, predicted from noisy ones of the same shape.

        Times are (B,) in 0..1, where 1 is clean; token states are (B, L, 384) with a boolean mask (B, L).
        """
        seen = mask.to(ctx.dtype)
        e = functional.silu(
            self._time(t, z.dtype) + self.pool((ctx * seen[..., None]).sum(1) / seen.sum(1, keepdim=True))
        )
        bias, c = ((seen - 1) * 1e4)[:, None, None], self.ctx(ctx)
        x0 = self.d0(self.inp(functional.pixel_unshuffle(z, self.patch)), e)
        x1 = self.d1b(self.d1a(self.down0(x0), e), e)
        x = self.t2a(self.d2a(self.down1(x1), e), e, c, bias)
        x2 = self.t2b(self.d2b(x, e), e, c, bias)
        x = torch.cat([functional.pixel_shuffle(self.up2(self.mid(self.down2(x2), e, c, bias)), 2), x2], 1)
        x = self.v2b(self.u2b(self.v2a(self.u2a(x, e), e, c, bias), e), e, c, bias)
        x = self.u1b(self.u1a(torch.cat([functional.pixel_shuffle(self.up1(x), 2), x1], 1), e), e)
        x = self.u0(torch.cat([functional.pixel_shuffle(self.up0(x), 2), x0], 1), e)
        return functional.pixel_shuffle(self.out(functional.silu(self.on(x))), self.patch)

    def _time(self, t: Tensor, dtype: torch.dtype) -> Tensor:
        angle = t[:, None].float() * 1000 * self.freq
        embedded: Tensor = self.temb(torch.cat([angle.cos(), angle.sin()], 1).to(dtype))
        return embedded
