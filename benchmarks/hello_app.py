"""The smallest useful application, for start-up figures."""

from undercroft import App

app = App()


@app.get("/hello/{name}")
async def hello(name: str, excited: bool = False) -> dict[str, str]:
    """Greet."""
    return {"message": f"Hello, {name}{'!' if excited else '.'}"}
