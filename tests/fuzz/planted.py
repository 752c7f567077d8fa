#!/usr/bin/python3
"""Does each fuzz target find a bug? One is planted into a file that it covers, in a copy, and the target must stop at it.

    planted.py BUILD [NAME...]

BUILD is the folder of the fuzz preset, built (`./dev fuzz`). Ends with 1 where a target ran for SECONDS without a finding.
"""
import os
import subprocess
import sys
import time

import coverage

SECONDS = 120

# By target: the file, what stands there, and what stands there with the bug in it.
BUGS = {
    "claims": ("auth/jose/claim_reader.cpp", "if (seconds < -kLatest || seconds > kLatest) return false;", ""),
    "config_yaml": ("config/yaml.cpp", "return mark.is_null() ? Mark{} : Mark{mark.line + 1, mark.column + 1};",
                    "return mark.is_null() ? Mark{} : Mark{-mark.line - 1, mark.column + 1};"),
    "connection": ("gateway/http1/server_connection.cpp", "filled_ = pending_.size();", "filled_ = 0;"),
    "cookies": ("gateway/cookies.cpp", " || !is_token_text(value);", ";"),
    "forwarded": ("gateway/forwarded.cpp", "if (valid_request_id(offered))", "if (!offered.empty())"),
    "http1_request": ("gateway/http1/head_scan.cpp", "kEach * 0x20", "kEach * 0x10"),
    "http1_response": ("gateway/http1/target.cpp", "line[8] == ' ' && line[12] == ' ' &&", "line[8] == ' ' &&"),
    "json_body": ("auth/jose/strict_json.cpp", 'if (!std::isfinite(d)) return refuse("a number that is too large", ec);', ""),
    "jwk": ("auth/jose/key_checks.cpp", "if (bits < kMinRsaBits)", "if (bits < 512)"),
    "jws": ("auth/jose/base64url.cpp", "if ((bits & (rest == 2 ? 0xFFFFu : 0xFFu)) != 0) return false;", ""),
    "key_loader": ("auth/jose/key_state.cpp", "key.is_retired() != key.retired.has_value() || ", ""),
    "oauth_form": ("gateway/endpoints/form.cpp", "known.reveal() == name && !value.empty()", "known.reveal() == name"),
    "path": ("gateway/path.cpp", 'if (has_dots(segment)) result.refusal = "dot_segment";', ""),
    "proxy_protocol": ("gateway/net/proxy_protocol.cpp", "if (bytes.size() < size) return {};\n", ""),
    "redis_reply": ("auth/stores/redis/resp.cpp", " || depth_of(task) > building.limits.depth", ""),
}


def plant(folder, name):
    """The path of a copy of the file with the bug in it, and the file's own path."""
    file, good, bad = BUGS[name]
    with open(f"{coverage.ROOT}/{file}") as source:
        text = source.read()
    if text.count(good) != 1:
        raise SystemExit(f"{file} doesn't say once: {good}")
    copy = f"{folder}/planted/{name}/{os.path.basename(file)}"
    os.makedirs(os.path.dirname(copy), exist_ok=True)
    with open(copy, "w") as out:
        out.write(text.replace(good, bad))
    return copy, file


def found(folder, name):
    copy, file = plant(folder, name)
    work = os.path.dirname(copy)
    program = coverage.build(folder, name, [file], flags="-w", instead={file: copy})
    os.makedirs(f"{work}/new", exist_ok=True)
    began = time.monotonic()
    run = subprocess.run([program, f"-max_total_time={SECONDS}", "-timeout=5", f"-artifact_prefix={work}/", f"{work}/new",
                          f"{coverage.ROOT}/tests/fuzz/corpus/{name}"], capture_output=True)
    print(f"{name:16} {'found' if run.returncode else 'NOT FOUND'} after {time.monotonic() - began:.1f} s  {file}", flush=True)
    return run.returncode != 0


def main():
    folder = os.path.abspath(sys.argv[1])
    names = sys.argv[2:] or sorted(file[:-4] for file in os.listdir(f"{coverage.ROOT}/tests/fuzz") if file.endswith(".cpp"))
    return 0 if all([found(folder, name) for name in names]) else 1


if __name__ == "__main__":
    sys.exit(main())
