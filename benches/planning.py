#!/usr/bin/env python3
"""Planning: minima that `fqm-pipe quest solve` proves within a few CPU-seconds, beside Fast Downward.

Problems of five domains of the IPC 2023 learning track. Both planners run one at a time, as whole
processes, import and grounding included. Fast Downward runs A* with LM-cut, which this planner uses
too. It fails where a minimum differs from Fast Downward's or is above a known upper bound.
"""

import argparse
import json
import re
import sys
from pathlib import Path

import common

PEER = "up_fast_downward/downward/fast-downward.py"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="CPU time of each, for each problem")
    parser.add_argument("--every", type=int, default=5, metavar="N", help="take every Nth problem")
    parser.add_argument("--domain", action="append", help="only this domain; may be repeated")
    parser.add_argument("--no-peer", action="store_true", help="leave Fast Downward out")
    parser.add_argument("--json", metavar="FILE", help="write every problem's figures to a file")
    return parser.parse_args()


def peer():
    """Fast Downward's driver where `scripts/peers.sh` put it, or None."""
    driver = common.ROOT / ".tools" / "fast-downward" / PEER
    if not driver.is_file():
        print("no Fast Downward in .tools (scripts/peers.sh installs it): only our figures")
        return None
    return driver


def ours(domain, problem, seconds):
    # Reading, grounding and printing come on top of the planner's own limit.
    limit = ["--seconds", f"{seconds * 0.97:.2f}"]
    solve = ["quest", "solve", "--domain", domain, "--problem", problem, "--json", *limit]
    child = common.measure([common.program(), *solve], check=False)
    if child.code not in (0, 1):
        sys.exit(f"solve {problem}: exit {child.code}\n{child.output}")
    found = json.loads(child.output)
    proven = found["status"] == "proven" and child.cpu <= seconds
    return {
        "plan": found["min_calls"],
        "min": found["min_calls"] if proven else None,
        "expanded": found["expanded"],
        "cpu": child.cpu,
        "peak": child.peak,
    }


def theirs(driver, domain, problem, seconds, inside):
    plan = Path(inside) / "plan"
    plan.unlink(missing_ok=True)
    sas = ["--sas-file", Path(inside) / "output.sas", "--plan-file", plan]
    # Its limit is in whole CPU-seconds of all its parts.
    limit = ["--overall-time-limit", f"{max(1, round(seconds))}s"]
    command = [sys.executable, driver, *sas, *limit, domain, problem, "--search", "astar(lmcut())"]
    child = common.measure(command, check=False)
    cost = re.search(r"Plan cost: (\d+)", child.output)
    expanded = re.search(r"Expanded (\d+) state", child.output)
    proven = cost is not None and child.cpu <= seconds
    return {
        "min": int(cost.group(1)) if proven else None,
        "expanded": int(expanded.group(1)) if expanded else None,
        "cpu": child.cpu,
    }


def run(args, folder, driver):
    bounds = json.loads((folder / "upper_bounds.json").read_text())
    rows = []
    with common.folder("planning") as inside:
        for domain in sorted(p for p in folder.iterdir() if (p / "domain.pddl").is_file()):
            if args.domain and domain.name not in args.domain:
                continue
            for problem in sorted(domain.glob("*/*.pddl"))[:: args.every]:
                name = str(problem.relative_to(folder))
                row = {"domain": domain.name, "problem": name, "bound": bounds.get(name)}
                row["ours"] = ours(domain / "domain.pddl", problem, args.seconds)
                if driver:
                    row["theirs"] = theirs(driver, domain / "domain.pddl", problem, args.seconds, inside)
                rows.append(row)
                print(f"\r{len(rows)} problems", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return rows


def faults(rows):
    """Minima that cannot be right."""
    found = []
    for row in rows:
        ours, theirs = row["ours"]["min"], row.get("theirs", {}).get("min")
        if None not in (ours, theirs) and ours != theirs:
            found.append(f"{row['problem']}: we prove {ours}, Fast Downward {theirs}")
        if None not in (ours, row["bound"]) and ours > row["bound"]:
            found.append(f"{row['problem']}: we prove {ours}, but {row['bound']} are known to do")
    return found


def summary(name, rows, beside):
    """A row of the table. Times and states are of the problems that both planners prove."""
    proven = lambda side: sum(r[side]["min"] is not None for r in rows)
    cells = [name, len(rows), sum(r["ours"]["plan"] is not None for r in rows), proven("ours")]
    if not beside:
        return [*cells, f"{sum(r['ours']['cpu'] for r in rows):.0f}"]
    both = [r for r in rows if None not in (r["ours"]["min"], r["theirs"]["min"])]
    middle = lambda side: f"{common.median([r[side]['cpu'] for r in both]):.2f}" if both else "-"
    total = lambda side, key: sum(r[side][key] for r in both)
    return [
        *cells,
        proven("theirs"),
        f"{middle('ours')} / {middle('theirs')}",
        f"{total('ours', 'cpu'):.1f} / {total('theirs', 'cpu'):.1f}",
        f"{total('ours', 'expanded'):,} / {total('theirs', 'expanded'):,}",
    ]


def main():
    args = arguments()
    folder = common.planning_data()
    driver = None if args.no_peer else peer()
    rows = run(args, folder, driver)
    if args.json:
        Path(args.json).write_text(json.dumps(rows, indent=1))
    head = ["domain", "problems", "plan found", "proven"]
    if driver:
        head += ["FD proven", "CPU s, median, ours / FD", "CPU s, sum", "expanded, sum"]
    else:
        head += ["CPU s, sum"]
    by_domain = {d: [r for r in rows if r["domain"] == d] for d in sorted({r["domain"] for r in rows})}
    lines = [summary(domain, of, driver) for domain, of in by_domain.items()]
    common.table(head, [*lines, summary("all", rows, driver)])
    share = sum(r["ours"]["min"] is not None for r in rows) / max(1, len(rows))
    peak = max((r["ours"]["peak"] for r in rows), default=0)
    print(f"\nproven: {share:.1%}; peak memory {peak / common.MB:.0f} MB")
    wrong = faults(rows)
    if wrong:
        sys.exit("\n".join(["minima that cannot be right:", *wrong]))


if __name__ == "__main__":
    main()
