"""Groups: what one says, all hear; whoever is slow is bounded, by the policy chosen."""

import asyncio
from collections.abc import AsyncIterator
from typing import Literal

import pytest

from undercroft import App, Broadcast, WebSocket, WebSocketDisconnect
from undercroft.testing import Client


def build_chat(hub: Broadcast) -> App:
    app = App()

    @app.websocket("/rooms/{room}")
    async def chat(socket: WebSocket, room: str) -> None:
        await socket.accept()
        async with hub.join(room, socket):
            await socket.send_text("joined")
            async for text in socket.iter_text():
                await hub.publish(room, {"said": text})

    @app.get("/events/{room}")
    async def listen(room: str) -> AsyncIterator[str]:
        async for message in hub.listen(room):
            yield message
            return

    @app.post("/rooms/{room}")
    async def say(room: str, text: str) -> None:
        await hub.publish(room, text)

    return app


def test_a_group_hears_what_is_said_in_it_and_no_other() -> None:
    """Everybody in a room, the speaker too, gets each message once; who left gets none."""
    hub = Broadcast()
    with Client(build_chat(hub)) as client:
        with (
            client.websocket_connect("/rooms/a") as one,
            client.websocket_connect("/rooms/b") as other,
        ):
            with client.websocket_connect("/rooms/a") as two:
                assert [each.receive_text() for each in (one, two, other)] == ["joined"] * 3
                two.send_text("hello")
                assert one.receive_json() == two.receive_json() == {"said": "hello"}
            assert client.post("/rooms/a?text=late").status_code == 204
            assert one.receive_text() == "late"
            with pytest.raises(TimeoutError):
                other.receive(timeout=0.05)
        assert client.post("/rooms/a?text=nobody").status_code == 204
    assert hub._carrier._groups == {}  # type: ignore[attr-defined]  # nothing is left behind


@pytest.mark.parametrize("policy", ["drop", "disconnect"])
def test_a_slow_listener_holds_nobody_up(policy: Literal["drop", "disconnect"]) -> None:
    """Beyond the limit the oldest are dropped, or the listener is; the speaker never waits."""

    async def talk() -> list[str]:
        hub = Broadcast(policy, most_waiting=3)
        listening = hub.listen("a")
        first = asyncio.ensure_future(anext(listening))
        await asyncio.sleep(0)
        for number in range(10):
            await asyncio.wait_for(hub.publish("a", str(number)), 1)
        heard = [await first]
        async for message in listening:
            heard.append(message)
            if message == "9":
                break
        return heard

    heard = asyncio.run(talk())
    assert len(heard) <= 4
    assert policy == "disconnect" or heard[-3:] == ["7", "8", "9"]


def test_a_speaker_waits_where_that_is_the_policy() -> None:
    """With "wait" nothing is lost: the speaker goes as fast as the slowest listener."""

    async def talk() -> list[str]:
        hub = Broadcast("wait", most_waiting=2)
        heard: list[str] = []

        async def hear() -> None:
            async for message in hub.listen("a"):
                heard.append(message)
                await asyncio.sleep(0)
                if message == "99":
                    return

        hearing = asyncio.create_task(hear())
        await asyncio.sleep(0)
        for number in range(100):
            await hub.publish("a", str(number))
        await asyncio.wait_for(hearing, 5)
        return heard

    assert asyncio.run(talk()) == [str(number) for number in range(100)]


def test_a_slow_socket_is_closed_and_frees_who_speaks() -> None:
    """A client that does not read is closed with 1013, while others go on."""

    class Stuck:
        code = 0

        async def accept(self, *_: object) -> None: ...

        async def transmit(self, message: str | bytes) -> None:
            await asyncio.sleep(3600)

        async def receive(self) -> str:
            await asyncio.sleep(0.2)
            raise WebSocketDisconnect(1006)

        async def close(self, code: int, reason: str) -> None:
            self.code = code

    async def talk() -> int:
        from undercroft import Request

        wire = Stuck()
        socket = WebSocket(Request("GET", "/"), wire)  # type: ignore[arg-type]
        await socket.accept()
        hub = Broadcast("disconnect", most_waiting=2)
        async with hub.join("a", socket):
            for number in range(10):
                await hub.publish("a", str(number))
                await asyncio.sleep(0)
            await asyncio.sleep(0.05)
        return wire.code

    assert asyncio.run(talk()) == 1013
