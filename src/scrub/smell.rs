//! The fast first look over raw bytes: most records hold nothing that even resembles a secret, and
//! those are neither parsed nor copied. It may smell too much, never too little.

use regex::bytes::Regex;

/// Everything that makes a closer look worth while. Must match wherever a detector could, also
/// inside JSON strings, where a line break before a number is written `\n`.
const SMELLS: &[&str] = &[
    r"@[A-Za-z0-9\[\\\x80-\xff]",
    // An ASCII character written as an escape could hide any pattern below.
    r"\\u00[2-7]",
    // Cards, in groups or not; the digits of times and fractions have a digit or dot before them.
    r"(?:^|[^0-9A-Za-z.]|\\[nrtbf]|\\u[0-9A-Fa-f]{4})(?:[2-6]\d{3}[ -]?\d{4}[ -]?\d{4}|3\d{3}[ -]?\d{6}[ -]?\d{4})",
    r"\+\(?[1-9][0-9 ().-]{6}",
    r"[2-9]\d\d\)?[ .-]{0,2}[2-9]\d\d[ .-]\d{4}",
    r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d",
    r"[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:|[0-9A-Fa-f]::[0-9A-Fa-f]|::[0-9A-Fa-f]{1,4}:",
    r"\d{3}-\d{2}-\d{4}",
    r"[A-Z]{2}\d{2} ?[A-Z0-9]{4} ?[A-Z0-9]{4}",
    r"AKIA|ASIA|gh[pousr]_|github_pat_|glpat-|xox[a-z]-|hooks\.slack|sk-|AIza|[rs]k_(?:live|test)_|npm_|pypi-|SG\.|eyJ|-----BEGIN|SK[0-9a-f]{8}|AC[0-9a-f]{8}|whsec_",
    r"(?i:passw(?:or)?d|passphrase|pwd|secret|token|api[ _-]?key|(?:private|access|account|secret)[ _-]?key|authorization|credentials?|connection[ _-]?string|cookie|cvv|cvc)(?i:[_-]?(?:key|id|value))?\\*[\x22']?\s*(?:\\[nrt])?[:=]",
    r"(?i:\b(?:key|auth|cred|creds|cert|signature|sig|salt))\\*[\x22']?\s*[:=]\s*\\*[\x22']?[A-Za-z0-9+/_=.-]{20}",
    r"(?i:bearer|basic)\s+[A-Za-z0-9+/._~=-]{12}",
];

/// The compiled first look.
pub(super) fn pattern() -> Result<Regex, regex::Error> {
    regex::bytes::RegexBuilder::new(&format!("(?:{})", SMELLS.join("|")))
        .unicode(false)
        .size_limit(64 << 20)
        .dfa_size_limit(16 << 20)
        .build()
}
