#!/usr/bin/python3
"""What requests notice of a flood of revocations: their latency and the worker's CPU without one and with one, in turn.

One gateway with one worker and an own core, the load, the origin and Redis on the other. The revocations are put into
the log as other gateways do; how many the gateway took is read from its own counters.

    bench/load/flood.py --programs build/bench/bench --sallyport build/bench/sallyport [--rate 10000] [--connections 8]
"""
import argparse
import os
import re
import socket
import tempfile
import threading
import time

import contenders
import measure
import tokens


class Flood(threading.Thread):
    """So many revocations each second, ten milliseconds' worth at a time, on a connection of its own."""

    STEP = 0.01

    def __init__(self, redis, rate):
        super().__init__(daemon=True)
        self.redis, self.rate, self.done = redis, rate, threading.Event()
        self.start()

    def batch(self, first, count):
        until = str(int(time.time()) + 86400)
        ends = [("issuer", contenders.ISSUER), ("id", None), ("until", until), ("before", ""), ("epoch", "0"),
                ("reason", "bench")]
        words = ["XADD", "sallyport:{log}:revocations", "*", "kind", "session"] + [w for pair in ends for w in pair]
        form = f"*{len(words)}\r\n" + "".join("$24\r\nflood-%018d\r\n" if w is None else f"${len(w)}\r\n{w}\r\n" for w in words)
        return "".join(form % (first + i) for i in range(count)).encode()

    def run(self):
        each = max(1, int(self.rate * self.STEP))
        with socket.create_connection(("127.0.0.1", self.redis.port)) as connection:
            began = sent = 0
            while not self.done.is_set():
                began = began or time.monotonic()
                connection.sendall(self.batch(self.redis.revoked, each))
                self.redis.revoked += each
                sent += each
                answered = 0
                while answered < each:
                    answered += connection.recv(1 << 16).count(b"$")
                self.done.wait(max(0, began + sent / self.rate - time.monotonic()))

    def stop(self):
        self.done.set()
        self.join()


def thread_ns(server):
    """CPU of the worker and of all other threads of the gateway."""
    worker = others = 0
    for task in os.listdir(f"/proc/{server.process.pid}/task"):
        folder = f"/proc/{server.process.pid}/task/{task}"
        with open(f"{folder}/comm") as name, open(f"{folder}/schedstat") as spent:
            used = int(spent.read().split()[0])
            if name.read().startswith("worker-"):
                worker += used
            else:
                others += used
    return worker, others


def revocations(server):
    with socket.create_connection(("127.0.0.1", server.admin), timeout=5) as client:
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        text = b""
        while part := client.recv(1 << 16):
            text += part
    return float(re.search(rb"^sallyport_revocations ([\d.e+]+)", text, re.M)[1])


def wait_until_followed(server, redis):
    until = time.monotonic() + 60
    while revocations(server) < redis.revoked:
        if time.monotonic() > until:
            raise SystemExit("the gateway doesn't come to the end of the log")
        time.sleep(0.05)


def one_round(server, redis, rate, args, path):
    flood = Flood(redis, rate) if rate else None
    try:
        before, known, began = thread_ns(server), revocations(server), time.monotonic()
        result = measure.load(server, args.seconds, tokens=path, connections=args.connections)
        after, taken, took = thread_ns(server), revocations(server), time.monotonic() - began
    finally:
        if flood:
            flood.stop()
    if result["broken"] or result["refused"]:
        raise SystemExit(f"the gateway broke or refused: {result}")
    return {"p50": result["p50_us"], "p99": result["p99_us"], "applied": (taken - known) / took,
            "worker": (after[0] - before[0]) / 1000 / result["requests"],
            "others": (after[1] - before[1]) / 1e9 / took * 100}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=os.path.abspath, required=True, help="folder of the origin")
    parser.add_argument("--sallyport", type=os.path.abspath, required=True)
    parser.add_argument("--rate", type=int, default=10_000)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=2)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sallyport-flood-") as folder:
        keys = tokens.make_keys(folder)
        path = tokens.token_file(folder, keys, "HS256", 1000)
        stoppable = []
        try:
            origin = contenders.start_origin(args.programs)
            stoppable.append(origin)
            redis = contenders.Redis(folder)
            stoppable.append(redis)
            server = contenders.start_sallyport(args.sallyport, folder, origin.port, folder, store=redis.url)
            stoppable.append(server)
            rounds = {0: [], args.rate: []}
            for turn in range(args.rounds + 1):  # the first warms up
                for rate, found in rounds.items():
                    wait_until_followed(server, redis)
                    result = one_round(server, redis, rate, args, path)
                    if turn > 0:
                        found.append(result)
        finally:
            for each in reversed(stoppable):
                each.stop()
    print(f"{args.connections} connections, medians of {args.rounds} rounds of {args.seconds} s (middle half)\n")
    print("| revocations/s taken | p50 µs | p99 µs | worker, µs CPU each request | all other threads, % of a core |")
    print("|---:|---:|---:|---:|---:|")
    for found in rounds.values():
        cells = []
        for name, digits in (("applied", 0), ("p50", 0), ("p99", 0), ("worker", 1), ("others", 1)):
            values = [result[name] for result in found]
            low, high = measure.spread(values)
            cells.append(f"{measure.median(values):.{digits}f} ({low:.{digits}f}-{high:.{digits}f})")
        print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
