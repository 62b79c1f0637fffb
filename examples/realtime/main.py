"""A chat with a history, by WebSocket or by Server-Sent Events; see README.md."""

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Annotated

from chat.models import Message
from pydantic import BaseModel, Field

from undercroft import (
    App,
    Broadcast,
    OpenAPIOptions,
    Request,
    Response,
    ServerSentEvent,
    Settings,
    WebSocket,
    render,
)
from undercroft import Path as InPath

# No database keeps U+0000, which JSON may hold.
Text = Annotated[str, Field(pattern=r"^[^\x00]*$")]
Room = Annotated[str, InPath(pattern="^[a-z]{1,20}$")]
MOST_SHOWN = 50

app = App(
    Settings(base_dir=Path(__file__).parent),
    apps=["chat"],
    openapi=OpenAPIOptions(title="Chat", license={"name": "MIT", "identifier": "MIT"}),
)
rooms = Broadcast()


class Said(BaseModel):
    """What somebody says."""

    author: Text = Field(min_length=1, max_length=50)
    text: Text = Field(min_length=1, max_length=2000)


class Heard(Said):
    """What everybody hears."""

    id: int
    sent_at: datetime


async def say(room: str, said: Said) -> None:
    """Keep a message, then tell the room."""
    message = await Message.objects.acreate(room=room, author=said.author, text=said.text)
    await rooms.publish(room, to_heard(message))


def to_heard(message: Message) -> Heard:
    """Turn a row into what is sent."""
    return Heard(id=message.id, author=message.author, text=message.text, sent_at=message.sent_at)


@app.get("/", include_in_schema=False)
def home(request: Request) -> Response:
    """Show the page."""
    return render(request, "index.html")


@app.get("/rooms/{room}")
async def history(room: Room) -> list[Heard]:
    """List the last messages of a room, the oldest first."""
    latest = await Message.objects.filter(room=room).order_by("-id")[:MOST_SHOWN]
    return [to_heard(message) for message in reversed(list(latest))]


@app.websocket("/rooms/{room}/ws")
async def talk(socket: WebSocket, room: Room) -> None:
    """Let somebody talk and listen."""
    await socket.accept()
    async with rooms.join(room, socket):
        async for said in socket.messages(Said):
            await say(room, said)


@app.get("/rooms/{room}/events")
async def listen(room: Room) -> AsyncIterator[ServerSentEvent]:
    """Let somebody listen by Server-Sent Events."""
    async for message in rooms.listen(room):
        yield ServerSentEvent(message)


@app.post("/rooms/{room}", status_code=204)
async def post(room: Room, said: Said) -> None:
    """Let somebody who listens by events talk."""
    await say(room, said)
