//! The conditions of `when`: comparisons of facts of earlier outputs, joined by `and`, `or`, `not`
//! and parentheses, e.g. `curate.dataset.steps >= 1000 and not ingest.snapshot.objects == 0`.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A parsed condition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// All of them hold.
    All(Vec<Condition>),
    /// One of them holds.
    Any(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
    /// A fact compared with a constant.
    Compare {
        /// `STEP.PORT.FACT`.
        fact: Fact,
        /// `==`, `!=`, `<`, `<=`, `>`, `>=`.
        operator: String,
        /// The constant.
        value: Value,
    },
}

/// The path of a fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// The step's id.
    pub step: String,
    /// The output port.
    pub port: String,
    /// The name of the fact.
    pub name: String,
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.step, self.port, self.name)
    }
}

const OPERATORS: [&str; 6] = ["==", "!=", "<=", ">=", "<", ">"];

/// How deep parentheses may nest: a bound on the recursion of the parser.
const MAX_DEPTH: usize = 32;

impl Condition {
    /// Parses a condition.
    ///
    /// # Errors
    /// A message that says what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser { words: words(text)?, at: 0, depth: 0 };
        let condition = parser.any()?;
        match parser.peek() {
            None => Ok(condition),
            Some(word) => Err(format!("expected `and`, `or` or the end, found `{word}`")),
        }
    }

    /// The facts that the condition looks at.
    pub fn facts(&self) -> Vec<&Fact> {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::facts).collect(),
            Self::Not(part) => part.facts(),
            Self::Compare { fact, .. } => vec![fact],
        }
    }

    /// Whether the condition holds.
    ///
    /// # Errors
    /// When a fact is not known, or is of another type than the constant.
    pub fn holds(&self, look_up: &dyn Fn(&Fact) -> Option<Value>) -> Result<bool, String> {
        match self {
            Self::All(parts) => {
                parts.iter().try_fold(true, |so_far, part| Ok(so_far && part.holds(look_up)?))
            }
            Self::Any(parts) => {
                parts.iter().try_fold(false, |so_far, part| Ok(so_far || part.holds(look_up)?))
            }
            Self::Not(part) => Ok(!part.holds(look_up)?),
            Self::Compare { fact, operator, value } => {
                let found = look_up(fact).ok_or_else(|| format!("`{fact}` is not known"))?;
                compare(&found, operator, value)
                    .ok_or_else(|| format!("`{fact}` is {found}, which has no order with {value}"))
            }
        }
    }
}

fn compare(found: &Value, operator: &str, value: &Value) -> Option<bool> {
    let order = match (found, value) {
        (Value::Number(a), Value::Number(b)) => a.as_f64()?.partial_cmp(&b.as_f64()?)?,
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        _ => return None,
    };
    Some(match operator {
        "==" => order.is_eq(),
        "!=" => order.is_ne(),
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        _ => order.is_ge(),
    })
}

fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if let Some(operator) = OPERATORS.iter().find(|o| rest.starts_with(**o)) {
            operator.len()
        } else if matches!(first, '(' | ')') {
            1
        } else if first == '"' {
            let end = rest[1..].find('"').ok_or("a string has no closing quote")?;
            end + 2
        } else {
            let plain = |c: char| c.is_alphanumeric() || "._-+".contains(c);
            rest.find(|c| !plain(c)).unwrap_or(rest.len())
        };
        if length == 0 {
            return Err(format!("unexpected `{first}`"));
        }
        words.push(rest[..length].to_owned());
        rest = rest[length..].trim_start();
    }
    Ok(words)
}

struct Parser {
    words: Vec<String>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<&str> {
        self.words.get(self.at).map(String::as_str)
    }

    fn next(&mut self) -> Option<String> {
        let word = self.words.get(self.at).cloned();
        self.at += 1;
        word
    }

    fn takes(&mut self, word: &str) -> bool {
        let found = self.peek() == Some(word);
        self.at += usize::from(found);
        found
    }

    fn any(&mut self) -> Result<Condition, String> {
        let mut parts = vec![self.all()?];
        while self.takes("or") {
            parts.push(self.all()?);
        }
        Ok(one_or(parts, Condition::Any))
    }

    fn all(&mut self) -> Result<Condition, String> {
        let mut parts = vec![self.part()?];
        while self.takes("and") {
            parts.push(self.part()?);
        }
        Ok(one_or(parts, Condition::All))
    }

    fn part(&mut self) -> Result<Condition, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("nested deeper than {MAX_DEPTH}"));
        }
        let part = if self.takes("not") {
            Ok(Condition::Not(Box::new(self.part()?)))
        } else if self.takes("(") {
            let inner = self.any()?;
            if self.takes(")") { Ok(inner) } else { Err("a `(` has no `)`".to_owned()) }
        } else {
            self.comparison()
        };
        self.depth -= 1;
        part
    }

    fn comparison(&mut self) -> Result<Condition, String> {
        let path = self.next().ok_or("expected `STEP.PORT.FACT`, found the end")?;
        let fact = match path.split('.').collect::<Vec<_>>()[..] {
            [step, port, name] if !step.is_empty() && !port.is_empty() && !name.is_empty() => {
                Fact { step: step.into(), port: port.into(), name: name.into() }
            }
            _ => return Err(format!("expected `STEP.PORT.FACT`, found `{path}`")),
        };
        let operator = self.next().filter(|o| OPERATORS.contains(&o.as_str()));
        let operator = operator.ok_or_else(|| format!("expected a comparison after `{path}`"))?;
        let word = self.next().ok_or_else(|| format!("expected a value after `{operator}`"))?;
        let value = match word.strip_prefix('"') {
            Some(string) => Value::String(string.trim_end_matches('"').to_owned()),
            None => constant(&word)?,
        };
        Ok(Condition::Compare { fact, operator, value })
    }
}

fn constant(word: &str) -> Result<Value, String> {
    match word {
        "true" => Ok(Value::Bool(true)),
        "false" => Ok(Value::Bool(false)),
        _ => word
            .parse::<f64>()
            .ok()
            .and_then(serde_json::Number::from_f64)
            .map(Value::Number)
            .ok_or_else(|| {
                format!("expected a number, a \"string\", true or false, found `{word}`")
            }),
    }
}

fn one_or(mut parts: Vec<Condition>, join: fn(Vec<Condition>) -> Condition) -> Condition {
    if parts.len() == 1 { parts.remove(0) } else { join(parts) }
}
