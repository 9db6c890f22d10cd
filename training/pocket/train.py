"""Train the network, then distil guidance into it.

    torchrun --nproc-per-node N -m training.pocket.train PACK RUN --seconds S --distil D

All data is on the device before the first step: icons as bytes, recipes, and the token states of every caption. The
learning rate follows the clock, so that a run finishes on a machine of any speed. RUN/state.pt resumes it. In the last
phase a student learns to draw in one pass what the trained network draws in two, with guidance (Meng et al. 2023).
"""

import copy
import json
import math
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from safetensors.torch import save_file
from torch import Tensor, nn

from training.pocket import pictures, pool, text
from training.pocket.compose import compose
from training.pocket.muon import Muon
from training.pocket.network import Pocket
from training.pocket.prompts import PREVIEW
from training.pocket.sample import predict, sample, save_sheet
from training.pocket.settings import Settings, settings


class Data:
    """Training pictures and captions, sampled on the device."""

    def __init__(self, given: Settings, device: torch.device, rank: int, made: pool.Pool | None = None) -> None:
        """Load the icons and captions, and sample a pool of recipes unless one is given as ``made``."""
        rgba = pictures.icons(given.pack, os.cpu_count() or 1)
        made = made or pool.make(
            given.pack, pictures.manifest(given.pack), np.asarray(rgba), count=given.pool, seed=7 + rank
        )
        self.pool = made.to(device)
        self.rgba = torch.from_numpy(np.array(rgba)).to(device)
        encoder = text.Encoder(given.pack, device)
        self.dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
        self.states = torch.cat([encoder.states(ids)[0].to(self.dtype) for ids in self.pool.ids.split(4096)])
        self.empty = tuple(part[0] for part in encoder([""]))
        self.preview = encoder(list(PREVIEW))
        self.picture = torch.compile(compose) if device.type == "cuda" else compose

    def draw(self, count: int, drop: float) -> tuple[Tensor, Tensor, Tensor]:
        """Return pictures (B, 3, S, S), states (B, L, 384) and masks (B, L). A share ``drop`` has the empty caption."""
        rows = torch.randint(len(self.states), (count,), device=self.states.device)
        bare = (torch.rand(count, device=rows.device) < drop)[:, None]
        states = torch.where(bare[..., None], self.empty[0].to(self.dtype), self.states[rows])
        masks = torch.where(bare, self.empty[1], self.pool.ids[rows] != 0)
        return self.picture(self.rgba, self.pool.recipes.at(rows)), states, masks


class Trainer:
    """A model with its moving average, its optimisers and the clock."""

    def __init__(self, given: Settings, data: "Data | None" = None, model: Pocket | None = None) -> None:
        """Use ``data`` if it is given, and a ``model`` if it is given, which its owner has compiled."""
        self.given, self.rank = given, int(os.environ.get("RANK", "0"))
        self.world = int(os.environ.get("WORLD_SIZE", "1"))
        self.device = (
            torch.device("cuda", torch.cuda.current_device()) if torch.cuda.is_available() else torch.device("cpu")
        )
        torch.manual_seed(0)
        self.data = data or Data(given, self.device, self.rank)  # forks: first
        if self.world > 1:
            dist.init_process_group("nccl" if self.device.type == "cuda" else "gloo")
        self.whole = model is None
        self.model = (model or Pocket(widths=given.widths, size=given.size)).to(
            self.device, memory_format=torch.channels_last
        )
        self.weights = list(self.model.parameters())
        self.teacher: Pocket | None = None
        self._begin()
        self._resume()
        torch.manual_seed(1000 * self.steps + self.rank)

    def _begin(self) -> None:
        self.average = copy.deepcopy(self.model).requires_grad_(False)
        matrices = [p for n, p in self.model.named_parameters() if is_matrix(n, p)]
        rest = [p for n, p in self.model.named_parameters() if not is_matrix(n, p)]
        self.muon, fast = Muon(matrices, 0.01), self.device.type == "cuda"
        self.adam = torch.optim.AdamW(rest, lr=self.given.rate, betas=(0.9, 0.99), weight_decay=0.01, fused=fast)
        self.loss = torch.compile(self._loss) if fast and self.whole else self._loss
        self.steps, self.used = 0, 0.0
        self.log: list[list[float]] = []

    def become_student(self) -> None:
        """Start the last phase: the average becomes the teacher, with guidance, and the student starts as its copy."""
        self.teacher = copy.deepcopy(self.average)
        self.model.load_state_dict(self.average.state_dict())
        self.given = replace(self.given, run=self.given.run / "distilled", seconds=self.given.distil, deadline=0.0,
                             rate=3e-4, decay=1.0, memory=0.998)  # fmt: skip
        self._begin()
        self._resume()

    def _loss(self, x: Tensor, states: Tensor, mask: Tensor, t: Tensor, n: Tensor) -> Tensor:
        at = t[:, None, None, None]
        z = (at * x + (1 - at) * n).contiguous(memory_format=torch.channels_last)
        if self.teacher is not None:
            empty = self.data.empty[0].to(states.dtype)[None], self.data.empty[1][None]
            x = predict(self.teacher, z, t, (states, mask), empty=empty, guidance=self.given.guidance)
        error = (self.model(z, t, states, mask).float() - x).square().mean((1, 2, 3))
        return (error / (1 - t).clamp(min=0.1).square()).mean()

    def step(self) -> Tensor:
        """Take one step in every process, and return this process's loss."""
        with torch.no_grad():
            x, states, mask = self.data.draw(self.given.batch, 0.0 if self.teacher else 0.1)
            t, n = torch.sigmoid(torch.randn(len(x), device=x.device) - 0.5), torch.randn_like(x)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            loss = self.loss(x, states, mask, t, n)
        loss.backward()
        self._agree()
        nn.utils.clip_grad_norm_(self.weights, 1.0)
        self._move(self._rate())
        self.model.zero_grad(set_to_none=True)
        return loss.detach()

    def _agree(self) -> None:
        if self.world == 1:
            return
        gradients = [p.grad for p in self.weights if p.grad is not None]
        flat = torch.cat([g.reshape(-1) for g in gradients])
        dist.all_reduce(flat)
        flat /= self.world
        parts = flat.split([g.numel() for g in gradients])
        torch._foreach_copy_(gradients, [p.view_as(g) for p, g in zip(parts, gradients, strict=True)])

    def _move(self, rate: float) -> None:
        self.adam.param_groups[0]["lr"] = rate
        self.adam.step()
        self.muon.step(rate)
        self.steps += 1
        keep = min(self.given.memory, (1 + self.steps) / (20 + self.steps))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), self.weights, 1 - keep)

    def _rate(self) -> float:
        done = min(1.0, self.used / self.given.seconds)
        late = max(0.01, (1 - done) / self.given.decay) if done > 1 - self.given.decay else 1.0
        return self.given.rate * min(1.0, (self.steps + 1) / 200) * late

    def train(self) -> None:
        """Train and save."""
        self.learn()
        self.save(True)

    def learn(self) -> None:
        """Train until the time is used up. The first steps, which compile, do not count."""
        first, since = self.steps, self.steps
        total = torch.zeros((), device=self.device)
        began = last = saved = time.time()
        while self.used < self.given.seconds and self.steps - first < self.given.max_steps:
            total += self.step()
            if self.steps - first == 5:
                last, since = self._start_clock(total, began), self.steps
            if (self.steps - first) % 20 == 0:
                last, since = self._report(total, last, since)
                if time.time() - saved > self.given.save_every:
                    self.save(False)
                    saved = time.time()

    def _report(self, total: Tensor, last: float, since: int) -> tuple[float, int]:
        took = torch.tensor(time.time() - last, device=self.device)
        if self.world > 1:
            dist.broadcast(took, 0)  # one clock, so that every process stops and decays at the same step
        self.used += took.item()
        loss, rate = (
            total.item() / (self.steps - since),
            (self.steps - since) * self.given.batch * self.world / took.item(),
        )
        if not math.isfinite(loss):
            raise FloatingPointError(f"the loss at step {self.steps} is {loss}")
        self.log.append([self.steps, round(self.used, 1), round(loss, 4), round(rate)])
        if len(self.log) % 20 == 1 and not self.rank:
            print(*self.log[-1], f"{self._rate():.2e}", flush=True)
        total.zero_()
        return last + took.item(), self.steps

    def _start_clock(self, total: Tensor, began: float) -> float:
        total.zero_().item()  # waits for the device
        left = torch.tensor(self.given.deadline - time.time(), device=self.device, dtype=torch.float64)
        if self.world > 1:
            dist.broadcast(left, 0)
        if self.given.deadline:
            self.given = replace(self.given, seconds=self.used + max(left.item(), 1.0))
        print(f"compiled in {time.time() - began:.0f} s; {self.given.seconds:.0f} s to train", flush=True)
        return time.time()

    def save(self, last: bool) -> None:
        """Write the average as fp16, the log, a preview and the full state to resume from. Only process 0 does so."""
        if self.rank:
            return
        run = self.given.run
        run.mkdir(parents=True, exist_ok=True)
        half = {k: v.half().contiguous() for k, v in self.average.state_dict().items()}
        save_file(half, run / "pocket_fp16.safetensors.new", self._facts())
        (run / "pocket_fp16.safetensors.new").replace(run / "pocket_fp16.safetensors")
        (run / "log.json").write_text(json.dumps({"settings": str(self.given), "log": self.log, "finished": last}))
        self._preview(run / "preview.png")
        torch.save(self._state(), run / "state.new")
        (run / "state.new").replace(run / "state.pt")

    def _facts(self) -> dict[str, str]:
        one_pass = {"guiding": "none", "guidance": "1.0", "steps": "8"}
        drawing = one_pass if self.teacher else {"guiding": "two-pass", "guidance": "4.0", "steps": "12"}
        pictures_seen = self.steps * self.given.batch * self.world
        return drawing | {"size": str(self.model.size), "tokens": str(text.LENGTH), "pictures": str(pictures_seen)}

    def _preview(self, path: Path) -> None:
        states, mask = self.data.preview
        empty = None if self.teacher else tuple(part[None] for part in self.data.empty)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            steps = 12 if self.device.type == "cuda" else 1
            drawn = sample(self.average, (states, mask), empty, list(range(len(states))), steps=steps)
        save_sheet(drawn, path, 12)

    def _state(self) -> dict[str, Any]:
        return {"model": self.model.state_dict(), "average": self.average.state_dict(), "adam": self.adam.state_dict(),
                "muon": self.muon.momentum, "steps": self.steps, "used": self.used, "log": self.log}  # fmt: skip

    def _resume(self) -> None:
        kept = self.given.run / "state.pt"
        if not kept.exists():
            return
        state = torch.load(kept, map_location=self.device)
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.adam.load_state_dict(state["adam"])
        self.muon.momentum = state["muon"]
        self.steps, self.used, self.log = state["steps"], state["used"], state["log"]


def is_matrix(name: str, p: Tensor) -> bool:
    """Return whether Muon updates this weight: a matrix or convolution that is not the first, the last or positions."""
    return p.ndim >= 2 and "pos" not in name and "mod" not in name and not name.startswith(("inp", "out", "temb.0"))


if __name__ == "__main__":
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.benchmark = True
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    trainer = Trainer(settings())
    trainer.train()
    if trainer.given.distil:
        trainer.become_student()
        trainer.train()
    if trainer.world > 1:
        dist.destroy_process_group()
