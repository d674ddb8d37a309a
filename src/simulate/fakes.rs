//! Fake secrets and fake personal data: right in form, made from a seed, valid nowhere.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::params::InjectionParams;
use crate::core::{LogicalDate, derive_seed, rng};

/// What a fake value looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FakeKind {
    /// An e-mail address.
    Email,
    /// A payment card number that passes Luhn's check.
    Card,
    /// A telephone number with country code.
    Phone,
    /// A German IBAN that passes the mod-97 check.
    Iban,
    /// A US social security number.
    Ssn,
    /// An AWS access key id.
    AwsKey,
    /// A GitHub personal access token.
    GithubToken,
    /// A JSON Web Token.
    Jwt,
    /// A Slack bot token.
    SlackToken,
}

impl FakeKind {
    /// The kinds that are personal data.
    pub const PII: [FakeKind; 5] =
        [FakeKind::Email, FakeKind::Card, FakeKind::Phone, FakeKind::Iban, FakeKind::Ssn];
    /// The kinds that are secrets.
    pub const SECRETS: [FakeKind; 4] =
        [FakeKind::AwsKey, FakeKind::GithubToken, FakeKind::Jwt, FakeKind::SlackToken];
}

/// One fake value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FakeValue {
    /// What it looks like.
    pub kind: FakeKind,
    /// The value itself, as it stands in the log.
    pub value: String,
}

impl FakeValue {
    /// A sentence in which the value hides, as people and programs write them.
    pub fn sentence(&self) -> String {
        let value = &self.value;
        match self.kind {
            FakeKind::Email => format!("please send the result to {value} today"),
            FakeKind::Card => format!("charge it to card {value} as usual"),
            FakeKind::Phone => format!("call me at {value} if it fails"),
            FakeKind::Iban => format!("refund to IBAN {value}"),
            FakeKind::Ssn => format!("my SSN is {value}"),
            FakeKind::AwsKey => format!("export AWS_ACCESS_KEY_ID={value}"),
            FakeKind::GithubToken => format!("git clone failed with token {value}"),
            FakeKind::Jwt => format!("Authorization: Bearer {value}"),
            FakeKind::SlackToken => format!("posted with {value} to the channel"),
        }
    }
}

/// The fake values of a date: `secrets` secrets, then `pii` personal data, kinds in turn. What
/// [`simulate`](super::simulate) hides in that date's logs and what a test may search for.
pub fn injections(params: &InjectionParams, seed: u64, date: LogicalDate) -> Vec<FakeValue> {
    let of = |kinds: &[FakeKind], n: u32, what: &str| -> Vec<FakeValue> {
        (0..n)
            .zip(kinds.iter().copied().cycle())
            .map(|(nth, kind)| {
                let own = derive_seed(seed, &format!("simulate/{date}/{what}/{nth}"));
                FakeValue { kind, value: fake(kind, &mut rng(own, "fake")) }
            })
            .collect()
    };
    let mut values = of(&FakeKind::SECRETS, params.secrets, "secret");
    values.extend(of(&FakeKind::PII, params.pii, "pii"));
    values
}

fn fake(kind: FakeKind, random: &mut ChaCha8Rng) -> String {
    const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    const ALNUM: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    const DIGITS: &[u8] = b"0123456789";
    match kind {
        FakeKind::Email => email(random),
        FakeKind::Card => card(random),
        FakeKind::Phone => {
            // 555-01xx is kept free for fiction.
            format!("+1-{}-555-01{}", random.random_range(201..990), text(random, DIGITS, 2))
        }
        FakeKind::Iban => iban(random),
        FakeKind::Ssn => format!(
            "{:03}-{:02}-{:04}",
            random.random_range(100..660),
            random.random_range(10..99),
            random.random_range(1000..9999)
        ),
        FakeKind::AwsKey => format!("AKIA{}", text(random, UPPER, 16)),
        FakeKind::GithubToken => format!("ghp_{}", text(random, ALNUM, 36)),
        FakeKind::Jwt => jwt(random, ALNUM),
        FakeKind::SlackToken => format!(
            "xoxb-{}-{}-{}",
            text(random, b"123456789", 12),
            text(random, b"123456789", 12),
            text(random, ALNUM, 24)
        ),
    }
}

fn text(random: &mut ChaCha8Rng, letters: &[u8], n: usize) -> String {
    (0..n)
        .filter_map(|_| letters.get(random.random_range(0..letters.len())))
        .map(|byte| char::from(*byte))
        .collect()
}

fn email(random: &mut ChaCha8Rng) -> String {
    let first = ["anna", "bela", "carl", "dora", "emil", "fritzi", "gustav", "hedi"];
    let last = ["muster", "beispiel", "sample", "fiction", "nobody", "placeholder"];
    let pick = |names: &[&'static str], n: usize| names.get(n).copied().unwrap_or("anna");
    let (i, j) = (random.random_range(0..first.len()), random.random_range(0..last.len()));
    let number = random.random_range(100..10_000);
    format!("{}.{}{number}@mail.example.com", pick(&first, i), pick(&last, j))
}

/// Sixteen digits with the prefix of a common test card and Luhn's check digit.
fn card(random: &mut ChaCha8Rng) -> String {
    let mut digits = format!("400000{}", text(random, b"0123456789", 9));
    let sum: u32 = digits
        .bytes()
        .rev()
        .zip([2, 1].into_iter().cycle())
        .map(|(byte, weight)| u32::from(byte - b'0') * weight)
        .map(|product| product / 10 + product % 10)
        .sum();
    digits.push_str(&((10 - sum % 10) % 10).to_string());
    digits
}

/// A German IBAN of a bank code that nobody has.
fn iban(random: &mut ChaCha8Rng) -> String {
    let account = format!("99999999{}", text(random, b"0123456789", 10));
    // D is 13 and E is 14; the check digits stand as 00 while they are computed.
    let rest = format!("{account}131400")
        .bytes()
        .fold(0_u32, |rest, byte| (rest * 10 + u32::from(byte - b'0')) % 97);
    format!("DE{:02}{account}", 98 - rest)
}

/// Three parts of base64url: a real header, a random payload and a random signature.
fn jwt(random: &mut ChaCha8Rng, letters: &[u8]) -> String {
    let header = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
    format!("{header}.eyJzdWIiOiI{}.{}", text(random, letters, 40), text(random, letters, 43))
}
