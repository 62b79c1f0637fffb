"""`inspectdb`, run as a user runs it."""

import sqlite3
from pathlib import Path

import pytest

from tests.cli.conftest import Run

pytestmark = pytest.mark.slow

TABLES = """
CREATE TABLE shop_customer (id INTEGER PRIMARY KEY, name VARCHAR(100) NOT NULL);
CREATE TABLE shop_order (
    id INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES shop_customer (id) ON DELETE CASCADE,
    paid BOOLEAN NOT NULL DEFAULT 0
);
CREATE INDEX shop_orders ON shop_order (customer_id);
CREATE INDEX shop_half ON shop_order (id / 2);
"""


@pytest.fixture
def legacy(project: Path) -> str:
    """The address of a database that others have made."""
    with sqlite3.connect(project / "legacy.sqlite3") as connection:
        connection.executescript(TABLES)
    connection.close()
    return "sqlite:///legacy.sqlite3"


def test_a_database_becomes_an_app(run: Run, project: Path, legacy: str) -> None:
    """Models are written to a file, and the rows are there; no migration is made for them."""
    (project / "shop").mkdir()
    (project / "shop" / "__init__.py").touch()
    written = run(
        "inspectdb", "--database", legacy, "--label", "shop", "--output", "shop/models.py"
    )
    assert (written.returncode, written.stdout) == (0, ""), written.stderr
    assert "Wrote 2 models to shop/models.py." in written.stderr
    assert "shop_order: Skipped unsupported reflection" in written.stderr
    app = project / "mysite" / "app.py"
    app.write_text(app.read_text("utf-8").replace('apps=["blog"]', 'apps=["shop"]'), "utf-8")
    code = (
        "c = Customer.objects.create(name='Ada'); Order.objects.create(customer=c); "
        "print(c.order_set.get().paid)"
    )
    result = run("shell", "-c", code, UNDERCROFT_DATABASE_URL=legacy)
    assert result.stdout == "False\n", result.stderr
    assert "No changes detected" in run("makemigrations").stdout
    again = run("inspectdb", "--database", legacy, "--output", "shop/models.py")
    assert (again.returncode, "would be lost" in again.stderr) == (1, True)


def test_standard_output_is_a_module(run: Run, legacy: str) -> None:
    """Of the application's own database by name, of another by URL; one table or all."""
    named = run("inspectdb", "shop_customer", UNDERCROFT_DATABASE_URL=legacy)
    assert named.stdout.startswith('"""Models of the tables'), named.stderr
    assert "class ShopCustomer(models.Model):" in named.stdout
    assert "class ShopOrder" not in named.stdout
    compile(named.stdout, "models.py", "exec")
    managed = run("inspectdb", "--database", legacy, "--managed").stdout
    assert "managed = False" not in managed
    assert 'models.Index(fields=["customer"], name="shop_orders")' in managed
    missing = run("inspectdb", "shop_ordre", "--database", legacy)
    assert missing.returncode == 1
    assert "Did you mean 'shop_order'?" in missing.stderr
