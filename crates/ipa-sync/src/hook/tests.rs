//! Signatures against published examples, and everything that only looks like one.

use proptest::prelude::*;

use super::*;

/// GitHub's own example of a signed delivery, and test case 2 of RFC 4231.
const EXAMPLES: [(&str, &str, &str); 2] = [
    (
        "It's a Secret to Everybody",
        "Hello, World!",
        "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
    ),
    (
        "Jefe",
        "what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
];

fn check(secrets: &[&str], body: &[u8], signature: &str) -> Result<(), BadSignature> {
    let secrets: Vec<SecretString> = secrets.iter().map(|secret| SecretString::from(*secret)).collect();
    verify(&secrets, body, signature)
}

fn sign(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    let bytes = mac.finalize().into_bytes();
    bytes.iter().fold(PREFIX.to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

#[test]
fn published_examples_of_signatures_are_accepted() {
    for (secret, body, hex) in EXAMPLES {
        assert_eq!(check(&[secret], body.as_bytes(), &format!("sha256={hex}")), Ok(()));
        assert_eq!(check(&[secret], body.as_bytes(), &format!("sha256={}", hex.to_uppercase())), Ok(()));
    }
}

#[test]
fn both_secrets_are_accepted_during_a_rotation_and_no_other_and_never_an_empty_one() {
    let body = b"{}";
    for secret in ["old", "new"] {
        assert_eq!(check(&["new", "old"], body, &sign(secret, body)), Ok(()));
    }
    assert_eq!(check(&["new"], body, &sign("old", body)), Err(BadSignature::Mismatch));
    assert_eq!(check(&["", "new"], body, &sign("", body)), Err(BadSignature::Mismatch));
    assert_eq!(check(&[], body, &sign("old", body)), Err(BadSignature::Mismatch));
}

#[test]
fn what_is_no_signature_of_the_kind_is_malformed() {
    let hex = EXAMPLES[0].2;
    let wrong = [
        String::new(),
        hex.to_owned(),
        "sha256=".to_owned(),
        format!("sha1={hex}"),
        format!("SHA256={hex}"),
        format!("sha256= {hex}"),
        format!("sha256={hex}0"),
        format!("sha256={}", hex.trim_end_matches("17")),
        format!("sha256={}", hex.replace('0', "g")),
        format!("sha256={}", "é".repeat(32)),
    ];
    for signature in wrong {
        assert_eq!(check(&["s"], b"", &signature), Err(BadSignature::Malformed), "{signature}");
    }
}

proptest! {
    #[test]
    fn a_signature_fits_its_body_and_no_other(
        secret in "[^\0]{1,80}", body: Vec<u8>, at: prop::sample::Index, bit in 0..8_u8, noise: String,
    ) {
        let signature = sign(&secret, &body);
        prop_assert_eq!(check(&[&secret], &body, &signature), Ok(()));
        let mut changed = body.clone();
        changed.push(0);
        let at = at.index(changed.len());
        changed[at] ^= 1 << bit;
        prop_assert_eq!(check(&[&secret], &changed, &signature), Err(BadSignature::Mismatch));
        prop_assert!(check(&[&secret], &body, &noise).is_err());
        let dressed = format!("sha256={noise}");
        prop_assert!(check(&[&secret], &body, &dressed).is_err());
    }
}

fn headers(pairs: &[(&'static str, &str)]) -> http::HeaderMap {
    let mut headers = http::HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, value.parse().unwrap());
    }
    headers
}

#[test]
fn each_maker_names_and_signs_its_webhooks_in_its_own_headers() {
    let of_github = headers(&[
        ("x-github-event", "check_run"),
        ("x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"),
        ("x-hub-signature", "sha1=7d38cdd689735b008b3c702edd92eea23791c5f6"),
        ("x-hub-signature-256", "sha256=d5"),
    ]);
    let head = Head::read(Maker::GitHub, &of_github);
    assert_eq!((head.kind.as_str(), head.signature.as_deref()), ("check_run", Some("sha256=d5")));
    assert_eq!(head.id(b"{}"), "72d3162e-cc78-11e3-81ab-4c9367dc0958");

    let of_jira = headers(&[
        ("x-atlassian-webhook-identifier", "8f1f9d1c-2f3b"),
        ("x-hub-signature", "sha256=a4"),
        ("x-atlassian-webhook-retry", "2"),
    ]);
    let head = Head::read(Maker::Jira, &of_jira);
    assert_eq!((head.kind.as_str(), head.signature.as_deref()), ("", Some("sha256=a4")));
    assert_eq!(head.id(b"{}"), "8f1f9d1c-2f3b");
    // The headers of the one are none of the other's.
    assert_eq!(Head::read(Maker::GitHub, &of_jira).signature, None);
    assert_eq!(
        Head::read(Maker::Jira, &of_github).signature.as_deref(),
        Some("sha1=7d38cdd689735b008b3c702edd92eea23791c5f6")
    );
}

#[test]
fn a_webhook_without_a_usable_name_has_one_of_its_body() {
    let long = "x".repeat(201);
    for pairs in [
        &[][..],
        &[("x-github-delivery", "")],
        &[("x-github-delivery", "a b")],
        &[("x-github-delivery", long.as_str())],
        &[("x-github-delivery", "one"), ("x-github-delivery", "two")],
    ] {
        let head = Head::read(Maker::GitHub, &headers(pairs));
        let name = head.id(b"{}");
        assert_eq!(
            name, "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
            "{pairs:?}"
        );
        assert_eq!(name, head.id(b"{}"));
        assert_ne!(name, head.id(b"{ }"));
    }
    let twice = headers(&[("x-hub-signature-256", "sha256=a"), ("x-hub-signature-256", "sha256=b")]);
    assert_eq!(Head::read(Maker::GitHub, &twice).signature, None, "which of them?");
}
