"""Running applications: sockets, logs, reload, and uvicorn, which has its one owner here.

Nothing is re-exported: `server.runner` imports uvicorn, which takes as long as all the rest.
"""
