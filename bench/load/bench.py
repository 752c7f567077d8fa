#!/usr/bin/python3
"""Sallyport beside HAProxy, nginx and a bare relay, under the same load: see bench/README.md. `./dev bench` runs it.

    bench.py --programs FOLDER --sallyport BINARY --out FOLDER [--quick] [--rows PATTERN] [--before BINARY]
"""
import argparse
import fnmatch
import json
import os
import platform
import resource
import socket
import struct
import subprocess
import sys
import time

import checks
import contenders
import measure
import report
import tokens

RELAY, PLAIN, PEER, OURS, NGINX = "relay", "haproxy, no check", "haproxy", "sallyport", "nginx, no check"
BEFORE = "before"

# name, what is asked, the target as a ratio to HAProxy with checks (None: told, not aimed at), contenders beside the two.
# A target of 2 % takes more rounds than the others to tell from noise.
ROWS = [
    ("HS256", dict(algorithm="HS256", tokens=1000), 0.70, (RELAY, PLAIN, NGINX)),
    ("RS256", dict(algorithm="RS256", tokens=1000), 0.35, ()),
    ("ES256", dict(algorithm="ES256", tokens=1000), 0.20, ()),
    ("HS256, 1 million tokens", dict(algorithm="HS256", tokens=1_000_000), None, ()),
    ("RS256 on a miss", dict(algorithm="RS256", tokens="miss", seconds=1), 0.80, ()),
    ("ES256 on a miss", dict(algorithm="ES256", tokens="miss", seconds=1), 0.85, ()),
    ("expired: 401", dict(algorithm="HS256", tokens="expired"), 0.80, ()),
    ("POST 64 KiB", dict(algorithm="HS256", tokens=1000, method="POST", body=65536), 0.70, (RELAY, PLAIN)),
    ("GET 1 MiB", dict(algorithm="HS256", tokens=1000, path="/big"), 0.75, (RELAY, PLAIN)),
    ("p50, 1 connection", dict(algorithm="HS256", tokens=1000, connections=1, figure="p50_us"), None, (RELAY, PLAIN)),
    ("requests/s, 2 workers", dict(algorithm="HS256", tokens=1000, workers=2, figure="per_second"), 1.2, ()),
    ("TLS, kept connections", dict(algorithm="HS256", tokens=1000, tls=True), 1.1, ()),
    ("TLS, a new connection each", dict(algorithm="HS256", tokens=1000, tls=True, close=True), 1.1, ()),
    ("HS256, access log on", dict(algorithm="HS256", tokens=1000, log=True), None, ()),
    ("HS256, 1 million revoked", dict(algorithm="HS256", tokens=1000, revoked=1_000_000, rounds=31), 1.02, ()),
]
MISS_TOKENS = 200_000  # more than the rounds ask for: none comes twice, and the cache is full all the time


class Bench:
    def __init__(self, args):
        self.args = args
        self.folder = args.out + "/run"
        self.tokens = args.out + "/tokens"
        for folder in (self.folder, self.tokens):
            os.makedirs(folder, exist_ok=True)
        self.seconds, self.rounds = (1, 3) if args.quick else (2, 7)
        self.keys = tokens.make_keys(self.tokens)
        self.certificate = contenders.make_certificate(self.folder)
        self.origin = contenders.start_origin(args.programs)
        self.redis = contenders.Redis(self.folder)
        self.redis.keep_revoking()

    def sallyport(self, algorithm="HS256", workers=1, tls=False, log=False, store=None, binary=None, **more):
        options = dict(more)
        if tls:
            options["tls"] = f'{{certificate: "{self.folder}/tls.crt.pem", key: "{self.folder}/tls.key.pem"}}'
        if log:
            options["log"] = f"{self.folder}/access.log"
        return contenders.start_sallyport(binary or self.args.sallyport, self.folder, self.origin.port, self.tokens, algorithm,
                                          store or self.redis.url, workers, **options)

    def haproxy(self, algorithm=None, workers=1, tls=False, log=False):
        output = open(f"{self.folder}/haproxy.log", "w") if log else None
        return contenders.start_haproxy(self.folder, self.origin.port, self.tokens, algorithm, workers,
                                        self.certificate if tls else None, "stdout" if log else None, output)

    def token_file(self, algorithm, wanted):
        if wanted == "expired":
            return tokens.expired_file(self.tokens, self.keys, algorithm)
        if wanted == "miss":
            wanted = MISS_TOKENS
        return tokens.token_file(self.tokens, self.keys, algorithm, wanted)

    def row(self, name, how, beside):
        """{contender: [figure of each round]} and the raw results."""
        how = dict(how)
        algorithm, wanted = how.pop("algorithm"), how.pop("tokens")
        figure, workers = how.pop("figure", "cpu_us"), how.pop("workers", 1)
        seconds = how.pop("seconds", self.seconds)
        asked_rounds = how.pop("rounds", self.rounds)
        rounds = self.rounds if self.args.quick else asked_rounds
        tls, log, revoked = how.get("tls", False), how.pop("log", False), how.pop("revoked", 0)
        servers, store = {}, None
        try:
            if revoked:  # against ourselves without them
                store = contenders.Redis(self.folder)
                store.revoke(revoked)
                servers[PEER] = self.sallyport(algorithm)
                servers[OURS] = self.sallyport(algorithm, store=store.url)
            else:
                servers[PEER] = self.haproxy(algorithm, workers, tls, log)
                servers[OURS] = self.sallyport(algorithm, workers, tls, log)
                if self.args.before:
                    servers[BEFORE] = self.sallyport(algorithm, workers, tls, log, binary=self.args.before)
            if RELAY in beside:
                servers[RELAY] = contenders.start_relay(self.args.programs, self.origin.port)
            if PLAIN in beside:
                servers[PLAIN] = self.haproxy()
            if NGINX in beside:
                servers[NGINX] = contenders.start_nginx(self.folder, self.origin.port)
            path = self.token_file(algorithm, wanted)
            raw = {contender: [] for contender in servers}
            for turn in range(rounds + 1):  # the first warms up
                for contender, server in servers.items():
                    result = measure.load(server, seconds, tokens=path, pinned=workers == 1, **how)
                    if result["broken"] or (result["refused"] != 0) != (wanted == "expired"):
                        raise SystemExit(f"{name}: {contender} broke or refused: {result}")
                    if turn > 0:
                        raw[contender].append(result)
            return {contender: [r[figure] for r in results] for contender, results in raw.items()}, raw
        finally:
            for server in servers.values():
                server.stop()
            if store:
                store.stop()

    def calls(self):
        """System calls and allocations for each request, under the load of the first row."""
        path = self.token_file("HS256", 1000)
        found = {}
        for contender, start in ((PEER, self.haproxy), (OURS, self.sallyport)):
            server = start("HS256")
            try:
                measure.load(server, 1, tokens=path)
                found[contender] = measure.system_calls(server, 3, tokens=path)
            finally:
                server.stop()
        found["allocations"] = self.allocations(path)
        return found

    def allocations(self, path):
        counter = f"{self.folder}/allocations"
        with open(counter, "wb") as file:
            file.write(bytes(8))
        os.environ["COUNT_FILE"], os.environ["LD_PRELOAD"] = counter, f"{self.args.programs}/count_malloc.so"
        try:
            server = self.sallyport("HS256")
        finally:
            del os.environ["LD_PRELOAD"]

        def count():
            with open(counter, "rb") as file:
                return struct.unpack("<Q", file.read(8))[0]
        try:
            measure.load(server, 2, tokens=path)
            before = count()
            result = measure.load(server, 2, tokens=path)
            loaded = count() - before
            before = count()
            time.sleep(2)  # what goes on without requests: the follower, the ticks
            return max(0, loaded - (count() - before)) / result["requests"]
        finally:
            server.stop()

    def start(self):
        """Memory and time to be ready, of a fresh gateway with an embedded store."""
        ready, resident = [], []
        for _ in range(3 if self.args.quick else 7):
            began = time.monotonic()
            server = self.sallyport(store="memory:")
            ready.append((time.monotonic() - began) * 1000)
            time.sleep(0.2)
            resident.append(server.resident_bytes() / 1048576)
            server.stop()
        return {"ready_ms": measure.median(ready), "resident_mib": measure.median(resident)}

    def idle(self):
        found = {}
        here = os.path.dirname(os.path.abspath(__file__))
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        for name, flags in (("plain", []), ("tls", ["--tls"])):
            count = min(2000 if self.args.quick or flags else 5000, limit - 1000)
            out = subprocess.run([sys.executable, f"{here}/idle_connections.py", self.args.sallyport, "--connections",
                                  str(count)] + flags, capture_output=True, text=True).stdout
            found[name] = int(out.split()[-3]) if out.strip().endswith("each") else None
        return found

    def stop(self):
        self.redis.stop()
        self.origin.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=os.path.abspath, required=True, help="folder of relay, origin and count_malloc.so")
    parser.add_argument("--sallyport", type=os.path.abspath, required=True)
    parser.add_argument("--out", type=os.path.abspath, required=True)
    parser.add_argument("--before", type=os.path.abspath, help="another build of ours, in the same rounds: what did a change give?")
    parser.add_argument("--quick", action="store_true", help="3 rounds of 1 s instead of 7 of 2 s")
    parser.add_argument("--rows", default="*", help="only rows whose name matches this pattern")
    args = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.makedirs(args.out, exist_ok=True)
    bench = Bench(args)
    results = {"when": time.strftime("%Y-%m-%d"), "cpu": cpu_name(), "cores": os.cpu_count(), "kernel": platform.release(),
               "haproxy": subprocess.run(["haproxy", "-v"], capture_output=True, text=True).stdout.split()[2],
               "rounds": bench.rounds, "seconds": bench.seconds, "rows": []}
    try:
        checks.run(bench)
        for name, how, target, beside in ROWS:
            if not fnmatch.fnmatch(name, args.rows):
                continue
            figures, raw = bench.row(name, how, beside)
            row = {"name": name, "target": target, "figure": how.get("figure", "cpu_us"), "figures": figures, "raw": raw,
                   "against": "itself without" if how.get("revoked") else PEER}
            results["rows"].append(row)
            print(report.line(row), file=sys.stderr, flush=True)
        if args.rows == "*":
            results["calls"] = bench.calls()
            results["start"] = bench.start()
            results["idle"] = bench.idle()
    finally:
        bench.stop()
    report.write(results, args.out)
    print(report.markdown(results))


def cpu_name():
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


if __name__ == "__main__":
    main()
