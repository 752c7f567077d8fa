#!/usr/bin/env python3
"""A gateway for hours in minutes: mixed load while its memory, descriptors and latency are watched. No growth.

Calls on kept and on fresh connections, with tokens that are good, expired and forged; logins, right and wrong; refreshes;
logouts, so that the revocation index fills and empties (tokens live a minute); bodies of 256 KiB; clients that go away in
the middle; a reload every 20 s. Memory, descriptors and the calls' latency are sampled every 5 s and written as CSV and,
where Matplotlib is, as a plot. Ends with 1 where memory or descriptors of the last third exceed those of the second by more
than the bound, or where a call was answered with what it must not be.

    bench/load/soak.py build/bench/sallyport [--minutes 20] [--rate 200] [--out build/bench/load]
"""
import argparse
import collections
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from refreshes import PASSWORD, free_port, request_of, wait_for_port

PEOPLE = 20
SAMPLE = 5.0  # seconds
GROWTH = 1.05  # of the last third over the second


class Upstream(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b"x" * random.choice((16, 1024, 65536))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


class Upstreams(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A request that is given up in the middle is part of the load."""


def configuration(folder, port, admin, redis, upstream, turn):
    # `turn` makes each reload one that changes something.
    (folder / "gateway.yaml").write_text(f"""listeners: [{{address: "127.0.0.1:{port}"}}]
workers: 2
admin: {{address: "127.0.0.1:{admin}"}}
store: "redis://127.0.0.1:{redis}/0"
log: {{access: "{folder}/access.log", audit: "{folder}/audit.log", level: warn}}
tokens:
  issuer: https://auth.soak
  audience: [api]
  access_ttl: 60s
  signing: {{algorithm: ES256, keys: "{folder}/keys"}}
  refresh: {{max_sessions_per_user: 50}}
users: {{registration: true, hashing_threads: 1}}
auth: {{throttle: {{per_user_and_address: 1000/1m}}}}
upstreams: {{api: {{servers: ["http://127.0.0.1:{upstream}"], queue: {1000 + turn % 2}}}}}
routes:
  - {{path: /api/, upstream: api, auth: required}}
  - {{path: /turn/{turn % 2}, upstream: api, auth: none}}
""")


class Client:
    """One person's program: a kept connection, a session, and one act after the other."""

    def __init__(self, number, port):
        self.port = port
        self.random = random.Random(number)
        self.connection = self.access = self.refresh = None
        self.account = {"username": f"user{number}", "password": PASSWORD}

    def send(self, request, keep=True):
        """(status, body), or None where the connection was closed under the request."""
        if self.connection is None:
            self.connection = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        try:
            self.connection.sendall(request)
            received = b""
            while b"\r\n\r\n" not in received:
                part = self.connection.recv(65536)
                if not part:
                    raise ConnectionError
                received += part
            head, _, body = received.partition(b"\r\n\r\n")
            fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
            while len(body) < int(fields.get(b"content-length", 0)):
                body += self.connection.recv(65536)
            if not keep or fields.get(b"connection") == b"close":
                self.hang_up()
            return int(head[9:12]), body
        except OSError:
            self.hang_up()
            return None

    def hang_up(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None

    def post(self, path, body):
        answer = self.send(request_of(path, body))
        return (0, b"{}") if answer is None else answer

    def log_in(self):
        status, body = self.post("/auth/login", self.account)
        if status == 401:
            self.post("/auth/register", self.account)
            status, body = self.post("/auth/login", self.account)
        if status == 200:
            pair = json.loads(body)
            self.access, self.refresh = pair["access_token"], pair["refresh_token"]
        return status

    def call(self, method="GET", token=None, body=b"", keep=True):
        token = token or self.access
        return self.send(f"{method} /api/x HTTP/1.1\r\nHost: soak\r\nAuthorization: Bearer {token}\r\n"
                         f"Content-Length: {len(body)}\r\n\r\n".encode() + body, keep)

    def act(self):
        """One act; what it was, whether its answer is one that it may have, and the seconds of a plain call."""
        if self.access is None:
            status = self.log_in()
            return "login", status in (0, 200, 401, 429, 503), None  # 401: registering was put off
        dice = self.random.random()
        if dice < 0.70:
            began = time.perf_counter()
            answer = self.call(keep=dice < 0.6)
            took = time.perf_counter() - began
            if answer and answer[0] == 401:
                return self.refresh_pair()
            return "call", answer is None or answer[0] == 200, took
        if dice < 0.80:
            return self.refresh_pair()
        if dice < 0.86:
            answer = self.call("POST", body=b"y" * (256 * 1024))
            return "upload", answer is None or answer[0] in (200, 401), None
        if dice < 0.91:
            answer = self.call(token=self.access[:-8] + "AAAAAAAA")
            return "forged", answer is None or answer[0] == 401, None
        if dice < 0.94:
            status, _ = self.post("/auth/login", {**self.account, "password": "a guess"})
            return "guess", status in (0, 401, 429, 503), None
        if dice < 0.97:
            # Goes away with its request half sent.
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=20) as half:
                    half.sendall(b"POST /api/x HTTP/1.1\r\nHost: soak\r\nAuthorization: Bearer " + self.access.encode() +
                                 b"\r\nContent-Length: 100000\r\n\r\nhalf of it")
            except OSError:
                pass
            return "gone", True, None
        answer = self.send(f"POST /auth/logout HTTP/1.1\r\nHost: soak\r\nAuthorization: Bearer {self.access}\r\n"
                           "Content-Length: 0\r\n\r\n".encode())
        revoked = self.access
        if answer is None or answer[0] != 204:
            return "logout", answer is None or answer[0] in (401, 503), None
        after = self.call(token=revoked)
        self.access = self.refresh = None
        return "logout", after is None or after[0] == 401, None

    def refresh_pair(self):
        status, body = self.post("/auth/refresh", {"refresh_token": self.refresh})
        if status == 200:
            pair = json.loads(body)
            self.access, self.refresh = pair["access_token"], pair["refresh_token"]
        elif status == 401:
            self.access = None  # evicted by a login of its own, at max_sessions_per_user
        return "refresh", status in (0, 200, 503) or b"session_revoked" in body or b"refresh_invalid" in body, None


class Seen:
    def __init__(self):
        self.lock = threading.Lock()
        self.acts, self.wrong, self.times = collections.Counter(), collections.Counter(), []

    def note(self, what, good, took):
        with self.lock:
            self.acts[what] += 1
            if not good:
                self.wrong[what] += 1
            if took is not None:
                self.times.append(took)

    def latencies(self):
        with self.lock:
            times, self.times = sorted(self.times), []
        return (times[len(times) // 2] * 1000, times[len(times) * 99 // 100] * 1000) if times else (0.0, 0.0)


def sample(pid):
    status = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(status["VmRSS"].split()[0]), len(os.listdir(f"/proc/{pid}/fd")), int(status["Threads"])


def run_clients(clients, seen, pace, done):
    turn = 0
    began = time.monotonic()
    while not done.is_set():
        client = clients[turn % len(clients)]
        try:
            seen.note(*client.act())
        except OSError:
            client.hang_up()
        turn += 1
        done.wait(max(0.0, began + turn * pace - time.monotonic()))


def plot(rows, path):
    try:
        import matplotlib
        matplotlib.use("Agg")
        from matplotlib import pyplot
    except ImportError:
        return None
    minutes = [row["seconds"] / 60 for row in rows]
    figure, parts = pyplot.subplots(3, 1, sharex=True, figsize=(9, 8))
    parts[0].plot(minutes, [row["rss_kib"] / 1024 for row in rows])
    parts[0].set_ylabel("resident, MiB")
    parts[1].plot(minutes, [row["descriptors"] for row in rows])
    parts[1].set_ylabel("descriptors")
    parts[2].plot(minutes, [row["p50_ms"] for row in rows], label="p50")
    parts[2].plot(minutes, [row["p99_ms"] for row in rows], label="p99")
    parts[2].set_ylabel("a call, ms")
    parts[2].set_xlabel("minutes")
    parts[2].legend()
    for part in parts:
        part.set_ylim(bottom=0)
        part.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path)
    return path


def verdict(rows):
    """What grew: the median of the last third against that of the second, when everything had been used once."""
    third = len(rows) // 3
    grown = []
    for name in ("rss_kib", "descriptors", "threads"):
        middle = sorted(row[name] for row in rows[third:2 * third])[third // 2]
        last = sorted(row[name] for row in rows[2 * third:])[len(rows[2 * third:]) // 2]
        print(f"{name}: {middle} in the second third, {last} in the last")
        if last > middle * GROWTH + (4 if name != "rss_kib" else 512):
            grown.append(name)
    return grown


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sallyport", type=os.path.abspath)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--rate", type=float, default=200, help="acts a second")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("build/bench/load"))
    args = parser.parse_args()
    redis_program = shutil.which("redis-server") or shutil.which("redis-check-rdb") or sys.exit("no Redis: apt-get install redis-tools")
    with tempfile.TemporaryDirectory(prefix="sallyport-soak-") as name:
        folder = pathlib.Path(name)
        link = folder / "redis-server"
        link.symlink_to(redis_program)
        redis_port, port, admin = free_port(), free_port(), free_port()
        upstream = Upstreams(("127.0.0.1", 0), Upstream)
        threading.Thread(target=upstream.serve_forever, daemon=True).start()
        redis = subprocess.Popen([str(link), "--port", str(redis_port), "--dir", name, "--save", ""],
                                 stdout=subprocess.DEVNULL)
        gateway = None
        done = threading.Event()
        threads = []
        try:
            wait_for_port(redis_port, redis, "Redis")
            configuration(folder, port, admin, redis_port, upstream.server_port, 0)
            gateway = subprocess.Popen([args.sallyport, "serve", "--config", str(folder / "gateway.yaml")])
            wait_for_port(port, gateway, "the gateway")
            seen = Seen()
            clients = [Client(i, port) for i in range(PEOPLE)]
            for i in range(4):
                threads.append(threading.Thread(target=run_clients, daemon=True,
                                                args=(clients[i::4], seen, 4 / args.rate, done)))
                threads[-1].start()
            rows, began, reloads = [], time.monotonic(), 0
            while time.monotonic() < began + args.minutes * 60:
                time.sleep(SAMPLE)
                if gateway.poll() is not None:
                    sys.exit(f"the gateway ended with {gateway.returncode}")
                rss, descriptors, count = sample(gateway.pid)
                p50, p99 = seen.latencies()
                rows.append({"seconds": time.monotonic() - began, "rss_kib": rss, "descriptors": descriptors,
                             "threads": count, "p50_ms": p50, "p99_ms": p99})
                if len(rows) % 4 == 0:
                    reloads += 1
                    configuration(folder, port, admin, redis_port, upstream.server_port, reloads)
                    gateway.send_signal(signal.SIGHUP)
                if len(rows) % 12 == 0:
                    print(f"{rows[-1]['seconds'] / 60:4.1f} min: {rss / 1024:.1f} MiB, {descriptors} descriptors, "
                          f"p50 {p50:.1f} ms, p99 {p99:.1f} ms", flush=True)
        finally:
            done.set()
            for thread in threads:
                thread.join(30)
            for process in (gateway, redis):
                if process is not None:
                    process.terminate()
                    process.wait(40)
            upstream.shutdown()
    args.out.mkdir(parents=True, exist_ok=True)
    with open(args.out / "soak.csv", "w") as file:
        file.write(",".join(rows[0]) + "\n")
        for row in rows:
            file.write(",".join(f"{value:.6g}" for value in row.values()) + "\n")
    drawn = plot(rows, args.out / "soak.svg")
    print(f"{sum(seen.acts.values())} acts in {args.minutes:g} min: " +
          ", ".join(f"{count} {what}" for what, count in seen.acts.most_common()) + f"; {reloads} reloads")
    print(f"raw figures: {args.out}/soak.csv" + (f", plot: {drawn}" if drawn else ""))
    grown = verdict(rows)
    for what, count in seen.wrong.items():
        print(f"{count} x {what} had an answer that it must not have")
    if grown or seen.wrong:
        sys.exit("grown: " + (", ".join(grown) or "nothing"))
    print("nothing grew")


if __name__ == "__main__":
    main()
