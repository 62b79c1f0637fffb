"""`undercroft changepassword`: give a user a new password."""

import click

from undercroft.cli.target import load_app


@click.command("changepassword")
@click.argument("username")
@click.argument("app", required=False)
@click.option("--no-input", "--noinput", is_flag=True, help="Ask nothing.")
def command(username: str, app: str | None, no_input: bool) -> None:
    """Give the user USERNAME a new password, which ends all sessions of the account.

    With --no-input it is taken from UNDERCROFT_SUPERUSER_PASSWORD.
    """
    load_app(app)
    # They load SQLAlchemy, which the application has loaded already.
    from undercroft.auth.users import get_user_model  # noqa: PLC0415
    from undercroft.cli.accounts import AccountQuestions  # noqa: PLC0415 - as above

    user = get_user_model().objects.find_by_login(username)
    if user is None:
        raise click.ClickException(f"There is no user {username!r}.")
    user.set_password(AccountQuestions(no_input).find_password(user))
    user.save(update_fields=["password"])
    click.echo(f"Changed the password of {user}.")
