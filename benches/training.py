#!/usr/bin/env python3
"""Training: examples per second of imitation, as the finetune step of a real night states them.

One example is one decision of an episode: the graph of its level or history, the calls that could
be made, and the one that was.
"""

import json
import sys
from pathlib import Path

import common


def main():
    with common.folder("training") as inside:
        place = Path(inside) / "night"
        common.measure([common.program(), "init", place, "--sample"])
        night = [common.program(), "run", "nightly", "--workspace", place, "--json"]
        # 99 is a night that had not enough data, which the check below names better.
        child = common.measure(night, check=False)
        if child.code not in (0, 99):
            sys.exit(f"run nightly: exit {child.code}\n{child.output}")
        run = json.loads(child.output)["run"]
        logs = ["logs", run, "finetune", "--json", "--workspace", place]
        events = common.measure([common.program(), *logs]).output.splitlines()

    metrics = [json.loads(line)["event"] for line in events]
    passes = [m["values"] for m in metrics if m["event"] == "metric"]
    rates = [values["examples_per_second"] for values in passes if "examples_per_second" in values]
    ended = [m["millis"] / 1000 for m in metrics if m["event"] == "step_ended"]
    if not rates:
        sys.exit(f"run {run} trained nothing: no metric names examples_per_second")
    head = ["passes", "examples per second (median)", "lowest", "highest", "step s"]
    row = [len(rates), f"{common.median(rates):.0f}", f"{min(rates):.0f}", f"{max(rates):.0f}"]
    common.table(head, [[*row, f"{sum(ended):.1f}"]])


if __name__ == "__main__":
    main()
