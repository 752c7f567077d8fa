"""Starts what is compared: the relay, nginx, HAProxy and Sallyport, each before the same origin, and their configurations."""
import os
import re
import signal
import socket
import subprocess
import threading
import time

from tokens import AUDIENCE, ISSUER, SECRET

# One core for the server that is measured, the other for the load and the origin; with two workers nobody is pinned.
SERVER_CORE, LOAD_CORE = 0, 1


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, process, name):
    until = time.monotonic() + 20
    while time.monotonic() < until:
        if process.poll() is not None:
            raise SystemExit(f"{name} ended at its start with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"{name} does not listen on port {port}")


def make_certificate(folder):
    """A PEM file of certificate and key, for HAProxy; each alone lies beside it."""
    path = f"{folder}/tls.pem"
    if not os.path.exists(path):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                        "3650", "-subj", "/CN=bench.example", "-addext", "subjectAltName=DNS:bench.example", "-keyout",
                        f"{folder}/tls.key.pem", "-out", f"{folder}/tls.crt.pem"], check=True, capture_output=True)
        with open(path, "w") as both:
            for part in ("crt", "key"):
                with open(f"{folder}/tls.{part}.pem") as file:
                    both.write(file.read())
    return path


class Server:
    """A process (with its children), its port, and how much CPU and memory it took."""

    def __init__(self, name, command, port, core=None, output=None):
        self.name, self.port = name, port
        self.asked = 0  # requests until now
        if core is not None:
            command = ["taskset", "-c", str(core)] + command
        self.process = subprocess.Popen(command, stdout=output or subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.errors = []
        threading.Thread(target=self._collect, daemon=True).start()
        try:
            wait_for(port, self.process, name)
        except SystemExit as error:
            time.sleep(0.2)
            raise SystemExit(f"{error}\n" + "".join(self.errors))

    def _collect(self):
        for line in self.process.stderr:
            if len(self.errors) < 100:
                self.errors.append(line)

    def pids(self):
        found = [self.process.pid]
        for pid in found:
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/children") as file:
                    found += [int(child) for child in file.read().split()]
        return found

    def cpu_ns(self):
        """User and system time of all its threads, in nanoseconds, as the scheduler counts them."""
        total = 0
        for pid in self.pids():
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/schedstat") as file:
                    total += int(file.read().split()[0])
        return total

    def private_bytes(self):
        total = 0
        for pid in self.pids():
            with open(f"/proc/{pid}/smaps_rollup") as file:
                text = file.read()
            total += sum(int(n) for n in re.findall(r"^(?:Private_Dirty|Private_Clean|Swap): +(\d+) kB", text, re.M)) * 1024
        return total

    def resident_bytes(self):
        total = 0
        for pid in self.pids():
            with open(f"/proc/{pid}/status") as file:
                total += int(re.search(r"VmRSS:\s+(\d+)", file.read())[1]) * 1024
        return total

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_origin(programs, core=LOAD_CORE):
    port = free_port()
    return Server("origin", [f"{programs}/origin", str(port)], port, core)


def start_relay(programs, origin, core=SERVER_CORE):
    port = free_port()
    return Server("relay", [f"{programs}/relay", str(port), str(origin)], port, core)


def start_nginx(folder, origin):
    port = free_port()
    path = f"{folder}/nginx.conf"
    with open(path, "w") as file:
        file.write(f"""daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 100000000;
  client_body_temp_path {folder}/nginx-body;
  proxy_temp_path {folder}/nginx-proxy;
  fastcgi_temp_path {folder}/nginx-fastcgi;
  uwsgi_temp_path {folder}/nginx-uwsgi;
  scgi_temp_path {folder}/nginx-scgi;
  upstream origin {{ server 127.0.0.1:{origin}; keepalive 256; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_request_buffering off;
      proxy_buffering off;
    }}
  }}
}}
""")
    return Server("nginx", ["/usr/sbin/nginx", "-c", path, "-p", folder], port, SERVER_CORE)


def haproxy_checks(algorithm, key):
    """Algorithm, signature, issuer, audience, not before, expiry, in the way of HAProxy's own documentation."""
    return f"""  http-request set-var(txn.token) http_auth_bearer
  http-request deny deny_status 401 unless {{ var(txn.token) -m found }}
  http-request set-var(txn.alg) var(txn.token),jwt_header_query('$.alg')
  http-request deny deny_status 401 unless {{ var(txn.alg) -m str {algorithm} }}
  http-request deny deny_status 401 unless {{ var(txn.token),jwt_verify(txn.alg,"{key}") 1 }}
  http-request deny deny_status 401 unless {{ var(txn.token),jwt_payload_query('$.iss') -m str {ISSUER} }}
  http-request deny deny_status 401 unless {{ var(txn.token),jwt_payload_query('$.aud') -m str {AUDIENCE} }}
  http-request set-var(txn.now) date()
  http-request return status 401 hdr Token-Expired true if {{ var(txn.token),jwt_payload_query('$.exp','int'),sub(txn.now) -m int lt 0 }}
"""


def start_haproxy(folder, origin, keys_folder, algorithm=None, workers=1, tls=None, log=None, output=None):
    port = free_port()
    name = f"haproxy-{algorithm or 'plain'}{'-tls' if tls else ''}{'-log' if log else ''}{workers}"
    path = f"{folder}/{name}.cfg"
    key = SECRET if algorithm == "HS256" else f"{keys_folder}/{algorithm}.pem"
    bind = f"127.0.0.1:{port}" + (f" ssl crt {tls}" if tls else "")
    with open(path, "w") as file:
        file.write(f"""global
  nbthread {workers}
  maxconn 8000
  {f"log {log} format raw local0 info" if log else ""}
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  {"log global" if log else ""}
  {"option httplog" if log else ""}
  http-reuse always
frontend here
  bind {bind}
{haproxy_checks(algorithm, key) if algorithm else ""}  default_backend origin
backend origin
  server one 127.0.0.1:{origin}
""")
    return Server(name, ["/usr/sbin/haproxy", "-f", path, "-db"], port, SERVER_CORE if workers == 1 else None, output)


def sallyport_config(origin, keys_folder, port, admin, store, workers=1, tls=None, log="off", routes=0, more=""):
    listener = f'{{address: "127.0.0.1:{port}"' + (f", tls: {tls}" if tls else "") + "}"
    extra = "".join(f"  - {{path: /many/{i}/, upstream: api}}\n" for i in range(routes))
    return f"""workers: {workers}
listeners: [{listener}]
admin: {{address: "127.0.0.1:{admin}"}}
store: "{store}"
limits: {{connections: 8000, keep_alive: 1h}}
log: {{access: {log}, audit: off, level: warn}}
tokens:
  issuer: https://own.bench.example
  audience: [api]
  signing: {{algorithm: ES256, keys: own-keys}}
  issuers:
    - {{issuer: "{ISSUER}", audience: [{AUDIENCE}], secret: "{SECRET}", algorithms: [HS256]}}
""" .replace(f'secret: "{SECRET}", algorithms: [HS256]', "KEY") + f"""{more}defaults: {{auth: required}}
upstreams: {{api: {{servers: ["http://127.0.0.1:{origin}"], max_connections: 4096, max_idle: 1024}}}}
routes:
  - {{path: /, upstream: api, allow: {{roles: [clerk]}}}}
{extra}"""


def start_sallyport(binary, folder, origin, keys_folder, algorithm="HS256", store="memory:", workers=1, **options):
    port, admin = free_port(), free_port()
    key = f'secret: "{SECRET}", algorithms: [HS256]' if algorithm == "HS256" else \
        f'key_file: "{keys_folder}/{algorithm}.pem", algorithms: [{algorithm}]'
    name = f"sallyport-{algorithm}-{port}"
    path = f"{folder}/{name}.yaml"
    with open(path, "w") as file:
        file.write(sallyport_config(origin, keys_folder, port, admin, store, workers, **options).replace("KEY", key))
    server = Server(name, [binary, "serve", "--config", path], port, SERVER_CORE if workers == 1 else None)
    server.admin = admin
    wait_until_ready(admin, server)
    return server


def wait_until_ready(admin, server):
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            with socket.create_connection(("127.0.0.1", admin), timeout=5) as client:
                client.sendall(b"GET /readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                if client.recv(64).startswith(b"HTTP/1.1 200"):
                    return
        except OSError:
            pass
        time.sleep(0.02)
    raise SystemExit("sallyport is not ready\n" + "".join(server.errors))


class Redis:
    """The store of the gateways, and somebody who revokes a session every 100 ms."""

    def __init__(self, folder):
        self.port = free_port()
        program = f"{folder}/redis-server"
        if not os.path.exists(program):  # redis-tools has the server's program under another name
            os.symlink("/usr/bin/redis-check-rdb", program)
        self.server = Server("redis", [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
                                       "--dir", folder], self.port, LOAD_CORE)
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.revoked = 0
        self._stop = threading.Event()
        self._thread = None

    def command(self, connection, *words):
        parts = [f"*{len(words)}\r\n".encode()]
        for word in words:
            data = str(word).encode()
            parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
        connection.sendall(b"".join(parts))

    def _event(self, number):
        return ("XADD", "sallyport:{log}:revocations", "*", "kind", "session", "issuer", ISSUER, "id", f"revoked-{number}",
                "until", int(time.time()) + 86400, "before", "", "epoch", "0", "reason", "bench")

    def revoke(self, count):
        """So many at once, before anybody is measured."""
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            for first in range(0, count, 10_000):
                batch = min(10_000, count - first)
                for i in range(first, first + batch):
                    self.command(connection, *self._event(i))
                got = 0
                while got < batch:
                    got += connection.recv(1 << 20).count(b"$")
        self.revoked += count

    def keep_revoking(self):
        def run():
            with socket.create_connection(("127.0.0.1", self.port)) as connection:
                while not self._stop.wait(0.1):
                    self.command(connection, *self._event(10_000_000 + self.revoked))
                    connection.recv(4096)
                    self.revoked += 1
        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()

    def stop(self):
        self._stop.set()
        if self._thread:
            self._thread.join()
        self.server.stop()
