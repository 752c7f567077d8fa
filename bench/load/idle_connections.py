#!/usr/bin/env python3
"""How much memory of the gateway an idle client connection costs.

    bench/load/idle_connections.py build/release/sallyport [--connections 10000] [--tls]

Starts an origin and the gateway, opens the connections from a process of its own, sends one request on each (with
--silent: none), waits until all are idle, and prints resident memory before and after and the difference for each
connection. Linux only (/proc). Needs a descriptor limit above the number of connections in client and gateway.
"""
import argparse
import http.server
import os
import re
import resource
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

TARGET = 4096  # bytes for each idle plain connection


def resident(pid):
    with open(f"/proc/{pid}/smaps_rollup") as file:
        text = file.read()
    return sum(int(n) for n in re.findall(r"^(?:Private_Dirty|Private_Clean|Swap): +(\d+) kB", text, re.M)) * 1024


def serve_origin():
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one write
        disable_nagle_algorithm = True

        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def hold(port, count, silent, tls):
    """The clients' process: opens all, says so, holds them until its stdin ends."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    context = None
    if tls:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    held = []
    for i in range(count):
        # Each address of 127/8 has ports of its own.
        client = socket.create_connection(("127.0.0.1", port), timeout=30,
                                          source_address=(f"127.0.0.{2 + i // 20000}", 0))
        if context:
            client = context.wrap_socket(client)
        if not silent:
            client.sendall(b"GET / HTTP/1.1\r\nHost: bench.example\r\n\r\n")
            while not client.recv(4096).endswith(b"ok"):
                pass
        held.append(client)
    print("held", flush=True)
    sys.stdin.read()


def start_gateway(binary, folder, origin, count, tls):
    listener = '{address: "127.0.0.1:0"'
    if tls:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                        "2", "-subj", "/CN=bench", "-addext", "subjectAltName=DNS:bench.example", "-keyout",
                        f"{folder}/key.pem", "-out", f"{folder}/cert.pem"], check=True, capture_output=True)
        listener += ", tls: {certificate: cert.pem, key: key.pem}"
    with open(f"{folder}/gateway.yaml", "w") as file:
        file.write(f"""workers: 2
listeners: [{listener}}}]
limits: {{connections: {count + 100}, keep_alive: 1h, head: 1h}}
log: {{access: off, audit: off}}
upstreams: {{api: {{servers: ["http://127.0.0.1:{origin}"]}}}}
routes: [{{path: /, upstream: api, auth: none}}]
""")
    gateway = subprocess.Popen([binary, "serve", "--config", f"{folder}/gateway.yaml"], stderr=subprocess.PIPE, text=True)
    for line in gateway.stderr:
        found = re.search(r"listening on \S+:(\d+)", line)
        if found:
            threading.Thread(target=gateway.stderr.read, daemon=True).start()
            return gateway, int(found[1])
    sys.exit("the gateway did not start")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", nargs="?")
    parser.add_argument("--connections", type=int, default=10000)
    parser.add_argument("--silent", action="store_true", help="send no request: connections that have said nothing")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--hold", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.hold:
        return hold(args.hold, args.connections, args.silent, args.tls)
    with tempfile.TemporaryDirectory() as folder:
        gateway, port = start_gateway(args.binary, folder, serve_origin(), args.connections, args.tls)
        try:
            command = [sys.executable, __file__, "--hold", str(port)]
            flags = ["--silent"] * args.silent + ["--tls"] * args.tls
            # A few first, so that what the gateway needs once isn't counted.
            warm = subprocess.Popen(command + ["--connections", "64"] + flags, stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE)
            warm.stdout.readline()
            warm.communicate()
            time.sleep(1)
            before = resident(gateway.pid)
            clients = subprocess.Popen(command + ["--connections", str(args.connections)] + flags,
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            if clients.stdout.readline().strip() != b"held":
                sys.exit("the clients could not all connect")
            time.sleep(1)
            after = resident(gateway.pid)
            each = (after - before) / args.connections
            print(f"{args.connections} idle connections ({'TLS' if args.tls else 'plain'}): "
                  f"{before / 1048576:.1f} MiB before, {after / 1048576:.1f} MiB after, {each:.0f} bytes each")
            clients.communicate()
            return 0 if args.tls or each <= TARGET else 1
        finally:
            gateway.terminate()
            gateway.wait()


if __name__ == "__main__":
    sys.exit(main())
