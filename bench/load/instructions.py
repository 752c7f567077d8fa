#!/usr/bin/python3
"""Instructions that the gateway executes for each request, as valgrind counts them: the same figure on any machine, however
noisy, and by which function. `./dev bench instructions` runs it.

    instructions.py --programs FOLDER --sallyport BINARY --out FOLDER [--rows PATTERN] [--top N]

Code lines are the distinct 64 bytes of code that a request touches: after each system call the kernel's own code has taken
the first-level cache, so each is fetched anew. valgrind knows no SHA instructions, so OpenSSL's share is larger here than on
the processor.
"""
import argparse
import collections
import fnmatch
import os
import re
import socket
import ssl
import subprocess
import time

import contenders
import tokens

REQUESTS, WARM_UP, CONNECTIONS = 2000, 800, 8
ROWS = {
    "HS256": {"count": 64},
    "HS256 on a miss": {"count": 6000},
    "expired: 401": {"count": 64, "life": -3600},
    "TLS, kept connections": {"count": 64, "tls": True},
}


def make_tokens(count, life=None):
    changes = {} if life is None else {"exp": int(time.time()) + life}
    return [tokens.make(tokens.SECRET, "HS256", number, **changes) for number in range(count)]


class Clients:
    """A few kept connections, one request under way on each."""

    def __init__(self, port, secure):
        self.open = [socket.create_connection(("127.0.0.1", port), timeout=60) for _ in range(CONNECTIONS)]
        if secure:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            self.open = [context.wrap_socket(plain) for plain in self.open]

    def ask(self, count, good, first):
        for i in range(first, first + count, CONNECTIONS):
            for j, client in enumerate(self.open):
                token = good[(i + j) % len(good)]
                client.sendall(f"GET / HTTP/1.1\r\nHost: bench.example\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
            for client in self.open:
                self._read(client)

    @staticmethod
    def _read(client):
        got = b""
        while b"\r\n\r\n" not in got:
            got += client.recv(65536)
        head, _, body = got.partition(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
        while len(body) < length:
            body += client.recv(65536)


def profile(args, folder, origin, count, life=None, tls=False):
    """The path of callgrind's profile of REQUESTS requests."""
    made = make_tokens(count, life)
    port, admin = contenders.free_port(), contenders.free_port()
    more = {"tls": f'{{certificate: "{folder}/tls.crt.pem", key: "{folder}/tls.key.pem"}}'} if tls else {}
    config, out = f"{folder}/instructions.yaml", f"{folder}/callgrind.out"
    key = f'secret: "{tokens.SECRET}", algorithms: [HS256]'
    with open(config, "w") as file:
        file.write(contenders.sallyport_config(origin.port, folder, port, admin, "memory:", **more).replace("KEY", key))
    server = contenders.Server("sallyport", ["valgrind", "--tool=callgrind", "--instr-atstart=no", "--dump-instr=yes",
                                             f"--callgrind-out-file={out}", args.sallyport, "serve", "--config", config], port)
    try:
        contenders.wait_until_ready(admin, server)
        clients = Clients(port, tls)
        clients.ask(WARM_UP, made, 0)
        for state, asked in (("on", REQUESTS), ("off", 0)):
            subprocess.run(["callgrind_control", "-i", state, str(server.process.pid)], check=True, capture_output=True)
            clients.ask(asked, made, WARM_UP)
    finally:
        server.stop()
    return out


def read(path):
    """{object: instructions}, {object: lines of code}, {(object, function): instructions}, of all requests."""
    names, functions = {}, {}
    here, function, address, of_a_call = "?", "?", 0, False
    by_object, by_function = collections.Counter(), collections.Counter()
    lines = collections.defaultdict(collections.Counter)
    with open(path) as file:
        for text in file:
            named = re.match(r"(c?ob|c?fn)=\((\d+)\)(?: (.*))?$", text)
            if named:
                kind, number, name = named.groups()
                known = names if kind.endswith("ob") else functions
                if name:
                    known[number] = name
                if kind == "ob":
                    here = known[number].split("/")[-1]
                elif kind == "fn":
                    function = known[number]
            elif text.startswith("calls="):
                of_a_call = True
            elif re.match(r"0x|[+*-]", text):
                at, count = text.split()[0], int(text.split()[-1])
                address = int(at, 16) if at.startswith("0x") else address + (0 if at == "*" else int(at))
                if not of_a_call:
                    by_object[here] += count
                    by_function[here, function] += count
                    lines[here][address >> 6] += count
                of_a_call = False
    touched = {name: sum(1 for count in found.values() if count * 4 > REQUESTS) for name, found in lines.items()}
    return by_object, touched, by_function


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", required=True, help="the folder of origin")
    parser.add_argument("--sallyport", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--rows", default="*")
    parser.add_argument("--top", type=int, default=15, help="functions to name")
    args = parser.parse_args()
    args.sallyport = os.path.abspath(args.sallyport)
    folder = os.path.abspath(args.out)
    os.makedirs(folder, exist_ok=True)
    contenders.make_certificate(folder)
    origin = contenders.start_origin(args.programs)
    table = ["| | instructions each | of them ours | OpenSSL | lines of code, 64 B |", "|---|---:|---:|---:|---:|"]
    try:
        for name, how in ROWS.items():
            if not fnmatch.fnmatch(name, args.rows):
                continue
            by_object, touched, by_function = read(profile(args, folder, origin, **how))
            ours = os.path.basename(args.sallyport)
            crypto = sum(count for where, count in by_object.items() if "crypto" in where or "libssl" in where)
            table.append(f"| {name} | {sum(by_object.values()) // REQUESTS:,} | {by_object[ours] // REQUESTS:,} | "
                         f"{crypto // REQUESTS:,} | {sum(touched.values()):,} |")
            print(name)
            for (where, function), count in by_function.most_common(args.top):
                print(f"{count / REQUESTS:9.0f}  {where}: {function[:100]}")
    finally:
        origin.stop()
    print("\n" + "\n".join(table))


if __name__ == "__main__":
    main()
