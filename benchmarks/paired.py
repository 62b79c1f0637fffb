"""Compare the CPU time of one request between bare uvicorn and undercroft, load by load.

    BENCH_VENV=... BENCH_PEER_DIR=.../bench/peers python benchmarks/paired.py [--rounds 90]

Where a machine's speed drifts, requests a second of runs that lie seconds apart say little. Here
both servers are up on core 0, loads of 4,000 requests alternate between them, and what counts is
the CPU time the kernel charged the server for each. Needs Linux, taskset and h2load.
"""

import argparse
import os
import subprocess
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
BIN = Path(os.environ["BENCH_VENV"]) / "bin"
PEER_FOLDER = Path(os.environ["BENCH_PEER_DIR"])
REQUESTS = 4_000
SERVERS = {
    18301: f"{BIN}/uvicorn bare:asgi --port 18301 --loop uvloop --http httptools"
    " --no-access-log --log-level warning",
    18302: f"{BIN}/undercroft serve undercroft_app:app --bind 127.0.0.1:18302"
    " --no-access-log --log-level warning",
}


def start(command: str) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "PYTHONPATH": f"{HERE}:{PEER_FOLDER}", "BENCH_DSN": "sqlite://"}
    return subprocess.Popen(["taskset", "-c", "0", *command.split()], env=environment, cwd=HERE)


def read_cpu(server: "subprocess.Popen[bytes]") -> float:
    """Microseconds of CPU so far."""
    return int(Path(f"/proc/{server.pid}/schedstat").read_text().split()[0]) / 1000


def load(server: "subprocess.Popen[bytes]", port: int, path: str) -> float:
    """Microseconds of CPU for one request."""
    before = read_cpu(server)
    command = ["taskset", "-c", "1", "h2load", "--h1", "-t1", "-c32", f"-n{REQUESTS}"]
    subprocess.run([*command, f"http://127.0.0.1:{port}{path}"], capture_output=True, check=True)
    return (read_cpu(server) - before) / REQUESTS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=90)
    rounds = parser.parse_args().rounds
    servers = {port: start(command) for port, command in SERVERS.items()}
    time.sleep(3)
    print("| request | bare, µs | undercroft, µs | ratio of medians | of the least |")
    print("| --- | ---: | ---: | ---: | ---: |")
    try:
        for path in ("/plaintext", "/json"):
            costs: dict[int, list[float]] = {port: [] for port in servers}
            for _ in range(rounds):
                for port, server in servers.items():
                    costs[port].append(load(server, port, path))
            bare, ours = (sorted(costs[port]) for port in SERVERS)
            middle = rounds // 2
            print(
                f"| {path} | {bare[middle]:.1f} | {ours[middle]:.1f} |"
                f" {bare[middle] / ours[middle]:.2f} | {bare[0] / ours[0]:.2f} |",
                flush=True,
            )
    finally:
        for server in servers.values():
            server.terminate()


if __name__ == "__main__":
    main()
