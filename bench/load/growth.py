#!/usr/bin/python3
"""How the cost of a request grows with what a gateway holds: routes, keys, live sessions, revoked ids, connections, workers.

    growth.py --programs FOLDER --sallyport BINARY --out FOLDER [--quick]
"""
import argparse
import json
import os
import resource
import sys
from types import SimpleNamespace

import bench
import contenders
import measure
import report
import tokens


def points(quick, *values):
    return values[::2] if quick else values


def measured(base, rounds, servers, **how):
    """Median µs for each request of each server, rounds interleaved, the first not counted."""
    found = {x: [] for x in servers}
    for turn in range(rounds + 1):
        for x, (server, own) in servers.items():
            result = measure.load(server, base.seconds, **{**how, **own})
            if result["broken"] or result["refused"]:
                raise SystemExit(f"growth: {server.name}: {result}")
            if turn > 0:
                found[x].append(result["cpu_us"])
    return {x: measure.median(values) for x, values in found.items()}


def curve(base, xs, start, how=None, close=None):
    """`start(x)` gives a server and what is special in its load; two servers at a time would need more memory than one."""
    found, servers = {}, {}
    try:
        for x in xs:
            servers[x] = start(x)
        found = measured(base, base.rounds, servers, **(how or {}))
    finally:
        for server, _ in servers.values():
            server.stop()
        if close:
            close()
    return {"x": list(xs), "y": [round(found[x], 2) for x in xs], "unit": "µs CPU each"}


def extra_keys(folder, count):
    """Issuers beside the one that is asked, a key each."""
    return "".join(f'    - {{issuer: "https://other-{i}.example", audience: [api], secret: "{"%08d" % i * 5}", algorithms: [HS256]}}\n'
                   for i in range(count))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=os.path.abspath, required=True)
    parser.add_argument("--sallyport", type=os.path.abspath, required=True)
    parser.add_argument("--out", type=os.path.abspath, required=True)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    base = bench.Bench(SimpleNamespace(programs=args.programs, sallyport=args.sallyport, out=args.out, quick=args.quick))
    if not args.quick:
        base.rounds = 5
    thousand = tokens.token_file(base.tokens, base.keys, "HS256", 1000)
    stores = []

    def revoked(count):
        store = contenders.Redis(base.folder)
        stores.append(store)
        store.revoke(count)
        return base.sallyport(store=store.url), {}

    def stop_stores():
        for store in stores:
            store.stop()

    how = dict(tokens=thousand)
    curves = {}
    try:
        quick = args.quick
        curves["routes"] = curve(base, points(quick, 1, 10, 100, 1000, 5000), lambda n: (base.sallyport(routes=n - 1), {}), how)
        curves["issuers, a key each"] = curve(base, points(quick, 1, 10, 50, 100, 200),
                                              lambda n: (base.sallyport(more=extra_keys(base.folder, n - 1)), {}), how)
        curves["distinct live tokens"] = curve(
            base, points(quick, 1, 100, 1000, 10_000, 100_000),
            lambda n: (base.sallyport(), {"tokens": tokens.token_file(base.tokens, base.keys, "HS256", n)}))
        curves["revoked ids"] = curve(base, points(quick, 0, 1000, 100_000, 300_000, 1_000_000), revoked, how, stop_stores)
        curves["busy connections"] = curve(base, points(quick, 1, 16, 64, 256, 1024),
                                           lambda n: (base.sallyport(), {"connections": n}), how)
        curves["workers"] = curve(base, (1, 2), lambda n: (base.sallyport(workers=n), {"pinned": n == 1}), how)
    finally:
        base.stop()
    with open(f"{args.out}/growth.json", "w") as file:
        json.dump(curves, file, indent=1)
    report.plot_curves(curves, f"{args.out}/growth.svg")
    for name, found in curves.items():
        print(f"{name}: " + ", ".join(f"{x}: {y}" for x, y in zip(found["x"], found["y"])), file=sys.stderr)


if __name__ == "__main__":
    main()
