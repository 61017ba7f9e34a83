//! Webhooks: whether one comes from who may send it, and what to look at because of it. Pure.
//!
//! A signature is HMAC-SHA256 over the raw body, as GitHub and Jira send it. What a body says is a [`Hint`]: names of
//! things that may be other than they were, never how they are. That is read where they are.

mod github;
mod head;
mod hint;
mod jira;

pub use head::{Head, Maker};
pub use hint::{Hint, Named};

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

const PREFIX: &str = "sha256=";

/// Checks a signature in constant time; with several secrets, as during a rotation, any of them will do.
///
/// # Errors
///
/// [`BadSignature`] when the body is not to be believed.
pub fn verify(secrets: &[SecretString], body: &[u8], signature: &str) -> Result<(), BadSignature> {
    let claimed = signature.strip_prefix(PREFIX).and_then(decode).ok_or(BadSignature::Malformed)?;
    // Everybody can sign with an empty secret.
    let mut usable = secrets.iter().map(SecretString::expose_secret).filter(|secret| !secret.is_empty());
    if usable.any(|secret| signed_with(secret, body, claimed)) { Ok(()) } else { Err(BadSignature::Mismatch) }
}

fn signed_with(secret: &str, body: &[u8], claimed: [u8; 32]) -> bool {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return false };
    mac.update(body);
    mac.verify(&claimed.into()).is_ok()
}

/// Reads 64 hexadecimal digits.
fn decode(hex: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    if pairs.len() != bytes.len() || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

fn digit(ascii: u8) -> Option<u8> {
    u8::try_from(char::from(ascii).to_digit(16)?).ok()
}

/// Why a webhook is not believed. It never says what would have been right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    /// The header is no signature of this kind.
    #[error("the signature is not `sha256=` and 64 hexadecimal digits")]
    Malformed,
    /// The body was signed with another secret, changed on its way, or there is no secret here.
    #[error("the signature does not fit the body; is the secret the same on both sides?")]
    Mismatch,
}

#[cfg(test)]
mod tests;
