"""`undercroft createsuperuser`: make a user who may do everything."""

import click

from undercroft.cli.target import load_app


@click.command("createsuperuser")
@click.argument("app", required=False)
@click.option("--username", help="Its name, or whatever identifies users of the project.")
@click.option("--email", help="Its e-mail address.")
@click.option("--no-input", "--noinput", is_flag=True, help="Ask nothing.")
def command(app: str | None, username: str | None, email: str | None, no_input: bool) -> None:
    """Make a user who may do everything.

    What is not told is asked for. With --no-input it comes from the environment:
    UNDERCROFT_SUPERUSER_USERNAME, _EMAIL and _PASSWORD, and so on for other required fields. No
    option takes a password, since others can see how commands were called.
    """
    load_app(app)
    # They load SQLAlchemy, which the application has loaded already.
    from undercroft.auth.users import get_user_model  # noqa: PLC0415
    from undercroft.cli.accounts import AccountQuestions  # noqa: PLC0415 - as above

    model, questions = get_user_model(), AccountQuestions(no_input)
    told = {model.EMAIL_FIELD: email, model.USERNAME_FIELD: username}
    if model.EMAIL_FIELD == model.USERNAME_FIELD:
        told = {model.USERNAME_FIELD: username if username is not None else email}
    names = dict.fromkeys((model.USERNAME_FIELD, *model.REQUIRED_FIELDS))
    values = {name: questions.find_value(name, told.get(name)) for name in names}
    password = questions.find_password(model(**values))
    identifier = values.pop(model.USERNAME_FIELD)
    model.objects.create_superuser(identifier, password=password, **values)
    click.echo(f"Made the superuser {identifier}.")
