#!/usr/bin/env python3
"""The simulator beside Gymnasium environments with the same rules, all in the same run.

Three sizes of one level: rooms, doors, and a lamp to light in each. The Rust side prints the level
as ground lists and a random walk with a digest of what every step brought; both environments must
reach that digest before anything is timed. Then all take turns: a call drawn at random among those
that the mask allows, made, with observation, reward, goal and mask; CPU time of the thread.

`AnyLevel` plays any level of facts and calls, as the simulator does. `TheseRooms` knows the rules of
this one level by heart: what somebody would write who needs nothing else.
"""

import argparse
import hashlib
import importlib.util
import json
import os
import random
import subprocess
import sys
import time

import common

# Of each size: least steps per second, and least ratio to `AnyLevel`. Of all: most that a second
# worker may slow a step.
MOST_SLOWER = 1.15
MARKS = [(10e6, 100), (2e6, 50), (0.5e6, 30)]
CALL_REWARD = 0.02


def rust(*words):
    """One answer of `benches/gym.rs`."""
    cargo = os.environ.get("CARGO", "cargo")
    command = [cargo, "bench", "--quiet", "--profile", "dev", "--bench", "gym", "--", *words]
    done = subprocess.run(list(map(str, command)), cwd=common.ROOT, stdout=subprocess.PIPE)
    if done.returncode != 0:
        sys.exit(f"run {' '.join(command[:7])}: exit {done.returncode}")
    return json.loads(done.stdout)


def environments(gymnasium, np):
    class AnyLevel(gymnasium.Env):
        """A level of facts and calls, with numpy masks."""

        def __init__(self, level):
            self.facts = len(level["facts"])
            # Truth of all facts, then their negations, then one that always holds, to fill rows.
            self.literals = np.zeros(2 * self.facts + 1, bool)
            self.start = np.ones(2 * self.facts + 1, bool)
            self.start[: self.facts] = False
            self.start[level["start"]] = True
            self.start[[self.facts + fact for fact in level["start"]]] = False
            needs = [
                call["needs"] + [self.facts + fact for fact in call["needs_not"]]
                for call in level["calls"]
            ]
            deep = max(map(len, needs))
            rows = [need + [2 * self.facts] * (deep - len(need)) for need in needs]
            self.needs = np.ascontiguousarray(np.array(rows).T)
            self.on = [self.changes(call["adds"], call["deletes"]) for call in level["calls"]]
            self.off = [self.changes(call["deletes"], call["adds"]) for call in level["calls"]]
            self.goal = np.array(level["goal"])
            self.max_calls = level["max_calls"]
            self.observation_space = gymnasium.spaces.MultiBinary(self.facts)
            self.action_space = gymnasium.spaces.Discrete(len(rows))

        def changes(self, facts, opposite):
            return np.array(facts + [self.facts + fact for fact in opposite], int)

        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            self.literals[:] = self.start
            self.calls = 0
            return self.literals[: self.facts].copy(), {}

        def action_masks(self):
            return np.logical_and.reduce(self.literals[self.needs], axis=0)

        def step(self, action):
            self.literals[self.off[action]] = False
            self.literals[self.on[action]] = True
            self.calls += 1
            reached = bool(self.literals[self.goal].all())
            reward = reached - CALL_REWARD
            ended = not reached and self.calls >= self.max_calls
            return self.literals[: self.facts].copy(), reward, reached, ended, {}

    class TheseRooms(gymnasium.Env):
        """The rooms alone: where one is, which lamps are lit, and the mask of every room."""

        def __init__(self, level):
            number = {name: fact for fact, name in enumerate(level["facts"])}
            rooms = sorted(name[3:-1] for name in number if name.startswith("at("))
            place = {room: nth for nth, room in enumerate(rooms)}
            self.at = np.array([number[f"at({room})"] for room in rooms])
            self.lit = np.array([number[f"lit({room})"] for room in rooms])
            self.masks = np.zeros((len(rooms), len(level["calls"])), bool)
            self.light = [0] * len(rooms)
            self.target = []
            for action, call in enumerate(level["calls"]):
                name, arguments = call["name"][:-1].split("(")
                room, *to = [place[argument] for argument in arguments.split(", ")]
                self.masks[room, action] = True
                self.target.append(to[0] if to else None)
                if not to:
                    self.light[room] = action
            self.start = [np.flatnonzero(self.at == fact)[0] for fact in level["start"]][0]
            self.max_calls = level["max_calls"]
            self.state = np.zeros(len(number), bool)
            self.observation_space = gymnasium.spaces.MultiBinary(len(number))
            self.action_space = gymnasium.spaces.Discrete(len(level["calls"]))

        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            self.state[:] = False
            self.room = self.start
            self.state[self.at[self.room]] = True
            self.dark = len(self.at)
            self.calls = 0
            return self.state.copy(), {}

        def action_masks(self):
            mask = self.masks[self.room].copy()
            mask[self.light[self.room]] = not self.state[self.lit[self.room]]
            return mask

        def step(self, action):
            to = self.target[action]
            if to is None:
                self.state[self.lit[self.room]] = True
                self.dark -= 1
            else:
                self.state[self.at[self.room]] = False
                self.state[self.at[to]] = True
                self.room = to
            self.calls += 1
            reached = self.dark == 0
            reward = reached - CALL_REWARD
            ended = not reached and self.calls >= self.max_calls
            return self.state.copy(), reward, reached, ended, {}

    return AnyLevel, TheseRooms


def digest(env, walk, np):
    """What `walk` of `benches/gym.rs` computes, by this environment."""
    found = hashlib.sha256()
    env.reset()
    for action in walk:
        if not env.action_masks()[action]:
            sys.exit(f"{type(env).__name__} does not allow call {action}")
        seen, reward, reached, ended, _ = env.step(action)
        mask = env.action_masks()
        found.update(np.packbits(seen, bitorder="little").tobytes())
        found.update(np.packbits(mask, bitorder="little").tobytes())
        found.update(np.float64(reward).tobytes())
        found.update(bytes([reached, reached or ended or not mask.any()]))
        if reached or ended:
            env.reset()
    return found.hexdigest()


def play(env, steps, np):
    """Steps per CPU-second of random play."""
    draw = random.Random(1).random
    env.reset()
    begin = time.thread_time()
    mask = env.action_masks()
    for _ in range(steps):
        allowed = np.flatnonzero(mask)
        _, _, reached, ended, _ = env.step(allowed[int(draw() * len(allowed))])
        if reached or ended:
            env.reset()
        mask = env.action_masks()
    return steps / (time.thread_time() - begin)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--steps", type=int, default=5_000_000, help="steps of a worker (5000000)")
    options.add_argument("--turns", type=int, default=5, help="turns of each (5)")
    options.add_argument("--walk", type=int, default=5000, help="steps that must agree (5000)")
    options = options.parse_args()
    if importlib.util.find_spec("gymnasium") is None:
        sys.exit("find gymnasium: run `benches/run.sh gym`, or `pip install gymnasium`")
    import gymnasium
    import numpy as np

    rows, failed = [], []
    for size, (least, factor) in enumerate(MARKS):
        answer = rust("walk", size, options.walk)
        level = answer["level"]
        envs = [make(level) for make in environments(gymnasium, np)]
        for env in envs:
            if digest(env, answer["walk"], np) != answer["digest"].removeprefix("sha256:"):
                sys.exit(f"{type(env).__name__} at size {size}: not the same rules")
        one, slower, peers = [], [], [[], []]
        for _ in range(options.turns):
            took = rust("play", size, options.steps)
            alone, both = ([took[n]["cpu_seconds"] / took[n]["steps"] for n in ("one", "two")])
            one.append(1 / alone)
            slower.append(both / alone)
            for env, rates in zip(envs, peers):
                rates.append(play(env, options.steps // 250, np))
        ours, any_level, by_hand = (common.median(rates) for rates in (one, *peers))
        slower = common.median(slower)
        rows.append([
            len(level["facts"]), len(level["calls"]),
            f"{ours / 1e6:.1f}", f"{slower:.2f}",
            f"{any_level / 1e3:.0f}", f"{ours / any_level:.0f}",
            f"{by_hand / 1e3:.0f}", f"{ours / by_hand:.0f}",
        ])
        if ours < least or ours < factor * any_level or slower > MOST_SLOWER:
            failed.append(f"{len(level['calls'])} calls")
    head = [
        "facts", "calls", "steps, M per CPU-second", "CPU time a step, two workers to one",
        "Gymnasium, any level, k", "ratio", "Gymnasium, by hand, k", "ratio",
    ]
    common.table(head, rows)
    print(f"the same {options.walk} steps of each size led all to the same digest")
    print("below the marks: " + ", ".join(failed) if failed else "all above the marks")


if __name__ == "__main__":
    main()
