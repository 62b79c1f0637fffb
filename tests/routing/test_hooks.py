"""Hooks and exception handlers of routers and the app, over both gateways."""

import asyncio
from collections.abc import Callable

import pytest

from undercroft import App, HTTPException, JSONResponse, Request, Response, Router
from undercroft.errors import ImproperlyConfigured, NotFound, ValidationError
from undercroft.testing import Client

MakeClient = Callable[..., Client]


class ShopError(Exception):
    """An error of the application's own."""


class EmptyError(ShopError):
    """One that derives from it."""


def build_failing() -> App:
    app = App()
    shop = Router("/shop")

    @app.get("/fail/{kind}")
    @shop.get("/fail/{kind}")
    def fail(kind: str) -> str:
        kinds: dict[str, Exception] = {
            "shop": ShopError("full"),
            "empty": EmptyError("none"),
            "404": NotFound("gone"),
            "409": HTTPException(409, "twice"),
            "invalid": ValidationError("odd"),
            "other": RuntimeError("secret"),
        }
        raise kinds[kind]

    @app.exception_handler(ShopError)
    def answer_shop(request: Request, error: ShopError) -> dict[str, str]:
        return {"path": request.path, "app": str(error)}

    @app.errorhandler(404)
    async def answer_missing(error: NotFound) -> JSONResponse:
        await asyncio.sleep(0)
        return JSONResponse({"missing": error.detail}, 410)

    @app.exception_handler(HTTPException)
    def answer_http(error: HTTPException) -> str:
        return f"http {error.status_code}"

    @shop.exception_handler(EmptyError)
    async def answer_empty(request: Request, error: EmptyError) -> str:
        return f"empty {error}"

    app.include(shop)
    return app


def test_the_nearest_class_answers_and_a_status_goes_before(client: MakeClient) -> None:
    """A router's handler goes first, then a status, then a class, then its base."""
    spoken = client(build_failing())

    def get(address: str) -> tuple[int, object]:
        answer = spoken.get(address)
        is_json = "json" in answer.headers["content-type"]
        return answer.status_code, answer.json() if is_json else answer.text

    assert get("/fail/shop") == (500, {"path": "/fail/shop", "app": "full"})
    assert get("/fail/empty") == (500, {"path": "/fail/empty", "app": "none"})
    assert get("/shop/fail/empty") == (500, "empty none")
    assert get("/shop/fail/shop") == (500, {"path": "/shop/fail/shop", "app": "full"})
    assert get("/fail/404") == (410, {"missing": "gone"})
    assert get("/nowhere") == (410, {"missing": "Not Found"})
    assert get("/fail/409") == (409, "http 409")
    assert get("/fail/invalid")[0] == 422
    status, body = get("/fail/other")
    assert status == 500
    assert "secret" not in str(body)


def test_a_handler_that_fails_is_a_500(
    client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    """What fails in a handler is logged and told to nobody; an answer it raises is an answer."""
    app = App()

    @app.get("/")
    def fail() -> None:
        raise KeyError("first")

    @app.get("/known")
    def fail_knowingly() -> None:
        raise LookupError("other")

    @app.exception_handler(KeyError)
    def answer(error: KeyError) -> str:
        raise RuntimeError("second")

    @app.exception_handler(LookupError)
    def translate(error: LookupError) -> str:
        raise NotFound("translated") from error

    spoken = client(app)
    answered = spoken.get("/")
    assert answered.status_code == 500
    assert "second" not in answered.text
    assert "second" in caplog.text
    assert "first" in caplog.text
    assert spoken.get("/known").json()["detail"] == "translated"


def test_the_handler_of_500_answers_the_unexpected(
    client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    """It gets what was raised, which is logged all the same."""
    app = App()

    @app.get("/")
    def fail() -> None:
        raise RuntimeError("unexpected")

    @app.exception_handler(500)
    def answer(error: Exception) -> str:
        return f"sorry: {type(error).__name__}"

    answered = client(app).get("/")
    assert (answered.status_code, answered.text) == (500, "sorry: RuntimeError")
    assert "unexpected" in caplog.text


def test_hooks_run_around_the_handlers_of_their_router(client: MakeClient) -> None:
    """The app's first and its router's next, and back again; others' are left alone."""
    app, shop, seen = App(), Router("/shop"), list[str]()

    @app.before_request
    def begin(request: Request) -> None:
        seen.append(f"app {request.path}")

    @shop.before_request
    async def begin_shop() -> None:
        await asyncio.sleep(0)
        seen.append("shop")

    @shop.after_request
    def end_shop(response: Response) -> None:
        response.headers["x-shop"] = "1"
        seen.append("after shop")

    @app.after_request
    async def end(request: Request, response: Response) -> Response:
        seen.append("after app")
        response.headers["x-app"] = str(response.status_code)
        return response

    @shop.get("/")
    def show() -> str:
        seen.append("handler")
        return "shop"

    @app.get("/")
    def home() -> str:
        return "home"

    app.include(shop)
    spoken = client(app)
    answer = spoken.get("/shop/")
    assert (answer.text, answer.headers["x-shop"], answer.headers["x-app"]) == ("shop", "1", "200")
    assert seen == ["app /shop/", "shop", "handler", "after shop", "after app"]
    assert "x-shop" not in spoken.get("/").headers


def test_a_hook_may_answer(client: MakeClient) -> None:
    """What a hook before returns is the answer, and one that raises is answered as a handler is."""
    app, shop = App(), Router("/shop")
    kept = Response(b"closed", 503)

    @shop.get("/")
    def show() -> str:
        return "open"

    @shop.before_request
    def close(request: Request) -> Response | dict[str, str] | None:
        if "raise" in request.query_params:
            raise ShopError("closed")
        return kept if "kept" in request.query_params else {"state": "closed"}

    @shop.after_request
    def mark(response: Response) -> None:
        response.headers.append("x-mark", "1")

    @shop.exception_handler(ShopError)
    def answer() -> str:
        return ""

    app.include(shop)
    with pytest.raises(ImproperlyConfigured, match="takes 0 arguments"):
        app.build()
    shop.hooks.handlers[ShopError] = lambda error: f"sorry, {error}"

    spoken = client(app)
    assert spoken.get("/shop/").json() == {"state": "closed"}
    for _ in range(2):
        answered = spoken.get("/shop/?kept=1")
        assert answered.headers.get_list("x-mark") == ["1"]
    assert spoken.get("/shop/?raise=1").text == "sorry, closed"


def test_wrong_keys_and_second_handlers_are_refused() -> None:
    """What no error can have as status or class, and two handlers for one, are errors at once."""
    app = App()
    for key in (200, "404", BaseException, int):
        with pytest.raises(ImproperlyConfigured, match="neither the status"):
            app.exception_handler(key)  # type: ignore[arg-type]  # that is what is refused
    app.exception_handler(404)(lambda error: "a")
    with pytest.raises(ImproperlyConfigured, match="two exception handlers"):
        app.exception_handler(404)(lambda error: "b")
