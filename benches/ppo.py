#!/usr/bin/env python3
"""Masked PPO: samples per second of our trainer beside MaskablePPO of Stable-Baselines3 contrib.

Both learn one generated level with the same networks (two layers of 128 for the policy, two for the
value), the same masks and rewards (1 for the goal, 0.02 off for a call) and the same settings of PPO. The
peer plays the level in the Gymnasium environment of `gym.py`, first with each kind and number of
environments, batch and torch threads for a short while; the fastest of them then takes turns with ours.
At last both learn from the same number of samples, and tell how often they reach the goal.
"""

import argparse
import importlib.util
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import common
import strips

# Least samples per second, and least ratio to the peer.
MARKS = (60_000, 6)
HIDDEN = [128, 128]
EPOCHS = 4
# Environments of the peer: stepped in its own process, or each in one of its own.
ENVS = [("dummy", 8), ("dummy", 64), ("dummy", 256), ("subproc", 2), ("subproc", 8)]
# The common batch, and the one that is the peer's default.
BATCHES = [2048, 64]
ROLLOUT = 16_384
MODULES = ["torch", "sb3_contrib", "gymnasium"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--level", default="vault/4.2@4", help="a level that PDDL can say (vault/4.2@4)")
    parser.add_argument("--trial", type=int, default=ROLLOUT, help="samples of a trial of the peer")
    parser.add_argument("--samples", type=int, default=200_000, help="samples of a learning (200000)")
    parser.add_argument("--turns", type=int, default=3, help="learnings of each (3)")
    parser.add_argument("--one", metavar="JSON", help=argparse.SUPPRESS)
    return parser.parse_args()


def drawn(name):
    """The level as our trainer reads it, and as ground lists."""
    show = ["quest", "show", name, "--json", "--workspace", common.ROOT]
    level = json.loads(common.measure([common.program(), *show]).output)
    with common.folder("ppo") as inside:
        export = ["quest", "export", name, "-o", inside, "--workspace", common.ROOT]
        common.measure([common.program(), *export])
        files = [Path(inside) / f"{part}.pddl" for part in ("domain", "problem")]
        ground = strips.ground(*(file.read_text() for file in files))
    ground["max_calls"] = level["limits"]["max_calls"]
    return level, ground


def environment(gymnasium, np, ground):
    """A maker of environments that also end where no call is left."""
    # By its path: Stable-Baselines3 asks for a module `gym` too, and means the ancient one.
    place = importlib.util.spec_from_file_location("rules", common.ROOT / "benches" / "gym.py")
    rules = importlib.util.module_from_spec(place)
    place.loader.exec_module(rules)
    AnyLevel, _ = rules.environments(gymnasium, np)

    class Masked(AnyLevel):
        def reset(self, **more):
            seen = super().reset(**more)
            self.mask = super().action_masks()
            return seen

        def step(self, action):
            seen, reward, reached, ended, more = super().step(action)
            self.mask = super().action_masks()
            return seen, reward, reached or not self.mask.any(), ended, more

        def action_masks(self):
            return self.mask

    return lambda: Masked(ground)


def replay(make, ground, plan):
    """The plan that the level's planner found must be one here too: the rules are the same."""
    env, number = make(), {call["name"]: nth for nth, call in enumerate(ground["calls"])}
    env.reset()
    for nth, name in enumerate(plan):
        if not env.action_masks()[number[name]]:
            sys.exit(f"{name}, call {nth + 1} of the plan, is not allowed: not the same rules")
        reached = env.step(number[name])[1] > 0
        if reached != (nth + 1 == len(plan)):
            sys.exit(f"the goal holds at the wrong end of call {nth + 1}: not the same rules")


def learn(one):
    """In a process of its own: the peer learns once. Prints what it took as one line of JSON."""
    # Stable-Baselines3 would take `gym.py` beside this file for the ancient package.
    sys.path.remove(str(Path(__file__).resolve().parent))
    import gymnasium
    import numpy as np
    import torch
    from sb3_contrib import MaskablePPO
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv

    class Ends(BaseCallback):
        """When an episode ended, and whether at the goal."""

        def __init__(self):
            super().__init__()
            self.seen = []

        def _on_step(self):
            done = self.locals["dones"]
            for reward in self.locals["rewards"][done]:
                self.seen.append((self.num_timesteps, bool(reward > 0)))
            return True

    torch.set_num_threads(one["threads"])
    makers = [environment(gymnasium, np, one["ground"])] * one["envs"]
    # Forked before torch has made threads: the workers start at once and cost nothing but their steps.
    envs = DummyVecEnv(makers) if one["kind"] == "dummy" else SubprocVecEnv(makers, start_method="fork")
    model = MaskablePPO(
        "MlpPolicy", envs, seed=one["seed"], device="cpu",
        policy_kwargs={"net_arch": {"pi": HIDDEN, "vf": HIDDEN}, "activation_fn": torch.nn.ReLU},
        n_steps=ROLLOUT // one["envs"], batch_size=one["batch"], n_epochs=EPOCHS,
        learning_rate=3e-4, gamma=0.99, gae_lambda=0.95, clip_range=0.2, ent_coef=0.01,
    )
    ends = Ends()
    begin, used = time.monotonic(), time.process_time()
    model.learn(one["samples"], callback=ends)
    took = {"samples": model.num_timesteps, "seconds": time.monotonic() - begin}
    used = time.process_time() - used
    envs.close()
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    took["cpu_seconds"] = used + children.ru_utime + children.ru_stime
    took["samples_per_second"] = took["samples"] / took["seconds"]
    tenth = took["samples"] / 10
    share = lambda of: sum(of) / max(1, len(of))
    took["success_first"] = share([won for at, won in ends.seen if at <= tenth])
    took["success_last"] = share([won for at, won in ends.seen if at > 9 * tenth])

    env = makers[0]()
    seen, _ = env.reset()
    while True:
        action, _ = model.predict(seen, action_masks=env.action_masks(), deterministic=True)
        seen, reward, reached, ended, _ = env.step(int(action))
        if reached or ended:
            break
    # The level has no chance in it: its best calls are one and the same episode.
    took["greedy"] = bool(reward > 0)
    print(json.dumps(took))


def theirs(ground, samples, setting, seed=1):
    kind, envs, batch, threads = setting
    one = {
        "ground": ground, "samples": samples, "seed": seed,
        "kind": kind, "envs": envs, "batch": batch, "threads": threads,
    }
    child = common.measure([sys.executable, __file__, "--one", json.dumps(one)])
    return json.loads(child.output.splitlines()[-1])


def ours(level, samples, seed=1):
    """One learning of `fqm-torch bench-ppo`, or None where there is no such command."""
    request = {
        "level": level, "hidden": HIDDEN, "samples": samples, "seed": seed, "workers": 2,
        "batch": 2048, "epochs": EPOCHS, "rollout": 128, "envs": 256,
    }
    program = Path(common.program()).with_name("fqm-torch")
    done = subprocess.run([program, "bench-ppo"], input=json.dumps(request).encode(), capture_output=True)
    if done.returncode != 0:
        says = done.stderr.decode(errors="replace").strip().splitlines()
        print(f"fqm-torch bench-ppo: exit {done.returncode}: {says[-1] if says else 'it says nothing'}")
        print("only the peer is measured")
        return None
    return json.loads(done.stdout)


def words(setting):
    kind, envs, batch, threads = setting
    return f"{kind}, {envs} environments, batch {batch}, {threads} thread{'s' * (threads > 1)}"


def row(name, runs):
    """Medians of the learnings of one side."""
    middle = lambda key: common.median([run[key] for run in runs])
    return [
        name, f"{middle('samples_per_second'):,.0f}", f"{middle('cpu_seconds'):.1f}",
        f"{middle('samples') / middle('cpu_seconds'):,.0f}",
        f"{middle('success_first'):.1%}", f"{middle('success_last'):.1%}",
    ]


def main():
    args = arguments()
    if args.one:
        return learn(json.loads(args.one))
    missing = [name for name in MODULES if importlib.util.find_spec(name) is None]
    if missing:
        sys.exit(f"find {', '.join(missing)}: run `benches/run.sh ppo`")
    import gymnasium
    import numpy as np

    level, ground = drawn(args.level)
    solve = ["quest", "solve", args.level, "--json", "--workspace", common.ROOT]
    plan = json.loads(common.measure([common.program(), *solve]).output)["plan"]
    replay(environment(gymnasium, np, ground), ground, plan)
    sizes = f"{len(ground['facts'])} facts, {len(ground['calls'])} calls"
    print(f"{args.level}: {sizes}, {len(plan)} calls at least, {ground['max_calls']} at most")

    # Threads that wait give up their core. Two threads on busy cores are more than ten times slower else.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # More threads than cores would only wait for each other.
    threads = [count for count in (1, 2) if count <= (os.cpu_count() or 1)]
    settings = [(*envs, batch, count) for envs in ENVS for batch in BATCHES for count in threads]
    trials = []
    for setting in settings:
        took = theirs(ground, args.trial, setting)
        trials.append((took["samples_per_second"], took["cpu_seconds"], setting))
        print(f"{words(setting)}: {trials[-1][0]:,.0f}", file=sys.stderr, flush=True)
    trials.sort(reverse=True)
    rows = [[words(s), f"{rate:,.0f}", f"{cpu:.1f}"] for rate, cpu, s in trials]
    common.table([f"MaskablePPO, {args.trial:,} samples", "samples per second", "CPU s"], rows)
    best = trials[0][2]

    both = [[], []]
    for seed in range(1, args.turns + 1):
        run = ours(level, args.samples, seed) if seed == 1 or both[0] else None
        both[0] += [run] if run else []
        both[1].append(theirs(ground, args.samples, best, seed))
    print()
    head = [
        f"median of {args.turns}", "samples per second", "CPU s", "samples per CPU-second",
        "goal reached, first tenth", "goal reached, last tenth",
    ]
    rows = [row("fqm-torch", both[0])] if both[0] else []
    common.table(head, [*rows, row(f"MaskablePPO: {words(best)}", both[1])])
    greedy = sum(run["greedy"] for run in both[1])
    print(f"\nMaskablePPO's best calls reach the goal after {greedy} of {args.turns} learnings")
    if both[0]:
        rates = [common.median([run["samples_per_second"] for run in runs]) for runs in both]
        ratio = rates[0] / rates[1]
        fine = rates[0] >= MARKS[0] and ratio >= MARKS[1]
        print(f"ratio {ratio:.1f}: {'above' if fine else 'below'} the marks ({MARKS[0]:,} and {MARKS[1]})")


if __name__ == "__main__":
    main()
