//! The arithmetic behind the patterns: what tells a card number from any other long number.

/// The check digit of card numbers (ISO/IEC 7812-1, annex B).
pub(super) fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte.wrapping_sub(b'0'));
            match place % 2 {
                0 => digit,
                _ if digit > 4 => digit * 2 - 9,
                _ => digit * 2,
            }
        })
        .sum();
    !digits.is_empty() && sum.is_multiple_of(10)
}

/// Whether digits are a card number of a known issuer: the length fits the first digits.
pub(super) fn card(digits: &[u8]) -> bool {
    let lead = |n: usize| {
        let lead = digits.get(..n).unwrap_or_default();
        lead.iter().fold(0_u32, |sum, byte| sum * 10 + u32::from(byte.wrapping_sub(b'0')))
    };
    let known = match digits.len() {
        13 | 19 => lead(1) == 4,
        14 => lead(2) == 36 || lead(2) == 38 || (300..=305).contains(&lead(3)),
        15 => matches!(lead(2), 34 | 37),
        16 => {
            lead(1) == 4
                || (51..=55).contains(&lead(2))
                || (2221..=2720).contains(&lead(4))
                || matches!(lead(2), 35 | 65)
                || lead(4) == 6011
                || (644..=649).contains(&lead(3))
                || lead(2) == 62
        }
        _ => false,
    };
    known && luhn(digits)
}

/// The digits of a card as people group them; other groupings are not cards.
pub(super) fn card_groups(text: &str) -> bool {
    let groups: Vec<usize> = text.split([' ', '-']).map(str::len).collect();
    matches!(groups.as_slice(), [_] | [4, 4, 4, 1..=4] | [4, 4, 4, 4, 3] | [4, 6, 4 | 5])
}

/// The check of an IBAN (ISO 13616): letters and digits without separators, modulo 97.
pub(super) fn iban(compact: &str) -> bool {
    if !(15..=34).contains(&compact.len()) || !compact.is_ascii() {
        return false;
    }
    let (head, tail) = compact.split_at(4);
    let mut rest = 0_u32;
    for byte in tail.bytes().chain(head.bytes()) {
        rest = match byte {
            b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
            b'A'..=b'Z' => (rest * 100 + u32::from(byte - b'A') + 10) % 97,
            _ => return false,
        };
    }
    rest == 1
}

/// The length of the IBAN at the start of a text, separators included; None when there is none.
pub(super) fn iban_prefix(text: &str) -> Option<usize> {
    // The pattern may have swallowed a following word: take the longest prefix that checks out.
    (15..=text.len()).rev().find(|end| {
        let Some(part) = text.get(..*end).filter(|part| !part.ends_with(' ')) else { return false };
        let next = text.as_bytes().get(*end);
        let compact: String = part.chars().filter(|c| *c != ' ').collect();
        !next.is_some_and(u8::is_ascii_alphanumeric) && iban(&compact)
    })
}

/// Whether a text looks made by a machine: letters and digits mixed, long enough, no plain word.
pub(super) fn random(text: &str) -> bool {
    let digit = text.bytes().any(|b| b.is_ascii_digit());
    let letter = text.bytes().any(|b| b.is_ascii_alphabetic());
    text.len() >= 8 && digit && letter
}

/// Shannon entropy in bits per byte.
pub(super) fn entropy(text: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text.bytes() {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    let total = text.len() as f64;
    counts.iter().filter(|count| **count > 0).fold(0.0, |sum, count| {
        let share = f64::from(*count) / total;
        sum - share * share.log2()
    })
}

/// A UUID, a hex digest, or one of the ids that logs are full of: never a secret by itself.
pub(super) fn plain_id(text: &str) -> bool {
    let text = text.strip_prefix("sha256:").unwrap_or(text);
    let hex = text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    let prefixes = ["call_", "toolu_", "resp_", "msg_", "fc_", "run_", "chatcmpl-"];
    hex || prefixes.iter().any(|prefix| text.starts_with(prefix))
}
