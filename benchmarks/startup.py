"""How long until undercroft is imported, and until a new server gives its first answer.

    python benchmarks/startup.py [--runs 9]

Each run is a process of its own; the median is what to quote. Time is counted from the start of
the process, the interpreter's own start included.
"""

import argparse
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
REQUEST = b"GET /hello/Ada HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def time_command(*command: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *command], check=True, cwd=HERE)
    return time.perf_counter() - started


def ask(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(REQUEST)
            return connection.recv(4096).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def time_first_answer() -> float:
    port = find_free_port()
    command = ["-m", "undercroft", "serve", "hello_app:app", "--bind", f"127.0.0.1:{port}"]
    started = time.perf_counter()
    server = subprocess.Popen(
        [sys.executable, *command, "--no-access-log", "--log-level", "warning"], cwd=HERE
    )
    try:
        while not ask(port):
            if server.poll() is not None or time.perf_counter() - started > 30:
                raise SystemExit("the server did not come up")
            time.sleep(0.002)
        return time.perf_counter() - started
    finally:
        server.terminate()
        server.wait()


FIGURES = {
    "python -c pass": lambda: time_command("-c", "pass"),
    "import undercroft": lambda: time_command("-c", "import undercroft"),
    "from undercroft import App": lambda: time_command("-c", "from undercroft import App"),
    "from undercroft import models": lambda: time_command("-c", "from undercroft import models"),
    "import uvicorn": lambda: time_command("-c", "import uvicorn"),
    "import pydantic (BaseModel)": lambda: time_command("-c", "from pydantic import BaseModel"),
    "hello app, first answer": time_first_answer,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    runs = parser.parse_args().runs
    print("| figure | median, ms | least, ms |\n| --- | ---: | ---: |")
    for name, measure in FIGURES.items():
        measure()
        times = [1000 * measure() for _ in range(runs)]
        print(f"| {name} | {statistics.median(times):.0f} | {min(times):.0f} |", flush=True)


if __name__ == "__main__":
    main()
