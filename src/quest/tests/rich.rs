//! A level that uses every field, in one spelling; tests change it.

/// A release: builds take time, a pushed fix is a new object, one way is forbidden.
pub(super) const RICH: &str = r#"
schema = "fq-level/1"
id = "rich"
family = "test"
level = 2
challenge = 3
narrative = "Build alpha and ship it from the south, but never on a friday."
observability = "full"
source = { kind = "hand", commit = "abc", license = "MIT", seed = 7 }
split = "train"
init = ["at(north)", "coins = 4", "drafted(alpha)", "friday"]
goal = "shipped(alpha) and coins >= 1 and not failed(alpha)"
limits = { max_calls = 20 }

[types]
place = "object"
release = "object"
hotfix = "release"

[objects]
place = ["north", "south"]
release = ["alpha", "beta"]
hotfix = ["fix1", "fix2"]

[predicates]
at = { description = "where the team is", params = ["?p: place"], says = ["the team is at {0}"] }
drafted = { params = ["?r: release"], static = true }
built = { params = ["?r: release"], store = "inventory", says = ["{0} is built", "there is a build of {0}"] }
failed = { params = ["?r: release"] }
shipped = { params = ["?r: release"] }
friday = {}

[fluents.coins]
description = "Money left."
min = 0
max = 9

[fluents.effort]
max = 5

[costs.road]
params = ["?a: place", "?b: place"]
values = { "north, south" = 2.5, "south, north" = 1 }

[functions.move]
description = "Moves the team."
params = ["?a: place", "?b: place"]
pre = "at(?a) and ?a != ?b"
effects = "at(?b), not at(?a)"
cost_by = "road(?a, ?b)"

[functions.build]
description = "Builds a release."
params = ["?r: release"]
pre = "drafted(?r) and not built(?r) and coins >= 2"
at_start = "not failed(?r), effort += 1"
takes = 3
effects = "built(?r), coins -= 1"
returns = { value = "build-{r}.zip" }
quality = 0.9
outcomes = [
  { name = "ok", p = 0.75 },
  { name = "broken", p = 0.25, effects = "failed(?r), coins -= 1", quality = 0.0, failed = true },
]

[functions.push_fix]
description = "Writes a fix."
returns = { pool = ["fix1", "fix2"] }
effects = "not failed(?ret)"
max_calls = 2
cooldown = 1

[functions.rest]
description = "The weekend comes."
pre = "friday and at(south)"
effects = "not friday"
cost = 0.5
exclusive_with = ["push_fix"]

[functions.ship]
description = "Ships a build."
params = ["?r: release"]
pre = "built(?r) and at(south)"
forbidden = "friday"
effects = "shipped(?r)"
"#;
