"""Measure what one middleware costs a request, in this process, round by round in turn.

    python benchmarks/middleware.py [--rounds 60]

Applications with no, one and ten middlewares, and with one on the route, answer the same request by
turns, so that a machine whose speed drifts does so for all of them.
"""

import argparse
import asyncio
from statistics import median
from time import process_time

from undercroft import App, Request, Response

CALLS = 2_000


async def layer(request: Request, call_next) -> Response:
    return await call_next(request)


def build(count: int, on_route: int = 0) -> App:
    app = App(middleware=[layer] * count)

    @app.get("/", middleware=[layer] * on_route)
    async def home() -> str:
        return "home"

    app.build()
    return app


async def measure(app: App) -> float:
    """Microseconds of CPU for one request."""
    started = process_time()
    for _ in range(CALLS):
        await app.handle(Request("GET", "/"))
    return (process_time() - started) / CALLS * 1e6


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=60)
    rounds = parser.parse_args().rounds
    apps = {"none": build(0), "one": build(1), "ten": build(10), "one, on the route": build(0, 1)}
    costs: dict[str, list[float]] = {name: [] for name in apps}
    for _ in range(rounds):
        for name, app in apps.items():
            costs[name].append(await measure(app))
    bare = median(costs["none"])
    for name, found in costs.items():
        ratio = median(one / none for one, none in zip(found, costs["none"], strict=True))
        print(f"{name:<18} {median(found):6.2f} µs  {median(found) - bare:+6.2f} µs  x {ratio:.2f}")


if __name__ == "__main__":
    asyncio.run(main())
