"""PyJWT as the other side of interop_test.cpp.

Reads a JSON list of {"alg", "private", "public", "token"} from stdin (keys as PEM, or the secret itself), verifies
each token and signs one of its own; writes a JSON list of {"claims" or "error", "token"}.
"""
import json
import sys

import jwt

answers = []
for case in json.load(sys.stdin):
    answer = {}
    try:
        answer["claims"] = jwt.decode(
            case["token"], case["public"], algorithms=[case["alg"]], audience="api",
            issuer="https://ours.test", options={"require": ["exp", "iat", "nbf", "sub", "jti"]})
        answer["header"] = jwt.get_unverified_header(case["token"])
    except jwt.PyJWTError as error:
        answer["error"] = repr(error)
    answer["token"] = jwt.encode(
        {"iss": "https://theirs.test", "aud": ["api"], "sub": "grace", "exp": case["now"] + 600, "iat": case["now"],
         "roles": ["admin", "ünï"]},
        case["private"], algorithm=case["alg"], headers={"kid": case["kid"]})
    answers.append(answer)
json.dump({"library": "PyJWT " + jwt.__version__, "answers": answers}, sys.stdout)
