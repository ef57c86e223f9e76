"""The screens in a real browser, on really started servers: signing in, roles, both languages, a phone, filters, downloads, live rows."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from data import accounts
from data.store import Store
from metrics.definitions import REGISTRY
from pages.ui import access
from pages.ui.text import _, speaking
from tests.browser import INSTALL, chromium
from tests.pages.base import PROJECTS, build
from tests.pages.shots import FLAGS, PHONE, settle
from tests.serving import Serving

pytestmark = [pytest.mark.browser, pytest.mark.skipif(chromium() is None, reason=f"There is no Chromium here. {INSTALL}")]

PASSWORD = "correct horse battery"
SCREENS = {screen.name: screen for screen in access.SCREENS}
OPENED = Callable[..., Page]

# What is drawn as text: the document's visible text nodes, the words in charts, and the cells that tables draw for screen readers.
SHOWN = """() => {
    const said = [];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const at = walk.currentNode.parentElement;
        const unread = at.closest("script, style, noscript, [data-testid=stIconMaterial], [role=img][translate=no]");
        if (!unread && (at.closest("canvas") || at.checkVisibility())) said.push(walk.currentNode.textContent);
    }
    return said.map(words => words.trim()).filter(Boolean);
}"""
RAW_NAME = re.compile(r"\b[a-z]+_[a-z_]+\b")
NO_VALUE = re.compile(r"\b(nan|NaN|None|null|undefined|NaT)\b|<NA>")
# Not English sentences: file kinds, units, ids of the small base, the other language's name, a source's own name, a guideline's version,
# and the one sentence that Streamlit itself keeps for keyboards.
ALLOWED = re.compile(
    r"^Skip to main content$|\b(UTC(\+\d+)?|CSV|Excel|JSON|Parquet|SQL|English|Piecework|small|ID|[MG]B|[PQ]\d+|[WSTePN]\d+|v7|n|pp|QC)\b"
)

# Names that exist in one language only: the other language, people, and the tool's own words for an error.
IN_CHINESE = re.compile(r"中文|员工\d+")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small base twice: as the demo, and with accounts."""
    path = tmp_path_factory.mktemp("browser")
    with build(path / "demo.duckdb") as store:
        store.checkpoint()
    shutil.copyfile(path / "demo.duckdb", path / "real.duckdb")
    password = accounts.hash_password(PASSWORD)
    with Store(path / "real.duckdb") as store:
        store.set_meta("demo", "no")
        accounts.add(store, "anna", password, "admin")
        accounts.add(store, "mei", password, "site_manager", site="S1")
    with Store(path / "demo.duckdb") as store:
        (path / "token").write_text(accounts.add_token(store, "tool", source="small"), "utf-8")
    return path


@pytest.fixture(scope="module")
def demo(folder: Path) -> Iterator[Serving]:
    """The server of the demo, which opens without sign-in."""
    with Serving(folder / "demo.duckdb") as server:
        yield server


@pytest.fixture(scope="module")
def real(folder: Path) -> Iterator[Serving]:
    """The server of the store with accounts."""
    with Serving(folder / "real.duckdb") as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium."""
    with sync_playwright() as play:
        launched = play.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def opened(browser: Browser) -> Iterator[OPENED]:
    """Open an address in a context of its own: `opened(url, lang="en", width=390)`."""
    contexts: list[BrowserContext] = []

    def go(url: str, *, lang: str = "zh", width: int = 1280) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            locale="zh-CN" if lang == "zh" else "en-US",
            timezone_id="Asia/Shanghai",
            user_agent=PHONE if width < 600 else None,
            is_mobile=width < 600,
            accept_downloads=True,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.goto(url, wait_until="domcontentloaded")
        return page

    yield go
    for context in contexts:
        context.close()


def said(sentence: str, lang: str) -> str:
    with speaking("zh" if lang == "zh" else "en"):
        return _(sentence)


def shown(page: Page) -> list[str]:
    """Everything there is to read."""
    settle(page)
    return [str(words) for words in page.evaluate(SHOWN)]


def heading(page: Page, screen: str, lang: str) -> None:
    """Wait for a screen's question."""
    expect(page.locator("h1")).to_have_text(said(SCREENS[screen].question, lang), timeout=20_000)
    settle(page)


def menu(page: Page) -> list[str]:
    """The screens in the menu, without their icons."""
    links = page.locator("[data-testid=stSidebarNavLink]").all_inner_texts()
    return [link.split("\n")[-1] for link in links]


def go_to(page: Page, screen: str, lang: str) -> None:
    """Through the menu."""
    page.locator(f"[data-testid=stSidebarNavLink][href*='/{screen}']").click()
    heading(page, screen, lang)


def choose(page: Page, label: str, option: str) -> None:
    """One value of one select box."""
    page.get_by_role("combobox", name=label, exact=True).click()
    page.get_by_role("option", name=option, exact=True).click()
    chosen(page, label, option)
    settle(page)


def chosen(page: Page, label: str, option: str) -> None:
    """Wait until a select box says so."""
    expect(page.get_by_role("combobox", name=label, exact=True)).to_have_value(option, timeout=20_000)


def card(page: Page, name: str) -> Locator:
    """The number of the first card of that name."""
    return page.locator("[data-testid=stMetric]").filter(has_text=name).first.locator("[data-testid=stMetricValue]")


def sign_in(page: Page, name: str) -> None:
    page.locator("input[name=name]").fill(name)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("button").click()


# Accounts ----------------------------------------------------------------------------------------------------------------
def test_deep_links_of_strangers_end_at_the_sign_in_page(real: Serving, opened: OPENED) -> None:
    page = opened(f"{real.url}/{access.SCREENS[0].name}")
    for screen in SCREENS:
        page.goto(f"{real.url}/{screen}?site=S2", wait_until="domcontentloaded")
        expect(page.locator("input[type=password]")).to_be_visible()
        assert "/login" in page.url
        assert not page.locator("[data-testid=stApp]").count()
        assert "临河" not in page.content()


def test_a_site_manager_lands_where_asked_sees_one_site_and_signs_out(real: Serving, opened: OPENED) -> None:
    page = opened(f"{real.url}/headcount?site=S2&lang=zh")
    sign_in(page, "mei")
    heading(page, "headcount", "zh")
    assert page.url.startswith(f"{real.url}/headcount")
    assert "site=S2" not in page.url
    assert menu(page) == [
        said(SCREENS[name].title, "zh")
        for name in ("throughput", "quality", "headcount", "import_files", "trust", "identities", "catalogue")
    ]
    other = re.compile(r"临河|T3|3组|\bW(19|2[0-3])\b|员工(19|2[0-3])")  # W16 to W18 sit there too, and review work of S1
    for screen in ("headcount", "throughput", "quality", "trust"):
        page.goto(f"{real.url}/{screen}?site=S2&team=T3&worker=W20&lang=zh", wait_until="domcontentloaded")
        heading(page, screen, "zh")
        words = shown(page)
        assert [found for found in words if other.search(found)] == [], screen
        assert not re.search(r"site=|team=|worker=", page.url) or screen == "trust", "the address says what is shown"
    page.goto(f"{real.url}/overview?lang=zh", wait_until="domcontentloaded")
    expect(page.locator("[data-testid=stMain]")).to_contain_text(said("Not yours to see", "zh"))
    assert not page.locator("[data-testid=stMetric]").count()

    beside = page.context.new_page()
    beside.goto(f"{real.url}/throughput?lang=zh", wait_until="domcontentloaded")
    heading(beside, "throughput", "zh")
    page.get_by_role("link", name=said("Sign out", "zh")).click()
    expect(page.locator("input[type=password]")).to_be_visible()
    assert len(page.context.pages) == 2, "it leaves in the same tab"
    beside.locator("[data-testid=stSidebarNavLink][href*='/quality']").click()
    expect(beside.locator("[data-testid=stMain]")).to_contain_text("尚未登录", timeout=20_000)
    assert not beside.locator("[data-testid=stMetric]").count()
    beside.locator("[data-testid=stMain] a[href^='/login']").click()
    expect(beside.locator("input[type=password]")).to_be_visible()
    beside.goto(f"{real.url}/quality", wait_until="domcontentloaded")
    expect(beside.locator("input[type=password]")).to_be_visible()


# Every screen ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("role", ["executive", "site_manager", "hr"])
def test_the_screens_of_a_persona_are_whole(demo: Serving, opened: OPENED, role: str, lang: str) -> None:
    mine = [screen.name for screen in access.allowed(role)]
    page = opened(f"{demo.url}/catalogue?persona={role}&lang={lang}", lang=lang)
    heading(page, "catalogue", lang)
    assert menu(page) == [said(SCREENS[name].title, lang) for name in mine]
    for screen in mine:
        go_to(page, screen, lang)
        assert not page.locator("[data-testid=stException]").count()
        words = shown(page)
        assert len(words) > 20, screen
        if screen == "catalogue":  # it tells what the command line calls them
            words = [found for found in words if found not in REGISTRY.measures]
        for broken in ("Something went wrong on our side", "This cannot be answered", "No data yet"):
            assert said(broken, lang) not in words, screen
        assert [found for found in words if RAW_NAME.search(found)] == [], screen
        assert [found for found in words if NO_VALUE.search(found)] == [], screen
        if lang == "zh":
            assert [found for found in words if re.search(r"[A-Za-z]{2,}", ALLOWED.sub("", found))] == [], screen
        else:
            chinese = re.compile("[\u4e00-\u9fff]")
            assert [found for found in words if chinese.search(IN_CHINESE.sub("", found))] == [], screen


def test_another_persona_has_another_menu(demo: Serving, opened: OPENED) -> None:
    page = opened(f"{demo.url}/throughput?lang=zh")
    heading(page, "throughput", "zh")
    assert not page.locator("[data-testid=stDataFrame]", has_text="员工03").count(), "an executive sees groups"
    for role in ("site_manager", "hr", "team_lead", "executive"):
        choose(page, said("Looking as", "zh"), said(access.PERSONAS[role], "zh"))
        heading(page, "throughput", "zh")
        assert menu(page) == [said(screen.title, "zh") for screen in access.allowed(role)]
        assert f"persona={role}" in page.url


# A phone -----------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_on_a_phone_nothing_hangs_over_and_filters_fold(demo: Serving, opened: OPENED, lang: str) -> None:
    page = opened(f"{demo.url}/overview?lang={lang}&persona=admin", lang=lang, width=390)
    for screen in SCREENS:
        page.goto(f"{demo.url}/{screen}?lang={lang}&persona=admin", wait_until="domcontentloaded")
        heading(page, screen, lang)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), screen
        wide = page.evaluate(
            "[...document.querySelectorAll('[data-testid=stMainBlockContainer] [data-testid=stElementContainer]')]"
            ".filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.innerText)"
        )
        assert wide == [], screen
        if SCREENS[screen].filters:
            fold = page.locator("[data-testid=stExpander]").filter(has_text=said("Filters", lang))
            period = page.locator("[data-testid=stSelectbox]").filter(has_text=said("Period", lang))
            expect(period).not_to_be_visible()
            fold.locator("summary").click()
            expect(period).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), screen


def test_a_phones_filters_stay_open_while_used(demo: Serving, opened: OPENED) -> None:
    page = opened(f"{demo.url}/throughput?lang=zh&persona=admin", width=390)
    heading(page, "throughput", "zh")
    settle(page)
    fold = page.locator("[data-testid=stExpander]").filter(has_text=said("Filters", "zh"))
    fold.locator("summary").click()
    page.wait_for_timeout(500)  # it unfolds: a list opened meanwhile would move away and close
    choose(page, said("Period", "zh"), "自定义")
    expect(fold.locator("summary")).to_contain_text("自定义")
    expect(page.locator("[data-testid=stDateInput]")).to_be_visible()
    for screen in ("quality", "throughput"):
        page.locator("[data-testid=stExpandSidebarButton]").click()
        page.wait_for_timeout(500)  # it slides in
        go_to(page, screen, "zh")
        expect(page.locator("[data-testid=stDateInput]")).not_to_be_visible()


# Filters -----------------------------------------------------------------------------------------------------------------
def test_filters_hold_across_screens_and_languages_until_reset(demo: Serving, opened: OPENED) -> None:
    page = opened(f"{demo.url}/throughput?lang=zh&persona=admin")
    heading(page, "throughput", "zh")
    everything = card(page, "产量").inner_text()
    choose(page, said("Project", "zh"), PROJECTS["P2"][0])
    narrowed = card(page, "产量").inner_text()
    assert narrowed != everything
    assert "project=P2" in page.url

    go_to(page, "quality", "zh")
    chosen(page, said("Project", "zh"), PROJECTS["P2"][0])
    assert "project=P2" in page.url
    page.locator("[data-testid=stSidebar]").get_by_text("English", exact=True).click()
    heading(page, "quality", "en")
    chosen(page, said("Project", "en"), PROJECTS["P2"][1])
    assert "project=P2" in page.url

    go_to(page, "throughput", "en")
    page.get_by_role("button", name=said("Reset", "en")).click()
    chosen(page, said("Project", "en"), said("All projects", "en"))
    settle(page)
    assert "project=" not in page.url
    page.locator("[data-testid=stSidebar]").get_by_text("中文", exact=True).click()
    heading(page, "throughput", "zh")
    expect(card(page, "产量")).to_have_text(everything)


def test_filters_hold_over_screens_without_any_and_going_back_restores_them(demo: Serving, opened: OPENED) -> None:
    page = opened(f"{demo.url}/throughput?persona=admin&lang=zh&project=P2&period=last_7_days")
    heading(page, "throughput", "zh")
    go_to(page, "trust", "zh")
    go_to(page, "throughput", "zh")
    chosen(page, said("Project", "zh"), PROJECTS["P2"][0])
    chosen(page, said("Period", "zh"), "近 7 天")
    for words in ("persona=admin", "lang=zh", "project=P2", "period=last_7_days"):
        assert words in page.url
    choose(page, said("Project", "zh"), PROJECTS["P1"][0])
    assert "project=P1" in page.url
    page.go_back()
    chosen(page, said("Project", "zh"), PROJECTS["P2"][0])
    settle(page)
    assert "project=P2" in page.url
    page.go_forward()
    chosen(page, said("Project", "zh"), PROJECTS["P1"][0])
    go_to(page, "quality", "zh")
    for _step in range(4):  # some steps of the history show what was just shown
        page.go_back()
        settle(page)
        if "/throughput" in page.url:
            break
    heading(page, "throughput", "zh")
    chosen(page, said("Project", "zh"), PROJECTS["P1"][0])


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_custom_period_leaves_the_filters_on_one_line(demo: Serving, opened: OPENED, lang: str) -> None:
    dates = "period=custom&from=2026-10-28&to=2026-11-20"
    page = opened(f"{demo.url}/quality?{dates}&persona=admin&lang={lang}", lang=lang, width=1440)
    heading(page, "quality", lang)
    boxes = page.locator("[data-testid=stMain] :is([data-testid=stSelectbox], [data-testid=stDateInput], .st-key-f_reset_all)")
    bottoms = [box["y"] + box["height"] for one in boxes.all() if (box := one.bounding_box())]
    assert len(bottoms) == 8
    assert max(bottoms) - min(bottoms) < 10


def test_a_row_narrows_the_screen_until_reset(demo: Serving, opened: OPENED) -> None:
    page = opened(f"{demo.url}/throughput?lang=en&persona=admin", lang="en", width=1440)
    heading(page, "throughput", "en")
    table = page.locator("[data-testid=stDataFrame]").first
    table.scroll_into_view_if_needed()
    place = table.bounding_box()
    assert place
    page.mouse.click(place["x"] + 17, place["y"] + 46)  # the box of the first row: a table is one canvas
    expect(page).to_have_url(re.compile("project=P"), timeout=20_000)
    settle(page)
    page.get_by_role("button", name=said("Reset", "en")).click()
    chosen(page, said("Project", "en"), said("All projects", "en"))
    settle(page)
    assert "project=" not in page.url


def test_a_row_of_a_phones_list_narrows_the_screen(demo: Serving, opened: OPENED) -> None:
    page = opened(f"{demo.url}/overview?lang=zh&persona=admin", width=390)
    heading(page, "overview", "zh")
    assert not page.locator("[data-testid=stDataFrame]").count()
    row = page.locator("[data-testid=stMain] button").filter(has_text=PROJECTS["P2"][0])
    row.click()
    expect(page).to_have_url(re.compile("project=P2"), timeout=20_000)
    expect(row).to_have_count(1)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_all_columns_fit_on_a_desk(demo: Serving, opened: OPENED, lang: str) -> None:
    page = opened(f"{demo.url}/catalogue?lang={lang}&persona=admin", lang=lang, width=1440)
    for screen in SCREENS:
        page.goto(f"{demo.url}/{screen}?lang={lang}&persona=admin", wait_until="domcontentloaded")
        heading(page, screen, lang)
        wide = page.evaluate(
            "[...document.querySelectorAll('[data-testid=stDataFrame] .dvn-scroller')]"
            ".filter(e => e.scrollWidth > e.clientWidth).map(e => e.closest('[data-testid=stDataFrame]').innerText)"
        )
        assert wide == [], screen


# What leaves -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("lang", "head"), [("zh", ("项目编号", "项目", "产量（件）")), ("en", ("Project, id", "Project", "Units"))])
def test_a_table_leaves_as_csv_in_the_readers_words(
    demo: Serving, opened: OPENED, tmp_path: Path, lang: str, head: tuple[str, ...]
) -> None:
    page = opened(f"{demo.url}/throughput?lang={lang}&persona=admin", lang=lang)
    heading(page, "throughput", lang)
    with page.expect_download() as waiting:
        page.locator("[data-testid=stDownloadButton] button").filter(has_text="CSV").first.click()
    file = tmp_path / "table.csv"
    waiting.value.save_as(file)
    assert waiting.value.suggested_filename.startswith(said("Projects", lang))
    assert file.read_bytes().startswith(b"\xef\xbb\xbf"), "Excel reads the Chinese"
    with file.open(encoding="utf-8-sig", newline="") as opened_file:
        header, *rows = list(csv.reader(opened_file))
    assert tuple(header[:3]) == head
    names = {line[1]: line[0] for line in rows}
    assert names == {names_of[0 if lang == "zh" else 1]: project for project, names_of in PROJECTS.items()}
    table = page.locator("[data-testid=stDataFrame]").first
    expect(table.locator("canvas [role=gridcell]").first).to_be_attached()  # drawn for screen readers a moment later
    cells = table.locator("canvas [role=gridcell]").all_text_contents()
    assert len(rows) == int(table.locator("[role=grid]").get_attribute("aria-rowcount") or 0) - 1
    assert set(names) <= set(cells)


# Live --------------------------------------------------------------------------------------------------------------------
def push(server: Serving, folder: Path, event_id: str, project: str) -> None:
    """999,000 units of two days ago."""
    done = datetime.now(UTC) - timedelta(days=2)
    event = {
        "event_id": event_id, "worker_id": "W00", "project_id": project, "item_id": event_id, "ts": done.isoformat(), "units": 999_000,
        "duration_s": 3600, "clock": "active",
    }  # fmt: skip
    with server.client((folder / "token").read_text("utf-8")) as client:
        answer = client.post("/api/events/annotations", json=[event])
        assert (answer.status_code, answer.json()["new"]) == (200, 1)


def test_a_pushed_row_is_on_the_screen_at_the_next_look(demo: Serving, folder: Path, opened: OPENED) -> None:
    page = opened(f"{demo.url}/throughput?lang=en&persona=admin&project=P1", lang="en")
    heading(page, "throughput", "en")
    before = card(page, "Units").inner_text()
    push(demo, folder, "pushed-1", "P1")
    page.reload(wait_until="domcontentloaded")
    heading(page, "throughput", "en")
    assert before.endswith("k")
    expect(card(page, "Units")).to_have_text(re.compile(r"^1(\.\d)?M$"), timeout=5_000)


def test_an_open_screen_follows_by_itself(demo: Serving, folder: Path, opened: OPENED) -> None:
    page = opened(f"{demo.url}/throughput?lang=en&persona=admin&project=P2", lang="en")
    heading(page, "throughput", "en")
    assert not card(page, "Units").inner_text().endswith("M")
    push(demo, folder, "pushed-2", "P2")
    expect(card(page, "Units")).to_have_text(re.compile(r"^1(\.\d)?M$"), timeout=15_000)
    expect(page.get_by_text(" behind")).to_have_count(1)


def test_a_screen_of_the_past_stays_as_it_is(demo: Serving, opened: OPENED) -> None:
    page = opened(f"{demo.url}/throughput?lang=en&persona=admin&period=last_month", lang="en")
    heading(page, "throughput", "en")
    expect(page.get_by_text(" behind")).to_have_count(1)
