//! Names: PDDL allows some that the expressions of levels do not, and the other way round.

/// Words that mean something else in the expressions of levels.
const RESERVED: [&str; 3] = ["and", "or", "not"];

/// A PDDL name as a level writes it. Most stay as they are; a character that cannot stand in a
/// level's name is written as `X` and its two hexadecimal digits (`a-` is `aX2d`, `2nd` is
/// `X32nd`). PDDL names are in lower case, so `X` cannot be one of their own letters, and the way
/// back is unique.
pub(super) fn to_level(name: &str) -> String {
    let bytes = name.as_bytes();
    let reserved = RESERVED.contains(&name);
    let mut out = String::with_capacity(name.len());
    for (i, &b) in bytes.iter().enumerate() {
        let fits = match b {
            b'_' => true,
            _ if b.is_ascii_lowercase() => !(reserved && i == 0),
            b'.' => i > 0,
            b'-' => i > 0 && bytes.get(i + 1).is_some_and(u8::is_ascii_alphanumeric),
            _ => i > 0 && b.is_ascii_digit(),
        };
        if fits {
            out.push(char::from(b));
        } else {
            out.push_str(&format!("X{b:02x}"));
        }
    }
    out
}

/// The way back: the PDDL name that [`to_level`] maps to this one.
pub(in crate::quest) fn original(name: &str) -> Option<String> {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(at) = rest.find('X') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let code = u8::from_str_radix(escape.get(1..3)?, 16).ok()?;
        out.push(char::from(code));
        rest = escape.get(3..)?;
    }
    out.push_str(rest);
    (to_level(&out) == name).then_some(out)
}

/// A level's name as PDDL writes it: the original where it came from PDDL, otherwise in lower
/// case. Two names of a level can become one; exporting refuses that.
pub(super) fn to_pddl(name: &str) -> String {
    original(name).unwrap_or_else(|| name.to_ascii_lowercase())
}

/// Which of a level's names a word of a plan means: the same name, or else the only one that is
/// the same in PDDL, where case does not count.
pub(in crate::quest) fn same_name<'a>(
    names: impl Iterator<Item = &'a str>,
    word: &str,
) -> Option<usize> {
    let mut like = None;
    let mut several = false;
    for (i, name) in names.enumerate() {
        if name == word {
            return Some(i);
        }
        if name.eq_ignore_ascii_case(word) || to_pddl(name).eq_ignore_ascii_case(word) {
            several |= like.replace(i).is_some();
        }
    }
    like.filter(|_| !several)
}
