"use strict";
// ?room=name chooses the room, ?by=events talks by Server-Sent Events and POST.
const asked = new URLSearchParams(location.search);
const address = `/rooms/${asked.get("room") || "lobby"}`;
const byEvents = asked.get("by") === "events";
const list = document.getElementById("messages");
const state = document.getElementById("state");
let newest = 0;
let socket = null;

function show(message) {
  if (message.id <= newest) return;
  newest = message.id;
  const item = document.createElement("li");
  item.textContent = `${message.author}: ${message.text}`;
  list.append(item);
}

// What was said while nobody listened is in the history; `show` leaves out what is there already.
async function catchUp() {
  for (const message of await (await fetch(address)).json()) show(message);
  state.textContent = byEvents ? "listening by events" : "connected";
}

function connect() {
  if (byEvents) {
    const events = new EventSource(`${address}/events`);
    events.onopen = catchUp;
    events.onmessage = (event) => show(JSON.parse(event.data));
    events.onerror = () => { state.textContent = "connecting"; };
    return;
  }
  socket = new WebSocket(`${location.protocol.replace("http", "ws")}//${location.host}${address}/ws`);
  socket.onopen = catchUp;
  socket.onmessage = (event) => show(JSON.parse(event.data));
  socket.onclose = () => { state.textContent = "connecting"; setTimeout(connect, 1000); };
}

document.getElementById("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = document.getElementById("text");
  const said = JSON.stringify({ author: document.getElementById("author").value, text: text.value });
  if (byEvents) {
    await fetch(address, { method: "POST", headers: { "content-type": "application/json" }, body: said });
  } else {
    socket.send(said);
  }
  text.value = "";
});

connect();
