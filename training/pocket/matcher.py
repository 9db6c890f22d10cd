"""Train the judge of the evaluation, a matcher of pictures and captions (CLIP, Radford 2021).

    python -m training.pocket.matcher PACK OUT

It is trained on real icons alone, single and composed, of every set but UNSEEN, whose score is the ceiling.
"""

import argparse
import os
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from training.pocket import pictures, pool, text
from training.pocket.compose import compose

UNSEEN = "emojione"


class Fold(nn.Module):
    """A residual block that halves the picture's width and height."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.skip = nn.Conv2d(inputs, outputs, 1)
        self.body = nn.Sequential(
            nn.GroupNorm(8, inputs), nn.SiLU(), nn.Conv2d(inputs, outputs, 3, padding=1),
            nn.GroupNorm(8, outputs), nn.SiLU(), nn.Conv2d(outputs, outputs, 3, padding=1),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, inputs, H, W) to (B, outputs, H/2, W/2)."""
        return functional.avg_pool2d(self.skip(x) + self.body(x), 2)


class Matcher(nn.Module):
    """Maps pictures and captions to unit vectors (256,), which are close if they mean the same."""

    def __init__(self, width: int = 48, size: int = 128) -> None:
        super().__init__()
        stages = [Fold(width * a, width * b) for a, b in ((1, 2), (2, 4), (4, 6), (6, 8))]
        self.eye = nn.Sequential(nn.Conv2d(12, width, 3, padding=1), *stages)
        seen = width * 8 * (size // 32) ** 2
        self.see = nn.Sequential(nn.LayerNorm(seen), nn.Linear(seen, 512), nn.SiLU(), nn.Linear(512, 256))
        layer = nn.TransformerEncoderLayer(384, 6, 768, 0.1, "gelu", batch_first=True, norm_first=True)
        self.ear, self.hear = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), nn.Linear(384, 256)
        self.heat = nn.Parameter(torch.tensor(2.5))

    def look(self, picture: Tensor) -> Tensor:
        """Return the vectors (B, 256) of pictures (B, 3, S, S) in -1..1."""
        return functional.normalize(
            self.see(self.eye(functional.pixel_unshuffle(picture, 2)).flatten(1)).float(), dim=1
        )

    def read(self, states: Tensor, mask: Tensor) -> Tensor:
        """Return the vectors (B, 256) of captions, given their token states (B, L, 384) and mask."""
        heard = self.ear(states, src_key_padding_mask=~mask) * mask[..., None]
        return functional.normalize(self.hear(heard.sum(1) / mask.sum(1, keepdim=True)).float(), dim=1)

    def forward(self, picture: Tensor, states: Tensor, mask: Tensor, what: Tensor) -> Tensor:
        """Return the contrastive loss of a batch, in which pictures that mean the same do not repel each other."""
        score = self.look(picture) @ self.read(states, mask).T * self.heat.exp()
        twin = (what[:, None] == what[None]) & ~torch.eye(len(what), dtype=torch.bool, device=what.device)
        score, target = score.masked_fill(twin, -1e4), torch.arange(len(what), device=what.device)
        return (functional.cross_entropy(score, target) + functional.cross_entropy(score.T, target)) / 2


def roughen(picture: Tensor) -> Tensor:
    """Add random noise, blur and contrast, so that the judge learns shapes and not a renderer's edges."""
    some = torch.rand(3, len(picture), 1, 1, 1, device=picture.device)
    soft = functional.interpolate(functional.avg_pool2d(picture, 2), scale_factor=2.0, mode="bilinear")
    picture = torch.lerp(picture, soft, some[0]) * (0.8 + 0.4 * some[1])
    return (picture + torch.randn_like(picture) * 0.15 * some[2]).clamp(-1, 1)


def train(pack: Path, out: Path, seconds: float, batch: int, count: int) -> None:
    """Train for ``seconds`` and write ``matcher.safetensors`` (fp16)."""
    rgba, manifest = pictures.icons(pack, os.cpu_count() or 1), pictures.manifest(pack)
    sets = {i["set"] for i in manifest["icons"]} - {UNSEEN}
    made = pool.make(pack, manifest, np.asarray(rgba), count=count, seed=3, sets=sets)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    icons, encoder = torch.from_numpy(np.array(rgba)).to(device), text.Encoder(pack, device)
    model = learn(made.to(device), icons, encoder, seconds, batch)
    out.mkdir(parents=True, exist_ok=True)
    save_file({k: v.half().contiguous() for k, v in model.state_dict().items()}, out / "matcher.safetensors")


def learn(made: pool.Pool, icons: Tensor, encoder: text.Encoder, seconds: float, batch: int) -> Matcher:
    """Train a matcher of the icons' size for ``seconds``, on the icons' device, and return it."""
    device, fast = icons.device, icons.is_cuda
    states = torch.cat([encoder.states(ids)[0].half() for ids in made.ids.split(4096)])
    model: Matcher = Matcher(size=icons.shape[1]).to(device, memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05, fused=fast)
    began, steps = time.time(), 0
    while (done := (time.time() - began) / seconds) < 1:
        rows = torch.randint(len(states), (batch,), device=device)
        with torch.autocast(device.type, torch.bfloat16, enabled=fast):
            loss = model(
                roughen(compose(icons, made.recipes.at(rows))),
                states[rows].float(),
                made.ids[rows] != 0,
                made.what[rows],
            )
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.param_groups[0]["lr"] = 1e-3 * min(1.0, (steps + 1) / 200, max(0.01, (1 - done) * 1.6))
        optimiser.step()
        if steps % 200 == 0:
            print(steps, round(time.time() - began), round(loss.item(), 3), flush=True)
        steps += 1
    model.eval().requires_grad_(False)
    return model


def load(path: Path, device: torch.device) -> Matcher:
    """Load a trained matcher."""
    model = Matcher()
    model.load_state_dict({k: v.float() for k, v in load_file(path).items()})
    model.eval().requires_grad_(False).to(device)
    return model


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seconds", type=float, default=110)
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--pool", type=int, default=400_000)
    given = parser.parse_args()
    train(given.pack, given.out, given.seconds, given.batch, given.pool)
