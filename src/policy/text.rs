//! Hashed embeddings of what a function says about itself.
//!
//! Feature hashing with signs (Weinberger et al. 2009, arXiv:0902.2206): no vocabulary is kept,
//! so a function that was never seen gets an embedding from the words that it shares with others.

use std::collections::BTreeSet;

/// Length of a text embedding.
pub const TEXT_FEATURES: usize = 48;

/// Embeds a function's name, description and parameter keys; the result has length 1 unless
/// there is no word at all. The name counts double, because logs often carry nothing else.
pub fn embed(name: &str, description: &str, keys: &[&str]) -> Vec<f32> {
    let mut out = vec![0.0f32; TEXT_FEATURES];
    // The whole name as one token tells apart functions whose words are the same.
    if !name.is_empty() {
        add(&mut out, &name.to_lowercase(), 2.0);
    }
    words(name, |w| add(&mut out, w, 2.0));
    words(description, |w| add(&mut out, w, 0.5));
    for key in keys {
        words(key, |w| add(&mut out, w, 1.0));
    }
    let norm = out.iter().map(|v| v * v).sum::<f32>().sqrt();
    if norm > 0.0 {
        out.iter_mut().for_each(|v| *v /= norm);
    }
    out
}

/// Adds one token at two places, so that single collisions do not hide it.
fn add(out: &mut [f32], token: &str, weight: f32) {
    let hash = fnv1a(token.as_bytes());
    for half in [hash as u32, (hash >> 32) as u32] {
        let place = (half >> 1) as usize % out.len().max(1);
        if let Some(slot) = out.get_mut(place) {
            *slot += if half & 1 == 0 { weight } else { -weight };
        }
    }
}

/// Calls `f` with every lower-case word; `snake_case`, `camelCase` and prose are split alike.
fn words(text: &str, mut f: impl FnMut(&str)) {
    let mut word = String::new();
    let mut lower_before = false;
    for c in text.chars() {
        let boundary = !c.is_alphanumeric() || (c.is_uppercase() && lower_before);
        if boundary && !word.is_empty() {
            f(&word);
            word.clear();
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        lower_before = c.is_lowercase();
    }
    if !word.is_empty() {
        f(&word);
    }
}

/// The distinct words of a text in lower case. What looks like an id is known by its shape, for the
/// same id is hardly met again.
pub(crate) fn tokens(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for part in text.split_whitespace() {
        match shape(part.trim_matches(|c: char| !c.is_alphanumeric())) {
            Some(shape) => {
                found.insert(shape);
            }
            None => words(part, |word| {
                found.insert(word.to_owned());
            }),
        }
    }
    found
}

/// Which kinds of characters an id is made of; None for a word that looks like none: without a digit
/// and not a long one in capitals.
pub(crate) fn shape(word: &str) -> Option<String> {
    let capitals = word.len() > 4 && word.chars().all(|c| c.is_ascii_uppercase());
    if word.contains(char::is_whitespace) || !(capitals || word.contains(char::is_numeric)) {
        return None;
    }
    let kinds: BTreeSet<char> = word.chars().map(kind).collect();
    Some(format!("#{}", kinds.into_iter().collect::<String>()))
}

fn kind(c: char) -> char {
    match c {
        c if c.is_numeric() => '0',
        c if c.is_uppercase() => 'A',
        c if c.is_alphabetic() => 'a',
        c => c,
    }
}

/// FNV-1a with a final mix: a fixed function, unlike the standard library's hasher.
fn fnv1a(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for byte in bytes {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash ^= hash >> 29;
    hash = hash.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash ^ (hash >> 32)
}
