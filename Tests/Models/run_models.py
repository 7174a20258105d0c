"""Builds the model checks of the commit protocol and prints what each variant finds.

A model explores every state of a small system (a few acceptors, ballots, revisions) and prints a line
for each variant: sound rules, which must hold, and mutations, which must be caught. Which is which says
Sources/OptimysticCore/OptimysticCore.docc/Models.md: nothing compares them yet.
"""

import concurrent.futures
import pathlib
import re
import subprocess
import sys

# Program, its definitions, its arguments (the state limit comes first where it is taken).
RUNS = [
    ("reg", ["-DBB=3"], []),
    ("reg_r3", ["-DBB=3"], []),
    ("gc", [], []),
    ("epoch2", ["-DBB=3"], []),
    ("epochread", ["-DBB=2"], ["3000000"]),
    ("tx_b", ["-DNA=2"], []),
    ("rw", [], []),
    ("bind", ["-DBB=2"], []),
    ("batch", [], ["3000000"]),
    ("blockread", ["-DNN=1"], ["3000000"]),
    ("seal", [], ["3000000"]),
    ("rebase", [], []),
    ("fused", ["-DBB=4"], ["3000000"]),
    ("delta", ["-DBB=3"], ["3000000"]),
    ("life", [], ["3000000"]),
    ("group", [], ["5000000"]),
    ("vector", [], ["5000000"]),
]

HERE = pathlib.Path(__file__).parent
LINE = re.compile(r"^(\S.*?)\s+(OK\(exhaustive\)|VIOLATION|no violation up to limit|none found)(?=\s)")


def outcomes(run, folder):
    """The lines `program: variant: outcome` of one run."""
    name, defines, arguments = run
    binary = folder / name
    compiler = ["g++", "-O2", "-std=c++17", *defines, str(HERE / f"{name}.cpp"), "-o", str(binary)]
    subprocess.run(compiler, check=True)
    printed = subprocess.run(
        [str(binary), *arguments], stdout=subprocess.PIPE, text=True, check=False, timeout=1200
    ).stdout
    found = [LINE.match(line) for line in printed.splitlines()]
    return [f"{name}: {match[1]}: {match[2]}" for match in found if match]


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        lines = []
        for run, found in zip(RUNS, pool.map(lambda run: outcomes(run, folder), RUNS)):
            if not found:
                sys.exit(f"{run[0]} printed no outcome")
            print("\n".join(found), flush=True)
            lines += found
    print(f"{len(lines)} variants of {len(RUNS)} models")


if __name__ == "__main__":
    main()
