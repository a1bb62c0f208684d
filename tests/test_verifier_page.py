"""verify.html says the same of every pack as verify.py, in a real browser without a network; and people can use it."""

from __future__ import annotations

import base64
import re
import shutil
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from conftest import fresh_database
from packs import KEY, THIEF, listed, one_case, relined, whole, witness_key, zipped
from playwright.sync_api import Browser, Page, expect, sync_playwright
from spoilt_files import SPOILT, broken_archives
from verifying import PAGE, codes, real_packs

from grantflow.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from packs import Files
    from spoilt import Spoilt

BROKEN = broken_archives()
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DONE = "html[data-verdict=honest], html[data-verdict=fault], html[data-verdict=unreadable]"
WIDTHS = {"a telephone": 360, "a desk": 1280}
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="LEFT OUT: verify.html is not tested, for no chromium is on the PATH"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def shared(browser: Browser) -> Iterator[Page]:
    """One page for all packs: each is chosen after another, as somebody does who has many."""
    page, complaints = opened(browser)
    yield page
    page.context.close()
    assert complaints == []


def opened(browser: Browser, **context: Any) -> tuple[Page, list[str]]:
    """The page, opened from its file with the network off, and what it complains of or asks the network for."""
    made = browser.new_context(locale="en-GB", **context)
    made.set_offline(offline=True)
    page = made.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked(complaints, request.url))
    page.goto(PAGE.as_uri())
    return page, complaints


def asked(complaints: list[str], url: str) -> None:
    if url != PAGE.as_uri() and not url.startswith("blob:"):
        complaints.append(f"asks for {url}")


def give(page: Page, pack: bytes, keys: tuple[str, ...] = (KEY,)) -> set[str]:
    """Let the page verify a pack; what is wrong with it."""
    page.evaluate("document.documentElement.dataset.verdict = 'none'")
    page.fill("#key", "\n".join(keys))
    page.set_input_files("#file", {"name": "pack.zip", "mimeType": "application/zip", "buffer": pack})
    page.locator(DONE).wait_for(state="attached", timeout=20_000)
    found: list[str] = page.evaluate(
        "page.unreadable ? [page.unreadable.code] : page.pack.faults.map((fault) => fault.code)"
    )
    return set(found)


def verdict(page: Page) -> str | None:
    return page.locator("html").get_attribute("data-verdict")


@pytest.mark.parametrize("files", [whole(), one_case()], ids=["a call", "a case"])
@pytest.mark.parametrize("method", [0, 8], ids=["stored", "deflated"])
def test_an_honest_pack_is_accepted(shared: Page, files: Files, method: int) -> None:
    assert give(shared, zipped(files, method)) == set()
    expect(shared.locator("#verdict-title")).to_have_text(
        "The events are genuine; report and answers are not signed"
    )
    assert verdict(shared) == "honest"
    assert give(shared, zipped(files, method), ()) == set()
    expect(shared.locator("#verdict-title")).to_have_text("The pack holds together. Compare the key")
    expect(shared.locator("#verdict-keys")).to_have_text(KEY)


@pytest.mark.parametrize("spoilt", SPOILT, ids=lambda spoilt: spoilt.what)
def test_a_spoilt_pack_is_rejected_as_verify_py_rejects_it(shared: Page, spoilt: Spoilt) -> None:
    pack = spoilt.pack()
    found = give(shared, pack, spoilt.keys)
    assert spoilt.code in found
    assert found == codes(pack, spoilt.keys)
    assert verdict(shared) in ("fault", "unreadable")
    expect(shared.locator("#verdict-title")).to_have_text(re.compile("can't be (trusted|read)"))
    assert "{" not in shared.locator("#faults").inner_text()


def test_packs_of_a_year_that_was_lived_are_accepted_whatever_is_left_out(
    shared: Page, server: str, template: str, tmp_path: Path
) -> None:
    with fresh_database(server, template) as address, Store(address) as store:
        real = real_packs(store, tmp_path)
    for pack in real.packs.values():
        assert give(shared, pack, (real.key,)) == set()
    expect(shared.locator("#cases button").first).to_contain_text("imdi-2023-tillegg-0006")


def test_both_verifiers_judge_alike_what_chance_spoils(shared: Page) -> None:
    chance = Random(7)  # noqa: S311 - not for secrets
    for _ in range(60):
        files = dict(chance.choice([whole, one_case])())
        name = chance.choice(sorted(files))
        content = bytearray(files[name])
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        pack = zipped(
            listed(files | {name: bytes(content)}) if name != "pack.json" else files | {name: bytes(content)}
        )
        assert give(shared, pack) == codes(pack), (name, bytes(content))


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_archive_is_rejected(shared: Page, what: str) -> None:
    code, pack = BROKEN[what]
    assert code in give(shared, pack)
    assert verdict(shared) in ("fault", "unreadable")


def test_a_key_that_is_none_is_told_of_and_one_pasted_later_counts(shared: Page) -> None:
    give(shared, zipped(whole()), ())
    shared.fill("#key", "nothing")
    shared.get_by_role("button", name="Verify with this key").click()
    expect(shared.get_by_role("alert")).to_contain_text("This is no key")
    shared.fill("#key", str(THIEF.verifier))
    shared.get_by_role("button", name="Verify with this key").click()
    expect(shared.locator("#verdict-title")).to_have_text("The pack can't be trusted")
    shared.fill("#key", f"{KEY}\n{witness_key()}")
    shared.get_by_role("button", name="Verify with this key").click()
    expect(shared.locator("#verdict-title")).to_have_text(
        "The events are genuine; report and answers are not signed"
    )
    assert shared.get_by_text("The signature holds").count() == 2


def test_the_cases_are_shown_as_they_stood_at_any_instant(shared: Page) -> None:
    give(shared, zipped(whole()))
    cases = shared.locator("#cases button")
    expect(cases).to_have_count(5)
    expect(cases.first).to_contain_text("bygg-2023-0001")
    expect(cases.first).to_contain_text("Álaheadju «0» suohkan")
    expect(cases.first).to_contain_text("Submitted")
    slider = shared.get_by_role("slider", name="Instant of the log")
    slider.focus()
    slider.press("Home")
    expect(cases.first).to_contain_text("not begun")
    slider.press("ArrowRight")
    expect(cases.first).to_contain_text("draft")
    expect(cases.nth(1)).to_contain_text("not begun")
    assert "14 Aug 2023" in (slider.get_attribute("aria-valuetext") or "")
    expect(shared.locator("#tally")).to_contain_text("not begun")
    cases.first.click()
    rows = shared.locator("#events > li")
    expect(rows).to_have_count(7)
    assert shared.locator("#events > li.later").count() == 6
    expect(rows.nth(1)).to_contain_text("After the chosen instant")
    expect(rows.nth(5)).to_contain_text("Left out: account")
    assert shared.locator("#events .mark.ok").count() == 7


def test_an_event_can_be_opened_and_a_fault_leads_to_its_event(shared: Page) -> None:
    give(shared, next(one for one in SPOILT if one.what == "an amount changed").pack())
    shared.get_by_role("link", name=re.compile("^Event 11 ")).click()
    row = shared.locator("#event-11")
    expect(row).to_be_focused()
    expect(row).to_contain_text("Fault here")
    expect(shared.locator("#event-15")).to_contain_text("Not proven")
    row.get_by_text("The event as JSON").click()
    expect(row.locator("pre")).to_contain_text('"sum": 2.5')


def test_what_a_pack_says_is_never_markup(shared: Page) -> None:
    script = '<img src=x onerror="document.title=1"><script>document.title=1</script>'
    spoil = relined(lambda lines: [one.update(topic=script) for one in lines] and None)
    give(shared, zipped(spoil(whole()) | {f"answers/{script.replace('/', '')}": b""}))
    shared.locator("#cases button").first.click()
    assert shared.locator("main img, main script").count() == 0
    expect(shared.locator("#faults")).to_contain_text("<img src=x")
    assert shared.title() == "Evidence pack · GrantFlow"


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("nb-NO", "Hendelsene er ekte; rapport og svar er ikke signert"),
        ("nn-NO", "Hendingane er ekte; rapport og svar er ikkje signerte"),
        ("en-US", "The events are genuine; report and answers are not signed"),
    ],
)
def test_it_speaks_the_readers_language(browser: Browser, locale: str, said: str) -> None:
    context = browser.new_context(locale=locale)
    page = context.new_page()
    page.goto(PAGE.as_uri())
    give(page, zipped(whole()))
    expect(page.locator("#verdict-title")).to_have_text(said)
    assert page.locator("html").get_attribute("lang") == locale[:2]
    page.locator("#language").select_option("nn")
    expect(page.locator("#verdict-title")).to_have_text(
        "Hendingane er ekte; rapport og svar er ikkje signerte"
    )
    assert page.evaluate(UNSAID) == []
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_it_can_be_read_by_day_and_night_on_any_screen(browser: Browser, scheme: Any, width: str) -> None:
    size: Any = {"width": WIDTHS[width], "height": 800}
    page, complaints = opened(browser, color_scheme=scheme, viewport=size)
    for keys, spoilt in (((KEY,), False), ((), False), ((KEY,), True)):
        give(page, SPOILT[0].pack() if spoilt else zipped(whole()), keys)
        page.locator("#cases button").first.click()
        page.locator("#events details").first.evaluate("(one) => { one.open = true; }")
        assert page.evaluate(CONTRAST) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.context.close()
    assert complaints == []


UNSAID = """Object.entries({ ...WORDS, ...FAULTS, ...REASONS, ...ROLES })
  .filter(([, said]) => said.length !== 3 || said.some((one) => !one)).map(([key]) => key)"""
"""What the page can't say in each of its languages."""

NAMELESS = """[...document.querySelectorAll("input, select, textarea, button, progress")]
  .filter((one) => !one.labels?.length && !one.textContent.trim() && !one.hasAttribute("aria-labelledby"))
  .map((one) => one.id)"""
"""What can be used on the page and has no name."""

CONTRAST = """() => {
  const parts = (text) => text.match(/[\\d.]+/g).map(Number);
  const linear = (v) => v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const behind = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const color = parts(getComputedStyle(at).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const bad = [];
  for (const one of document.body.querySelectorAll("*")) {
    const says = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!says || !one.checkVisibility() || one.closest("script, noscript, option")) continue;
    const [a, b] = [light(parts(getComputedStyle(one).color)), light(behind(one))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) bad.push(`${one.tagName}.${one.className} ${one.textContent.slice(0, 40)}`);
  }
  return bad;
}"""
"""What on the page has less contrast than WCAG 2.1 AA asks of text."""


def test_everything_has_a_name_and_can_be_reached_by_keyboard(browser: Browser) -> None:
    page, _ = opened(browser)
    page.keyboard.press("Tab")
    expect(page.get_by_label("Language")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Choose a pack (ZIP)")).to_be_focused()
    assert page.locator("label.choose").evaluate("(one) => getComputedStyle(one).outlineStyle") == "solid"
    page.keyboard.press("Tab")
    expect(page.get_by_role("textbox", name="A key you trust")).to_be_focused()
    give(page, zipped(whole()))
    expect(page.locator("#verdict")).to_be_focused()
    expect(page.get_by_role("status").first).to_contain_text(
        "The events are genuine; report and answers are not signed"
    )
    snapshot = page.locator("body").aria_snapshot()
    for wanted in (
        'heading "GrantFlow Evidence pack"',
        'group "The events are genuine; report and answers are not signed"',
        'region "What was checked"',
        'slider "Instant of the log"',
        'searchbox "Find a case"',
        'button "bygg-2023-0001',
        'combobox "Language"',
    ):
        assert wanted in snapshot
    assert page.evaluate(NAMELESS) == []
    page.locator("#cases button").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="The events of bygg-2023-0001")).to_be_visible()
    page.get_by_label("Find a case").fill("«2»")
    expect(page.locator("#cases button")).to_have_count(1)
    page.context.close()


def test_a_pack_can_be_dropped_on_the_page(shared: Page) -> None:
    shared.evaluate("document.documentElement.dataset.verdict = 'none'")
    shared.fill("#key", KEY)
    drop = """(raw) => {
      const bytes = Uint8Array.from(atob(raw), (sign) => sign.charCodeAt(0)), data = new DataTransfer();
      data.items.add(new File([bytes], "dropped.zip"));
      document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
    }"""
    shared.evaluate(drop, base64.b64encode(zipped(whole())).decode())
    shared.locator("html[data-verdict=honest]").wait_for(state="attached")
    expect(shared.locator("#file-name")).to_have_text("dropped.zip")
