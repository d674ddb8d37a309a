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
