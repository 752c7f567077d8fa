#!/usr/bin/python3
"""How much of the files that the fuzz targets name (their lines "Covers:") their corpora reach together.

    coverage.py BUILD [NAME...]

BUILD is the folder of the fuzz preset, built (`./dev fuzz`). Each named file is compiled once more with clang's coverage and
linked before the libraries that have it too; then seeds and what the fuzzer has found are run through it. Where less than 90 %
of a file's lines are reached, the functions that never ran are named: most speak to others or read what no stranger sends.
Every line stands in BUILD/coverage/lines.txt.
"""
import collections
import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WANTED = 90.0


def covered_files(name):
    with open(f"{ROOT}/tests/fuzz/{name}.cpp") as file:
        text = " ".join(line[3:].strip() for line in file if line.startswith("// "))
    return re.findall(r"[\w/]+\.cpp", text[text.index("Covers: "):])


def build(folder, name, files, flags="-fprofile-instr-generate -fcoverage-mapping", instead=None):
    """The target's program with `files` compiled anew: with more flags, or from another place."""
    with open(f"{folder}/compile_commands.json") as file:
        commands = {os.path.relpath(entry["file"], ROOT): entry for entry in json.load(file)}
    work = f"{folder}/{'planted' if instead else 'coverage'}/{name}"
    os.makedirs(work, exist_ok=True)
    objects = []
    for source in [f"tests/fuzz/{name}.cpp"] + files:
        entry, made = commands[source], f"{work}/{source.replace('/', '_')}.o"
        command = re.sub(r"^.*?(\S*clang\+\+\S*) ", r"\1 ", entry["command"])
        command = re.sub(r" -o \S+", f" -o {made}", command)
        # A header that was precompiled without these flags would be refused.
        command = re.sub(r" -Winvalid-pch| -Xclang -include-pch -Xclang \S+| -Xclang -include -Xclang \S+", "", command)
        command = command.replace(entry["file"], (instead or {}).get(source, entry["file"]))
        subprocess.run(f"{command} {flags}", shell=True, check=True, cwd=entry["directory"])
        objects.append(made)
    found = subprocess.run(["ninja", "-C", folder, "-t", "commands", f"fuzz_{name}"], capture_output=True, text=True, check=True)
    link = re.sub(r"^: && |\s+&& :$", "", found.stdout.strip().splitlines()[-1])
    program = f"{work}/fuzz_{name}"
    link = re.sub(r" \S*CMakeFiles\S+\.o", "", link)
    link = re.sub(r" -o \S+", f" {' '.join(objects)} -o {program} {flags}", link)
    subprocess.run(link, shell=True, check=True, cwd=folder)
    return program


def run(folder, name, program):
    """The profile of the target's corpus."""
    raw = f"{folder}/coverage/{name}.profraw"
    corpora = [path for path in (f"{folder}/corpus/{name}", f"{ROOT}/tests/fuzz/corpus/{name}") if os.path.isdir(path)]
    subprocess.run([program, "-runs=0", *corpora], check=True, capture_output=True, env={**os.environ, "LLVM_PROFILE_FILE": raw})
    return raw


def report(folder, targets, programs, profiles):
    data = f"{folder}/coverage/all.profdata"
    subprocess.run(["llvm-profdata-19", "merge", "-o", data, *profiles], check=True)
    objects = [programs[0]] + [f"-object={program}" for program in programs[1:]]
    sources = [f"{ROOT}/{file}" for file in targets]
    with open(f"{folder}/coverage/lines.txt", "w") as out:
        subprocess.run(["llvm-cov-19", "show", *objects, f"-instr-profile={data}", *sources], check=True, stdout=out)
    exported = subprocess.run(["llvm-cov-19", "export", *objects, f"-instr-profile={data}", *sources], check=True,
                              capture_output=True, text=True)
    seen = json.loads(exported.stdout)["data"][0]
    never = never_run(seen["functions"])
    for file in seen["files"]:
        percent, path = file["summary"]["lines"]["percent"], os.path.relpath(file["filename"], ROOT)
        print(f"{percent:5.1f} %  {path}  ({', '.join(targets[path])})")
        if percent < WANTED:
            print(f"         not run: {', '.join(never.get(file['filename'], ['parts of functions only']))}")


def never_run(functions):
    """The names of functions that no input reached, by file."""
    counts = collections.defaultdict(int)
    for function in functions:
        counts[function["filenames"][0], function["name"].split(":")[-1]] += function["count"]
    names = [name for (_, name), count in counts.items() if count == 0]
    plain = subprocess.run(["c++filt", "-p"], input="\n".join(names), capture_output=True, text=True, check=True).stdout.splitlines()
    short = {name: re.sub(r"^.*?(\w+::)?([~\w]+)$", r"\2", full.split("[abi:")[0]) for name, full in zip(names, plain) if "{lambda" not in full and "$_" not in full}
    never = collections.defaultdict(list)
    for (file, name), count in counts.items():
        if count == 0 and name in short and short[name] not in never[file]:
            never[file].append(short[name])
    return never


def main():
    folder = os.path.abspath(sys.argv[1])
    names = sys.argv[2:] or sorted(file[:-4] for file in os.listdir(f"{ROOT}/tests/fuzz") if file.endswith(".cpp"))
    targets, programs, profiles = {}, [], []
    for name in names:
        print(f"running {name}", file=sys.stderr)
        files = covered_files(name)
        for file in files:
            targets.setdefault(file, []).append(name)
        programs.append(build(folder, name, files))
        profiles.append(run(folder, name, programs[-1]))
    report(folder, targets, programs, profiles)


if __name__ == "__main__":
    main()
