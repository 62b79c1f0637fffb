"""What dependencies cost: a handler with ten of them beside one with none, in turn.

    python benchmarks/dependencies.py [ROUNDS]

Prints the median cost of ten dependencies in microseconds, and the median ratio of pairs of rounds
that ran one after the other, so that a busy machine disturbs both alike.
"""

import asyncio
import sys
from statistics import median
from time import perf_counter
from typing import Annotated, Any

from undercroft import App, Depends, Request

REQUESTS = 2000


def build_dependency(number: int) -> Any:
    async def depend() -> int:
        return number

    return depend


def build_app() -> App:
    app = App()

    @app.get("/none")
    async def none() -> int:
        return 45

    values = {f"value{n}": Annotated[int, Depends(build_dependency(n))] for n in range(10)}
    arguments = ", ".join(f"{name}: {name}_" for name in values)
    names = {f"{name}_": kind for name, kind in values.items()}
    exec(f"async def ten({arguments}) -> int:\n    return {' + '.join(values)}", names)
    app.get("/ten")(names["ten"])

    async def keep() -> int:
        return 1

    @app.get("/kept")
    async def kept(value: Annotated[int, Depends(keep, scope="app")]) -> int:
        return value

    return app


async def measure(app: App, path: str) -> float:
    started = perf_counter()
    for _ in range(REQUESTS):
        await app.handle(Request("GET", path))
    return (perf_counter() - started) / REQUESTS * 1e6


async def main(rounds: int) -> None:
    app = build_app()
    paths = ("/none", "/ten", "/kept")
    for path in paths:
        await measure(app, path)
    results = [[await measure(app, path) for path in paths] for _ in range(rounds)]
    for index, name in ((1, "ten dependencies"), (2, "one kept by the application")):
        cost = median(each[index] - each[0] for each in results)
        ratio = median(each[index] / each[0] for each in results)
        print(f"{name}: {cost:.1f} µs more than none, {ratio:.2f} times the whole")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 15))
