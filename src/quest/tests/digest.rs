//! The canonical digest ignores order, spelling and format, and nothing else; levels read back
//! from every format they are written in.

use proptest::prelude::*;
use rand::Rng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value};

use super::rich::RICH;
use crate::core::rng;
use crate::quest::{
    Atom, Change, Compare, Condition, Effects, Init, Level, Split, Suite, Test, certify,
};

fn rich() -> Level {
    Level::from_toml(RICH).unwrap()
}

/// Writes the same thing in other words.
struct Speller(ChaCha8Rng);

impl Speller {
    fn pick(&mut self, choices: &[&str]) -> String {
        choices[self.0.random_range(0..choices.len())].to_owned()
    }

    fn atom(&mut self, atom: &Atom) -> String {
        let args: Vec<String> = atom.args.iter().map(ToString::to_string).collect();
        let blank = self.pick(&["", " "]);
        match args.is_empty() {
            true => format!("{}{}", atom.predicate, self.pick(&["", "()"])),
            false => {
                format!("{}{blank}({blank}{})", atom.predicate, args.join(&format!(",{blank}")))
            }
        }
    }

    fn test(&mut self, test: &Test) -> String {
        let blank = self.pick(&["", " ", "  "]);
        match test {
            Test::Fact { atom, negated: true } => {
                self.pick(&["not ", "! ", "!"]) + &self.atom(atom)
            }
            Test::Fact { atom, .. } => self.atom(atom),
            Test::Number { fluent, compare, value } => {
                let (above, below) = (format!(">{}", value - 1), format!("<{}", value + 1));
                let tail = match compare {
                    Compare::Ge => self.pick(&[&format!(">={blank}{value}"), &above]),
                    Compare::Le => self.pick(&[&format!("<={blank}{value}"), &below]),
                    Compare::Eq => self.pick(&["==", "="]) + &value.to_string(),
                    Compare::Ne => format!("!= {value}"),
                };
                format!("{fluent}{blank}{tail}")
            }
            Test::Same { left, right, negated } => {
                let sign = if *negated { "!=".to_owned() } else { self.pick(&["==", "="]) };
                let (a, b) = if self.0.random() { (left, right) } else { (right, left) };
                format!("{a} {sign} {b}")
            }
        }
    }

    fn change(&mut self, change: &Change) -> String {
        match change {
            Change::Add(atom) => self.atom(atom),
            Change::Delete(atom) => self.pick(&["not ", "!"]) + &self.atom(atom),
            Change::Increase { fluent, by } => {
                self.pick(&[&format!("{fluent} += {by}"), &format!("{fluent}-={}", -by)])
            }
            Change::Assign { fluent, to } => format!("{fluent} ={to}"),
        }
    }

    fn joined(&mut self, mut parts: Vec<String>) -> String {
        parts.shuffle(&mut self.0);
        let mut text = String::new();
        for (i, part) in parts.iter().enumerate() {
            if i > 0 {
                text += &self.pick(&[" and ", ", ", ",", " && ", "\n and\t"]);
            }
            text += part;
        }
        self.pick(&["", " "]) + &text
    }

    fn condition(&mut self, text: &str) -> String {
        let mut tests = text.parse::<Condition>().unwrap().0;
        tests.extend(tests.first().cloned());
        let parts = tests.iter().map(|t| {
            let written = self.test(t);
            self.pick(&[&written, &written, &format!("({written})")])
        });
        let parts = parts.collect();
        self.joined(parts)
    }

    fn effects(&mut self, text: &str) -> String {
        let parts = text.parse::<Effects>().unwrap().0.iter().map(|c| self.change(c)).collect();
        self.joined(parts)
    }

    /// A value of the level's JSON, whose key is known.
    fn value(&mut self, key: &str, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::from(match key {
                "pre" | "goal" | "forbidden" => self.condition(text),
                "effects" | "at_start" => self.effects(text),
                _ => text.clone(),
            }),
            Value::Array(items) => {
                let mut items: Vec<Value> = items.iter().map(|v| self.value(key, v)).collect();
                if ["init", "objects", "exclusive_with"].contains(&key) {
                    items.shuffle(&mut self.0);
                }
                Value::from(items)
            }
            Value::Object(table) => {
                // Objects are lists by type: order is free one level below the key.
                let inner = |own: &str| if key == "objects" { "objects" } else { own }.to_owned();
                let mut entries: Vec<(String, Value)> =
                    table.iter().map(|(k, v)| (k.clone(), self.value(&inner(k), v))).collect();
                entries.shuffle(&mut self.0);
                Value::Object(entries.into_iter().collect::<Map<_, _>>())
            }
            other => other.clone(),
        }
    }

    fn level(&mut self, level: &Level) -> String {
        let value = self.value("", &serde_json::to_value(level).unwrap());
        match self.0.random_range(0..4) {
            0 => value.to_string(),
            1 => serde_json::to_string_pretty(&value).unwrap(),
            2 => toml::to_string(&value).unwrap().replace("\n[", "\n# a remark\n\n  ["),
            _ => format!("# a remark\n{}", toml::to_string_pretty(&value).unwrap()),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn order_spelling_and_format_do_not_matter(seed: u64) {
        let text = Speller(rng(seed, "spelling")).level(&rich());
        let level = Level::read("level", &text).unwrap();
        prop_assert_eq!(&level, &rich());
        prop_assert_eq!(level.digest(), rich().digest());
        prop_assert_eq!(level.content_digest(), rich().content_digest());
    }

    #[test]
    fn any_words_read_back(words in "(\\PC|[\\n\\t\"'\\\\]){0,40}", seed: u64) {
        let mut level = rich();
        level.narrative = format!("x{words}");
        level.source.seed = Some(seed);
        level.functions.get_mut("ship").unwrap().description = words.clone();
        let level = level.normalised().unwrap();
        prop_assert_eq!(&Level::from_toml(&level.to_toml()).unwrap(), &level);
        prop_assert_eq!(&Level::from_json(&level.to_json()).unwrap(), &level);
    }
}

#[test]
fn levels_read_back_from_what_they_are_written_as() {
    let suite = Suite::builtin();
    let drawn = suite.families().into_iter().flat_map(|family| {
        suite.draw(&family, 1, 3, Split::Train, 5, 1).unwrap_or_else(|e| panic!("{e}"))
    });
    let certified = certify(rich(), &Default::default()).unwrap();
    for level in drawn.chain(suite.hand().to_vec()).chain([rich(), certified]) {
        let toml = level.to_toml();
        assert_eq!(Level::from_toml(&toml).unwrap(), level);
        assert_eq!(Level::from_toml(&toml).unwrap().to_toml(), toml);
        assert_eq!(Level::from_json(&level.to_json()).unwrap(), level);
    }
}

/// All ways to change one thing in a value: the value, its place, whether something was dropped.
fn edits(value: &Value, path: &mut Vec<String>, out: &mut Vec<(Vec<String>, Value, bool)>) {
    let mut put = |path: &[String], v: Value, dropped| out.push((path.to_vec(), v, dropped));
    match value {
        Value::Bool(on) => put(path, Value::from(!on), false),
        Value::Number(n) if n.is_u64() => {
            put(path, Value::from(n.as_u64().unwrap() + 1), false);
        }
        Value::Number(n) => put(path, Value::from((n.as_f64().unwrap() + 1.0) / 4.0), false),
        Value::String(text) => {
            texts(text).into_iter().for_each(|t| put(path, Value::from(t), false));
        }
        Value::Array(items) => {
            for i in 0..items.len() {
                let mut fewer = items.clone();
                fewer.remove(i);
                put(path, Value::from(fewer), true);
            }
        }
        Value::Object(table) => {
            for key in table.keys() {
                let mut fewer = table.clone();
                fewer.remove(key);
                put(path, Value::from(fewer), true);
            }
        }
        Value::Null => {}
    }
    // Each change within is put back into the whole.
    let mut inside = |key: String, value: &Value, whole: &dyn Fn(Value) -> Value| {
        path.push(key);
        let mut within = Vec::new();
        edits(value, path, &mut within);
        path.pop();
        out.extend(within.into_iter().map(|(at, v, dropped)| (at, whole(v), dropped)));
    };
    match value {
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                inside(i.to_string(), item, &|v| {
                    let mut items = items.clone();
                    items[i] = v;
                    Value::from(items)
                });
            }
        }
        Value::Object(table) => {
            for (key, item) in table {
                inside(key.clone(), item, &|v| {
                    let mut table = table.clone();
                    table[key] = v;
                    Value::from(table)
                });
            }
        }
        _ => {}
    }
}

/// A text with one word or number exchanged, or one part dropped or negated.
fn texts(text: &str) -> Vec<String> {
    let names = [
        "alpha",
        "beta",
        "north",
        "south",
        "at",
        "built",
        "failed",
        "friday",
        "coins",
        "effort",
        "place",
        "release",
        "hotfix",
        "a",
        "b",
        "r",
        "ret",
        "inventory",
        "validation",
        "log",
        "other",
        "effects_unknown",
        "ship",
    ];
    let word = regex::Regex::new(r"[A-Za-z_]+[0-9]*|[0-9]+|>=|-=|\+=").unwrap();
    let mut found = Vec::new();
    for at in word.find_iter(text) {
        let with = |new: &str| format!("{}{new}{}", &text[..at.start()], &text[at.end()..]);
        match at.as_str() {
            ">=" => found.extend([with("<="), with("!=")]),
            "-=" | "+=" => found.extend([with("="), with("+= 7 -")]),
            "not" => found.push(with("")),
            number if number.parse::<i64>().is_ok() => {
                found.push(with(&(number.parse::<i64>().unwrap() + 1).to_string()));
            }
            name => found.extend(names.iter().filter(|n| **n != name).map(|n| with(n))),
        }
    }
    for between in [" and ", ", "] {
        let parts: Vec<&str> = text.split(between).collect();
        for i in 0..parts.len() {
            let mut fewer = parts.clone();
            fewer.remove(i);
            found.push(fewer.join(between));
        }
    }
    found.push(format!("not {text}"));
    found.retain(|edited| edited != text);
    found
}

/// What content digests leave out.
fn is_words(path: &[String]) -> bool {
    let outer = ["id", "level", "challenge", "narrative", "source", "split", "limits", "reference"];
    path.first().is_some_and(|key| outer.contains(&key.as_str()))
        || path.iter().any(|key| key == "description" || key == "says")
        || path.ends_with(&["returns".to_owned(), "value".to_owned()])
}

#[test]
fn every_single_edit_changes_the_digest() {
    let level = certify(rich(), &Default::default()).unwrap();
    let mut all = Vec::new();
    edits(&serde_json::to_value(&level).unwrap(), &mut Vec::new(), &mut all);
    let mut kept = 0;
    let mut keys = std::collections::BTreeSet::new();
    for (path, value, dropped) in all {
        let Ok(edited) = Level::from_json(&value.to_string()) else { continue };
        kept += 1;
        keys.insert(path.last().cloned().unwrap_or_default());
        let at = path.join(".");
        // To drop what stands at its default changes nothing; any other edit does.
        let same = edited == level;
        assert!(!same || dropped, "{at} is not read");
        assert_eq!(edited.digest() == level.digest(), same, "{at}");
        let content = edited.content_digest() == level.content_digest();
        if !dropped && !same {
            assert_eq!(content, is_words(&path), "{at}: {value}");
        }
    }
    assert!(kept > 400, "only {kept} edits were levels");
    for key in ["cost", "takes", "forbidden", "at_start", "pre", "effects", "quality", "failed"] {
        assert!(keys.contains(key), "no edit of `{key}` was a level: {keys:?}");
    }
}

#[test]
fn probabilities_are_part_of_the_digest() {
    let other = RICH.replace("p = 0.75", "p = 0.5").replace("p = 0.25", "p = 0.5");
    let other = Level::from_toml(&other).unwrap();
    assert_ne!(other.digest(), rich().digest());
    assert_ne!(other.content_digest(), rich().content_digest());
}

#[test]
fn initial_facts_read_in_any_order_and_once() {
    let twice = RICH.replace("\"friday\"]", "\"coins == 4\", \"friday\", \"at( north )\"]");
    let twice = twice.replace("\"coins = 4\", ", "");
    assert_eq!(Level::from_toml(&twice).unwrap().digest(), rich().digest());
    assert_eq!("coins=4".parse::<Init>().unwrap().to_string(), "coins = 4");
}
