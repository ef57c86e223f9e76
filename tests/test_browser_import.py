"""The import screen in a real browser: drop, look, import, come back, take it back; what files say is never more than words."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from data import accounts
from data.store import Store
from pages.ui import access
from pages.ui.text import _, ngettext, speaking
from tests.browser import INSTALL, chromium
from tests.pages.base import build
from tests.pages.shots import FLAGS, PHONE, settle
from tests.serving import Serving

pytestmark = [pytest.mark.browser, pytest.mark.skipif(chromium() is None, reason=f"There is no Chromium here. {INSTALL}")]

HEAD = "记录编号,工号,项目,题目,提交时间,框数\n"
SHOWN = "[...document.querySelectorAll('[data-testid=stMetricValue]')].map(e => e.innerText)"
OPENED = Callable[..., Page]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small base as the demo."""
    path = tmp_path_factory.mktemp("import")
    with build(path / "demo.duckdb") as store:
        store.checkpoint()
    return path


@pytest.fixture(scope="module")
def demo(folder: Path) -> Iterator[Serving]:
    with Serving(folder / "demo.duckdb") as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as play:
        launched = play.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def opened(browser: Browser, demo: Serving) -> Iterator[OPENED]:
    """Open the screen in a context of its own."""
    contexts: list[BrowserContext] = []

    def go(lang: str = "en", *, width: int = 1440, persona: str = "admin") -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, locale="zh-CN" if lang == "zh" else "en-US", timezone_id="Asia/Shanghai",
            user_agent=PHONE if width < 600 else None, is_mobile=width < 600, accept_downloads=True,
        )  # fmt: skip
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.goto(f"{demo.url}/import_files?lang={lang}&persona={persona}", wait_until="domcontentloaded")
        expect(page.locator("h1")).to_have_text(said("Drop a file, map it once, see what was refused and why.", lang))
        settle(page)
        return page

    yield go
    for context in contexts:
        context.close()


def said(sentence: str, lang: str) -> str:
    with speaking("zh" if lang == "zh" else "en"):
        return _(sentence)


def drop(page: Page, *files: Path) -> None:
    """Hand files to the uploader and wait until they have been tried."""
    page.locator("input[type=file]").set_input_files([str(file) for file in files])
    expect(page.locator("[class*=st-key-import_file_]").last).to_be_visible()
    expect(page.locator("[data-testid=stSpinner]")).to_have_count(0)
    settle(page)


def fates(page: Page) -> list[str]:
    settle(page)
    return [str(value) for value in page.evaluate(SHOWN)]


def row(event: str, units: object = 5, project: str = "P1") -> str:
    return f"{event},W00,{project},i-{event},2026-03-02 09:00:00,{units}\n"


@pytest.mark.parametrize(("lang", "width"), [("zh", 1440), ("en", 390)])
def test_dropped_tried_imported_found_again_and_taken_back(opened: OPENED, tmp_path: Path, lang: str, width: int) -> None:
    file = tmp_path / f"三月-{lang}.csv"
    rows = "".join(row(f"{lang}{n}", "许多" if n == 3 else n) for n in range(5)) + row(f"{lang}-typo", project="p01")
    file.write_bytes((HEAD + rows).encode("gbk"))
    page = opened(lang, width=width)
    drop(page, file)
    assert fates(page) == ["5", "0", "0", "1"]
    expect(page.locator("[data-testid=stAlert]")).to_contain_text("p01")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    with speaking("zh" if lang == "zh" else "en"):
        go, why = (
            ngettext("Import {n} row", "Import {n} rows", 5),
            ngettext("Why {n} row would be refused", "Why {n} rows would be refused", 1),
        )
        refused = ngettext("{n} refused row", "{n} refused rows", 1)
    page.locator("summary").filter(has_text=why).click()
    expect(page.locator("[class*=st-key-import_file_]")).to_contain_text("许多")
    settle(page)
    page.get_by_role("button", name=go).click()
    job = page.locator("[class*=st-key-import_job_]").filter(has_text=file.name)
    expect(job.get_by_role("button", name=refused)).to_be_visible(timeout=60_000)
    assert fates(page) == ["5", "0", "0", "1"]

    back = opened(lang, width=width)  # another tab, another session: the result stands there too
    job = back.locator("[class*=st-key-import_job_]").filter(has_text=file.name)
    with back.expect_download() as waiting:
        job.get_by_role("button", name=refused).click()
    waiting.value.save_as(tmp_path / "refused.csv")
    with (tmp_path / "refused.csv").open(encoding="utf-8-sig", newline="") as kept:
        (line,) = list(csv.reader(kept))[1:]
    assert line[0] == "5"
    assert "许多" in line[3]

    if width < 600:
        back.locator("[data-testid=stMain] button").filter(has_text=file.name).click()
    else:
        table = back.locator("[data-testid=stDataFrame]").last
        table.scroll_into_view_if_needed()
        place = table.bounding_box()
        assert place
        back.mouse.click(place["x"] + 17, place["y"] + 46)  # the box of the first row: a table is one canvas
    dialog = back.locator("[role=dialog]")
    expect(dialog).to_contain_text(file.name)
    take = dialog.get_by_role("button", name=said("Take it back", lang))
    expect(take).to_be_visible(timeout=60_000)
    settle(back)
    assert "-5" in " ".join(dialog.locator("canvas [role=gridcell]").all_text_contents())
    take.click()
    expect(back.locator("[class*=st-key-import_undone_card]")).to_contain_text(said("was taken back.", lang), timeout=60_000)
    expect(back.locator("[class*=st-key-import_job_]").filter(has_text=file.name)).to_have_count(0)


def test_words_of_files_make_no_link_no_picture_and_no_script(opened: OPENED, tmp_path: Path) -> None:
    evil = "[x](http:evil.example) www.evil.example <img src=x onerror=alert(1)> **b** :red[r] me@evil.example"
    file = tmp_path / f"{evil.replace('/', '')} =cmd().csv"
    header = HEAD.replace("题目", f'"{evil}"').replace("框数", "=1+1")
    file.write_text(header + "e1,W00,P1,<script>alert(2)</script>,,'; DROP TABLE work\n", encoding="utf-8")
    page = opened("en")
    alarms: list[str] = []
    page.on("dialog", lambda dialog: (alarms.append(dialog.message), dialog.dismiss()))
    drop(page, file)
    card = page.locator("[class*=st-key-import_file_]")
    expect(card).to_contain_text("**b**")
    expect(card).to_contain_text("<script>alert(2)</script>")
    assert card.locator("a, img, script, em").evaluate_all("found => found.map(e => e.outerHTML)") == []
    assert alarms == []
    assert page.evaluate("[...document.querySelectorAll('[data-testid=stMain] a')].filter(e => /evil/.test(e.href)).length") == 0


def test_an_unknown_layout_is_corrected_on_the_screen(opened: OPENED, tmp_path: Path) -> None:
    file = tmp_path / "odd.csv"
    file.write_text("nr,wer,was,ding\nx1,W00,P1,i1\n", encoding="utf-8")
    page = opened("en")
    drop(page, file)
    choose(page, "The rows are", "Annotations")
    for header, name in (("nr", "Record id *"), ("wer", "Person id *"), ("was", "Project id *"), ("ding", "Item id *")):
        choose(page, header, name)
    page.get_by_role("button", name="Try it so").click()
    expect(page.locator("[data-testid=stMetricValue]").first).to_have_text("1")
    assert fates(page) == ["1", "0", "0", "0"]


def choose(page: Page, label: str, option: str) -> None:
    page.get_by_role("combobox", name=label, exact=True).click()
    page.get_by_role("option", name=option, exact=True).click()
    settle(page)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_streamlits_own_words_are_not_there(opened: OPENED, lang: str) -> None:
    page = opened(lang)
    area = page.locator("[data-testid=stFileUploader]")
    assert area.evaluate("e => getComputedStyle(e.querySelector('button [data-testid=stMarkdownContainer]'), '::after').content").strip(
        '"'
    ) == said("Choose files, or drop them here", lang)
    for words in ("Upload", "per file", "Drag"):
        assert not area.get_by_text(re.compile(words)).filter(visible=True).count()


def test_whoever_does_not_have_it_reads_why(folder: Path, browser: Browser, tmp_path: Path) -> None:
    real = tmp_path / "real.duckdb"
    shutil.copyfile(folder / "demo.duckdb", real) if not (folder / "demo.duckdb.wal").exists() else build(real).close()
    with Store(real) as store:
        store.set_meta("demo", "no")
        accounts.add(store, "lin", accounts.hash_password("correct horse battery"), "team_lead", site="S1", team="T1")
    with Serving(real) as server:
        page = browser.new_page(locale="en-US")
        page.goto(f"{server.url}/import_files?lang=en")
        page.locator("input[name=name]").fill("lin")
        page.locator("input[name=password]").fill("correct horse battery")
        page.locator("button").click()
        expect(page.locator("[data-testid=stMain]")).to_contain_text(said("Not yours to see", "en"), timeout=20_000)
        assert not page.locator("input[type=file]").count()
        assert access.screen("import_files").roles == {"admin", "site_manager"}
        page.close()
