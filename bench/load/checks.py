"""Before anything is measured: does each contender refuse what it must, and do all give the same answer to what is good?"""
import http.client
import sys

import contenders
import tokens


def ask(server, token, method="GET", path="/", body=None):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    headers = {"Host": "bench.example"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    answer = response.status, response.read(), {name.lower(): value for name, value in response.getheaders()}
    connection.close()
    return answer


# What a proxy may add to an answer or write anew (RFC 9110 7.6.3, RFC 9112 9.6).
OWN = {"via", "x-request-id", "connection", "keep-alive", "server", "date"}


def expect(condition, what):
    if not condition:
        raise SystemExit(f"not comparable: {what}")


def check_refusals(server, keys, algorithm):
    expect(ask(server, tokens.make(keys[algorithm], algorithm))[0] == 200, f"{server.name} refuses a good {algorithm} token")
    for what, token in tokens.forged(keys, algorithm).items():
        expect(ask(server, token)[0] == 401, f"{server.name} lets {what} ({algorithm}) pass")
    status, _, headers = ask(server, tokens.make(keys[algorithm], algorithm, exp=1_000_000_000))
    expect(status == 401 and headers.get("token-expired") == "true", f"{server.name}: expired is {status} {headers}")


def check_same(servers, token):
    for method, path, body in (("GET", "/", None), ("GET", "/big", None), ("POST", "/", b"x" * 65536)):
        answers = [ask(server, token, method, path, body) for server in servers]
        first = answers[0]
        for server, (status, content, headers) in zip(servers, answers):
            same = {n: v for n, v in headers.items() if n not in OWN} == {n: v for n, v in first[2].items() if n not in OWN}
            expect(status == first[0] and content == first[1] and same, f"{server.name} answers {method} {path} differently")


def run(bench):
    for algorithm in ("HS256", "RS256", "ES256"):
        servers = []
        try:
            servers = [bench.haproxy(algorithm), bench.sallyport(algorithm)]
            for server in servers:
                check_refusals(server, bench.keys, algorithm)
            relay = contenders.start_relay(bench.args.programs, bench.origin.port)
            nginx = contenders.start_nginx(bench.folder, bench.origin.port)
            servers += [relay, nginx]
            check_same([relay] + servers, tokens.make(bench.keys[algorithm], algorithm))
        finally:
            for server in servers:
                server.stop()
    print("HAProxy and Sallyport refuse forged, foreign and expired tokens; all answer alike", file=sys.stderr, flush=True)
