"""The page in a browser: tokens, keys, merges, the comparison; no violation of accessibility rules.

Needs the extra `pages-test`, and Chromium where playwright or Debian puts it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browsers import chromium
from page_parts import EIGHT_SCRIPTS, ENCODINGS, HOSTILE, page

Open = Callable[..., Any]
SIZES = [(360, 760), (1400, 900)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def open_page(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """Opens a page; no test may cause an error in it or a request."""
    faults: list[str] = []
    contexts = []

    def open_(content: str, size: tuple[int, int] = SIZES[1], **options: Any) -> Any:
        (tmp_path / "page.html").write_text(content, encoding="utf-8")
        viewport = {"width": size[0], "height": size[1]}
        contexts.append(browser.new_context(viewport=viewport, **options))
        opened = contexts[-1].new_page()
        opened.on("pageerror", lambda error: faults.append(str(error)))
        opened.on("console", lambda message: faults.append(message.text))
        opened.on("dialog", lambda dialog: faults.append(dialog.message))
        opened.on("request", lambda request: faults.append(request.url))
        opened.goto((tmp_path / "page.html").as_uri())
        faults.remove((tmp_path / "page.html").as_uri())
        return opened

    yield open_
    for context in contexts:
        context.close()
    assert faults == []


def test_every_token_is_there(open_page: Open) -> None:
    opened = open_page(page(EIGHT_SCRIPTS))
    opened.wait_for_selector(".token")
    ids = [
        int(id) for id in opened.eval_on_selector_all(".token", "all => all.map(t => t.dataset.id)")
    ]
    assert ids == ENCODINGS[0].encode(EIGHT_SCRIPTS, allowed_special="all")
    assert opened.locator(".token.special").inner_text() == "<|endoftext|>"
    assert "o200k_base" in opened.locator("#counts").inner_text()


def test_hostile_text_is_shown(open_page: Open) -> None:
    opened = open_page(page(HOSTILE, 2, HOSTILE))
    opened.wait_for_selector(".token")
    assert "<script>alert(1)</script>" in opened.locator("main").inner_text()
    assert opened.locator("img").count() == 0


def test_id_and_bytes_on_hover_and_by_keyboard(open_page: Open) -> None:
    opened = open_page(page("hello world again"))
    opened.locator(".token").nth(1).hover()
    assert "id 2375" in opened.locator("#details").inner_text()
    assert "20 77 6f 72 6c 64" in opened.locator("#details").inner_text()
    opened.locator(".token").nth(0).focus()
    for key, place in [
        ("ArrowRight", 1),
        ("End", 2),
        ("ArrowRight", 2),
        ("ArrowLeft", 1),
        ("Home", 0),
    ]:
        opened.keyboard.press(key)
        assert opened.evaluate("document.activeElement.dataset.place") == str(place)
    assert "id 24912" in opened.locator("#details").inner_text()
    assert opened.locator('.token[tabindex="0"]').count() == 1


def test_merges_are_played_one_after_another(open_page: Open) -> None:
    opened = open_page(page("hello world"))
    opened.locator(".token").nth(1).click()
    steps = opened.locator("#details li")
    assert steps.count() < 6
    assert steps.nth(0).locator(".part").count() == 6
    steps.nth(5).wait_for()
    assert steps.nth(5).inner_text() == " world"
    opened.keyboard.press("Escape")
    assert steps.count() == 0
    assert opened.evaluate("document.activeElement.dataset.place") == "1"


def test_merges_at_once_for_those_who_want_no_motion(open_page: Open) -> None:
    opened = open_page(page("hello world"), reduced_motion="reduce")
    opened.locator(".token").nth(1).focus()
    opened.keyboard.press("Enter")
    assert opened.locator("#details li").count() == 6


def test_the_tokens_that_differ_are_ringed(open_page: Open) -> None:
    opened = open_page(page("hello 漢字", 2))
    opened.wait_for_selector(".token")
    assert opened.locator(".cell").count() == 2
    texts = opened.eval_on_selector_all(
        ".token:not(.differs)", "all => all.map(t => t.textContent)"
    )
    assert texts.count("hello") == 2
    assert opened.locator(".token.differs").count() > 0


def test_ids_and_white_space_on_request(open_page: Open) -> None:
    opened = open_page(page("hello world"))
    opened.check("#show-space")
    assert opened.locator(".token").nth(1).inner_text() == "·world"
    opened.check("#show-ids")
    # The page lays its lines out again, so for a moment there may be no token.
    opened.wait_for_function(
        """() => {
            const token = document.querySelector('.token');
            return token && /24912|attr/.test(getComputedStyle(token, '::after').content);
        }"""
    )


@pytest.mark.parametrize("ids", [False, True])
def test_right_to_left_lines_run_from_the_right(open_page: Open, ids: bool) -> None:
    opened = open_page(page("hello world\n\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd\n"))
    if ids:
        opened.check("#show-ids")
    opened.locator(".token").nth(4).wait_for()
    places = opened.eval_on_selector_all(
        ".token", "all => all.map(t => t.getBoundingClientRect().left)"
    )
    assert places[0] < places[1]
    assert places[3] > places[4] > 1000


def test_a_mark_without_its_letter_is_painted_over_the_next_token(open_page: Open) -> None:
    opened = open_page(page("cafe\u0301 and"))
    assert opened.locator(".token.mark").inner_text() == "\u25cc\u0301"
    shown = "getComputedStyle(document.querySelector('.mark')).position"
    assert opened.evaluate(shown) == "relative"


def test_a_long_text_is_filled_where_it_is_looked_at(open_page: Open) -> None:
    opened = open_page(page(EIGHT_SCRIPTS * 2000, 2))
    opened.wait_for_selector(".token")
    assert opened.locator(".token").count() < 20_000
    opened.locator(".token").first.focus()
    opened.keyboard.press("End")
    last = len(ENCODINGS[0].encode(EIGHT_SCRIPTS * 2000, allowed_special="all")) - 1
    assert opened.evaluate("document.activeElement.dataset.place") == str(last)
    assert opened.evaluate("scrollY") > 100_000
    opened.wait_for_timeout(300)
    assert opened.locator(".token").count() < 20_000


def test_in_a_notebook(open_page: Open) -> None:
    frame = ENCODINGS[0].show("hello world")._repr_html_()
    opened = open_page(f"<!DOCTYPE html><title>Notebook</title>{frame}")
    token = opened.frame_locator("iframe").locator(".token")
    token.nth(1).click()
    assert token.count() == 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("count", [1, 2])
def test_accessibility(open_page: Open, size: tuple[int, int], scheme: str, count: int) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    opened = open_page(page(EIGHT_SCRIPTS, count), size, color_scheme=scheme, bypass_csp=True)
    opened.wait_for_selector(".token")
    for step in ("start", "merges", "ids"):
        if step == "merges":
            opened.locator(".token").nth(1).click()
        elif step == "ids":
            opened.check("#show-ids")
        found = axe.Axe().run(opened)
        assert found.violations_count == 0, found.generate_report()
        width = opened.evaluate("document.documentElement.scrollWidth")
        assert width <= size[0], "nothing is wider than the screen"
