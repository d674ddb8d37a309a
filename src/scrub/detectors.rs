//! One pattern per kind of secret or personal datum, each with a check against false alarms.

use std::net::Ipv6Addr;

use regex::{Captures, Regex, RegexSet};

use super::checks;

/// A kind of secret or personal datum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An e-mail address.
    Email,
    /// A payment card number.
    Card,
    /// An international bank account number.
    Iban,
    /// A telephone number.
    Phone,
    /// An IPv4 or IPv6 address.
    Ip,
    /// A US social security number.
    Ssn,
    /// User and password inside a URL or connection string.
    UrlCredentials,
    /// An AWS access key id.
    AwsKey,
    /// A GitHub token.
    GithubToken,
    /// A GitLab token.
    GitlabToken,
    /// A Slack token or webhook.
    SlackToken,
    /// A key of a model provider.
    AiKey,
    /// A Google API key.
    GoogleKey,
    /// A Stripe key.
    StripeKey,
    /// An npm token.
    NpmToken,
    /// A PyPI token.
    PypiToken,
    /// A SendGrid key.
    SendgridKey,
    /// A Twilio account or key.
    TwilioKey,
    /// A JSON web token.
    Jwt,
    /// A PEM private key.
    PrivateKey,
    /// The value of an authorization header.
    Auth,
    /// A password, token or key named as such.
    Secret,
}

impl Kind {
    /// All kinds, in the order of their declaration.
    pub const ALL: [Self; 22] = [
        Self::Email,
        Self::Card,
        Self::Iban,
        Self::Phone,
        Self::Ip,
        Self::Ssn,
        Self::UrlCredentials,
        Self::AwsKey,
        Self::GithubToken,
        Self::GitlabToken,
        Self::SlackToken,
        Self::AiKey,
        Self::GoogleKey,
        Self::StripeKey,
        Self::NpmToken,
        Self::PypiToken,
        Self::SendgridKey,
        Self::TwilioKey,
        Self::Jwt,
        Self::PrivateKey,
        Self::Auth,
        Self::Secret,
    ];

    /// The name in placeholders and counts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "EMAIL",
            Self::Card => "CARD",
            Self::Iban => "IBAN",
            Self::Phone => "PHONE",
            Self::Ip => "IP",
            Self::Ssn => "SSN",
            Self::UrlCredentials => "URL_CREDENTIALS",
            Self::AwsKey => "AWS_KEY",
            Self::GithubToken => "GITHUB_TOKEN",
            Self::GitlabToken => "GITLAB_TOKEN",
            Self::SlackToken => "SLACK_TOKEN",
            Self::AiKey => "AI_KEY",
            Self::GoogleKey => "GOOGLE_KEY",
            Self::StripeKey => "STRIPE_KEY",
            Self::NpmToken => "NPM_TOKEN",
            Self::PypiToken => "PYPI_TOKEN",
            Self::SendgridKey => "SENDGRID_KEY",
            Self::TwilioKey => "TWILIO_KEY",
            Self::Jwt => "JWT",
            Self::PrivateKey => "PRIVATE_KEY",
            Self::Auth => "AUTH",
            Self::Secret => "SECRET",
        }
    }
}

/// A find: bytes from `start` to `end` of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Find {
    pub start: usize,
    pub end: usize,
    pub kind: Kind,
}

/// Decides on a match: the range to replace, or None for a false alarm.
type Judge = fn(&str, &Captures<'_>) -> Option<(usize, usize)>;

struct Detector {
    kind: Kind,
    pattern: Regex,
    judge: Judge,
}

/// All detectors, compiled.
pub(super) struct Detectors {
    set: RegexSet,
    all: Vec<Detector>,
}

const RULES: &[(Kind, &str, Judge)] = &[
    (
        Kind::Email,
        r"[A-Za-z0-9._%+'\-\x{80}-\x{10FFFF}]*[A-Za-z0-9_%+\-\x{80}-\x{10FFFF}]@(?:[A-Za-z0-9\-\x{80}-\x{10FFFF}]+\.)+[A-Za-z\x{80}-\x{10FFFF}][A-Za-z0-9\-\x{80}-\x{10FFFF}]*[A-Za-z\x{80}-\x{10FFFF}]",
        whole,
    ),
    (Kind::Card, r"\d(?:[ -]?\d){12,18}", card),
    (Kind::Iban, r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,34}", iban),
    (
        Kind::Phone,
        r"\+\(?[1-9]\d{0,2}\)?(?:[ .-]?\(\d{1,4}\))?(?:[ .-]?\d{1,5}){2,6}",
        international,
    ),
    (
        Kind::Phone,
        r"(?:\b1[ .-]?)?(?:\([2-9]\d{2}\) ?|\b[2-9]\d{2}[ .-])[2-9]\d{2}[ .-]\d{4}\b",
        north_american,
    ),
    (
        Kind::Ip,
        r"(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)",
        ipv4,
    ),
    (Kind::Ip, r"(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}", ipv6),
    (Kind::Ssn, r"\d{3}-\d{2}-\d{4}", ssn),
    (
        Kind::UrlCredentials,
        r"[A-Za-z][A-Za-z0-9+.-]{0,30}://([^\s/?#@:\x22'<>]*:[^\s/?#@\x22'<>]+)@",
        group,
    ),
    (Kind::AwsKey, r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b", whole),
    (Kind::GithubToken, r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})", whole),
    (Kind::GitlabToken, r"\bgl(?:pat|ptt|dt|rt|cbt|soat)-[A-Za-z0-9_-]{16,}", whole),
    (
        Kind::SlackToken,
        r"\bxox[a-z]-[A-Za-z0-9-]{8,}|hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_-]{8,}",
        whole,
    ),
    (Kind::AiKey, r"\bsk-(?:ant-|proj-|svcacct-|or-|lf-)?[A-Za-z0-9][A-Za-z0-9_-]{15,}", random),
    (Kind::GoogleKey, r"\bAIza[A-Za-z0-9_-]{30,}", whole),
    (Kind::StripeKey, r"\b(?:[rs]k_(?:live|test)_|whsec_)[A-Za-z0-9]{10,}", whole),
    (Kind::NpmToken, r"\bnpm_[A-Za-z0-9]{30,}", whole),
    (Kind::PypiToken, r"\bpypi-[A-Za-z0-9_-]{16,}", random),
    (Kind::SendgridKey, r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}", whole),
    (Kind::TwilioKey, r"\b(?:SK|AC)[0-9a-f]{32}\b", whole),
    (Kind::Jwt, r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?", whole),
    (
        Kind::PrivateKey,
        r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----(?s:.*?)(?:-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----|\z)",
        whole,
    ),
    (Kind::Auth, r"(?i)\b(?:bearer|basic)\s+([A-Za-z0-9+/._~=-]{12,})", auth),
    (
        Kind::Secret,
        r#"(?ix)
        (?P<key> passw(?:or)?d | passphrase | pwd | (?P<other> (?:client[_-]?)? secret (?:[_-]?access)? (?:[_-]?key)?
          | token | api[\x20_-]?key | (?:private|access|account)[\x20_-]?key ) (?:[_-]?(?:id|value))? )
        ["']? \s{0,3} (?: := | => | [:=] ) \s{0,3}
        (?: "(?P<double>[^"\\\n]{4,64})" | '(?P<single>[^'\\\n]{4,64})' | (?P<bare>[^\s"'<>,;&{}\[\]()\\]{4,}) )"#,
        assignment,
    ),
    (
        Kind::Secret,
        r#"(?i)\b(?:key|auth|creds?|credentials?|cert|signature|sig|salt)["']?\s{0,3}[:=]\s{0,3}["']?([A-Za-z0-9+/_=.-]{20,})"#,
        high_entropy,
    ),
];

/// Digits and word boundaries mean ASCII here: the Unicode ones cost much and find nothing more.
fn ascii(pattern: &str) -> String {
    pattern.replace(r"\d", "[0-9]").replace(r"\b", r"(?-u:\b)")
}

impl Detectors {
    pub fn new() -> Result<Self, regex::Error> {
        let set = regex::RegexSetBuilder::new(RULES.iter().map(|(_, pattern, _)| ascii(pattern)))
            .size_limit(64 << 20)
            .dfa_size_limit(16 << 20)
            .build()?;
        let mut all = Vec::with_capacity(RULES.len());
        for (kind, pattern, judge) in RULES {
            all.push(Detector {
                kind: *kind,
                pattern: Regex::new(&ascii(pattern))?,
                judge: *judge,
            });
        }
        Ok(Self { set, all })
    }

    /// What stands in a text, in order and without overlaps: the first wins, then the longest.
    pub fn find(&self, text: &str) -> Vec<Find> {
        let mut finds = Vec::new();
        for index in &self.set.matches(text) {
            let Some(detector) = self.all.get(index) else { continue };
            let mut from = 0;
            while let Some(captures) = detector.pattern.captures_at(text, from) {
                let Some(matched) = captures.get(0) else { break };
                let kept = (detector.judge)(text, &captures).filter(|(start, end)| start < end);
                if let Some((start, end)) = kept {
                    finds.push(Find { start, end, kind: detector.kind });
                }
                // After a false alarm a true find may begin inside it, at the next word.
                from = match kept {
                    Some((_, end)) => end,
                    None => next_word(text, matched.start()).min(matched.end()),
                };
                if from <= matched.start() {
                    from = matched.end().max(matched.start() + 1);
                }
                if from > text.len() || !text.is_char_boundary(from) {
                    break;
                }
            }
        }
        finds.sort_by_key(|find| (find.start, std::cmp::Reverse(find.end)));
        let mut end = 0;
        finds.retain(|find| {
            let free = find.start >= end;
            if free {
                end = find.end;
            }
            free
        });
        finds
    }
}

/// The next place after `from` where a number or word begins.
fn next_word(text: &str, from: usize) -> usize {
    let bytes = text.as_bytes().get(from..).unwrap_or_default();
    let word = bytes.iter().take_while(|b| b.is_ascii_alphanumeric()).count();
    let gap = bytes
        .iter()
        .skip(word)
        .take_while(|b| matches!(b, b' ' | b'-' | b'.' | b':' | b'+'))
        .count();
    from + word + gap
}

fn before(text: &str, at: usize) -> Option<char> {
    text.get(..at)?.chars().next_back()
}

fn after(text: &str, at: usize) -> Option<char> {
    text.get(at..)?.chars().next()
}

/// Whether a match stands alone: not inside an id, a UUID, a digest, a fraction or a version.
fn alone(text: &str, start: usize, end: usize) -> bool {
    let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '+');
    let left = before(text, start).is_some_and(|c| word(c) || c == '.');
    let right = after(text, end).is_some_and(|c| {
        let beyond = after(text, end + c.len_utf8());
        word(c) || (c == '.' && beyond.is_some_and(|c| c.is_ascii_digit()))
    });
    !left && !right
}

fn range(captures: &Captures<'_>) -> Option<(usize, usize)> {
    captures.get(0).map(|found| (found.start(), found.end()))
}

fn whole(_: &str, captures: &Captures<'_>) -> Option<(usize, usize)> {
    range(captures)
}

fn group(_: &str, captures: &Captures<'_>) -> Option<(usize, usize)> {
    captures.get(1).map(|found| (found.start(), found.end()))
}

fn random(_: &str, captures: &Captures<'_>) -> Option<(usize, usize)> {
    captures.get(0).filter(|found| checks::random(found.as_str())).and_then(|_| range(captures))
}

fn digits(text: &str) -> Vec<u8> {
    text.bytes().filter(u8::is_ascii_digit).collect()
}

fn card(text: &str, captures: &Captures<'_>) -> Option<(usize, usize)> {
    let (start, mut end) = range(captures)?;
    // The pattern may run on into a following number: try the longest that checks out.
    while end > start {
        let part = text.get(start..end)?;
        if alone(text, start, end) && checks::card_groups(part) && checks::card(&digits(part)) {
            return Some((start, end));
        }
        end = start + part.rfind([' ', '-'])?;
    }
    None
}

fn iban(text: &str, captures: &Captures<'_>) -> Option<(usize, usize)> {
    let (start, end) = range(captures)?;
    let length = checks::iban_prefix(text.get(start..end)?)?;
    alone(text, start, start + length).then_some((start, start + length))
}

fn international(text: &str, captures: &Captures<'_>) -> Option<(usize, usize)> {
    let (start, end) = range(captures)?;
    let count = digits(text.get(start..end)?).len();
    ((8..=15).contains(&count) && alone(text, start, end)).then_some((start, end))
}

fn north_american(text: &str, captures: &Captures<'_>) -> Option<(usize, usize)> {
    let (start, end) = range(captures)?;
    alone(text, start, end).then_some((start, end))
}

fn ipv4(text: &str, captures: &Captures<'_>) -> Option<(usize, usize)> {
    let (start, end) = range(captures)?;
    // `v1.2.3.4` and `version 1.2.3.4` are versions; `alone` has refused five parts already.
    let head = text.get(..start)?.trim_end_matches([' ', ':', '=', '"']);
    let version = head.len() >= 7
        && head.get(head.len() - 7..).is_some_and(|w| w.eq_ignore_ascii_case("version"));
    (alone(text, start, end) && !version).then_some((start, end))
}

fn ipv6(text: &str, captures: &Captures<'_>) -> Option<(usize, usize)> {
    let (start, end) = range(captures)?;
    let part = text.get(start..end)?;
    let colons = part.bytes().filter(|b| *b == b':').count();
    let telling = part.len() >= 6 && (part.bytes().any(|b| b.is_ascii_digit()) || colons > 2);
    let joined = before(text, start) == Some(':') || after(text, end) == Some(':');
    let address = part.parse::<Ipv6Addr>().is_ok();
    (address && telling && !joined && alone(text, start, end)).then_some((start, end))
}

fn ssn(text: &str, captures: &Captures<'_>) -> Option<(usize, usize)> {
    let (start, end) = range(captures)?;
    let part = text.get(start..end)?;
    let (area, group, serial) = (part.get(..3)?, part.get(4..6)?, part.get(7..)?);
    let issued = !matches!(area, "000" | "666") && !area.starts_with('9');
    (issued && group != "00" && serial != "0000" && alone(text, start, end)).then_some((start, end))
}

fn auth(_: &str, captures: &Captures<'_>) -> Option<(usize, usize)> {
    let value = captures.get(1)?;
    // Words follow "basic" and "bearer" in prose; credentials mix cases, digits or signs.
    let text = value.as_str();
    let upper_inside = text.bytes().skip(1).any(|b| b.is_ascii_uppercase());
    let mixed = text.bytes().any(|b| b.is_ascii_digit() || matches!(b, b'+' | b'/' | b'='));
    (mixed || upper_inside).then_some((value.start(), value.end()))
}

const NO_SECRET: &[&str] = &[
    "null",
    "none",
    "true",
    "false",
    "undefined",
    "required",
    "optional",
    "invalid",
    "missing",
    "wrong",
    "incorrect",
    "expired",
    "string",
    "must",
    "should",
    "your",
    "please",
    "redacted",
    "changed",
    "reset",
    "empty",
    "unknown",
];

fn assignment(text: &str, captures: &Captures<'_>) -> Option<(usize, usize)> {
    let key = captures.name("key")?;
    if before(text, key.start()).is_some_and(char::is_alphabetic) {
        // `userPassword` is a password, `broken: …` is no token.
        let camel = key.as_str().starts_with(|c: char| c.is_ascii_uppercase());
        if !camel && captures.name("other").is_some() {
            return None;
        }
    }
    let quoted = captures.name("double").or_else(|| captures.name("single"));
    let value = quoted.or_else(|| captures.name("bare"))?;
    let plain = value.as_str().trim_end_matches(['.', '!', '?', ':']).to_ascii_lowercase();
    let covered = plain.bytes().all(|b| matches!(b, b'*' | b'x' | b'.' | b'-' | b'_' | b'$'));
    if NO_SECRET.contains(&plain.as_str()) || covered || value.as_str().starts_with('<') {
        return None;
    }
    let wide = captures.name("other").is_some();
    let secret = !wide || checks::random(value.as_str()) || (value.len() >= 16 && quoted.is_none());
    secret.then_some((value.start(), value.end()))
}

fn high_entropy(_: &str, captures: &Captures<'_>) -> Option<(usize, usize)> {
    let value = captures.get(1)?;
    let text = value.as_str();
    let mixed = text.bytes().any(|b| b.is_ascii_digit())
        && text.bytes().any(|b| b.is_ascii_lowercase())
        && text.bytes().any(|b| b.is_ascii_uppercase());
    let secret = mixed && checks::entropy(text) >= 3.7 && !checks::plain_id(text);
    secret.then_some((value.start(), value.end()))
}
