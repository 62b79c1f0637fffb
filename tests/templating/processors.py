"""A context processor that settings name."""

from undercroft import Request


def add(request: Request) -> dict[str, str]:
    return {"added": request.path}
