"""The same application object under the servers people already run."""

import pytest

from tests.server.conftest import Start

SERVERS = {
    "uvicorn": ["uvicorn", "main:app", "--port", "{port}"],
    "hypercorn": ["hypercorn", "main:app", "--bind", "127.0.0.1:{port}"],
    "gunicorn-sync": ["gunicorn", "main:app", "--bind", "127.0.0.1:{port}"],
    "gunicorn-gthread": [
        *("gunicorn", "main:app", "--bind", "127.0.0.1:{port}"),
        *("--worker-class", "gthread", "--threads", "2"),
    ],
    "undercroft": ["undercroft", "serve", "main:app", "--bind", "127.0.0.1:{port}"],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SERVERS)
def test_the_application_runs_unchanged(start: Start, name: str) -> None:
    """Async and sync handlers, bodies, errors and HEAD answer alike under every server."""
    server = start(*SERVERS[name]).wait()
    answer = server.get("/hello/Ada?excited=true")
    assert (answer.status_code, answer.json()) == (200, {"message": "Hello, Ada!"})
    assert server.get("/plain").text == "plain"
    assert server.ask("POST", "/echo", json={"a": 1}).json() == {"a": 1}
    json = {"content-type": "application/json"}
    assert server.ask("POST", "/echo", content=b"{", headers=json).status_code in (400, 422)
    assert server.get("/nowhere").json()["code"] == "http.not-found"
    assert server.ask("HEAD", "/plain").headers["content-length"] == "5"
    assert server.get("/hello/%C3%A9").json() == {"message": "Hello, é."}
    assert "Traceback" not in server.read_log()
    server.stop()
