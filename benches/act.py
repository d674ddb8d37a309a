#!/usr/bin/env python3
"""How long the policy takes to decide, alone and in batches, and how much memory that needs.

Levels of every family are drawn grade by grade. A decision is all that lies between a state and a call:
the graph is built from the state, the network scores it, a call is chosen. One thread, on the CPU. The
weights are drawn at random, for they decide as fast as trained ones.
"""

import argparse
import json
import os
import subprocess
from pathlib import Path

import common


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=30, help="decisions in each state (30)")
    return parser.parse_args()


def levels(grade):
    """One level of every family that has this grade."""
    found = []
    listed = common.measure([common.program(), "quest", "run", "--agent", "random", "-n", "1",
                             "--level", str(grade), "--challenge", "1", "--json", "--workspace", common.ROOT])
    for play in json.loads(listed.output)["run"]["agents"][0]["episodes"]:
        name = f"{play['family']}/{play['level']}.{play['challenge']}@{play['level_seed']}"
        shown = common.measure([common.program(), "quest", "show", name, "--json", "--workspace", common.ROOT])
        found.append(json.loads(shown.output))
    return found


def measured(found, times):
    request = {"weights": None, "levels": found, "times": times}
    program = Path(common.program()).with_name("fqm-torch")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    done = subprocess.run([program, "bench-act"], input=json.dumps(request), env=environment,
                          capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def main():
    asked = arguments()
    rows = []
    for grade in range(1, 6):
        found = levels(grade)
        got = measured(found, asked.times)
        median, late = got["single_ms"]
        rows.append([f"{grade}.1", str(got["levels"]), f"{median:.2f}", f"{late:.2f}",
                     f"{got['batched_ms']:.2f}", f"{got['peak_mib']:.0f}"])
    heads = ["grade", "levels", "alone, ms", "95 %", "together, ms each", "peak MiB"]
    common.table(heads, rows)


if __name__ == "__main__":
    main()
