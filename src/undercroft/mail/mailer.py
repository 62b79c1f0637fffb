"""The process's way to send messages: which one, and in whose name, as the settings say."""

import threading
from collections.abc import Generator
from contextlib import contextmanager

from undercroft.errors import ImproperlyConfigured
from undercroft.mail.backend import Backend
from undercroft.mail.urls import build_backend
from undercroft.settings import Settings


class Mailer:
    """What `send_mail` and its kin send by.

    An `App` configures it with its settings; in a script without one they come from the
    environment.
    """

    def __init__(self) -> None:
        self._settings: Settings | None = None
        self._backend: Backend | None = None
        self._replacement: Backend | None = None
        self._lock = threading.Lock()

    def adopt(self, settings: Settings) -> None:
        """Take an application's settings, unless those of another one say more of mail.

        Raises:
            ImproperlyConfigured: Their `mail_url` cannot be used.
        """
        if settings.mail_url is not None or self._settings is None:
            self.configure(settings)

    def configure(self, settings: Settings) -> None:
        """Send as these settings say, from now on.

        Raises:
            ImproperlyConfigured: Their `mail_url` cannot be used.
        """
        url = settings.mail_url
        backend = build_backend(url, settings.base_dir) if url is not None else None
        with self._lock:
            self._settings, self._backend = settings, backend

    @property
    def settings(self) -> Settings:
        """The settings it follows."""
        if self._settings is None:
            self.configure(Settings())
        assert self._settings is not None
        return self._settings

    def get_backend(self) -> Backend:
        """Return what sends.

        Raises:
            ImproperlyConfigured: No `mail_url` is set, and this is not debug.
        """
        if self._replacement is not None:
            return self._replacement
        settings = self.settings
        if self._backend is None:
            if not settings.debug:
                raise ImproperlyConfigured(
                    "A message is to be sent, and there is no mail_url.",
                    hint="Set UNDERCROFT_MAIL_URL, for example to smtp://user:password@host:587, "
                    "or to console://.",
                    code="mail.no-url",
                )
            self._backend = build_backend("console://")
        return self._backend

    def get_from_email(self) -> str:
        """Return whose messages are that name nobody.

        Raises:
            ImproperlyConfigured: No `default_from_email` is set, and this is not debug.
        """
        settings = self.settings
        if settings.default_from_email is not None:
            return settings.default_from_email
        if settings.debug or self._replacement is not None:
            return "webmaster@localhost"
        raise ImproperlyConfigured(
            "A message names no sender, and there is no default_from_email.",
            hint="Set UNDERCROFT_DEFAULT_FROM_EMAIL, for example to 'Example <mail@example.org>'.",
            code="mail.no-sender",
        )

    @contextmanager
    def replaced(self, backend: Backend) -> Generator[None]:
        """Send by something else within the block, whatever is configured meanwhile."""
        before, self._replacement = self._replacement, backend
        try:
            yield
        finally:
            self._replacement = before


mailer = Mailer()
