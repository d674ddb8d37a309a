#!/usr/bin/env python3
"""Planning problems that a trained policy solves, always taking its best call.

Five domains of the IPC 2023 learning track: one policy learns the problems of `training/` of all of
them, and plays those of `testing-easy/`. With --leave-out each domain is left out of training in turn.
"""

import argparse
import json
import sys
from pathlib import Path

import common

DOMAINS = ["blocksworld", "childsnack", "ferry", "miconic", "spanner"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="policies with seeds 1 to N")
    parser.add_argument("--epochs", type=int, default=10, help="passes over the examples")
    parser.add_argument("--leave-out", action="store_true", help="leave each domain out in turn")
    parser.add_argument("--max-calls", type=int, default=300, help="most calls of a play")
    return parser.parse_args()


def imported(folder, inside, max_calls):
    """Level files by domain and split."""
    for domain in DOMAINS:
        command = ["quest", "import", folder / domain, "-o", inside / domain]
        common.measure([common.program(), *command, "--max-calls", str(max_calls)])
    return {d: {s: inside / d / s for s in ("training", "testing-easy")} for d in DOMAINS}


def trained(levels, domains, seed, epochs, out, *more):
    files = [levels[d]["training"] for d in domains]
    command = ["train", *files, "-o", out, "--seed", str(seed), "--epochs", str(epochs), "--json"]
    command += more
    child = common.measure([common.program(), *command])
    return child.cpu, json.loads(child.output)["rounds"][-1]["states"]


def won(levels, domain, policy):
    command = ["quest", "run", levels[domain]["testing-easy"], "--agent", f"checkpoint:{policy}"]
    child = common.measure([common.program(), *command, "-n", "1", "--no-solve", "--json"])
    overall = json.loads(child.output)["run"]["agents"][0]["overall"]
    return overall["successes"], overall["episodes"]


def main():
    args = arguments()
    with common.folder("coverage") as inside:
        inside = Path(inside)
        levels = imported(common.planning_data(), inside, args.max_calls)
        rows, totals = [], []
        for seed in range(1, args.seeds + 1):
            out = inside / f"all-{seed}"
            cpu, states = trained(levels, DOMAINS, seed, args.epochs, out)
            found = [won(levels, d, out) for d in DOMAINS]
            totals.append(sum(w for w, _ in found))
            of = sum(n for _, n in found)
            cells = [f"{w}/{n}" for w, n in found]
            rows.append([seed, *cells, f"{totals[-1]}/{of}", f"{cpu:.0f}", states])
            print(f"seed {seed}: {totals[-1]}/{of}", file=sys.stderr, flush=True)
        head = ["seed", *DOMAINS, "all", "CPU s, teaching, learning and playing them", "states"]
        common.table(head, rows)
        print(f"\nmedian: {common.median(totals)}")
        if args.leave_out:
            rows = []
            for domain in DOMAINS:
                out = inside / f"without-{domain}"
                others = [d for d in DOMAINS if d != domain]
                # The functions of the domain that is left out have names that no training has seen.
                trained(levels, others, 1, 6, out, "--text-dropout", "1")
                w, n = won(levels, domain, out)
                rows.append([domain, f"{w}/{n}"])
                print(f"without {domain}: {w}/{n}", file=sys.stderr, flush=True)
            common.table(["left out of training", "won"], rows)


if __name__ == "__main__":
    main()
