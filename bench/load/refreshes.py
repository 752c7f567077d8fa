#!/usr/bin/env python3
"""Refreshes per second of one gateway core over one Redis, and what bounds them.

Starts a Redis and a gateway with one worker of its own, logs in, and lets every session refresh as fast as it is
answered, each on a connection of its own. Rates are told as seen and by CPU time, which the operating system
accounts to each process: what one core could do, whatever else the machine is busy with.

    bench/load/refreshes.py build/bench/sallyport [--seconds 10] [--sessions 64] [--algorithm ES256]
"""
import argparse
import json
import os
import pathlib
import selectors
import shutil
import socket
import subprocess
import sys
import tempfile
import time

PASSWORD = "correct horse battery"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port, process, what):
    for _ in range(500):
        if process.poll() is not None:
            sys.exit(f"{what} ended at once")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    sys.exit(f"{what} does not listen")


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def request_of(path, body):
    text = json.dumps(body)
    return (f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(text)}\r\n\r\n{text}").encode()


class Connection:
    """One session that refreshes; answers are read without waiting."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.token = None
        self.sent = 0.0

    def answer(self):
        """The next whole answer (status, body), or None while there is none."""
        head, found, rest = self.received.partition(b"\r\n\r\n")
        if not found:
            return None
        length = 0
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if len(rest) < length:
            return None
        self.received = rest[length:]
        return int(head[9:12]), rest[:length]

    def ask(self, path, body):
        self.socket.sendall(request_of(path, body))
        while True:
            self.received += self.socket.recv(65536)
            answer = self.answer()
            if answer:
                return answer

    def refresh(self):
        self.sent = time.perf_counter()
        self.socket.sendall(request_of("/auth/refresh", {"refresh_token": self.token}))


def configuration(folder, port, redis_port, algorithm):
    path = folder / "gateway.yaml"
    path.write_text(f"""listeners: [{{address: "127.0.0.1:{port}"}}]
workers: 1
store: "redis://127.0.0.1:{redis_port}/0"
log: {{access: "off", audit: "off", level: warn}}
tokens:
  issuer: https://auth.bench
  audience: [api]
  signing: {{algorithm: {algorithm}, keys: "{folder}/keys"}}
users: {{registration: true}}
upstreams: {{api: {{servers: ["http://127.0.0.1:9"]}}}}
routes:
  - {{path: /api/, upstream: api, auth: required}}
""")
    return path


def log_in(connections):
    """Every session is a login of its own; the first ones wait until the gateway is ready."""
    account = {"username": "bench", "password": PASSWORD}
    for _ in range(200):
        status, _ = connections[0].ask("/auth/register", account)
        if status == 201:
            break
        time.sleep(0.05)
    for connection in connections:
        status, body = connection.ask("/auth/login", account)
        if status != 200:
            sys.exit(f"a login was answered {status}: {body[:200]}")
        connection.token = json.loads(body)["refresh_token"]


def storm(connections, seconds):
    """Refreshes answered with 200, others, and how long each took."""
    selector = selectors.DefaultSelector()
    for connection in connections:
        connection.socket.setblocking(False)
        selector.register(connection.socket, selectors.EVENT_READ, connection)
        connection.refresh()
    good, other, times = 0, 0, []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for key, _ in selector.select(1):
            connection = key.data
            connection.received += connection.socket.recv(65536)
            answer = connection.answer()
            if answer is None:
                continue
            times.append(time.perf_counter() - connection.sent)
            status, body = answer
            if status == 200:
                good += 1
                connection.token = json.loads(body)["refresh_token"]
            else:
                other += 1
            connection.refresh()
    return good, other, sorted(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--sessions", type=int, default=64)
    parser.add_argument("--algorithm", default="ES256")
    options = parser.parse_args()
    redis_program = shutil.which("redis-server") or shutil.which("redis-check-rdb")
    if not redis_program:
        sys.exit("no redis-server: apt-get install redis-tools")

    folder = pathlib.Path(tempfile.mkdtemp(prefix="sallyport-refreshes-"))
    processes = []
    try:
        redis_link = folder / "redis-server"  # Debian's redis-tools has the program under another name
        redis_link.symlink_to(redis_program)
        redis_port, port = free_port(), free_port()
        redis = subprocess.Popen([redis_link, "--port", str(redis_port), "--bind", "127.0.0.1", "--save", "",
                                  "--dir", folder], stdout=subprocess.DEVNULL)
        processes.append(redis)
        wait_for_port(redis_port, redis, "redis")
        config = configuration(folder, port, redis_port, options.algorithm)
        gateway = subprocess.Popen([options.binary, "serve", "--config", config])
        processes.append(gateway)
        wait_for_port(port, gateway, "the gateway")

        connections = [Connection(port) for _ in range(options.sessions)]
        log_in(connections)
        before = cpu_seconds(gateway.pid), cpu_seconds(redis.pid)
        begin = time.perf_counter()
        good, other, times = storm(connections, options.seconds)
        took = time.perf_counter() - begin
        of_gateway = cpu_seconds(gateway.pid) - before[0]
        of_redis = cpu_seconds(redis.pid) - before[1]
        if not good:
            sys.exit("no refresh succeeded")
        print(f"{good} refreshes in {took:.1f} s ({good / took:.0f}/s as seen), {other} others, "
              f"p50 {times[len(times) // 2] * 1000:.1f} ms, p99 {times[len(times) * 99 // 100] * 1000:.1f} ms")
        print(f"gateway {of_gateway / good * 1e6:.0f} us each: one core does {good / of_gateway:.0f}/s")
        print(f"Redis   {of_redis / good * 1e6:.0f} us each: one core does {good / of_redis:.0f}/s")
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
