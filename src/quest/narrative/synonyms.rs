//! A small thesaurus of stems: words that people put for one another, and opposites.

/// Words that stand for one another.
const GROUPS: &[&[&str]] = &[
    &["hold", "carry", "grasp", "grip"],
    &["hand", "arm", "gripper"],
    &["deliver", "transport", "bring", "ship"],
    &["finish", "complet", "don", "ready", "accomplish"],
    &["have", "own", "possess", "obtain", "acquir", "get", "produc", "creat", "make", "build"],
    &["remov", "delet", "eras", "drop", "discard"],
    &["lie", "be", "rest", "locat", "stand", "belong"],
    &["at", "in", "on", "inside", "within", "into", "onto", "to"],
    &["fix", "repair", "mend", "resolv"],
    &["empty", "free"],
    &["begin", "start", "launch"],
    &["stop", "halt", "abort"],
    &["liv", "deploy", "releas", "onlin", "production"],
    &["check", "verify", "validat", "test"],
    &["writ", "draft", "author"],
    &["fuel", "gas", "petrol"],
    &["money", "fund", "budget", "credit", "cash"],
    &["bag", "baggag", "luggag", "suitcas"],
    &["trip", "flight", "journey"],
    &["chang", "modify", "updat", "edit"],
    &["search", "find", "look"],
    &["buy", "purchas"],
    &["person", "human", "people", "passenger"],
];

/// Words of which one denies the other.
const OPPOSITES: &[(&str, &str)] = &[
    ("open", "clos"),
    ("open", "shut"),
    ("lock", "unlock"),
    ("on", "off"),
    ("full", "empty"),
    ("up", "down"),
    ("new", "old"),
    ("enabl", "disabl"),
    ("present", "absent"),
    ("break", "intact"),
];

/// How far one word stands for another: 1 for the same, less for a synonym or a common beginning,
/// below 0 for an opposite.
pub(super) fn likeness(said: &str, meant: &str) -> Option<f64> {
    if said == meant {
        return Some(1.0);
    }
    let opposite = |a: &str, b: &str| {
        OPPOSITES.contains(&(a, b)) || b.strip_prefix("un").is_some_and(|rest| rest == a)
    };
    if opposite(said, meant) || opposite(meant, said) {
        return Some(-0.8);
    }
    if GROUPS.iter().any(|g| g.contains(&said) && g.contains(&meant)) {
        return Some(0.6);
    }
    let common = said.bytes().zip(meant.bytes()).take_while(|(a, b)| a == b).count();
    let shorter = said.len().min(meant.len());
    (common >= 4 && common + 1 >= shorter && said.len().abs_diff(meant.len()) <= 4).then_some(0.6)
}
