//! What must be found, what must be left alone, and that twice is the same as once.

use proptest::prelude::*;

use super::Scrubber;

fn scrubber() -> Scrubber {
    Scrubber::new(b"test key")
}

/// The kinds found in a text, in order.
fn kinds(text: &str) -> Vec<String> {
    let clean = scrubber().scrub_text(text).into_owned();
    let found = regex::Regex::new("<([A-Z_]+):[0-9a-f]{8}>").unwrap();
    found.captures_iter(&clean).map(|found| found[1].to_owned()).collect()
}

fn json(text: &str) -> String {
    String::from_utf8(scrubber().scrub_json_bytes(text.as_bytes()).into_owned()).unwrap()
}

/// Values made up for these tests; tokens are put together so that no scanner takes them for real.
fn secrets() -> Vec<(&'static str, String, &'static str)> {
    let a = |n: usize| "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zA".repeat(4)[..n].to_owned();
    vec![
        ("EMAIL", "jane.doe+x@mail.example.org".to_owned(), "write to {} soon"),
        ("EMAIL", "o'neil@exämple.de".to_owned(), "({})"),
        ("CARD", "4111 1111 1111 1111".to_owned(), "card {}, thanks"),
        ("CARD", "5500005555555559".to_owned(), "card:{}"),
        ("CARD", "3782-822463-10005".to_owned(), "amex {}."),
        ("IBAN", "GB82 WEST 1234 5698 7654 32".to_owned(), "to {} PLEASE"),
        ("IBAN", "DE89370400440532013000".to_owned(), "iban={}"),
        ("PHONE", "+44 20 7946 0958".to_owned(), "call {}"),
        ("PHONE", "+14155550132".to_owned(), "tel:{}"),
        ("PHONE", "(415) 555-0132".to_owned(), "call {} now"),
        ("PHONE", "415-555-0132".to_owned(), "call {}."),
        ("IP", "192.168.10.4".to_owned(), "host {} is down"),
        ("IP", "2001:db8::8a2e:370:7334".to_owned(), "from {}"),
        ("SSN", "219-09-9999".to_owned(), "ssn {}"),
        ("URL_CREDENTIALS", "svc:hunter22".to_owned(), "postgres://{}@db.internal/x"),
        ("AWS_KEY", format!("AKIA{}", "ABCDEFGH12345678"), "id {}"),
        ("GITHUB_TOKEN", format!("ghp_{}", a(36)), "use {} here"),
        ("GITHUB_TOKEN", format!("github_pat_{}", a(40)), "{}"),
        ("GITLAB_TOKEN", format!("glpat-{}", a(20)), "{}"),
        ("SLACK_TOKEN", format!("xoxb-{}", "123456789012-abcDEF"), "{}"),
        ("AI_KEY", format!("sk-{}", a(40)), "with {}"),
        ("AI_KEY", format!("sk-ant-api03-{}", a(40)), "{}"),
        ("GOOGLE_KEY", format!("AIza{}", a(35)), "{}"),
        ("STRIPE_KEY", format!("sk_live_{}", a(24)), "{}"),
        ("NPM_TOKEN", format!("npm_{}", a(36)), "{}"),
        ("PYPI_TOKEN", format!("pypi-{}", a(40)), "{}"),
        ("SENDGRID_KEY", format!("SG.{}.{}", a(22), a(43)), "{}"),
        ("TWILIO_KEY", format!("SK{}", "0123456789abcdef".repeat(2)), "{}"),
        ("JWT", format!("eyJ{}.eyJ{}.{}", a(20), a(20), a(20)), "{}"),
        ("AUTH", a(24), "Authorization: Bearer {}"),
        ("AUTH", "dXNlcjpwYXNzd29yZA==".to_owned(), "Basic {}"),
        ("SECRET", "hunter22".to_owned(), "password = {}"),
        ("SECRET", "correct horse".to_owned(), "password: '{}'"),
        ("SECRET", "p4ssw0rd-x".to_owned(), "DB_PASSWORD={}"),
        ("SECRET", a(40), "aws_secret_access_key = {}"),
        ("SECRET", "t0ken-value-1".to_owned(), "api_key: {}"),
        ("SECRET", a(30), "the key: {}"),
    ]
}

#[test]
fn the_patterns_compile() {
    super::detectors::Detectors::new().map(drop).unwrap();
    super::smell::pattern().map(drop).unwrap();
}

#[test]
fn every_kind_is_found_in_text_and_nothing_around_it_is_lost() {
    for (kind, value, frame) in secrets() {
        let text = frame.replace("{}", &value);
        let clean = scrubber().scrub_text(&text).into_owned();
        assert!(!clean.contains(&value), "{kind} {text:?} stayed");
        assert_eq!(kinds(&text), [kind], "{text:?} became {clean:?}");
        let (head, tail) = frame.split_once("{}").unwrap();
        assert!(clean.starts_with(head) && clean.ends_with(tail), "{text:?} became {clean:?}");
    }
}

#[test]
fn every_kind_is_found_inside_json_however_it_is_written() {
    for (_, value, frame) in secrets() {
        let text = frame.replace("{}", &value);
        let plain = serde_json::json!({"a": [1.50, text], "b": 1}).to_string();
        let nested = serde_json::json!({ "arguments": plain }).to_string();
        let twice = serde_json::json!({ "trace": nested }).to_string();
        let escaped: String = plain
            .chars()
            .map(|c| {
                if "@-._ 1aAg".contains(c) { format!("\\u{:04x}", c as u32) } else { c.to_string() }
            })
            .collect();
        let broken = format!("{{\"x\": \"{text}");
        // Escapes stand for characters only inside strings.
        let escaped = escaped.replacen("{\"\\u0061\"", "{\"a\"", 1).replace("\\u0031.50", "1.50");
        let escaped = if serde_json::from_str::<serde_json::Value>(&escaped).is_ok() {
            escaped
        } else {
            plain.clone()
        };
        for record in [plain.clone(), nested, twice, escaped, broken] {
            let clean = json(&record);
            let bare: String = serde_json::from_str::<serde_json::Value>(&clean)
                .map_or_else(|_| clean.clone(), |value| value.to_string());
            assert!(!bare.contains(&value), "{record} became {clean}");
        }
        assert!(json(&plain).contains("1.5"), "{plain}");
    }
}

#[test]
fn an_escape_hides_nothing() {
    let clean = json(r#"{"a":"jane\u0040example\u002eorg","b":"\u0034111111111111111"}"#);
    assert!(clean.contains("<EMAIL:") && clean.contains("<CARD:"), "{clean}");
    // A lone surrogate keeps the string from being decoded; what can be read is scrubbed still.
    let clean = json(r#"{"a":"\ud800 jane\u0040example.org"}"#);
    assert!(!clean.contains("jane"), "{clean}");
}

#[test]
fn keys_of_pem_files_go_whole_even_when_cut_off() {
    let body = "MIIEpAIBAAKCAQEA\n".repeat(4);
    let pem = format!("-----BEGIN RSA PRIVATE KEY-----\n{body}-----END RSA PRIVATE KEY-----");
    for text in [format!("a {pem} b"), pem[..60].to_owned()] {
        assert_eq!(kinds(&text), ["PRIVATE_KEY"]);
        let record = serde_json::json!({ "f": text }).to_string();
        assert!(!json(&record).contains("MIIE"));
    }
}

#[test]
fn fields_that_name_a_secret_lose_their_value_and_others_keep_it() {
    let clean = json(
        r#"{"password":"x","db":{"api_key":"plain","x-api-key":["k1","k2"]},"Authorization":"whatever","clientSecret":"s","cvv":123}"#,
    );
    let value: serde_json::Value = serde_json::from_str(&clean).unwrap();
    for found in
        ["/password", "/db/api_key", "/db/x-api-key/1", "/Authorization", "/clientSecret", "/cvv"]
    {
        assert!(value.pointer(found).unwrap().as_str().unwrap().starts_with("<SECRET:"), "{found}");
    }
    let kept = r#"{"tokens_in":12,"token":" the","max_tokens":4000,"token_count":7,"password":"","passwords_checked":3,"secret":null,"api_key":"****"}"#;
    assert_eq!(json(kept), kept);
}

#[test]
fn keys_and_long_numbers_are_looked_at() {
    let clean = json(r#"{"jane@example.org":1,"card":4111111111111111,"n":[5500005555555559]}"#);
    assert!(clean.starts_with("{\"<EMAIL:"), "{clean}");
    assert_eq!(clean.matches("\"<CARD:").count(), 2, "{clean}");
}

#[test]
fn order_numbers_and_spaces_of_a_record_stay() {
    let text =
        r#"{ "z" : 1.50, "a":1e5 ,"m":12345678901234567890,"e":"a@example.org" , "u":"\u00e9\/" }"#;
    let clean = json(text);
    let found = regex::Regex::new("<EMAIL:[0-9a-f]{8}>").unwrap();
    assert_eq!(found.replace(&clean, "a@example.org"), text);
}

#[test]
fn what_only_resembles_a_secret_is_left_alone() {
    let texts = [
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "key: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "550e8400-e29b-41d4-a716-446655440000 and 41111111-1111-4111-8111-411111111111",
        "call_oIHazX6yQrB8hUwl4cRilFKj",
        "2026-11-20T10:17:59.123456+01:00 or 10:17:59",
        "1764000000000000 1764000000 20261120101759",
        "flights HAT136, HAT039 and HAT-4415 for $1,234.56 or 250.00 EUR",
        "version 1.2.3.4, v10.0.0.1 and 1.2.3.4.5",
        "0.4111111111111111 and 4111111111111112",
        "credit_card_4421486, certificate_7504069, reservation 4WQ150",
        "std::fmt::Display, a::b, 12:30:00",
        "basic economy, basic understanding, the bearer certificates",
        "my password is required: please reset your password",
        "token: invalid, secret: none, password: required",
        "registry:fqm@champion, package@1.2.3, @mention",
        "zip 78750, dob 1990-04-05, order 000-12-3456, 987-65-4321",
        "task-123456789012345, sk-learn, skip-this-one, risk-assessment",
        "1+1=2, 3 + 12345678, f(x)=10-20-3000",
        "create_plan(p1) -> 0.8999999761581421",
        "https://example.org:8080/path@x?y=1",
    ];
    for text in texts {
        assert_eq!(scrubber().scrub_text(text), text);
        let record = serde_json::json!({ "text": text, "seed": 4111111111111111_u64 }).to_string();
        assert_eq!(json(&record), record);
    }
}

#[test]
fn the_same_value_has_the_same_placeholder_under_one_key_only() {
    let one = scrubber().scrub_text("A@Example.org a@example.org").into_owned();
    let (first, second) = one.split_once(' ').unwrap();
    assert_eq!(first, second);
    let grouped = scrubber().scrub_text("4111 1111 1111 1111").into_owned();
    assert_eq!(grouped, scrubber().scrub_text("4111111111111111"));
    assert_ne!(first, Scrubber::new(b"other").scrub_text("a@example.org"));
}

#[test]
fn finds_are_counted_by_kind() {
    let scrubber = scrubber();
    let _ = scrubber.scrub_json_bytes(br#"{"a":"x@example.org y@example.org","password":"p"}"#);
    let _ = scrubber.scrub_text("call +44 20 7946 0958");
    assert_eq!(scrubber.counts(), [("EMAIL", 2), ("PHONE", 1), ("SECRET", 1)].into());
}

#[test]
fn what_holds_no_secret_is_not_copied() {
    let record =
        br#"{"type":"step","time":"2026-03-01T08:00:01.250Z","propensity":0.8999999761581421}"#;
    assert!(matches!(scrubber().scrub_json_bytes(record), std::borrow::Cow::Borrowed(_)));
    assert!(matches!(scrubber().scrub_text("nothing here"), std::borrow::Cow::Borrowed(_)));
}

#[test]
fn bytes_that_are_no_utf8_stay_and_their_surroundings_are_scrubbed() {
    let clean = scrubber().scrub_json_bytes(b"{\"a\":\"\xff jane@example.org\"}").into_owned();
    assert!(clean.contains(&0xff));
    assert!(!String::from_utf8_lossy(&clean).contains("jane"));
}

proptest! {
    #[test]
    fn twice_is_the_same_as_once(
        parts in proptest::collection::vec(0_usize..40, 0..6),
        glue in "[ ,:;=\"'a-z0-9@.+-]{0,12}",
    ) {
        let all = secrets();
        let texts: Vec<String> =
            parts.iter().filter_map(|n| all.get(*n)).map(|(_, v, f)| f.replace("{}", v)).collect();
        let text = texts.join(&glue);
        let scrubber = scrubber();
        let once = scrubber.scrub_text(&text).into_owned();
        prop_assert_eq!(&scrubber.scrub_text(&once), &once);
        let record = serde_json::json!({"text": text, "password": glue, "n": [text]}).to_string();
        let once = scrubber.scrub_json_bytes(record.as_bytes()).into_owned();
        prop_assert!(serde_json::from_slice::<serde_json::Value>(&once).is_ok());
        prop_assert_eq!(&*scrubber.scrub_json_bytes(&once), &*once);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), text in "\\PC{0,200}") {
        let scrubber = scrubber();
        let _ = scrubber.scrub_json_bytes(&bytes);
        let mut mixed = b"{\"a@b.de".to_vec();
        mixed.extend(bytes);
        let _ = scrubber.scrub_json_bytes(&mixed);
        let once = scrubber.scrub_text(&text).into_owned();
        prop_assert_eq!(&scrubber.scrub_text(&once), &once);
    }
}
