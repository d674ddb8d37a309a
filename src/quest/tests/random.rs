//! Small random levels for property tests: bytes read as choices, so that a failing level shrinks.

use std::collections::{BTreeMap, BTreeSet};

use crate::quest::{
    Atom, Change, Condition, CostTable, Effects, FunctionDef, Init, Level, Limits, OutcomeDef,
    Param, ReturnsDef, Term, Test,
};

/// Choices out of bytes; where they end, the first of everything is chosen.
pub struct Choices<'a>(std::slice::Iter<'a, u8>);

impl<'a> Choices<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes.iter())
    }

    pub fn below(&mut self, n: usize) -> usize {
        usize::from(self.0.next().copied().unwrap_or(0)) % n
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == n - 1
    }
}

/// Predicates, each with the types of its arguments.
const PREDICATES: [(&str, &[&str]); 4] = [
    ("flag", &[]),
    ("seen", &["thing"]),
    ("near", &["thing", "tool"]),
    ("road", &["thing", "thing"]),
];
const OBJECTS: [(&str, &[&str]); 2] = [("thing", &["a", "b", "n1", "n2"]), ("tool", &["t", "u"])];
const FLUENTS: [&str; 2] = ["coins", "heat"];

fn objects(kind: &str) -> Vec<&'static str> {
    // A tool is a thing.
    let fits = |k: &str| k == kind || kind == "thing";
    OBJECTS.iter().filter(|(k, _)| fits(k)).flat_map(|(_, names)| names.iter().copied()).collect()
}

/// A parameter or an object of this type.
fn term(c: &mut Choices<'_>, kind: &str, scope: &[Param]) -> Term {
    let fits = scope.iter().filter(|p| p.kind == kind || kind == "thing");
    let mut terms: Vec<Term> = fits.map(|p| Term::Var(p.name.clone())).collect();
    if terms.is_empty() || c.one_in(4) {
        terms = objects(kind).into_iter().map(|o| Term::Object(o.to_owned())).collect();
    }
    terms.swap_remove(c.below(terms.len()))
}

fn atom(c: &mut Choices<'_>, predicates: usize, scope: &[Param]) -> Atom {
    let (predicate, kinds) = PREDICATES[c.below(predicates)];
    Atom {
        predicate: predicate.to_owned(),
        args: kinds.iter().map(|k| term(c, k, scope)).collect(),
    }
}

fn condition(c: &mut Choices<'_>, most: usize, scope: &[Param]) -> Condition {
    let mut tests = BTreeSet::new();
    for _ in 0..c.below(most + 1) {
        tests.insert(match c.below(8) {
            0..6 => Test::Fact { atom: atom(c, 4, scope), negated: c.one_in(2) },
            6 => number(c),
            _ => Test::Same {
                left: term(c, "thing", scope),
                right: term(c, "thing", scope),
                negated: c.one_in(2),
            },
        });
    }
    Condition(tests.into_iter().collect())
}

fn number(c: &mut Choices<'_>) -> Test {
    let text = ["coins >= 1", "coins <= 2", "heat == 0", "heat != -1"][c.below(4)];
    text.parse::<Condition>().unwrap().0.remove(0)
}

/// Facts alone, or with a change of this fluent.
fn effects(c: &mut Choices<'_>, most: usize, fluent: Option<&str>, scope: &[Param]) -> Effects {
    let mut changes = BTreeSet::new();
    for _ in 0..c.below(most + 1) {
        // `road` is static.
        let atom = atom(c, 3, scope);
        changes.insert(if c.one_in(2) { Change::Delete(atom) } else { Change::Add(atom) });
    }
    if let Some(fluent) = fluent.filter(|_| c.one_in(3)) {
        let fluent = fluent.to_owned();
        changes.insert(match c.below(3) {
            0 => Change::Increase { fluent, by: -1 },
            1 => Change::Increase { fluent, by: 1 },
            _ => Change::Assign { fluent, to: 1 },
        });
    }
    Effects(changes.into_iter().collect())
}

fn function(c: &mut Choices<'_>, nth: usize) -> FunctionDef {
    let kinds = ["thing", "tool"];
    let mut f = FunctionDef::default();
    for name in ["x", "y"].into_iter().take(c.below(3)) {
        f.params.push(Param { name: name.to_owned(), kind: kinds[c.below(2)].to_owned() });
    }
    f.pre = condition(c, 3, &f.params);
    let mut scope = f.params.clone();
    // The first function may make new objects, so that no two make the same one.
    if nth == 0 && c.one_in(2) {
        let pool = vec!["n1".to_owned(), "n2".to_owned()];
        f.returns = Some(ReturnsDef { value: None, pool });
        scope.push(Param { name: "ret".to_owned(), kind: "thing".to_owned() });
    }
    if c.one_in(2) {
        f.takes = Some(1 + c.below(3) as u32);
        f.at_start = effects(c, 2, Some(FLUENTS[1]), &f.params);
    }
    f.effects = effects(c, 3, Some(FLUENTS[0]), &scope);
    if c.one_in(3) {
        f.forbidden = Some(condition(c, 2, &f.params));
    }
    f.cooldown = c.one_in(4).then(|| 1 + c.below(3) as u32);
    f.max_calls = c.one_in(4).then(|| 1 + c.below(3) as u32);
    if nth > 0 && c.one_in(4) {
        f.exclusive_with.insert(format!("f{}", c.below(nth)));
    }
    if f.params.len() == 2 && c.one_in(3) {
        f.cost_by = Some("price(?y)".parse().unwrap());
    }
    let shares: &[f64] = [&[][..], &[0.5, 0.5], &[0.5, 0.25, 0.25]][c.below(3)];
    for (i, &p) in shares.iter().enumerate() {
        let fluent = (i > 0).then_some(FLUENTS[0]);
        let effects = effects(c, 2, fluent, &scope);
        let (quality, failed) = ([1.0, 0.5][c.below(2)], i > 0 && c.one_in(2));
        f.outcomes.push(OutcomeDef { name: format!("o{i}"), p, effects, quality, failed });
    }
    f
}

/// A level out of bytes. It may be one that cannot be used, such as one without a way to its goal.
pub fn level(bytes: &[u8]) -> Level {
    let c = &mut Choices::new(bytes);
    let text = r#"
schema = "fq-level/1"
id = "random"
family = "test"
level = 1
challenge = 1
source = { kind = "hand" }
goal = "flag"
functions = {}
limits = { max_calls = 30 }
types = { thing = "object", tool = "thing" }
[predicates]
flag = {}
seen = { params = ["?x: thing"], store = "inventory" }
near = { params = ["?x: thing", "?y: tool"] }
road = { params = ["?x: thing", "?y: thing"], static = true }
[fluents]
coins = { max = 3 }
heat = { min = -1, max = 2 }
"#;
    let mut level: Level = toml::from_str(text).unwrap();
    let names = |names: &[&str]| names.iter().map(|&n| n.to_owned()).collect();
    level.objects = OBJECTS.iter().map(|(k, of_kind)| ((*k).to_owned(), names(of_kind))).collect();
    let values = BTreeMap::from([("a".to_owned(), 2.0), ("t".to_owned(), 0.5)]);
    let params = vec!["?x: thing".parse().unwrap()];
    level.costs.insert("price".to_owned(), CostTable { params, values });
    for nth in 0..2 + c.below(4) {
        let function = function(c, nth);
        level.functions.insert(format!("f{nth}"), function);
    }
    for _ in 0..c.below(8) {
        level.init.push(Init::Fact(atom(c, 4, &[])));
    }
    level.init.push(Init::Number { fluent: "coins".to_owned(), value: c.below(4) as i64 });
    level.goal = "flag".parse().unwrap();
    if c.one_in(2) {
        let more = Test::Fact { atom: atom(c, 3, &[]), negated: c.one_in(2) };
        if !level.goal.0.iter().any(|t| matches!((t, &more), (Test::Fact { atom: a, .. }, Test::Fact { atom: b, .. }) if a == b)) {
            level.goal.0.push(more);
        }
    }
    level.limits = Limits { max_calls: 30 };
    level
}
