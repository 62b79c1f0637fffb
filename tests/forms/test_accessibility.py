"""Pages of forms for everybody: what axe finds in Chromium, and what a screen reader is told."""

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.forms.test_forms import Contact
from tests.forms.test_formsets import Line, send
from undercroft import forms
from undercroft.forms.rendering import get_templates

Lines = forms.formset_factory(
    Line, extra=1, min_num=2, max_num=2, can_delete=True, can_order=True, row_name="Line"
)
WRONG = send({"what": "", "count": "0"}, {"what": "Tea", "count": "1"}, {"what": "x", "count": "2"})


def show(browser: Browser, form: Any, scheme: Any = "light") -> Page:
    page = browser.new_page(color_scheme=scheme)
    page.set_content(
        '<!doctype html><html lang="en"><meta name="color-scheme" content="light dark">'
        # Said outright, for axe does not see the colour a dark scheme gives the canvas.
        "<style>body { background: Canvas; color: CanvasText }</style>"
        f"<title>An order</title><main><h1>An order</h1><form>{form.__html__()}"
        "<button>Send</button></form></main>"
    )
    return page


@pytest.mark.parametrize(
    "name, form, scheme",
    [
        ("form", Contact(), "light"),
        ("form-errors", Contact({"name": "", "colour": "x"}), "dark"),
        ("formset", Lines(initial=[{"what": "Jam"}]), "dark"),
        ("formset-errors", Lines(WRONG), "light"),
    ],
)
def test_axe_finds_nothing(
    chromium: Browser, tmp_path: Path, name: str, form: Any, scheme: str
) -> None:
    """Neither fresh pages nor those with mistakes have anything that keeps people out."""
    page = show(chromium, form, scheme)
    page.screenshot(path=tmp_path / f"{name}.png", full_page=True)
    axe: Any = Axe()
    found = axe.run(page)
    assert found.violations_count == 0, found.generate_report()


def test_rows_are_groups_with_names(chromium: Browser) -> None:
    """Each row is a group by its legend, its controls have their labels, mistakes lead to them."""
    page = show(chromium, Lines(WRONG))
    first = page.get_by_role("group", name="Line 1")
    wrong = first.get_by_role("textbox", name="What")
    assert wrong.get_attribute("aria-invalid") == "true"
    assert wrong.get_attribute("aria-describedby") == "id_form-0-what-error"
    assert page.get_by_role("group", name="Line 2").get_by_role("textbox", name="What").is_visible()
    summary = page.get_by_role("alert", name="There is a problem")
    assert summary.get_by_text("Rows: at most 2.").is_visible()
    summary.get_by_role("link", name="Line 1: What: Enter a value.").click()
    assert page.evaluate("document.activeElement.id") == "id_form-0-what"


def test_a_script_adds_a_row(chromium: Browser) -> None:
    """A copy of the empty form, with its number, is a row like the others."""
    row = get_templates().environment.from_string("{{ render_row(form) }}")
    template = row.render(form=Lines().empty_form)
    page = show(chromium, Lines())
    page.evaluate(
        """(row) => {
            const total = document.getElementById("id_form-TOTAL_FORMS");
            const html = row.replaceAll("__prefix__", total.value);
            document.querySelector("form").insertAdjacentHTML("beforeend", html);
            total.value = Number(total.value) + 1;
        }""",
        template,
    )
    added = page.locator("[name=form-2-what]")
    added.fill("Rice")
    assert page.locator("#id_form-TOTAL_FORMS").input_value() == "3"
    assert page.locator("fieldset").count() == 3
