"""Problems in PDDL as ground lists, the form that the Gymnasium environment and the search play.

Enough of PDDL for the problems here: types, constants, conjunctions of literals. Facts that never
change are checked while grounding and left out; so are facts and calls that cannot be reached.
"""

import re


def lists(text):
    """The nested lists of one expression."""
    stack = [[]]
    for word in re.findall(r"[()]|[^\s()]+", re.sub(r";.*", "", text).lower()):
        if word == "(":
            stack.append([])
        elif word == ")":
            done = stack.pop()
            stack[-1].append(done)
        else:
            stack[-1].append(word)
    return stack[0][0]


def typed(words):
    """Pairs of name and type of `a b - t c`."""
    pairs, names = [], []
    words = iter(words)
    for word in words:
        if word == "-":
            kind = next(words)
            pairs += [(name, kind) for name in names]
            names = []
        else:
            names.append(word)
    return pairs + [(name, "object") for name in names]


def literals(expression):
    """The atoms of a conjunction: those that are asserted, and those that are denied."""
    parts = expression[1:] if expression[:1] == ["and"] else [expression] if expression else []
    asserted = [tuple(part) for part in parts if part[0] != "not"]
    return asserted, [tuple(part[1]) for part in parts if part[0] == "not"]


def sections(expression):
    """What stands behind each keyword of a domain or a problem; actions come as a list."""
    found = {":action": []}
    for part in expression[2:]:
        if part[0] == ":action":
            fields = dict(zip(part[2::2], part[3::2]))
            found[":action"].append((part[1], fields))
        else:
            found[part[0]] = part[1:]
    return found


def bindings(parameters, objects, checks, start):
    """Every choice of objects for the parameters whose checks, atoms that never change, hold."""
    names = [name for name, _ in parameters]
    # A check is made as soon as its last parameter is chosen.
    ready = [[] for _ in range(len(names) + 1)]
    for atom in checks:
        ready[max((names.index(a) + 1 for a in atom[1:] if a in names), default=0)].append(atom)

    def choose(chosen):
        depth = len(chosen)
        if all(bound(atom, chosen) in start for atom in ready[depth]):
            if depth == len(names):
                yield dict(chosen)
                return
            name, kind = parameters[depth]
            for value in objects[kind]:
                yield from choose({**chosen, name: value})

    return choose({})


def bound(atom, chosen):
    return (atom[0], *(chosen.get(word, word) for word in atom[1:]))


def text(atom):
    return f"{atom[0]}({', '.join(atom[1:])})"


def ground(domain, problem):
    """A problem as ground lists; `atoms` and `statics` are its facts as tuples."""
    domain, problem = sections(lists(domain)), sections(lists(problem))
    parent = dict(typed(domain.get(":types", [])))
    objects = {"object": []}
    for name, kind in typed(domain.get(":constants", [])) + typed(problem[":objects"]):
        while kind != "object":
            objects.setdefault(kind, []).append(name)
            kind = parent.get(kind, "object")
        objects["object"].append(name)
    for kind in parent:
        objects.setdefault(kind, [])
    start = {tuple(atom) for atom in problem[":init"]}
    goal, denied = literals(problem[":goal"][0])
    assert not denied, "a goal that denies a fact"

    actions = []
    for name, fields in domain[":action"]:
        needs, effects = literals(fields.get(":precondition", [])), literals(fields[":effect"])
        actions.append((name, typed(fields[":parameters"]), *needs, *effects))
    changing = {atom[0] for action in actions for effects in action[4:] for atom in effects}

    calls = []
    for name, parameters, needs, needs_not, adds, deletes in actions:
        fixed = [atom for atom in needs if atom[0] not in changing]
        for chosen in bindings(parameters, objects, fixed, start):
            of = lambda atoms: {bound(atom, chosen) for atom in atoms if atom[0] in changing}
            adding = of(adds)
            calls.append({
                "name": text((name, *(chosen[parameter] for parameter, _ in parameters))),
                "needs": of(needs), "needs_not": of(needs_not),
                "adds": adding, "deletes": of(deletes) - adding,
            })

    # What can be reached when nothing is ever lost.
    reached, waiting, usable = {a for a in start if a[0] in changing}, calls, []
    while waiting:
        now = [call for call in waiting if call["needs"] <= reached]
        if not now:
            break
        usable += now
        waiting = [call for call in waiting if not call["needs"] <= reached]
        reached = reached.union(*(call["adds"] for call in now))

    lost = {atom for call in usable for atom in call["deletes"]}
    constant = {atom for atom in reached & start if atom not in lost}
    atoms = sorted(reached - constant)
    number = {atom: nth for nth, atom in enumerate(atoms)}
    # A call that needs a constant fact to be false can never be made.
    usable = [call for call in usable if not call["needs_not"] & constant]
    assert all(atom in start or atom in number for atom in goal), "a goal out of reach"
    numbers = lambda of: sorted(number[atom] for atom in of if atom in number)
    parts = ["needs", "needs_not", "adds", "deletes"]
    return {
        "facts": [text(atom) for atom in atoms],
        "calls": [{"name": c["name"], **{part: numbers(c[part]) for part in parts}} for c in usable],
        "start": numbers(start),
        "goal": numbers(goal),
        "atoms": atoms,
        "statics": sorted(start - set(atoms)),
        "goal_atoms": goal,
        "objects": sorted(objects["object"]),
        "predicates": {p[0]: len(typed(p[1:])) for p in domain[":predicates"]},
    }
