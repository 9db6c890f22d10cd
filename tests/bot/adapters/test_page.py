"""The chat page in a real browser, with the real server, store and worker."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    FilePayload,
    Locator,
    Page,
    Route,
    async_playwright,
    expect,
)

from bot.adapters.web import Server, pages
from engine.host.engine import Engine
from storage.store import Rate, Store
from tests.bot.adapters.confirming_commands import ASKING
from tests.bot.adapters.website import FILE_BYTES, Site, drawing_engine, png, serving
from tests.fakes import until
from tests.ports import free_port
from tests.timing import HANG_SECONDS

pytestmark = pytest.mark.asyncio(loop_scope="module")
Open = Callable[..., AbstractAsyncContextManager[Page]]
CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
HANG_MILLISECONDS = HANG_SECONDS * 1000
expect.set_options(timeout=HANG_MILLISECONDS)
EXPECTED = re.compile(
    r"Failed to load resource: .*( 400| 401| 404| 429|ERR_INCOMPLETE|ERR_CONNECTION|ERR_EMPTY_RESPONSE)"
)
"""Messages that the browser itself logs for a refused request and a lost connection."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        yield await playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS], timeout=HANG_MILLISECONDS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("page")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(folder: Path) -> AsyncIterator[Engine]:
    async with drawing_engine(folder) as engine:
        yield engine


@pytest_asyncio.fixture(loop_scope="module")
async def open_site(engine: Engine, folder: Path) -> AsyncIterator[Callable[..., AbstractAsyncContextManager[Site]]]:
    async with Store.open(":memory:") as store:
        yield partial(serving, engine, folder, store)


@pytest_asyncio.fixture(loop_scope="module")
async def site(open_site: Callable[..., AbstractAsyncContextManager[Site]]) -> AsyncIterator[Site]:
    async with open_site() as site:
        yield site


@asynccontextmanager
async def visiting(browser: Browser, site: Site, **options: Any) -> AsyncIterator[Page]:
    """Open the page. An error in it, or a breach of its content security policy, fails the test."""
    context = await browser.new_context(base_url=site.url, **options)
    context.set_default_timeout(HANG_MILLISECONDS)
    faults = faults_of(context)
    page = await context.new_page()
    await page.goto("/")
    try:
        yield page
    finally:
        await context.close()
    assert not faults


def faults_of(context: BrowserContext) -> list[str]:
    faults: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not EXPECTED.match(message.text):
            faults.append(message.text)

    context.on("console", hear)
    context.on("weberror", lambda error: faults.append(str(error.error)))
    return faults


@pytest.fixture
def visit(browser: Browser, site: Site) -> Open:
    return partial(visiting, browser, site)


@pytest_asyncio.fixture(loop_scope="module")
async def page(visit: Open) -> AsyncIterator[Page]:
    async with visit() as page:
        await expect(page.locator("#line")).to_be_focused()
        yield page


async def send(page: Page, line: str) -> Locator:
    """Type the line, press Enter and return the answer's card."""
    await expect(page.locator("#line")).to_be_enabled()  # the stored conversation is shown at the same time
    before = await page.locator(".turn").count()
    await page.locator("#line").fill(line)
    await page.keyboard.press("Escape")
    await page.keyboard.press("Enter")
    return page.locator(".turn").nth(before).locator(".answer")


@dataclass
class Held:
    """Requests that the server has answered, and whose answers have not reached the page."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def holding(page: Page, method: str, pattern: str, *, first: bool = False) -> AsyncIterator[Held]:
    """Until the block ends, hold the answers to the page's requests of this method and address, or to the first one."""
    held = Held()

    async def hold(route: Route) -> None:
        with suppress(Error):  # the page was reloaded
            if route.request.method != method or (first and held.asked.is_set()):
                await route.continue_()
                return
            held.asked.set()
            answer = await route.fetch()
            held.answered.set()
            await held.released.wait()
            await route.fulfill(response=answer)

    await page.route(pattern, hold)
    try:
        yield held
    finally:
        held.released.set()
        await page.unroute_all(behavior="wait")


async def address_of_last_job(page: Page) -> str:
    """Return the address of the job of the last stored turn."""
    job = await page.evaluate("JSON.parse(localStorage['atelier.turns']).at(-1).id")
    return f"/jobs/{job}"


def is_idle(site: Site) -> bool:
    """Return whether no job is running or waiting."""
    state = site.service.studio.engine.state()
    return not state.waiting and not any(worker.running for worker in state.workers)


def upload(name: str, content: bytes, mime: str = "image/png") -> FilePayload:
    return {"name": name, "mimeType": mime, "buffer": content}


class TestTyping:
    async def test_a_plain_line_draws_a_picture_that_can_be_downloaded(self, page: Page) -> None:
        card = await send(page, "a red apple --steps 2")
        picture = card.get_by_role("button", name="Enlarge picture 1 of 1: a red apple")
        await expect(picture).to_be_visible()
        await expect(card).to_contain_text("seed")
        assert await picture.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)") == 512
        async with page.expect_download() as started:
            await card.get_by_role("link", name="Download").click()
        assert re.fullmatch(r"atelier-[0-9a-f]{8}\.png", (await started.value).suggested_filename)

    async def test_a_slash_suggests_every_command_and_tab_completes_one(self, page: Page, site: Site) -> None:
        box = page.locator("#line")
        await box.press_sequentially("/")
        offered = page.get_by_role("listbox", name="Suggestions").get_by_role("option")
        await expect(offered).to_have_count(sum(not command.hidden for command in site.service.studio.commands))
        await box.press_sequentially("im")
        await expect(offered).to_have_count(1)
        await expect(offered).to_contain_text("Draw pictures from a description")
        await box.press("Tab")
        await expect(box).to_have_value("/imagine ")
        await expect(offered).to_have_count(0)
        await expect(page.locator("#hint")).to_contain_text("prompt…")

    async def test_options_and_choices_are_suggested_from_the_declarations(self, page: Page) -> None:
        box, offered = page.locator("#line"), page.locator("#completions [role=option]")
        await box.press_sequentially("/imagine a cat --")
        for place, name in enumerate(("shape", "count", "steps")):
            await expect(offered.nth(place)).to_contain_text(f"--{name}")
        await expect(offered.nth(1)).to_contain_text(re.compile("1 . 4"))
        await box.press("ArrowDown")
        await expect(box).to_have_attribute("aria-activedescendant", "completion-1")
        await box.press("ArrowUp")
        await box.press("Enter")
        await expect(box).to_have_value("/imagine a cat --shape ")
        for place, shape in enumerate(("square", "wide", "tall")):
            await expect(offered.nth(place)).to_have_text(shape)
        await expect(page.locator("#hint .current")).to_contain_text("--shape square|wide|tall")
        await offered.nth(1).click()
        await expect(box).to_have_value("/imagine a cat --shape wide ")
        await box.press_sequentially("--sha")
        await expect(offered).to_have_count(0)

    async def test_escape_closes_the_suggestions_and_arrow_up_restores_the_last_line(self, page: Page) -> None:
        box = page.locator("#line")
        await expect(await send(page, "/echo hello")).to_contain_text("hello")
        await box.press("ArrowUp")
        await expect(box).to_have_value("/echo hello")
        await box.press("Shift+Enter")
        await expect(box).to_have_value("/echo hello\n")
        await box.fill("/")
        await box.press("Escape")
        await expect(page.locator("#completions")).to_be_hidden()

    async def test_clicking_a_command_in_an_answer_fills_the_message_box(self, page: Page) -> None:
        card = await send(page, "/help")
        await card.get_by_role("button", name="/imagine").click()
        await expect(page.locator("#line")).to_have_value("/imagine ")

    async def test_what_people_and_models_write_is_never_markup(self, page: Page) -> None:
        evil = "/echo <img src=x onerror=alert(1)><script>alert(2)</script>"
        card = await send(page, evil)
        await expect(card).to_contain_text("<script>alert(2)</script>")
        assert await page.locator(".turn img, .turn script").count() == 0


class TestFiles:
    async def test_a_picked_file_is_sent_with_the_message(self, page: Page) -> None:
        await page.locator("#line").fill("/measure quite small")
        await page.locator("#picker").set_input_files(upload("cat.png", png(30, 20)))
        chip = page.locator("#files li")
        await expect(chip).to_contain_text("cat.png")
        await expect(chip).to_contain_text("image ·")
        assert await chip.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)") == 30
        await page.get_by_role("button", name="Send").click()
        await expect(page.locator(".answer")).to_have_text("30 x 20 quite small")
        await expect(page.locator(".said img")).to_have_attribute("alt", "cat.png")
        await expect(chip).to_have_count(0)

    @pytest.mark.parametrize("event", ["paste", "drop"])
    async def test_a_file_can_be_pasted_and_dropped(self, page: Page, event: str) -> None:
        content = [*png(30, 20)]
        await page.evaluate(
            """([event, content]) => {
                const data = new DataTransfer();
                data.items.add(new File([new Uint8Array(content)], "cat.png", { type: "image/png" }));
                const init = { bubbles: true, cancelable: true };
                const box = document.getElementById("line");
                if (event === "paste")
                    box.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, ...init }));
                else for (const name of ["dragover", "drop"])
                    document.body.dispatchEvent(new DragEvent(name, { dataTransfer: data, ...init }));
            }""",
            [event, content],
        )
        await expect(page.locator("#drop")).to_be_hidden()
        await expect(page.locator("#files li")).to_contain_text("cat.png")
        await expect(await send(page, "/measure")).to_have_text("30 x 20")

    async def test_a_file_can_be_removed(self, page: Page) -> None:
        await page.locator("#picker").set_input_files(upload("cat.png", png(30, 20)))
        await page.get_by_role("button", name="Remove cat.png").click()
        await expect(page.locator("#files")).to_be_hidden()

    async def test_a_file_too_large_is_refused_before_it_is_sent(self, page: Page) -> None:
        await page.locator("#picker").set_input_files(upload("big.png", b"x" * 2 * FILE_BYTES))
        await expect(page.locator("#hint")).to_contain_text("big.png is 800 KB; the limit is 400 KB")
        await expect(page.locator("#files")).to_be_hidden()

    async def test_a_file_that_the_command_does_not_accept_is_named(self, page: Page) -> None:
        await page.locator("#picker").set_input_files([upload("a.png", png(3, 3)), upload("b.png", png(4, 4))])
        await page.locator("#line").fill("/measure")
        await page.locator("#line").press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("Remove b.png")
        await expect(page.locator(".turn")).to_have_count(0)

    async def test_a_file_with_a_wrong_suffix_is_refused_in_the_conversation(self, page: Page) -> None:
        await page.locator("#picker").set_input_files(upload("song.mp3", png(9, 9), "audio/mpeg"))
        card = await send(page, "/measure")
        await expect(card).to_contain_text("“song.mp3” is named as mp3, but")

    async def test_a_file_that_is_not_a_picture_is_shown_by_name(self, page: Page) -> None:
        await page.locator("#picker").set_input_files(upload("text.png", b"no picture"))
        chip = page.locator("#files li")
        await expect(chip.locator("svg.glyph")).to_have_count(2)
        await expect(chip.locator("img")).to_have_count(0)
        await send(page, "/measure")
        await expect(page.locator(".said .file")).to_have_text("text.png")
        await expect(page.locator(".said img")).to_have_count(0)

    async def test_an_option_is_named_only_once_there_is_a_command_for_it(self, page: Page) -> None:
        await page.locator("#picker").set_input_files(upload("cat.png", png(30, 20)))
        chip = page.locator("#files li")
        await expect(chip).not_to_contain_text("image")
        await expect(chip).to_have_class("file")
        await page.locator("#line").fill("/measure")
        await expect(chip).to_contain_text("image ·")

    async def test_edit_restores_the_files_too(self, page: Page) -> None:
        await page.locator("#picker").set_input_files(upload("cat.png", png(30, 20)))
        card = await send(page, "/measure --seconds many")
        await expect(card).to_have_class(re.compile("failed"))
        await card.get_by_role("button", name="Edit").click()
        await card.get_by_role("button", name="Edit").click()
        await expect(page.locator("#files li")).to_have_count(1)
        await expect(await send(page, "/measure")).to_have_text("30 x 20")

    async def test_a_result_becomes_the_next_input(self, page: Page) -> None:
        card = await send(page, "/imagine a red apple --steps 2")
        await card.get_by_role("button", name="Use as input").click()
        await expect(page.locator("#files li")).to_contain_text("atelier-")
        await expect(await send(page, "/measure")).to_have_text("512 x 512")


class TestFollowing:
    async def test_progress_is_shown_live_with_a_preview(self, page: Page) -> None:
        card = await send(page, "/imagine a red apple --count 4 --steps 50")
        await expect(card.get_by_role("img", name="Preview")).to_be_visible()
        bar = card.get_by_role("progressbar")
        first = float(await bar.get_attribute("value") or 0)
        await page.wait_for_function("first => document.querySelector('progress').value > first", arg=first)
        await expect(card.locator(".text")).to_contain_text(re.compile(r"\w+ · \d+%"))
        await expect(page.locator("#announcer")).to_contain_text("percent")
        await card.get_by_role("button", name="Cancel").focus()
        await page.keyboard.press("Enter")
        await expect(card).to_contain_text("Cancelled.")
        await expect(page.locator("#line")).to_be_focused()

    async def test_the_queue_place_is_shown_and_moves_up(self, page: Page) -> None:
        first = await send(page, "/echo first --seconds 600")
        await expect(first).to_have_class(re.compile("running"))
        second, third = await send(page, "/echo second --seconds 600"), await send(page, "/echo third --seconds 0")
        await expect(second).to_contain_text("Number 1")
        await expect(third).to_contain_text("Number 2")
        await second.get_by_role("button", name="Cancel").click()
        await expect(second).to_contain_text("Cancelled.")
        await expect(third).to_contain_text("Number 1")
        await first.get_by_role("button", name="Cancel").click()
        await expect(third).to_have_text("third")

    async def test_a_refusal_says_why_and_edit_restores_the_line(self, page: Page) -> None:
        card = await send(page, "/imagine " + "x" * 10_001)
        await expect(card).to_contain_text("prompt has 10,001 characters; the limit is 10,000. Shorten it.")
        await expect(page.locator("#announcer")).to_contain_text("prompt has 10,001 characters")
        await card.get_by_role("button", name="Edit").click()
        assert len(await page.locator("#line").input_value()) == len("/imagine ") + 10_001

    async def test_a_job_over_the_limit_waits_with_its_time_and_can_be_cancelled(
        self, browser: Browser, open_site: Any
    ) -> None:
        async with open_site(limits={"echo": Rate(1, 3600.0)}) as site, visiting(browser, site) as page:
            await expect(await send(page, "/echo a")).to_have_text("a")
            card = await send(page, "/echo b")
            await expect(card).to_contain_text("You have reached the limit of /echo: 1 in 1 h.")
            await expect(card).to_contain_text(re.compile(r"This one starts in about (1 h|\d+ min)\."))
            await page.reload()
            await expect(page.locator(".answer").nth(1)).to_contain_text("This one starts in about")
            await page.locator(".answer").nth(1).get_by_role("button", name="Cancel").click()
            await expect(page.locator(".answer").nth(1)).to_contain_text("Cancelled.")

    async def test_again_draws_a_new_picture(self, page: Page) -> None:
        card = await send(page, "/imagine a red apple --steps 1")
        await card.get_by_role("button", name="Again").click()
        await expect(page.locator(".said").nth(1)).to_have_text("Again/imagine a red apple --steps 1")
        await expect(page.locator(".answer.done")).to_have_count(2)
        seeds = [re.findall(r"seed \d+", text) for text in await page.locator(".answer").all_inner_texts()]
        assert seeds[0] != seeds[1]

    async def test_buttons_of_a_result_come_from_the_server_and_work_after_a_reload(self, page: Page) -> None:
        await send(page, "/imagine a red apple --steps 1")
        await expect(page.locator(".answer.done")).to_have_count(1)
        await page.reload()
        card = page.locator(".answer").first
        shown = ["Again", "Vary", "Upscale", "Animate", "Delete", "Use as input", "Edit"]
        await expect(card.get_by_role("button")).to_contain_text(shown)
        await card.get_by_role("button", name="Vary").click()
        await expect(page.locator(".answer.done")).to_have_count(2)
        await card.get_by_role("button", name="Delete").click()
        await expect(page.locator(".turn")).to_have_count(1)
        await page.reload()
        await expect(page.locator(".turn")).to_have_count(1)

    async def test_a_picture_that_is_no_longer_stored_says_so(self, page: Page, folder: Path) -> None:
        card = await send(page, "/imagine a yellow pear --steps 1")
        address = await card.locator(".picture img").get_attribute("src")
        assert address is not None
        name = address.rpartition("/")[2].partition("?")[0]
        (folder / "media" / name[:2] / name).unlink()
        await (await page.context.new_cdp_session(page)).send("Network.clearBrowserCache")
        await page.reload()
        await expect(page.locator(".answer")).to_contain_text("This picture is no longer available.")
        await expect(page.locator(".picture")).to_have_count(0)
        await page.get_by_role("button", name="Use as input").click()
        await expect(page.get_by_role("alert")).to_have_text("This picture is no longer available.")
        await expect(page.locator("#files")).to_be_hidden()

    async def test_a_question_is_answered_in_its_place_and_after_a_reload_too(
        self, browser: Browser, open_site: Any
    ) -> None:
        async with open_site(commands=ASKING) as site, visiting(browser, site) as page:
            left = await send(page, "/certain never said")
            await expect(await send(page, "/certain hello")).to_contain_text("Is that certain?")
            await left.get_by_role("button", name="No, cancel").click()
            await expect(page.locator(".turn")).to_have_count(1)
            await page.reload()
            await page.locator(".answer").get_by_role("button", name="Yes, say it").click()
            await expect(page.locator(".answer.done .text")).to_have_text("hello")
            await expect(page.locator(".turn")).to_have_count(1)
            await page.reload()
            await expect(page.locator(".answer.done .text")).to_have_text("hello")

    async def test_several_jobs_get_cards_of_their_own(self, browser: Browser, open_site: Any) -> None:
        async with open_site(commands=ASKING) as site, visiting(browser, site) as page:
            card = await send(page, "/several say")
            await card.get_by_role("button", name="All").click()
            await expect(card).to_contain_text("Queued 3 jobs.")
            await expect(page.locator(".answer.done")).to_have_count(4)
            await expect(page.locator(".answer .text")).to_have_text(["Queued 3 jobs.", "say 1", "say 2", "say 3"])

    async def test_a_prompt_that_differs_from_the_line_is_shown_with_its_picture(self, page: Page) -> None:
        card = await send(page, "/imagine {red|green} apple --steps 1")
        await card.get_by_role("button", name="Draw 2").click()
        await expect(page.locator(".answer.done .picture")).to_have_count(2)
        texts = await page.locator(".answer.done .text").all_inner_texts()
        assert [text.splitlines()[0] for text in texts[1:]] == ["red apple", "green apple"]

    async def test_a_double_click_answers_a_question_once(self, browser: Browser, open_site: Any) -> None:
        async with open_site(commands=ASKING) as site, visiting(browser, site) as page:
            card = await send(page, "/several say")
            await card.get_by_role("button", name="All").evaluate("button => { button.click(); button.click(); }")
            await expect(page.locator(".answer.done")).to_have_count(4)
            await expect(page.locator(".turn")).to_have_count(4)

    async def test_a_text_is_edited_in_the_message_box(self, browser: Browser, open_site: Any) -> None:
        async with open_site(commands=ASKING) as site, visiting(browser, site) as page:
            card = await send(page, "/echo a red apple")
            for leave in (True, False):
                await card.get_by_role("button", name="Edit").click()
                await expect(page.locator("#line")).to_have_value("a red apple")
                await expect(page.locator("#hint")).to_contain_text("Esc to cancel")
                await expect(page.locator("#hint em")).to_contain_text(["What to say instead", "Edit it"])
                if leave:
                    await page.keyboard.press("Escape")
                    await expect(page.locator("#line")).to_have_value("")
            await page.locator("#line").fill("a blue apple")
            await page.keyboard.press("Enter")
            await expect(page.locator(".answer.done .text").nth(1)).to_have_text("a blue apple")
            await expect(page.locator(".said").nth(1)).to_have_text("Edita blue apple")
            await expect(page.locator(".said .label")).to_have_text(["Edit"])
            await expect(page.locator("#hint")).to_have_text("")

    async def test_a_refused_text_is_opened_again_as_it_was_sent(self, browser: Browser, open_site: Any) -> None:
        async with open_site(commands=ASKING) as site, visiting(browser, site) as page:
            card = await send(page, "/echo a red apple")
            await card.get_by_role("button", name="Write").click()
            await expect(page.locator("#hint em")).to_contain_text(["What to say after it", "Type it"])
            await page.locator("#line").fill("x" * 501)
            await page.keyboard.press("Enter")
            refused = page.locator(".answer.failed")
            await expect(refused).to_contain_text("words has 501 characters")
            await page.reload()
            await refused.get_by_role("button", name="Edit").click()
            await expect(page.locator("#hint")).to_contain_text("What to say after it")
            await page.locator("#line").fill("a pear")
            await page.keyboard.press("Enter")
            await expect(page.locator(".answer.done .text").nth(1)).to_have_text("a pear")

    async def test_a_reload_restores_the_conversation_and_follows_running_jobs(self, page: Page) -> None:
        await expect(await send(page, "/echo done and gone")).to_have_text("done and gone")
        await send(page, "/help")
        await expect(await send(page, "/nonsense")).to_contain_text("There is no command")
        await expect(await send(page, "/echo slow --seconds 600")).to_have_class(re.compile("running"))
        await page.reload()
        cards = page.locator(".answer")
        await expect(cards).to_have_count(4)
        await expect(cards.nth(0)).to_have_text("done and gone")
        await expect(cards.nth(1)).to_contain_text("/imagine · Draw pictures")
        await expect(cards.nth(2)).to_contain_text("There is no command")
        await cards.nth(3).get_by_role("button", name="Cancel").click()
        await expect(cards.nth(3)).to_contain_text("Cancelled.")

    async def test_the_page_reconnects_after_a_server_restart(self, browser: Browser, open_site: Any) -> None:
        async with open_site(port=free_port()) as site, visiting(browser, site) as page:
            card = await send(page, "/echo patience --seconds 600")
            await expect(card).to_have_class(re.compile("running"))
            await site.break_off()
            await expect(page.locator("#link")).to_have_text("Connection lost. Reconnecting…")
            again = await Server.of(site.service)
            await again.start("127.0.0.1", int(site.url.rpartition(":")[2]))
            try:
                await expect(page.locator("#link")).to_be_empty()
                await card.get_by_role("button", name="Cancel").click()
                await expect(card).to_contain_text("Cancelled.")
            finally:
                await again.stop()

    async def test_two_tabs_share_one_conversation_and_lose_nothing(self, page: Page) -> None:
        other = await page.context.new_page()
        await other.goto("/")
        await expect(await send(page, "/echo from the first")).to_have_text("from the first")
        await expect(other.locator(".answer")).to_have_text(["from the first"])
        await expect(await send(other, "/echo from the second")).to_have_text("from the second")
        for tab in (page, other):
            await expect(tab.locator(".answer .text")).to_have_text(["from the first", "from the second"])
            await tab.reload()
            await expect(tab.locator(".answer .text")).to_have_text(["from the first", "from the second"])
        other.once("dialog", lambda dialog: asyncio.ensure_future(dialog.accept()))
        await other.get_by_role("button", name="Clear").click()
        await expect(page.locator(".turn")).to_have_count(0)
        await expect(page.get_by_role("heading", name="What would you like to make?")).to_be_visible()

    async def test_a_question_answered_in_one_tab_is_answered_in_the_other(
        self, browser: Browser, open_site: Any
    ) -> None:
        async with open_site(commands=ASKING) as site, visiting(browser, site) as page:
            await expect(await send(page, "/certain hello")).to_contain_text("Is that certain?")
            other = await page.context.new_page()
            await other.goto("/")
            await other.get_by_role("button", name="Yes, say it").click()
            await expect(page.locator(".answer.done .text")).to_have_text("hello")
            await expect(page.locator(".turn")).to_have_count(1)

    async def test_clear_empties_the_conversation(self, page: Page) -> None:
        await expect(await send(page, "/echo hello")).to_have_text("hello")
        page.once("dialog", lambda dialog: asyncio.ensure_future(dialog.accept()))
        await page.get_by_role("button", name="Clear").click()
        await expect(page.get_by_role("heading", name="What would you like to make?")).to_be_visible()
        await page.reload()
        await expect(page.locator(".turn")).to_have_count(0)

    async def test_another_browser_sees_none_of_the_conversation(self, page: Page, visit: Open) -> None:
        await expect(await send(page, "/echo mine")).to_have_text("mine")
        turns = await page.evaluate("localStorage['atelier.turns']")
        async with visit() as other:
            await other.evaluate("turns => { localStorage['atelier.turns'] = turns }", turns)
            await other.reload()
            await expect(other.locator(".answer")).to_have_text(re.compile("This result is no longer available"))


class TestRaces:
    """Answers that arrive late, twice or not at all."""

    async def test_a_late_state_does_not_replace_the_end(self, page: Page) -> None:
        await expect(await send(page, "/echo slow --seconds 600")).to_have_class(re.compile("running"))
        address = await address_of_last_job(page)
        async with holding(page, "GET", f"**{address}", first=True) as held:
            await page.reload()
            await held.answered.wait()
            async with page.expect_response("**/events"):
                await send(page, "/echo next --seconds 600")  # keeps the stream open
            await page.context.request.delete(address)
            await expect(page.locator(".answer").first).to_contain_text("Cancelled.")
        await expect(await send(page, "/help")).to_contain_text("/imagine")
        await expect(page.locator(".answer").first).to_have_class(re.compile("cancelled"))
        await page.locator(".answer").nth(1).get_by_role("button", name="Cancel").click()
        await expect(page.locator(".answer").nth(1)).to_contain_text("Cancelled.")

    async def test_a_job_is_kept_by_a_reload_before_its_state_is_read(self, page: Page) -> None:
        await expect(await send(page, "/echo slow --seconds 600")).to_have_class(re.compile("running"))
        slow = await address_of_last_job(page)
        async with holding(page, "GET", "**/jobs/*"):
            await expect(await send(page, "/echo quick")).to_have_class(re.compile("queued"))
            await page.reload()
            await expect(page.locator(".said")).to_contain_text(["slow", "quick"])
        await page.context.request.delete(slow)

    async def test_the_end_of_a_job_is_found_after_a_failed_request(self, page: Page, site: Site) -> None:
        await expect(await send(page, "/echo slow --seconds 600")).to_have_class(re.compile("running"))
        failed = asyncio.Event()

        async def fail_once(route: Route) -> None:
            await (route.continue_() if failed.is_set() else route.abort("connectionfailed"))
            failed.set()

        async with holding(page, "POST", "**/jobs") as held:
            card = await send(page, "/echo quick")
            await held.answered.wait()
            slow = page.locator(".answer").first
            await slow.get_by_role("button", name="Cancel").click()
            await expect(slow).to_contain_text("Cancelled.")
            await until(lambda: is_idle(site), 60)
            await page.context.route("**/jobs/*", fail_once)
        await expect(card).to_have_text("quick")

    async def test_a_conversation_that_is_cleared_stays_cleared_when_an_answer_arrives(self, page: Page) -> None:
        async with holding(page, "POST", "**/jobs") as held:
            await send(page, "/echo hello")
            await held.answered.wait()
            page.once("dialog", lambda dialog: asyncio.ensure_future(dialog.accept()))
            await page.get_by_role("button", name="Clear").click()
            await expect(page.locator(".turn")).to_have_count(0)
        await expect(await send(page, "/echo again")).to_have_text("again")
        await page.reload()
        await expect(page.locator(".answer")).to_have_text(["again"])

    async def test_a_tab_that_is_still_reading_shows_nothing_that_was_cleared(self, page: Page) -> None:
        for text in ("one", "two"):
            await expect(await send(page, f"/echo {text}")).to_have_text(text)
        turns = await page.evaluate("localStorage['atelier.turns']")
        await page.evaluate("localStorage.clear()")
        other = await page.context.new_page()
        await other.goto("/")
        await expect(other.locator("#line")).to_be_focused()
        async with holding(other, "GET", "**/jobs/*") as held:
            await page.evaluate("turns => { localStorage['atelier.turns'] = turns }", turns)
            await held.answered.wait()
            await page.evaluate("localStorage.clear()")
            await expect(other.locator(".turn")).to_have_count(0)
        await expect(await send(other, "/echo three")).to_have_text("three")
        await expect(other.locator(".answer")).to_have_text(["three"])

    async def test_a_double_click_withdraws_a_question_once(self, browser: Browser, open_site: Any) -> None:
        async with open_site(commands=ASKING) as site, visiting(browser, site) as page:
            card = await send(page, "/certain hello")
            posted: list[str] = []
            page.on("request", lambda request: posted.extend([request.url] * (request.method == "POST")))
            leave = card.get_by_role("button", name="No, cancel")
            await leave.evaluate("button => { button.click(); button.click(); }")
            await expect(page.locator(".turn")).to_have_count(0)
            await expect(await send(page, "/echo hello")).to_contain_text("hello")
            assert len(posted) == 2


class TestLightbox:
    async def test_the_lightbox_works_by_keyboard_and_returns_the_focus(self, page: Page) -> None:
        card = await send(page, "/three")
        opener = card.get_by_role("button", name="Enlarge picture 2 of 3")
        await opener.focus()
        await page.keyboard.press("Enter")
        box = page.get_by_role("dialog", name="Enlarged picture")
        count = box.locator(".count")
        await expect(count).to_have_text("2 / 3")
        for key, shown in (("ArrowRight", "3 / 3"), ("ArrowRight", "1 / 3"), ("ArrowLeft", "3 / 3")):
            await page.keyboard.press(key)
            await expect(count).to_have_text(shown)
        await page.keyboard.press("+")
        await expect(box).to_have_class(re.compile("full"))
        async with page.expect_download():
            await box.get_by_role("link", name="Download").click()
        await page.keyboard.press("Escape")
        await expect(box).to_be_hidden()
        await expect(opener).to_be_focused()


class TestLooks:
    @pytest.mark.parametrize("width", [320, 390, 1200])
    async def test_nothing_is_wider_than_the_screen(self, visit: Open, width: int) -> None:
        phone = width < 600
        async with visit(viewport={"width": width, "height": 740}, is_mobile=phone, has_touch=phone) as page:
            await send(page, "/echo " + "long" * 60)
            card = await send(page, "/three")
            await expect(card.locator("img")).to_have_count(3)
            await page.locator("#line").fill("/imagine a cat --shape ")
            await expect(page.locator("#completions")).to_be_visible()
            for element in ("#send", "#attach", "#line", "#completions", ".answer >> nth=-1"):
                box = await page.locator(element).bounding_box()
                assert box is not None
                assert 0 <= box["x"] <= box["x"] + box["width"] <= width, element
            assert await page.evaluate("document.documentElement.scrollWidth") <= width

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    async def test_text_has_enough_contrast_in_both_colour_schemes(self, visit: Open, scheme: str) -> None:
        async with visit(color_scheme=scheme) as page:
            await send(page, "/imagine")
            await expect(await send(page, "/echo hello")).to_have_text("hello")
            await page.locator("#line").fill("/imagine a cat")
            for element in (
                "body",
                ".said",
                ".said b",
                ".answer.done",
                ".answer.failed",
                ".hint",
                ".hint em",
                ".quiet",
                "#send",
            ):
                assert await contrast(page.locator(element).first) >= 4.5, element
            dark = await page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert (max(map(int, re.findall(r"\d+", dark))) < 60) is (scheme == "dark")

    async def test_it_speaks_spanish_to_a_spanish_browser(self, visit: Open) -> None:
        async with visit(locale="es-MX") as page:
            await expect(page.locator("html")).to_have_attribute("lang", "es")
            await expect(page.get_by_role("heading", name="¿Qué quieres crear?")).to_be_visible()
            await page.locator("#line").fill("/imagine a cat")
            await expect(page.locator("#hint em")).to_have_text("Qué dibujar")
            await page.locator("#picker").set_input_files(upload("grande.png", b"x" * 3 * FILE_BYTES))
            await expect(page.locator("#hint")).to_contain_text("grande.png ocupa 1,2 MB")
            await expect(await send(page, "/imagine")).to_contain_text("Falta")


class TestToken:
    async def test_the_page_asks_for_the_token_once(self, browser: Browser, open_site: Any) -> None:
        async with open_site(web={"token": "open-sesame"}) as site, visiting(browser, site) as page:
            dialog = page.get_by_role("dialog", name="Sign in")
            await page.get_by_label("Token").fill("wrong")
            await page.keyboard.press("Enter")
            await expect(dialog.get_by_role("alert")).to_contain_text("That token is wrong")
            await page.get_by_label("Token").fill("open-sesame")
            await page.get_by_role("button", name="Sign in").click()
            await expect(dialog).to_be_hidden()
            await expect(await send(page, "/echo hello")).to_have_text("hello")
            await page.reload()
            await expect(page.locator(".answer")).to_have_text("hello")


class TestSource:
    async def test_every_text_of_the_page_is_translated_and_no_translation_is_unused(self) -> None:
        words = (pages.PAGE / "i18n.js").read_text()
        table = set(re.findall(r'^  "(.+?)":', words, re.MULTILINE))
        used = set(sentences())
        assert used - table == set()
        assert table - used == set()

    async def test_the_page_refers_to_no_other_site_and_has_no_inline_code(self) -> None:
        html = (pages.PAGE / "index.html").read_text()
        assert not re.findall(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=", html)
        for file in pages.PAGE.iterdir():
            found = re.findall(r"https?://(?!www\.w3\.org/2000/svg)\S+", file.read_text())
            assert not found, file.name


def sentences() -> Iterator[str]:
    for file in pages.PAGE.iterdir():
        text = file.read_text()
        if file.suffix == ".html":
            yield from re.findall(r'data-t(?:-label|-placeholder)?="([^"]+)"', text)
        elif file.suffix == ".js" and file.name != "i18n.js":
            yield from re.findall(r'\bt\(\s*"([^"]+)"', text)


async def contrast(element: Locator) -> float:
    """Return the contrast ratio between the element's text and its background, as WCAG 2.2 defines it."""
    ratio = await element.evaluate(
        """element => {
            const light = ([r, g, b]) => [r, g, b].map((part) => part / 255)
                .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
                .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
            const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
            let ground = element;
            while (parts(getComputedStyle(ground).backgroundColor)[3] === 0) ground = ground.parentElement;
            const [a, b] = [getComputedStyle(element).color, getComputedStyle(ground).backgroundColor]
                .map((colour) => light(parts(colour))).sort((one, other) => other - one);
            return (a + 0.05) / (b + 0.05);
        }"""
    )
    return float(ratio)
