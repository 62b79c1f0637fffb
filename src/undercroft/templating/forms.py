"""Forms in templates: `render_form(form)` and `render_field(form.title)`, which projects override.

A form is known here by what its templates ask of it only.
"""

from typing import Any

from jinja2 import pass_context, pass_environment
from jinja2.environment import Environment
from jinja2.runtime import Context
from markupsafe import Markup


@pass_context
def render_form(context: Context, form: Any) -> Markup:
    """Render a form's fields, the summary of its mistakes and the field against forgery."""
    form.load()
    template = context.environment.get_template(form.template_name)
    page = template.render({**context.get_all(), "form": form})
    return Markup(page)  # noqa: S704 - escaped by Jinja2


@pass_environment
def render_field(environment: Environment, field: Any) -> Markup:
    """Render one field with its label, help and mistakes."""
    page = environment.get_template("forms/field.html").render(field=field)
    return Markup(page)  # noqa: S704 - escaped by Jinja2


@pass_environment
def render_row(environment: Environment, row: Any) -> Markup:
    """Render one form of a formset as a group of its own, such as its empty one for scripts."""
    page = environment.get_template("forms/row.html").render(row=row)
    return Markup(page)  # noqa: S704 - escaped by Jinja2


@pass_environment
def render_widget(environment: Environment, field: Any) -> Markup:
    """Render the control of a field."""
    page = environment.get_template(field.widget.template_name).render(field=field)
    return Markup(page.strip())  # noqa: S704 - escaped by Jinja2


def build_form_globals() -> dict[str, Any]:
    """Build the globals that render forms."""
    return {
        "render_field": render_field,
        "render_form": render_form,
        "render_row": render_row,
        "render_widget": render_widget,
    }
