"""Keys and tokens of the benchmark: made once, kept in build/bench/tokens."""
import concurrent.futures
import json
import os
import time

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

ISSUER = "https://idp.bench.example"
AUDIENCE = "api"
SECRET = "a-secret-of-the-benchmark-longer-than-32-bytes"
LIFE = 7 * 24 * 3600


def make_keys(folder):
    """Private keys as PEM by algorithm; public ones beside them, where the contenders read them."""
    keys = {"HS256": SECRET}
    for algorithm in ("RS256", "ES256"):
        path = f"{folder}/{algorithm}.key.pem"
        if not os.path.exists(path):
            key = rsa.generate_private_key(65537, 2048) if algorithm == "RS256" else ec.generate_private_key(ec.SECP256R1())
            with open(f"{folder}/{algorithm}.pem", "wb") as file:
                file.write(key.public_key().public_bytes(serialization.Encoding.PEM,
                                                         serialization.PublicFormat.SubjectPublicKeyInfo))
            with open(path, "wb") as file:
                file.write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                             serialization.NoEncryption()))
        with open(path) as file:
            keys[algorithm] = file.read()
    return keys


def claims(number, now, **changes):
    return {"iss": ISSUER, "aud": AUDIENCE, "sub": f"user-{number}", "jti": f"token-{number}", "iat": now, "nbf": now,
            "exp": now + LIFE, "roles": ["clerk"], "sid": f"session-{number}", **changes}


def make(key, algorithm, number=0, **changes):
    return jwt.encode(claims(number, int(time.time()) - 10, **changes), key, algorithm=algorithm)


def _part(work):
    key, algorithm, first, count, now = work
    if algorithm != "HS256":  # read once, not for each token
        key = serialization.load_pem_private_key(key.encode(), None)
    return "".join(jwt.encode(claims(i, now), key, algorithm=algorithm) + "\n" for i in range(first, first + count))


def token_file(folder, keys, algorithm, count):
    """A file of `count` distinct good tokens, a line each; made anew when half of their life is over."""
    path = f"{folder}/{algorithm}.{count}.txt"
    if os.path.exists(path) and time.time() - os.path.getmtime(path) < LIFE / 2 and \
            os.path.getmtime(path) > os.path.getmtime(f"{folder}/ES256.key.pem"):
        return path
    part = 10_000
    now = int(time.time()) - 10
    work = [(keys[algorithm], algorithm, i, min(part, count - i), now) for i in range(0, count, part)]
    with concurrent.futures.ProcessPoolExecutor() as pool, open(path + ".new", "w") as file:
        for text in pool.map(_part, work):
            file.write(text)
    os.replace(path + ".new", path)
    return path


def expired_file(folder, keys, algorithm):
    path = f"{folder}/{algorithm}.expired.txt"
    now = int(time.time())
    with open(path, "w") as file:
        for i in range(1000):
            file.write(jwt.encode(claims(i, now - 7200, exp=now - 3600), keys[algorithm], algorithm=algorithm) + "\n")
    return path


def forged(keys, algorithm):
    """What nobody may let through, by what is wrong with it."""
    good = make(keys[algorithm], algorithm)
    head, payload, signature = good.split(".")
    other = "B" if signature[5] != "B" else "C"
    changed = "A" if payload[20] != "A" else "Q"
    return {
        "a changed signature": f"{head}.{payload}.{signature[:5]}{other}{signature[6:]}",
        "a changed payload": f"{head}.{payload[:20]}{changed}{payload[21:]}.{signature}",
        "no signature": f"{head}.{payload}.",
        "alg none": jwt.encode(claims(0, int(time.time())), None, algorithm="none"),
        "another issuer": make(keys[algorithm], algorithm, iss="https://evil.example"),
        "another audience": make(keys[algorithm], algorithm, aud="other"),
        "no token at all": None,
    }


if __name__ == "__main__":
    import sys
    os.makedirs(sys.argv[1], exist_ok=True)
    made = make_keys(sys.argv[1])
    for name in ("HS256", "RS256", "ES256"):
        print(json.dumps({name: token_file(sys.argv[1], made, name, int(sys.argv[2]))}))
