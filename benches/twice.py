#!/usr/bin/env python3
"""What a policy that mastered small levels makes of levels of twice the size.

`fqm-pipe train --until-mastery --level 2` masters levels 1 and 2 of every family. Level 4 wants about twice
as many calls as level 2, with more objects, and no policy here has seen one.
"""

import argparse
import json
from collections import defaultdict

import common

# Trained up to this level, and played there and at twice its size.
TRAINED, TWICE = 2, 4


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plays", type=int, default=20, help="fresh levels of each grade (20)")
    parser.add_argument("--minutes", type=float, default=6, help="of training, at most (6)")
    parser.add_argument("--train", default="", help="further arguments of `fqm-pipe train`, such as thresholds")
    return parser.parse_args()


def trained(inside, minutes, more):
    command = [common.program(), "train", "--until-mastery", "--level", str(TRAINED), "--minutes", str(minutes),
               "-o", f"{inside}/policy", "--json", *more.split()]
    done = common.measure(command)
    return json.loads(done.output), done.cpu


def played(inside, level, plays):
    command = [common.program(), "quest", "run", "--agent", f"checkpoint:{inside}/policy", "--level", str(level),
               "-n", str(plays), "--seed", "77", "--json", "--workspace", common.ROOT]
    episodes = json.loads(common.measure(command).output)["run"]["agents"][0]["episodes"]
    families = defaultdict(list)
    for play in episodes:
        families[play["family"]].append(play)
    return families


def rate(plays):
    return sum(play["success"] for play in plays) / len(plays)


def calls(plays):
    known = [play["min_calls"] for play in plays if play["min_calls"]]
    return sum(known) / len(known) if known else float("nan")


def failures(plays):
    counts = defaultdict(int)
    for play in plays:
        if play["failure"]:
            counts[f"{play['level']}.{play['challenge']} {play['failure']}"] += 1
    most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:2]
    return ", ".join(f"{name} {n}" for name, n in most)


def main():
    asked = arguments()
    with common.folder("twice") as inside:
        state, cpu = trained(inside, asked.minutes, asked.train)
        held = sum(sum(family["mastered"]) for family in state["curriculum"]["families"].values())
        of = sum(len(family["grades"]) for family in state["curriculum"]["families"].values())
        print(f"trained on levels 1 to {TRAINED}: {held} of {of} grades mastered, {state['stopped']}, "
              f"{cpu:.0f} CPU s")
        small, large = (played(inside, level, asked.plays) for level in (TRAINED, TWICE))
        rows = [
            [family, f"{calls(small[family]):.1f}", f"{rate(small[family]):.1%}", f"{calls(large[family]):.1f}",
             f"{rate(large[family]):.1%}", failures(large[family])]
            for family in sorted(large)
        ]
        heads = ["family", f"calls, level {TRAINED}", "success", f"calls, level {TWICE}", "success",
                 "commonest failures"]
        common.table(heads, rows)
        good = sum(rate(plays) >= 0.95 for plays in large.values())
        print(f"{good} of {len(large)} families at 95 % or more of level {TWICE}")


if __name__ == "__main__":
    main()
