"""One measurement: load on one server, its CPU before and after; and what a server does in system calls."""
import json
import os
import re
import signal
import statistics
import subprocess
import tempfile
import time

from contenders import LOAD_CORE

HERE = os.path.dirname(os.path.abspath(__file__))


def load(server, seconds, tokens="-", path="/", method="GET", body=0, connections=64, close=False, tls=False, pinned=True,
         threads=1):
    """Figures of one run of wrk. A request that was not answered, or a connection that broke, ends the benchmark."""
    before = server.cpu_ns()
    command = ["wrk", "-t", str(threads), "-c", str(connections), "-d", f"{seconds}s", "--timeout", "20s", "-s",
               f"{HERE}/tokens.lua", f"{'https' if tls else 'http'}://127.0.0.1:{server.port}{path}", "--", tokens, method,
               str(body), str(server.asked)] + (["close"] if close else [])
    if pinned:
        command = ["taskset", "-c", str(LOAD_CORE)] + command
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    result = json.loads(out.strip().splitlines()[-1])
    used = server.cpu_ns() - before
    server.asked += result["requests"]  # the next run goes on behind the tokens of this one
    if result["requests"] == 0:
        raise SystemExit(f"{server.name}: no request was answered")
    result["cpu_us"] = used / 1000 / result["requests"]
    result["per_second"] = result["requests"] / (result["microseconds"] / 1e6)
    return result


def system_calls(server, seconds, **how):
    """System calls for each request under load, by name, as strace counts them (it slows the server down, so it is asked alone)."""
    with tempfile.NamedTemporaryFile("r", suffix=".strace") as counted:
        tracer = subprocess.Popen(["strace", "-c", "-f", "-q", "-o", counted.name, "-p", str(server.process.pid)],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        result = load(server, seconds, **how)
        tracer.send_signal(signal.SIGINT)
        tracer.wait()
        calls = {}
        for line in counted.read().splitlines():
            found = re.match(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", line)
            if found and found[2] != "total":
                calls[found[2]] = int(found[1]) / result["requests"]
    return {name: round(count, 3) for name, count in sorted(calls.items(), key=lambda c: -c[1]) if count >= 0.005}


def median(values):
    return statistics.median(values)


def spread(values):
    """The middle half, as its two ends."""
    if len(values) < 4:
        return min(values), max(values)
    quarters = statistics.quantiles(values, n=4)
    return quarters[0], quarters[2]
