"""Caches: the same answers in this process and in Redis."""

import asyncio
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import require_service
from undercroft import App, Request, Settings
from undercroft.cache import Cache, MemoryCache, build_cache
from undercroft.errors import (
    CacheUnavailable,
    ImproperlyConfigured,
    SerializationError,
    SynchronousOnlyOperation,
)
from undercroft.testing.client import Client


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Redis server of the module's own."""
    program = shutil.which("redis-server")
    require_service("Redis", program is not None, "no redis-server; Debian's package is `redis`")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder: Path = tmp_path_factory.mktemp("redis")
    command = [str(program), "--port", str(port), "--save", "", "--dir", str(folder)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.02)
    yield f"redis://127.0.0.1:{port}/0"
    server.terminate()
    server.wait(10)


@pytest.fixture(params=["memory", "redis"])
def cache(request: pytest.FixtureRequest) -> Iterator[Cache]:
    """An empty cache of each kind."""
    if request.param == "redis":
        pytest.importorskip("redis")
        cache = build_cache(request.getfixturevalue("redis_url"))
    else:
        cache = build_cache("memory://")
    cache.clear()
    yield cache
    client: Any = getattr(cache, "_client", None)
    if client is not None:
        client.close()


def test_values_are_kept_until_they_are_deleted(cache: Cache) -> None:
    """What is set is got, as a copy; what is not there is the default."""
    value = {"a": [1, None, "½"]}
    cache.set("k", value)
    value["a"].append(2)
    assert cache.get("k") == {"a": [1, None, "½"]}
    assert cache.get("other") is None
    assert cache.get("other", 5) == 5
    assert cache.delete("k") is True
    assert cache.delete("k") is False
    assert cache.get("k") is None


def test_add_and_get_or_set_keep_what_is_there(cache: Cache) -> None:
    """The first one counts; a function is called only where nothing is kept."""
    assert cache.add("k", 1) is True
    assert cache.add("k", 2) is False
    assert cache.get_or_set("k", lambda: pytest.fail("called")) == 1
    assert cache.get_or_set("n", lambda: 3) == 3
    assert cache.get_or_set("n", 4) == 3


def test_a_value_lives_as_long_as_it_was_told(cache: Cache) -> None:
    """After its time a value is gone; a change may leave the time as it is."""
    cache.set("k", 1, ttl=0.2)
    assert cache.incr("k", 4) == 5
    time.sleep(0.25)
    assert cache.get("k") is None
    with pytest.raises(KeyError):
        cache.incr("k")
    assert cache.get("k") is None


def test_no_increment_is_lost(cache: Cache) -> None:
    """Threads that count at the same time count all of it."""
    cache.set("n", 0)
    threads = [
        threading.Thread(target=lambda: [cache.incr("n") for _ in range(50)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache.get("n") == 200


def test_async_twins_answer_alike(cache: Cache) -> None:
    """On the event loop every method has its twin, and a blocking one names it."""

    async def make() -> int:
        return 7

    async def use() -> list[Any]:
        await cache.aset("n", 1)
        found = [await cache.aincr("n"), await cache.aget("n"), await cache.aadd("n", 9)]
        found += [await cache.aget_or_set("m", make), await cache.adelete("m")]
        found.append(await cache.aupdate("n", lambda value: [value]))
        await cache.aclear()
        if cache.blocks:
            with pytest.raises(SynchronousOnlyOperation, match=r"await cache\.aget"):
                cache.get("n")
        return [*found, await cache.aget("n")]

    assert asyncio.run(use()) == [2, 2, False, 7, True, [2], None]


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", float("nan")])
def test_what_json_does_not_know_is_refused(cache: Cache, value: object) -> None:
    """No pickle: a value of another kind is an error that names its key."""
    with pytest.raises(SerializationError, match="'k'"):
        cache.set("k", value)


def test_what_was_used_longest_ago_goes_first() -> None:
    """A cache in memory never grows beyond its bound."""
    cache = MemoryCache(max_entries=2)
    cache.set("a", 1)
    cache.set("b", 2)
    cache.get("a")
    cache.set("c", 3)
    assert [cache.get(key) for key in "abc"] == [1, None, 3]
    assert len(cache) == 2


@pytest.mark.parametrize("url", ["file:///x", "memory://?max_entries=0", "memory://?max_entries=x"])
def test_a_url_of_no_use_is_refused(url: str) -> None:
    """The error shows what may be written, and not the URL, which may have a password."""
    with pytest.raises(ImproperlyConfigured, match="redis://host") as caught:
        build_cache(url)
    assert caught.value.code == "cache.url"


def test_a_server_that_is_gone_is_told_and_is_no_fault_of_ours() -> None:
    """Every call says so, and a request is answered 503 with Retry-After."""
    pytest.importorskip("redis")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        settings = Settings(
            cache_url=f"redis://127.0.0.1:{probe.getsockname()[1]}/0", session_engine="cache"
        )
    app = App(settings)

    @app.get("/")
    async def remember(request: Request) -> str:
        await request.session.aload()
        request.session["seen"] = True
        return "stored"

    cache = app.cache
    calls: list[Callable[[], object]] = [
        lambda: cache.get("k"),
        lambda: cache.set("k", 1),
        lambda: cache.delete("k"),
        lambda: cache.incr("k"),
        cache.clear,
    ]
    for call in calls:
        with pytest.raises(CacheUnavailable, match="does not answer"):
            call()
    for cookies in ({}, {"sessionid": "some-key"}):
        answer = Client(app).get("/", headers={"cookie": "; ".join(map("=".join, cookies.items()))})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert answer.json()["code"] == "cache.unavailable"
