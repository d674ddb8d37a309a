//! Field names that say that their value is a secret.

/// What a field's name says about its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    /// A secret, whatever it looks like.
    Secret,
    /// A secret if it looks like one: `token` also names words of a text.
    Perhaps,
    /// Nothing.
    Nothing,
}

const SECRET: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "apikey",
    "secretkey",
    "privatekey",
    "secretaccesskey",
    "accesstoken",
    "refreshtoken",
    "authtoken",
    "bearertoken",
    "accountkey",
    "connectionstring",
    "authorization",
    "clientsecret",
    "cvv",
    "cvc",
];
const PERHAPS: &[&str] =
    &["token", "credential", "credentials", "cookie", "accesskey", "accesskeyid"];

/// Judges a field's name, whatever its case and separators: `DB_PASSWORD`, `x-api-key`, `apiKey`.
pub(super) fn says(name: &str) -> Says {
    if name.len() > 64 {
        return Says::Nothing;
    }
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let ends = |words: &[&str]| words.iter().any(|word| plain.ends_with(word));
    match plain.as_str() {
        "" => Says::Nothing,
        _ if ends(SECRET) => Says::Secret,
        _ if ends(PERHAPS) => Says::Perhaps,
        _ => Says::Nothing,
    }
}

/// Numbers under these names are times, seeds and counts, never cards.
pub(super) fn counts_something(name: &str) -> bool {
    let ends =
        ["seed", "time", "_us", "_ns", "_ms", "_ts", "key", "offset", "created", "timestamp"];
    ends.iter().any(|end| name.ends_with(end))
}
