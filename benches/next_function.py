#!/usr/bin/env python3
"""The next function of real dialogues, foretold on tasks that were held out.

100 episodes of tau-bench's airline (50 tasks, two trials each); answering the user is a function too. Each
fold's policy learns from scratch, and the n-grams count the same episodes.
"""

import argparse
import json
import os
import random
import sys
from pathlib import Path

import common

LOG = "tau-bench-gpt-4o-airline-trials-0-1.json"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="policies for each fold")
    parser.add_argument("--deals", type=int, default=2, metavar="N", help="ways to deal the tasks to folds")
    return parser.parse_args()


def log():
    """The log; ends the benchmark, not as a failure, where it is not there."""
    beside = common.ROOT.parent / "shared" / "data" / "real-logs"
    found = Path(os.environ.get("FQM_REAL_LOGS") or beside) / LOG
    if not found.is_file():
        print(f"skipped: no {found}; FQM_REAL_LOGS names another folder")
        sys.exit(0)
    return found


def one_answer(episodes):
    """The same without what the agent says in the message in which it calls a function."""
    for message in (m for episode in episodes for m in episode["traj"]):
        if message.get("tool_calls"):
            message["content"] = None
    return episodes


def half(episodes, odd):
    """Policy and n-gram on the tasks of one half, and the sign-flip test over them."""
    tasks = {}
    rows = [e for e in episodes if int(e["task"]) % 2 == odd]
    for row in rows:
        tasks.setdefault(row["task"], []).append((row["policy"] - row["backoff"]) / row["choices"])
    means = [sum(found) / len(found) for found in tasks.values()]
    rng, total, draws = random.Random(1), abs(sum(means)), 20_000
    flipped = (abs(sum(rng.choice((-m, m)) for m in means)) for _ in range(draws))
    far = sum(size >= total - 1e-9 for size in flipped)
    choices = sum(row["choices"] for row in rows)
    shares = [sum(row[who] for row in rows) / choices for who in ("policy", "backoff")]
    return shares, sum(means) / len(means), (far + 1) / (draws + 1)


def percent(share):
    return f"{share * 100:.1f} %"


def report(name, path, seed, seeds):
    command = ["policy", "foretell", path, "--seed", seed, "--seeds", seeds, "--json"]
    child = common.measure([common.program(), *command])
    made = json.loads(child.output)
    print(f"\n{name}: {made['choices']} choices, {made['tasks']} tasks, {child.cpu:.0f} CPU s")
    rows = []
    for standing in made["standings"]:
        given = [standing["log_loss"], standing["calibration"]]
        numbers = ["" if number is None else f"{number:.3f}" for number in given]
        rows.append([standing["name"], percent(standing["accuracy"]), percent(standing["by_episode"])])
        rows[-1] += numbers
    common.table(["", "right", "mean of episodes", "log loss", "calibration error"], rows)
    test = made["against_backoff"]
    d = test["difference"]
    print(f"policy less back-off n-gram, points a task: {d['estimate'] * 100:+.1f}", end="")
    print(f" ({d['low'] * 100:+.1f} to {d['high'] * 100:+.1f}), p = {test['p_value']:.5f}")
    for odd, what in enumerate(("settings chosen on", "not looked at")):
        (policy, backoff), difference, p = half(made["episodes"], odd)
        print(f"  tasks {what}: {percent(policy)} and {percent(backoff)},", end="")
        print(f" {difference * 100:+.1f} points a task, p = {p:.5f}")


def main():
    args, path = arguments(), log()
    for seed in range(1, args.deals + 1):
        report(f"tasks dealt with seed {seed}", path, seed, args.seeds)
    with common.folder("next-function") as inside:
        fewer = Path(inside) / "log.json"
        fewer.write_text(json.dumps(one_answer(json.loads(path.read_text()))))
        report("without words beside a call", fewer, 1, args.seeds)


if __name__ == "__main__":
    main()
