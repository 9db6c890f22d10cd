"""Runs one job: chooses the network, enlarges a picture, animation or video, and writes the notes."""

from typing import TYPE_CHECKING

from engine.core.errors import TooLarge, UserMessage
from engine.core.job import Fact, Media
from engine.core.progress import OnStep
from engine.media import video
from engine.media.animations import count_file_frames
from engine.media.images import encode_for_chat, read_image
from engine.tasks.upscale import animated
from engine.tasks.upscale.backends import Upscalers
from engine.tasks.upscale.params import PICTURE_LIMIT
from engine.tasks.upscale.realesrgan.networks import FAST, NETWORKS, PHOTO
from engine.tasks.upscale.scale import choose_scale, result_size
from engine.tasks.upscale.still import upscale_still
from engine.tasks.upscale.tile_planner import Tiled, Upscale, bicubic
from engine.worker.context import Context

if TYPE_CHECKING:
    from engine.tasks.upscale.params import Params

FAST_ABOVE_PIXELS = 256 * 256
"""Pixels above which the embedded tier defaults to the fast network: at this size the finer one takes 9 s."""
MAX_WORK_PIXELS = {"embedded": 250_000_000, "full": 10_000_000_000}
"""Most pixels in all frames times the network's weight: about 15 minutes of two cores, or of a GPU."""

Made = tuple[Media, tuple[UserMessage, ...], dict[str, Fact]]


def enlarge(params: "Params", context: Context, upscalers: Upscalers) -> Made:
    """Return the result, its notes and facts. Raises BadInput, TooLarge and MissingModel."""
    media = params.image
    if media.mime.startswith("video/"):
        return _clip(params, context, upscalers)
    frames = count_file_frames(media.path)
    if frames > 1:
        return _animation(params, context, upscalers, frames)
    return _still(params, context, upscalers)


def _animation(params: "Params", context: Context, upscalers: Upscalers, frames: int) -> Made:
    media = params.image
    extent = (media.height or 0, media.width or 0)
    scale, notes = choose_scale(params.scale, extent, animated.animation_limit(media.mime, frames))
    name, enlarger, told = _chosen(params, context, upscalers, extent, frames)
    made = animated.animation(media.path, frames, result_size(extent, scale), enlarger, _telling(context))
    return context.save_file(made), notes + told, _facts(name, scale, context)


def _clip(params: "Params", context: Context, upscalers: Upscalers) -> Made:
    found, stream = animated.look(params.image, context)
    extent = (stream.height, stream.width)
    scale, notes = choose_scale(params.scale, extent, animated.FRAME_LIMIT)
    name, enlarger, told = _chosen(params, context, upscalers, extent, max(2, stream.frames))
    notes += told + video.conversion_notes(found)
    return animated.clip(params.image, found, scale, enlarger, context), notes, _facts(name, scale, context)


def _still(params: "Params", context: Context, upscalers: Upscalers) -> Made:
    small = read_image(params.image.path)
    height, width = small.colours.shape[:2]
    scale, notes = choose_scale(params.scale, (height, width), PICTURE_LIMIT)
    name, enlarger, told = _chosen(params, context, upscalers, (height, width), 1)
    large = upscale_still(small, result_size((height, width), scale), enlarger, _telling(context))
    made, saved = encode_for_chat(large)
    return context.save_file(made), notes + told + saved, _facts(name, scale, context)


def _telling(context: Context) -> OnStep:
    """Return a callback that checks for a cancel at every step and reports progress at every hundredth."""
    told = -1.0

    def on_step(done: float) -> None:
        nonlocal told
        context.check()
        if done - told >= 0.01:
            context.progress("enlarging", done)
            told = done

    return on_step


def _chosen(
    params: "Params", context: Context, upscalers: Upscalers, extent: tuple[int, int], frames: int
) -> tuple[str, Upscale, tuple[UserMessage, ...]]:
    """Return the network's name, the function that enlarges with it, and notes, for `frames` pictures of `extent`."""
    if context.service.backend == "bicubic":
        template = (
            "Real-ESRGAN is not installed, so this is plain bicubic interpolation. See /status for how to install it."
        )
        return "bicubic", bicubic, (UserMessage(template=template),)
    area = extent[0] * extent[1]
    notes: tuple[UserMessage, ...] = ()
    name: str = params.model or (FAST if frames > 1 else PHOTO)
    if params.model is None and frames == 1 and area > FAST_ABOVE_PIXELS and context.service.tier == "embedded":
        template = "The picture is large for a CPU, so the fast model was used. For finer detail, choose model {model}."
        name, notes = FAST, (UserMessage(template=template, facts={"model": PHOTO}),)
    _check_work(name, context.service.tier, extent, frames)
    return name, Tiled(upscalers.network(name), upscalers.device), notes


def _check_work(name: str, tier: str, extent: tuple[int, int], frames: int) -> None:
    most = MAX_WORK_PIXELS[tier] // NETWORKS[name].weight
    if frames * extent[0] * extent[1] > most:
        template = (
            "{frames} x {width} x {height} pixels are too much for {model}; the limit is {bound:,}. Attach something"
            " smaller or shorter."
            if name == FAST
            else "{frames} x {width} x {height} pixels are too much for {model}; the limit is {bound:,}. Attach"
            " something smaller or shorter, or choose model {fast}."
        )
        raise TooLarge(
            template,
            frames=frames,
            width=extent[1],
            height=extent[0],
            model=name,
            bound=most,
            fast=FAST,
        )


def _facts(name: str, scale: float, context: Context) -> dict[str, Fact]:
    return {"backend": context.service.backend, "tier": context.service.tier, "model": name, "scale": scale}
