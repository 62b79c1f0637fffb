"""What is done once all apps are imported: there is a user, and migrations make its permissions."""

from undercroft.auth.permissions import create_permissions
from undercroft.auth.users import USER
from undercroft.db.mapping import registry
from undercroft.db.signals import post_migrate


def prepare() -> None:
    """Declare the user unless a project has its own, and listen for migrations."""
    if registry.find_model(USER) is None:
        # Declaring a class is what gives it a table.
        import undercroft.auth.user  # noqa: F401, PLC0415  # pyright: ignore[reportUnusedImport]

    post_migrate.connect(create_permissions)
