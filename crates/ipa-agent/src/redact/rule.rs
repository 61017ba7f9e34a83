//! Which values of an environment are secrets. What is none must not be taken for one: an agent that prints
//! `http://127.0.0.1:1234` or `true` would be unreadable.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

/// The shortest secret.
const SHORTEST: usize = 8;
/// A word that mixes letters and digits, and is at least this long, was drawn by chance.
const DRAWN: usize = 16;
/// A longer secret is looked for in parts of this size.
const PART: usize = 1024;
/// What a placeholder has fewer different characters than.
const DIFFERENT: usize = 4;

/// What the name of a secret has as one of its words, or ends one of its words with.
const NAMES: [&str; 12] = [
    "KEY",
    "KEYS",
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "PASS",
    "CREDENTIALS",
    "AUTH",
    "COOKIE",
    "HEADERS",
];

/// Lists the secrets in one variable of an environment: its whole value, its lines, its words.
pub(super) fn secrets(name: &OsStr, value: &OsStr) -> BTreeSet<Vec<u8>> {
    let value = value.as_bytes().trim_ascii();
    let mut secrets: BTreeSet<&[u8]> = password(value).into_iter().chain(words(value)).collect();
    let is_random = words(value).next().is_some();
    // A path, an address: only what looks drawn is a secret in it.
    let is_place = value.starts_with(b"/") || value.starts_with(b"~") || find(value, b"://").is_some();
    if !is_place && (is_random || names_a_secret(name)) {
        secrets.insert(value);
        secrets.extend(value.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|it| *it != value));
    }
    if is_place && names_a_secret(name) && is_random && find(value, b"://").is_none() {
        secrets.insert(value);
    }
    secrets.into_iter().filter(|secret| counts(secret)).flat_map(parts).map(<[u8]>::to_vec).collect()
}

/// Tells whether something may be looked for at all: it is no number, no line of a key file, and not too short.
fn counts(value: &[u8]) -> bool {
    let number = std::str::from_utf8(value).is_ok_and(|text| text.parse::<f64>().is_ok());
    let different: BTreeSet<_> = value.iter().collect();
    let frame = value.starts_with(b"-----") && !value.contains(&b'\n');
    value.len() >= SHORTEST && !number && different.len() >= DIFFERENT && !frame
}

fn names_a_secret(name: &OsStr) -> bool {
    let name = name.as_bytes().to_ascii_uppercase();
    let ends = |word: &[u8], with: &str| word.ends_with(with.as_bytes());
    name.split(|byte| *byte == b'_').any(|word| {
        NAMES.iter().any(|known| word == known.as_bytes()) || ends(word, "KEY") || ends(word, "TOKEN")
    })
}

/// Returns the password in an address.
fn password(value: &[u8]) -> Option<&[u8]> {
    let rest = value.get(find(value, b"://")? + 3..)?;
    let authority = rest.split(|byte| matches!(byte, b'/' | b'?' | b'#')).next()?;
    let user = authority.get(..memchr::memrchr(b'@', authority)?)?;
    user.get(memchr::memchr(b':', user)? + 1..)
}

/// Lists the words of a text that were drawn by chance.
fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    text.split(move |byte| !word(byte)).filter(|word| {
        word.split(|byte| !byte.is_ascii_alphanumeric()).any(|run| {
            let digits = run.iter().filter(|byte| byte.is_ascii_digit()).count();
            run.len() >= DRAWN && digits > 0 && digits < run.len()
        })
    })
}

/// Cuts a long secret into parts, none of them too short.
fn parts(secret: &[u8]) -> impl Iterator<Item = &[u8]> {
    let count = (secret.len() / PART).max(1);
    (0..count).filter_map(move |part| {
        let end = if part + 1 == count { secret.len() } else { (part + 1) * PART };
        secret.get(part * PART..end)
    })
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, value: &str) -> Vec<String> {
        let found = secrets(OsStr::new(name), OsStr::new(value));
        found.into_iter().map(|it| String::from_utf8(it).unwrap()).collect()
    }

    #[test]
    fn a_value_is_a_secret_by_its_name_or_its_form() {
        for (name, value) in [
            ("ANTHROPIC_API_KEY", "correct horse battery"),
            ("my_apikey", "abcd-efgh"),
            ("ANTHROPIC_AUTH_TOKEN", "qwertzuiop"),
            ("ANTHROPIC_CUSTOM_HEADERS", "X-Team: orange"),
            ("DB_PASS", "hunter22"),
            ("ODD", "0a1b2c3d4e5f6a7b8c9d"),
        ] {
            assert_eq!(of(name, value), [value], "{name}");
        }
        assert_eq!(of("HTTPS_PROXY", "http://me:hunter2-hunter2@proxy:3128"), ["hunter2-hunter2"]);
        assert_eq!(
            of("AWS_SECRET_ACCESS_KEY", "/0a1b2c3d4e5f6a7b8c9d+").last().unwrap(),
            "0a1b2c3d4e5f6a7b8c9d"
        );
        assert!(
            of("AWS_SECRET_ACCESS_KEY", "/0a1b2c3d4e5f6a7b8c9d+").contains(&"/0a1b2c3d4e5f6a7b8c9d+".into())
        );
        let headers = of("HEADERS", "Authorization: Bearer 0a1b2c3d4e5f6a7b8c9d");
        assert_eq!(headers, ["0a1b2c3d4e5f6a7b8c9d", "Authorization: Bearer 0a1b2c3d4e5f6a7b8c9d"]);
        assert_eq!(of("HOOK", "https://x.example/hook/0a1b2c3d4e5f6a7b8c9d?a=b"), ["0a1b2c3d4e5f6a7b8c9d"]);
    }

    #[test]
    fn what_would_make_output_unreadable_is_no_secret() {
        for (name, value) in [
            ("ANTHROPIC_BASE_URL", "http://127.0.0.1:45123"),
            ("HTTPS_PROXY", "http://proxy.example:3128"),
            ("ANTHROPIC_MODEL", "claude-sonnet-4-5-20250929"),
            ("NODE_ENV", "production"),
            ("AWS_REGION", "eu-central-1"),
            ("MAX_THINKING_TOKENS", "31999000"),
            ("API_KEY", "true"),
            ("API_KEY", "xxxxxxxxxxxx"),
            ("PATH", "/usr/local/bin:/usr/bin:/bin"),
            ("SSH_AUTH_SOCK", "/run/user/1000/keyring/ssh"),
            ("GOOGLE_APPLICATION_CREDENTIALS", "/etc/gcp/key.json"),
            ("LC_ALL", "en_US.UTF-8"),
            ("GIT_AUTHOR_NAME", "Ann Example"),
            ("IPA_RUN_ID", "0199f0c2-7a3b-7c4d-8e5f-0a1b2c3d4e5f.r3"),
            ("KEYBOARD", "qwerty-us-intl"),
        ] {
            assert_eq!(of(name, value), Vec::<String>::new(), "{name}");
        }
    }

    #[test]
    fn a_key_file_in_a_variable_is_known_by_its_lines_and_a_long_value_by_its_parts() {
        let pem =
            "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqh\nkiG9w0BAQEFAASCBK\n-----END PRIVATE KEY-----\n";
        let found = of("SIGNING_KEY", pem);
        assert!(found.contains(&"MIIEvQIBADANBgkqh".into()) && found.contains(&"kiG9w0BAQEFAASCBK".into()));
        assert!(!found.iter().any(|it| it.starts_with("-----BEGIN") && !it.contains('\n')), "{found:?}");
        let long = of("BIG_KEY", &format!("{}!", "ab-".repeat(1000)));
        assert!(long.len() == 2 && long.iter().all(|it| it.len() < 2 * PART));
    }
}
