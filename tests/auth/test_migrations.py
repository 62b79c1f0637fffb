"""Our migrations fit whichever model of users a project has; a process can have one only."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PEOPLE = """
import uuid
from undercroft import models
from undercroft.auth.models import AbstractUser


def make_key() -> str:
    return uuid.uuid4().hex


class Person(AbstractUser):
    {key}
    class Meta(AbstractUser.Meta):
        app_label = "people"
"""

#: Makes migrations, applies them, uses the tables, and takes all back, on each database.
SCRIPT = """
import sys
from undercroft import App, Settings
from undercroft.db.connections.databases import databases
from undercroft.migrations import find_apps
from undercroft.migrations.applying import MigrateOptions, migrate
from undercroft.migrations.making import MakeOptions, make_migrations

own, *urls = sys.argv[1:]
apps = ["undercroft.auth", *([own] if own else [])]
for number, url in enumerate(urls):
    app = App(Settings(secret_key="k" * 40, database_url=url), apps=apps)
    found = find_apps((each.label, each.path) for each in app.apps)
    made = make_migrations(found, MakeOptions(dry_run=False))
    assert [each.label for each in made] == ([own] if own and not number else []), made
    assert make_migrations(found, MakeOptions(dry_run=True)) == []
    steps = migrate(found)
    if own:
        order = [f"{step.label}.{step.name[:4]}" for step in steps]
        assert order.index("auth.0001") < order.index("people.0001") < order.index("auth.0003")
    from undercroft.auth import get_user_model
    from undercroft.auth.models import Token
    user = get_user_model().objects.create_user("ada", password="secret")
    _, key = Token.objects.create_token(user, "ci")
    assert Token.objects.find_by_key(key).user == user
    Token.objects.filter(user=user.pk).update(name="other")
    # The database itself lets tokens go with their user.
    table = user.__options__.table
    with databases["default"].sync_engine.begin() as connection:
        for each in ("groups", "user_permissions"):
            connection.execute(type(user).metadata.tables[f"{table.name}_{each}"].delete())
        connection.execute(table.delete())
    assert Token.objects.count() == 0
    migrate(found, MigrateOptions(label="auth", target="zero"))
    print("done", url.split(":")[0])
"""

KEYS = {
    "default": None,
    "counted": "nickname = models.CharField(max_length=50, blank=True, default='')",
    "uuid": "id = models.UUIDField(primary_key=True, default=uuid.uuid4)",
    "text": "id = models.CharField(max_length=36, primary_key=True, default=make_key)",
}


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.mariadb
@pytest.mark.parametrize("kind", KEYS)
def test_the_tables_refer_to_the_user_there_is(
    kind: str, tmp_path: Path, sqlite_url: str, postgres_url: str, mariadb_url: str
) -> None:
    """Made from nothing and found complete, with whatever key, on every database."""
    key = KEYS[kind]
    if key is not None:
        (tmp_path / "people").mkdir()
        (tmp_path / "people" / "__init__.py").touch()
        (tmp_path / "people" / "models.py").write_text(PEOPLE.format(key=key), encoding="utf-8")
    own = "" if key is None else "people"
    urls = (sqlite_url, postgres_url, mariadb_url)
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, own, *urls],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.stdout.splitlines() == ["done sqlite", "done postgresql", "done mysql"], (
        ended.stderr
    )
