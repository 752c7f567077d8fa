#!/usr/bin/env python3
"""Prints the rows of requirements.txt with the tests that cover them; fails where an F or T row has none.

A test covers a row by naming its number (S1.5) in a comment or a title: on the test's own line, in its body, or in
the comment right above it.
"""
import collections
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
NUMBER = re.compile(r"\bS[0-4]\.\d+\b")
TEST = re.compile(r"""^\s*(?:TEST(?:_[FP])?\(\s*(\w+),\s*(\w+)|(?:await\s+)?(?:t\.)?(?:test|it)\(\s*(['"`])(.+?)\3)""")
ENDINGS = {".cpp", ".js", ".mjs", ".py", ".sh"}
SELF = pathlib.Path(__file__).resolve()


def rows():
    for line in (HERE / "requirements.txt").read_text().splitlines():
        if line.startswith("S"):
            number, kind, text = line.split(None, 2)
            yield number, kind, text


def joined(lines):
    """TEST( and its names may stand on two lines."""
    for i, line in enumerate(lines):
        yield line + " " + lines[i + 1].strip() if re.match(r"^\s*TEST\w*\($|^\s*TEST\w*\(\w+,$", line) and i + 1 < len(lines) else line


def covered():
    """number -> names of tests, in the order of the files."""
    found = collections.defaultdict(list)
    for path in sorted(HERE.rglob("*")):
        if path.suffix not in ENDINGS or "node_modules" in path.parts or path == SELF:
            continue
        current, waiting = None, []
        for line in joined(path.read_text(errors="replace").splitlines()):
            test = TEST.match(line)
            numbers = NUMBER.findall(line)
            if test:
                current = f"{test[1]}.{test[2]}" if test[1] else f"{path.name}: {test[4]}"
                numbers, waiting = waiting + numbers, []
            comment = line.startswith("//") or line.startswith("#")
            if comment and not test:  # between tests: it speaks of the next one
                waiting += numbers
                continue
            if line.strip():
                waiting = []
            for number in numbers:
                if current and current not in found[number]:
                    found[number].append(current)
    return found


def main():
    tests, missing, wanted = covered(), [], 0
    for number, kind, text in rows():
        names = tests.get(number, [])
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        print(f"{number:6} {kind}  {text[:70]:70}  {shown or '-'}")
        wanted += kind != "C"
        if kind != "C" and not names:
            missing.append(number)
    unknown = sorted(set(tests) - {number for number, _, _ in rows()})
    print(f"{wanted - len(missing)} of {wanted} rows F and T have a test")
    if unknown:
        print("no such row: " + ", ".join(unknown))
    if missing:
        print("without a test: " + ", ".join(missing))
    return 1 if missing or unknown else 0


if __name__ == "__main__":
    sys.exit(main())
