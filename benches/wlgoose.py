#!/usr/bin/env python3
"""Planning problems that WL features and a learned linear heuristic solve: those of `coverage`.

WL-GOOSE with the features of the package `wlplan`, one heuristic for each domain, learned from the plans
that `fqm-pipe quest solve` finds for the problems of `training/`: by regression of the calls that are
left, or by ranking, where every step of a plan leads to a lower value than the state before has and to
none that is higher than those of the other calls. The problems of `testing-easy/` are then tried twice:
by greedy best-first search, and, as `coverage` plays, by always taking the call to the lowest value,
without search. The package makes features and nothing else: grounding, learning and the search are here.
"""

import argparse
import heapq
import importlib.util
import json
import sys
import time
from collections import Counter
from itertools import count
from pathlib import Path

import common
import strips
from coverage import DOMAINS

# The published ways to learn, each with its rounds of colour refinement: a Gaussian process that tells
# how many calls are left (ICAPS 2024), and a linear program that ranks states (today's default).
ROUNDS = {"gpr": 4, "rank": 2}
MODULES = ["wlplan", "numpy", "scipy"]
if all(map(importlib.util.find_spec, MODULES)):
    import numpy as np
    import scipy.optimize
    import scipy.sparse
    import wlplan.planning as api
    from wlplan.data import DomainDataset, ProblemDataset
    from wlplan.feature_generator import init_feature_generator


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--domain", action="append", help="only this domain; may be repeated")
    parser.add_argument("--seconds", type=float, default=30.0, help="CPU time of a search (30)")
    parser.add_argument("--max-calls", type=int, default=300, help="most calls without search (300)")
    parser.add_argument("--learner", choices=ROUNDS, default="gpr", help="regression or ranking (gpr)")
    parser.add_argument("--teach", type=float, default=1.0, metavar="S", help="CPU time of a plan (1)")
    parser.add_argument("--proven", action="store_true", help="learn from proven fewest calls alone")
    parser.add_argument("--no-statics", action="store_true", help="hide facts that never change from them")
    parser.add_argument("--one", metavar="FOLDER", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


class Problem:
    """A ground problem with states as bits of one number, and as the package takes them."""

    def __init__(self, domain, problem, statics):
        self.ground = ground = strips.ground(domain.read_text(), problem.read_text())
        bits = lambda facts: sum(1 << fact for fact in facts)
        parts = ("needs", "needs_not", "adds", "deletes")
        self.calls = [tuple(bits(call[part]) for part in parts) for call in ground["calls"]]
        self.start, self.goal = bits(ground["start"]), bits(ground["goal"])
        # The names of a domain come in one order for all its problems, as the features need it.
        predicates = [api.Predicate(*pair) for pair in sorted(ground["predicates"].items())]
        self.domain = api.Domain(domain.parent.name, predicates, [], [], [])
        named = {predicate.name: predicate for predicate in predicates}
        atom = lambda words: api.Atom(named[words[0]], list(words[1:]))
        self.atoms = [atom(words) for words in ground["atoms"]]
        self.always = [atom(words) for words in ground["statics"]] if statics else []
        goals = [atom(words) for words in ground["goal_atoms"]]
        self.seen = api.Problem(self.domain, ground["objects"], [], [], [], goals, [], [])

    def next(self, state):
        """The states after each call that is allowed, with the number of the call."""
        for nth, (needs, needs_not, adds, deletes) in enumerate(self.calls):
            if state & needs == needs and not state & needs_not:
                yield nth, state & ~deletes | adds

    def state(self, bits):
        held = [atom for nth, atom in enumerate(self.atoms) if bits >> nth & 1]
        return api.State(self.always + held)


def comparisons(problem, plan):
    """The states of a plan with those around them, and pairs of places: worse, better, by how much."""
    number = {call["name"]: nth for nth, call in enumerate(problem.ground["calls"])}
    states, pairs, state = [], [], problem.start
    for call in map(number.__getitem__, plan):
        after = dict(problem.next(state))
        better = len(states)
        states.append(after[call])
        # Nothing is known of the others, only that they need not be better.
        others = [(other, 0) for nth, other in after.items() if nth != call]
        for other, least in [(state, 1), *others]:
            pairs.append((len(states), better, least))
            states.append(other)
        state = after[call]
    assert state & problem.goal == problem.goal, "a plan that misses the goal"
    return states, pairs


def ranked(features, pairs):
    """Weights with few and small entries by which the better of each pair is lower, as far as that goes."""
    # Equal pairs are one, as heavy as they are many.
    rows = Counter()
    for worse, better, least in pairs:
        difference = features[worse] - features[better]
        if difference.any():
            rows[difference.astype(np.int32).tobytes(), least] += 1
    matrix = np.array([np.frombuffer(row, np.int32) for row, _ in rows])
    least = np.array([least for _, least in rows], float)
    matrix, (many, wide) = scipy.sparse.csr_array(matrix.astype(float)), matrix.shape
    # Variables: weights above and below zero, and by how much each row is missed.
    rows_of = scipy.sparse.hstack([-matrix, matrix, -scipy.sparse.eye_array(many)])
    price = np.concatenate([np.ones(2 * wide), np.fromiter(rows.values(), float)])
    solved = scipy.optimize.linprog(price, A_ub=rows_of, b_ub=-least, method="highs")
    return solved.x[:wide] - solved.x[wide : 2 * wide]


def regressed(features, left):
    """Weights of a Gaussian process with a linear kernel: those of least squares, kept small."""
    kernel = features @ features.T + 1e-7 * np.eye(len(features))
    return features.T @ np.linalg.solve(kernel, left)


def trained(folder, args):
    """A domain's features with their weights, and the CPU seconds of our planner and of learning."""
    regress, planning = args.learner == "gpr", 0.0
    data, pairs, left, at = [], [], [], 0
    begin = time.process_time()
    for path in sorted((folder / "training").glob("*.pddl")):
        solve = ["quest", "solve", "--domain", folder / "domain.pddl", "--problem", path, "--json"]
        child = common.measure([common.program(), *solve, "--seconds", str(args.teach)], check=False)
        planning += child.cpu
        found = json.loads(child.output) if child.code in (0, 1) else {}
        if not found.get("plan") or args.proven and found["status"] != "proven":
            continue
        problem = Problem(folder / "domain.pddl", path, not args.no_statics)
        states, around = comparisons(problem, found["plan"])
        if regress:
            # The states of the plan alone, with the calls that are left from each.
            better = sorted({pair[1] for pair in around})
            states = [problem.start, *(states[nth] for nth in better)]
            left += range(len(found["plan"]), -1, -1)
        pairs += [(at + worse, at + better, least) for worse, better, least in around]
        at += len(states)
        data.append(ProblemDataset(problem.seen, [problem.state(bits) for bits in states]))
    data = DomainDataset(problem.domain, data)
    rounds = ROUNDS[args.learner]
    features = init_feature_generator("wl", problem.domain, "ilg", rounds, "none", not regress)
    features.collect(data)
    rows = np.array(features.embed(data), float)
    weights = regressed(rows, np.array(left, float)) if regress else ranked(rows, pairs)
    features.set_weights(weights.tolist())
    return features, rows.shape, planning, time.process_time() - begin


def search(problem, value, seconds):
    """Greedy best-first search: the number of calls of a plan, or None, and the states that it valued."""
    end = time.process_time() + seconds
    order = count()
    best = [(value(problem.start), next(order), problem.start, 0)]
    known = {problem.start}
    while best and time.process_time() < end:
        _, _, state, depth = heapq.heappop(best)
        for _, after in problem.next(state):
            if after in known:
                continue
            if after & problem.goal == problem.goal:
                return depth + 1, len(known)
            known.add(after)
            heapq.heappush(best, (value(after), next(order), after, depth + 1))
    return None, len(known)


def descend(problem, value, most):
    """Always the call to the lowest value: whether that reaches the goal."""
    state = problem.start
    for _ in range(most):
        if state & problem.goal == problem.goal:
            return True
        after = [following for _, following in problem.next(state)]
        if not after:
            return False
        state = min(after, key=value)
    return state & problem.goal == problem.goal


def one(args):
    """A domain, in a process of its own, whose last line it is: the package prints what it does, too."""
    folder = args.one
    features, shape, planning, learning = trained(folder, args)
    found = {"states": shape[0], "features": shape[1], "planning": planning, "learning": learning}
    found |= {"searched": [], "descended": 0, "of": 0}
    begin = time.process_time()
    for path in sorted((folder / "testing-easy").glob("*.pddl")):
        problem = Problem(folder / "domain.pddl", path, not args.no_statics)
        features.set_problem(problem.seen)
        value = lambda bits: features.predict(problem.state(bits))
        found["of"] += 1
        found["descended"] += descend(problem, value, args.max_calls)
        before = time.process_time()
        calls, valued = search(problem, value, args.seconds)
        took = time.process_time() - before
        found["searched"].append({"problem": path.stem, "calls": calls, "valued": valued, "cpu": took})
    found["testing"] = time.process_time() - begin
    print(json.dumps(found))


def row(name, found):
    """A domain, or several, as a row of the table."""
    total = lambda key: sum(each[key] for each in found)
    searched = [problem for each in found for problem in each["searched"]]
    solved = [problem for problem in searched if problem["calls"]]
    return [
        name, f"{len(solved)}/{total('of')}", f"{total('descended')}/{total('of')}",
        f"{common.median([p['calls'] for p in solved]):.0f}" if solved else "-",
        f"{total('states'):,}", f"{total('features'):,}",
        f"{total('planning'):.0f}", f"{total('learning'):.0f}", f"{sum(p['cpu'] for p in searched):.0f}",
    ]


def main():
    args = arguments()
    if args.one:
        return one(args)
    missing = [name for name in MODULES if importlib.util.find_spec(name) is None]
    if missing:
        sys.exit(f"find {', '.join(missing)}: run `benches/run.sh wlgoose`")
    data = common.planning_data()
    rows, found = [], []
    for domain in args.domain or DOMAINS:
        child = common.measure([sys.executable, __file__, *sys.argv[1:], "--one", data / domain])
        found.append(json.loads(child.output.splitlines()[-1]))
        rows.append(row(domain, found[-1:]))
        print(" ".join(rows[-1]), file=sys.stderr, flush=True)
    head = [
        "domain", "solved with search", "without search", "calls, median", "states", "features",
        "CPU s, plans to learn from", "learning", "searching",
    ]
    common.table(head, [*rows, row("all", found)])


if __name__ == "__main__":
    main()
