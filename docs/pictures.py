"""Take the pictures of the documentation again: `python -m docs.pictures`.

Start a small studio with the embedded tier in a temporary folder, open its real page in Chromium, and draw. For
Discord, let the real adapter answer on a Discord on loopback, and render its message as a chat shows one. This needs
Chromium, the embedded weights, and what `scripts/setup --dev` installs.
"""

import asyncio
import base64
import html
import re
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path

import imageio_ffmpeg
from PIL import Image
from playwright.async_api import Browser, Page, async_playwright
from pydantic import SecretStr

from bot.__main__ import open_service
from bot.adapters import discord
from bot.adapters.web import Server
from bot.config.sections import DiscordSection
from bot.config.settings import Settings
from bot.requests.service import Service
from docs.command_pictures import examples
from engine.weights import registry
from tests.servers.discord import DiscordServer, File, Person, Shown

HERE = Path(__file__).parent
FOLDER = HERE / "pictures"
CHROMIUM = "/usr/bin/chromium"
MAX_PICTURE_BYTES = 150_000
FRAME_SECONDS = "1.2"
"""Where in a video the frame is that stands for it."""
DRAW_MILLISECONDS = 120_000
DESKTOP, PHONE, CHAT = (1100, 900), (390, 844), (760, 900)


async def main() -> None:
    """Take every picture and write it to docs/pictures."""
    with tempfile.TemporaryDirectory() as folder:
        async with open_service(settings_in(Path(folder))) as service, chromium() as browser:
            async with serving(service) as address:
                await photograph_page(
                    browser, address, "page", DESKTOP, "/imagine a red apple on a wooden table --seed 7"
                )
                await photograph_page(browser, address, "phone", PHONE, "/imagine a cat in a hat --seed 3")
            async with chatting(service) as person:
                async for example in examples(person):
                    await photograph(browser, f"commands/{example.command}", render_message(example.shown), CHAT)


def settings_in(folder: Path) -> Settings:
    """Return the settings of a studio in `folder` that draws on the CPU, with the weights that are installed here."""
    (folder / "weights").symlink_to(registry.FOLDER.resolve())
    given = {"bot": {"data_dir": folder}, "engine": {"device": "cpu"}, "limits": {"imagine": "off"}}
    section = DiscordSection(token=SecretStr(DiscordServer.token))
    return Settings.model_validate(given).model_copy(update={"discord": section})


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Open Chromium."""
    async with async_playwright() as playwright:
        yield await playwright.chromium.launch(executable_path=CHROMIUM, args=["--headless", "--no-sandbox"])


@asynccontextmanager
async def serving(service: Service) -> AsyncIterator[str]:
    """Serve the page of the studio on a free port of this machine. Yield its address."""
    server = await Server.of(service)
    await server.start("127.0.0.1", 0)
    try:
        yield server.url
    finally:
        await server.stop()


async def photograph_page(browser: Browser, address: str, name: str, size: tuple[int, int], line: str) -> None:
    """Type `line` into the studio's page, wait for its picture, and take a screenshot."""
    page = await open_page(browser, size)
    await page.goto(address)
    await page.locator("#line").fill(line)
    await page.keyboard.press("Escape")
    await page.keyboard.press("Enter")
    picture = page.locator(".answer img").last
    await picture.wait_for(timeout=DRAW_MILLISECONDS)
    await page.get_by_role("button", name="Upscale").first.wait_for(timeout=DRAW_MILLISECONDS)
    await page.wait_for_timeout(800)  # the page scrolls smoothly to its end
    keep(name, await page.screenshot())
    await page.context.close()


@asynccontextmanager
async def chatting(service: Service) -> AsyncIterator[Person]:
    """Run the real adapter against a Discord on loopback. Yield a person on a server there."""
    async with DiscordServer() as server, asyncio.TaskGroup() as group:
        task = group.create_task(discord.run(service))
        await server.connected()
        yield server.person("ana", server.world.guild())
        task.cancel()


async def photograph(browser: Browser, name: str, page_html: str, size: tuple[int, int]) -> None:
    """Take a screenshot of the element `main` of a page."""
    page = await open_page(browser, size)
    await page.set_content(page_html)
    keep(name, await page.locator("main").screenshot())
    await page.context.close()


async def open_page(browser: Browser, size: tuple[int, int]) -> Page:
    """Open an empty page of `size` in pixels, in a browser without history."""
    width, height = size
    context = await browser.new_context(viewport={"width": width, "height": height}, color_scheme="light")
    return await context.new_page()


def render_message(shown: Shown) -> str:
    """Return a page that shows the message's text, files and buttons as a chat does, labelled as a rendering."""
    template = (HERE / "style" / "message.html").read_text("utf-8")
    files = "".join(_file(file) for file in shown.files)
    buttons = "".join(f"<button>{html.escape(label)}</button>" for label in shown.buttons)
    parts = {"text": _format_markdown(shown.content), "files": files, "buttons": buttons}
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], template)


def _file(file: File) -> str:
    """Return a file as a chat shows it: a picture, a frame of a video, or a name."""
    kind = file.mime.partition("/")[0]
    if kind not in ("image", "video"):
        return f'<p class="file">📄 {html.escape(file.name)}</p>'
    data = file.data if kind == "image" else frame_of(file.data)
    mark = '<span class="play">▶</span>' if kind == "video" else ""
    mime = file.mime if kind == "image" else "image/png"
    return f'<div class="media"><img alt="" src="data:{mime};base64,{base64.b64encode(data).decode()}">{mark}</div>'


def frame_of(video: bytes) -> bytes:
    """Return a frame of a video, as PNG. Raises CalledProcessError for one that FFmpeg cannot read."""
    with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
        file.write(video)
        file.flush()
        program = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-ss", FRAME_SECONDS, "-i", file.name]
        one_png = ["-frames:v", "1", "-f", "image2pipe", "-c:v", "png", "-"]
        return subprocess.run([*program, *one_png], capture_output=True, check=True).stdout


def _format_markdown(content: str) -> str:
    """Return Discord's Markdown as HTML, as far as Atelier writes it: escapes, small lines and bold words."""
    text = html.escape(re.sub(r"\\(?=[^\sA-Za-z0-9])", "", content))
    text = re.sub(r"^-# (.*)$", r"<small>\1</small>", text, flags=re.MULTILINE)
    return re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", text).replace("\n", "<br>")


def keep(name: str, png: bytes) -> None:
    """Write a screenshot as WebP, in the best quality that fits MAX_PICTURE_BYTES."""
    picture = Image.open(BytesIO(png)).convert("RGB")
    for quality in range(90, 30, -10):
        file = BytesIO()
        picture.save(file, "WEBP", quality=quality, method=6)
        if file.tell() <= MAX_PICTURE_BYTES:
            path = FOLDER / f"{name}.webp"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(file.getvalue())
            return
    raise ValueError(f"{name} is larger than {MAX_PICTURE_BYTES} bytes in every quality")


if __name__ == "__main__":
    asyncio.run(main())
