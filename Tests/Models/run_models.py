"""Builds the model checks of the commit protocol, runs them and compares what each variant finds.

A model explores every state of a small system (a few acceptors, ballots, revisions) and prints a line
for each variant: sound rules, which must hold, and mutations, which must be caught. What each one must
find is in expected.txt; `--record` writes that file anew. Which variant is which says
Sources/OptimysticCore/OptimysticCore.docc/Models.md. What a program has printed is kept in the folder,
and it is run again only when its source has changed.
"""

import argparse
import concurrent.futures
import difflib
import pathlib
import re
import subprocess
import sys

# Program, its definitions, its arguments (the limit of states, where it takes one).
RUNS = [
    ("rw", [], []),
    ("tx", ["-DNA=2"], []),
    ("tx", ["-DNA=3"], []),
    ("bind", ["-DBB=2"], []),
    ("batch", [], ["3000000"]),
    ("rebase", [], ["300000"]),
    ("blockread", ["-DNN=1"], ["3000000"]),
    ("seal", [], ["3000000"]),
    ("life", [], ["3000000"]),
    ("reg", ["-DBB=3"], []),
    ("reg_r3", ["-DBB=3"], []),
    ("gc", [], []),
    ("epochread", ["-DBB=2"], ["3000000"]),
    ("epoch2", ["-DBB=3"], []),
    ("fused", ["-DBB=4"], ["3000000"]),
    ("delta", ["-DBB=3"], ["3000000"]),
    ("group", [], ["5000000"]),
    ("vector", [], ["5000000"]),
    ("txpend", [], ["5000000"]),
    ("groupdoubt", [], ["5000000"]),
    ("blockread", ["-DNN=2"], ["3000000"]),
    ("epoch2", ["-DBB=4"], []),
    ("epoch", [], []),
]

HERE = pathlib.Path(__file__).parent
EXPECTED = HERE / "expected.txt"
SEARCHED = re.compile(
    r"^(?P<variant>\S.*?)\s+(?P<outcome>OK\(exhaustive\)|VIOLATION|no violation up to limit)"
    r" states=(?P<states>\d+)"
)
TRACE = re.compile(r"^\s+trace\((?P<steps>\d+) steps\)")
DRAWN = re.compile(
    r"^(?P<variant>\S.*?)\s+(none found|VIOLATION) trials=(?P<runs>\d+) wrong=(?P<wrong>\d+)"
)


def outcomes(run, folder):
    """The lines `program: variant: outcome` of one run."""
    name, defines, arguments = run
    label = " ".join([name, *defines])
    binary = folder / "-".join([name, *(define[2:] for define in defines)])
    source = HERE / f"{name}.cpp"
    prints = binary.with_suffix(".txt")
    age = max(path.stat().st_mtime for path in [source, HERE / "bfs.hpp"])
    if prints.exists() and prints.stat().st_mtime > age:
        return read(label, prints.read_text())
    compiler = ["g++", "-O2", "-std=c++17", *defines, str(source), "-o", str(binary)]
    subprocess.run(compiler, check=True)
    printed = subprocess.run(
        [str(binary), *arguments], stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    prints.write_text(printed)
    return read(label, printed)


def read(label, printed):
    """What a program printed, without what differs from machine to machine."""
    found = []
    for line in printed.splitlines():
        if match := SEARCHED.match(line):
            found.append(f"{label}: {match['variant']}: {match['outcome']}, {match['states']} states")
        elif match := TRACE.match(line):
            found[-1] += f", {match['steps']} steps"
        elif match := DRAWN.match(line):
            found.append(f"{label}: {match['variant']}: {match['wrong']} wrong of {match['runs']}")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path, help="where programs and their prints go")
    parser.add_argument("--jobs", type=int, default=1, help="programs at work at once")
    parser.add_argument("--record", action="store_true", help="write expected.txt instead")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    lines = []
    with concurrent.futures.ThreadPoolExecutor(max_workers=options.jobs) as pool:
        for run, found in zip(RUNS, pool.map(lambda run: outcomes(run, options.folder), RUNS)):
            if not found:
                sys.exit(f"{run[0]} printed no outcome")
            print("\n".join(found), flush=True)
            lines += found
    if options.record:
        EXPECTED.write_text("".join(f"{line}\n" for line in lines))
    expected = EXPECTED.read_text().splitlines()
    different = list(difflib.unified_diff(expected, lines, "expected", "found", lineterm="", n=0))
    if different:
        sys.exit("\n".join(["the models found something else:", *different]))
    print(f"{len(lines)} variants in {len(RUNS)} runs of the models, each as expected")


if __name__ == "__main__":
    main()
