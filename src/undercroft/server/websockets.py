"""How WebSockets are read: by uvicorn's protocol, but who is gone or does not read is let go."""

import asyncio
from asyncio.transports import BaseTransport
from typing import cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode

from undercroft.server.config import ServerConfig
from undercroft.server.watch import UnreadWatch


class BoundedWebSocketProtocol(WebSocketsSansIOProtocol):
    """One WebSocket, whose closing does not wait for a client that reads nothing."""

    config: ServerConfig

    def connection_made(self, transport: BaseTransport) -> None:
        """Get ready to watch whether the client reads."""
        super().connection_made(transport)
        self._unread_watch = UnreadWatch(
            self.config.client_timeout, cast(asyncio.Transport, transport)
        )

    def connection_lost(self, exc: Exception | None) -> None:
        """Watch no longer."""
        self._unread_watch.end()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Begin to watch whether the client reads."""
        super().pause_writing()
        self._unread_watch.begin()

    def resume_writing(self) -> None:
        """Note that it does."""
        super().resume_writing()
        self._unread_watch.takings += 1

    async def run_asgi(self) -> None:
        """Run the handler, and see to what is not sent at its end: closing waits for it."""
        await super().run_asgi()
        self._unread_watch.begin()

    def send_receive_event_to_app(self) -> None:
        """Hand a message over; one that is no UTF-8 is no fault of ours, and not logged as one."""
        if self.curr_msg_data_type == "text" and not self.close_sent:
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                self.frames = []
                self.conn.fail(CloseCode.INVALID_DATA)
                self.handle_parser_exception()
                return
        super().send_receive_event_to_app()

    def keepalive_timeout(self) -> None:
        """Give up who answers no ping, unless it is our handler that does not read."""
        if self.read_paused:
            self.pong_timer = self.pending_ping_payload = None
            self.schedule_ping()
            return
        super().keepalive_timeout()
        if self.transport.get_write_buffer_size():
            self.transport.abort()
