"""The report as its readers meet it, in a real browser: by mouse, by keyboard, on a phone, on paper."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # says nothing of its types
from playwright.sync_api import Browser, Page, expect

from local.dev.browser import started
from shared.report.history import Kept, history_of
from shared.report.page import document
from tests.api.calling import alerted, reverted
from tests.report.browser import Watched, path_of_browser, watched
from tests.report.estates import HOSTILE, SUBSCRIPTION, report, server
from tests.report.estates import report_of_many as many

WRONG: Final = f"#{server('s1').id}".replace(" ", "%20")
VIEWS: Final = ("", WRONG)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(document.text(report()), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def with_past(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As an app shows it."""
    world, change = reverted()
    past = history_of(Kept(alerts=(alerted()[1],), changes=(change,), exemptions=()), world.clock.now())
    path = tmp_path_factory.mktemp("page") / "past.html"
    path.write_text(document.text(replace(report(), history=past)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started(path_of_browser()) as browser:
        yield browser


@pytest.fixture
def seen(browser: Browser) -> Iterator[Watched]:
    with watched(browser, viewport={"width": 1400, "height": 900}) as seen:
        yield seen


def rows(page: Page, table: str = "findings") -> list[str]:
    return page.locator(f"#{table}-table tbody tr").all_inner_texts()


# --- it is safe ------------------------------------------------------------------------------------


@pytest.mark.parametrize("view", VIEWS)
def test_nothing_runs_nothing_is_loaded_and_nothing_is_complained_of(
    seen: Watched, file: Path, view: str
) -> None:
    page = seen.open(file, view)
    assert {one.split("#")[0] for one in seen.requests} <= {"about:blank", file.as_uri()}
    assert seen.troubles == []
    assert page.locator("b, img, iframe, object, embed, form").count() == 0
    assert page.locator("script:not([type])").count() == 1


def test_hostile_names_show_as_the_text_that_they_are(seen: Watched, file: Path) -> None:
    told = seen.open(file).locator("#findings-table").inner_text()
    shown = HOSTILE.replace("\x1b", "\ufffd").replace("\n", " ")
    assert shown in told.replace("\n", " ")
    detail = seen.open(file, WRONG).locator("#target").inner_text()
    assert "</script><b>" in detail


def test_no_script_but_the_pages_own_can_run(seen: Watched, file: Path) -> None:
    page = seen.open(file)
    ran = page.evaluate(
        """() => {
            const script = document.createElement("script");
            try { script.textContent = "window.ran = true"; document.body.append(script); } catch { }
            try { document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='window.ran = true'>"); }
            catch { }
            return window.ran === true || document.querySelector("img") !== null;
        }"""
    )
    assert ran is False


# --- everybody can read it -------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing_against_it(browser: Browser, file: Path, scheme: str, view: str) -> None:
    """axe-core is put into the page by the driver, which the page's own policy would forbid."""
    with watched(browser, color_scheme=scheme, bypass_csp=True) as seen:
        page = seen.open(file, view)
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        found = Axe().run(page)
    assert found.response["violations"] == [], found.generate_report()
    assert len(found.response["passes"]) > 20


def test_a_target_shows_its_own_changes_and_no_others(seen: Watched, tmp_path: Path) -> None:
    world, change = reverted()
    own = replace(change, change=replace(change.change, target=server("s1")))
    others = tuple(replace(change, id=f"c{number}") for number in range(30))
    kept = Kept(alerts=(), changes=(own, replace(own, id="c-2"), *others), exemptions=())
    past = history_of(kept, world.clock.now())
    (tmp_path / "past.html").write_text(document.text(replace(report(), history=past)), encoding="utf-8")
    page = seen.open(tmp_path / "past.html", WRONG)
    assert page.locator("#target h2").all_inner_texts()[-1] == "2 changes"
    told = page.locator("#target [data-target]")
    told.first.locator("summary").click()
    assert (told.count(), "Why it was safe" in told.first.inner_text()) == (2, True)
    page.goto(page.url.partition("#")[0])
    assert page.get_by_text("7 older").is_visible()
    assert not page.locator("#changes [data-target]").last.is_visible()


@pytest.mark.long
@pytest.mark.parametrize("width", [360, 1400])
def test_the_past_is_as_easy_to_read(browser: Browser, with_past: Path, width: int) -> None:
    scheme = "dark" if width > 1000 else "light"
    options = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
    with watched(browser, bypass_csp=True, **options) as seen:
        page = seen.open(with_past)
        page.evaluate("document.querySelectorAll('#changes details').forEach((one) => { one.open = true; })")
        assert page.locator("#changes .missing").is_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        found = Axe().run(page)
    assert found.response["violations"] == [], found.generate_report()


@pytest.mark.parametrize("width", [360, 1400])
@pytest.mark.parametrize("view", VIEWS)
def test_nothing_stands_beyond_the_edge_of_the_screen(
    browser: Browser, file: Path, width: int, view: str
) -> None:
    with watched(browser, viewport={"width": width, "height": 800}) as seen:
        page = seen.open(file, view)
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        wide = page.evaluate(
            """() => [...document.querySelectorAll("body *")]
                .filter((one) => !one.closest(".unseen, .skip, thead, .wide-box"))
                .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
                .map((one) => one.outerHTML.slice(0, 120))"""
        )
        assert wide == []


def test_the_whole_way_goes_by_keyboard(seen: Watched, file: Path) -> None:
    page = seen.open(file)
    keys = page.keyboard
    keys.press("Tab")
    assert focused(page) == "To the report"
    keys.press("Enter")
    assert page.evaluate("document.activeElement.id") == "report"
    until(page, lambda: page.evaluate("document.activeElement.id") == "findings-text")
    keys.type("s1")
    expect(page.locator("#findings-table tbody tr")).to_have_count(1)
    until(page, lambda: page.evaluate("document.activeElement.matches('#findings-table tbody a')"))
    keys.press("Enter")
    expect(page.locator("#target")).to_be_focused()
    assert page.locator("#target h1").inner_text() == "s1"
    until(page, lambda: focused(page) == "Back to the report")
    keys.press("Enter")
    page.wait_for_selector("#report", state="visible")
    assert rows(page) != []


def focused(page: Page) -> Any:
    return page.evaluate("document.activeElement.innerText")


def until(page: Page, arrived: Any) -> None:
    """Goes on by Tab until it is there."""
    for _ in range(200):
        if arrived():
            return
        page.keyboard.press("Tab")
    raise AssertionError("Tab leads nowhere like that")


def test_the_summary_needs_no_script(browser: Browser, file: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(file.as_uri())
    told = page.locator("main").first.inner_text()
    assert "2 of 6 servers and subnets are as they should be" in told
    assert "These tables are made by the page's script" in told
    assert "could not be read: 403" in told
    context.close()


def test_on_paper_everything_is_open_and_no_button_stands_there(seen: Watched, file: Path) -> None:
    page = seen.open(file)
    page.emulate_media(media="print", color_scheme="dark")
    ink = page.evaluate("""() => [...document.querySelectorAll("main, .severity, .soft, .number, th, bdi")]
        .filter((one) => one.offsetParent !== null)
        .map((one) => Math.min(...getComputedStyle(one).color.match(/\\d+/g).map(Number)))""")
    assert max(ink) < 100, "somewhere light ink stands on white paper"
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    assert page.locator("nav").is_hidden()
    assert page.locator("#findings-csv").is_hidden()
    assert page.pdf().startswith(b"%PDF")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 0


# --- the tables ------------------------------------------------------------------------------------


def test_what_is_chosen_is_shown_and_the_address_leads_back_to_it(seen: Watched, file: Path) -> None:
    page = seen.open(file)
    whole = len(rows(page))
    page.select_option("#findings-state", "NonCompliant")
    assert len(rows(page)) == 1 < whole
    assert page.url.endswith("#findings?state=NonCompliant")
    again = seen.open(file, "#findings?state=NonCompliant")
    assert len(rows(again)) == 1
    again.click("#findings-clear")
    assert len(rows(again)) == whole


def test_a_resource_group_is_chosen_without_regard_to_case(seen: Watched, file: Path) -> None:
    group = f"{SUBSCRIPTION}/resourceGroups/shop (eu)"
    page = seen.open(file, f"#targets?group={quote(group.upper())}")
    assert page.input_value("#targets-group") == group
    assert len(rows(page, "targets")) == 6


@pytest.mark.parametrize("view", ["#constructor?a=b", "#__proto__?a=b", "#findings?constructor=x"])
def test_an_address_that_names_nothing_chooses_nothing(seen: Watched, file: Path, view: str) -> None:
    page = seen.open(file, view)
    assert len(rows(page)) == len(rows(seen.open(file, "#findings")))
    assert seen.troubles == []


def test_a_column_sorts_both_ways(seen: Watched, file: Path) -> None:
    page = seen.open(file)
    head = page.locator("#targets-table thead button", has_text="Name")
    head.click()
    up = rows(page, "targets")
    assert page.locator("#targets-table [aria-sort=ascending]").count() == 1
    page.locator("#targets-table thead button", has_text="Name").click()
    assert rows(page, "targets") == up[::-1]


def test_what_is_shown_can_be_downloaded_and_no_cell_is_a_formula(seen: Watched, file: Path) -> None:
    page = seen.open(file, "#findings?state=NonCompliant")
    with page.expect_download() as downloading:
        page.click("#findings-csv")
    text = Path(downloading.value.path()).read_text(encoding="utf-8-sig")
    (line,) = csv.DictReader(io.StringIO(text, newline=""))
    assert line["target"] == str(server("s1").id)
    assert line["reason"] == f"'{HOSTILE}".replace("\x1b", "\ufffd")
    assert all(not cell.startswith(("=", "+", "-", "@")) for cell in line.values())


def test_a_command_can_be_copied(browser: Browser, file: Path) -> None:
    with watched(browser, permissions=["clipboard-read", "clipboard-write"]) as seen:
        page = seen.open(file, WRONG)
        page.locator(".copy").first.click()
        expect(page.locator("#said")).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()").startswith("az postgres")


# --- one target ------------------------------------------------------------------------------------


def test_a_gate_a_verdict_and_a_range_tell_why_when_they_are_focused(seen: Watched, file: Path) -> None:
    page = seen.open(file, WRONG)
    for mark, told in (
        (".gate.stop", "gate: "),
        (".cell", "to port 5432"),
        (".range", "every Azure address"),
    ):
        figure = page.locator("figure", has=page.locator(mark))
        page.locator(mark).first.focus()
        assert told in figure.locator(".told").inner_text()
    page.locator(".range").nth(1).hover()
    assert "64.0.0.0–128.0.0.0" in page.locator("figure", has=page.locator(".range")).inner_text()


def test_the_ways_are_told_in_words_too(seen: Watched, file: Path) -> None:
    page = seen.open(file, WRONG)
    page.click("text=The same in words")
    told = page.locator("figure details").inner_text()
    assert "cannot connect" in told
    assert "can connect" in told


# --- large estates ---------------------------------------------------------------------------------


@pytest.mark.long
def test_ten_thousand_servers_are_a_small_page_that_shows_fifty_rows(seen: Watched, tmp_path: Path) -> None:
    file = tmp_path / "many.html"
    file.write_text(document.text(many(10_000)), encoding="utf-8")
    page = seen.open(file)
    assert file.stat().st_size < 5_000_000
    assert len(rows(page)) == 50
    page.click("#findings-pages button:text('Next')")
    assert "51 to 100 shown" in page.locator("#findings-count").inner_text()
    page.fill("#targets-text", "pg-09999")
    expect(page.locator("#targets-table tbody tr")).to_have_count(1)
    page.click("#targets-table tbody a")
    page.wait_for_selector("#target .finding pre")
    assert "pg-09999" in page.locator("#target pre").first.inner_text()
    assert SUBSCRIPTION in page.locator("#target").inner_text()
    assert seen.troubles == []
