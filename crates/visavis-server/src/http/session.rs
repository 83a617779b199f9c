//! Identities of the web app's people: given by the server, and re-claimed after
//! a reload by a value that only the server can sign.

use aws_lc_rs::{hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// How long an identity can be re-claimed, seconds; each join starts it anew.
const LIFE: u64 = 86_400;
/// Letters that can't be taken for one another.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// 80 bits: nobody meets somebody else's by chance.
const LENGTH: usize = 16;
/// Longest session value that is looked at.
const MAX_LENGTH: usize = 200;
/// What the key is for, so that no other signature can be taken for one.
const PURPOSE: &[u8] = b"visavis web session 1";

/// Makes and checks session values with one key.
pub(super) struct Sessions {
    key: hmac::Key,
}

impl Sessions {
    /// `secret` is an API secret; the key is derived from it.
    pub(super) fn new(secret: &str) -> Self {
        let parent = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let derived = hmac::sign(&parent, PURPOSE);
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()),
        }
    }

    /// The value by which `identity` is re-claimed in `room`.
    pub(super) fn sign(&self, identity: &str, room: &str, now: u64) -> String {
        let expires = now + LIFE;
        let signature = hmac::sign(&self.key, &signed(identity, room, expires));
        format!("{identity}.{expires}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The identity that a value re-claims; `None` when it is not ours, not for
    /// this room, or too old.
    pub(super) fn verify<'a>(&self, value: &'a str, room: &str, now: u64) -> Option<&'a str> {
        if value.len() > MAX_LENGTH {
            return None;
        }
        let (identity, rest) = value.split_once('.')?;
        let (expires, signature) = rest.split_once('.')?;
        let expires: u64 = expires.parse().ok()?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        // In constant time.
        hmac::verify(&self.key, &signed(identity, room, expires), &signature).ok()?;
        (now < expires).then_some(identity)
    }
}

/// Neither identities nor numbers hold a line break, so nothing can slip from
/// one field into another.
fn signed(identity: &str, room: &str, expires: u64) -> Vec<u8> {
    format!("{identity}\n{expires}\n{room}").into_bytes()
}

/// A new identity; `None` when the system has no randomness to give.
pub(super) fn new_identity() -> Option<String> {
    let mut octets = [0; LENGTH];
    rand::fill(&mut octets).ok()?;
    let letter = |octet: &u8| char::from(ALPHABET[usize::from(*octet) % ALPHABET.len()]);
    Some("web-".chars().chain(octets.iter().map(letter)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    #[test]
    fn a_reload_gets_its_own_identity_back_and_nobody_elses() {
        let sessions = Sessions::new("secret");
        let (anna, ben) = (new_identity().unwrap(), new_identity().unwrap());
        assert_ne!(anna, ben);
        let value = sessions.sign(&anna, "daily", NOW);
        assert_eq!(
            sessions.verify(&value, "daily", NOW + LIFE - 1),
            Some(&*anna)
        );
        assert_eq!(
            sessions.verify(&value, "daily", NOW + LIFE),
            None,
            "too old"
        );
        assert_eq!(sessions.verify(&value, "weekly", NOW), None, "another room");
        let forged = value.replace(&anna, &ben);
        assert_eq!(sessions.verify(&forged, "daily", NOW), None);
        let longer = value.replace(&(NOW + LIFE).to_string(), &(NOW + 2 * LIFE).to_string());
        assert_ne!(longer, value);
        assert_eq!(sessions.verify(&longer, "daily", NOW), None);
        let other = Sessions::new("other").sign(&anna, "daily", NOW);
        assert_eq!(
            sessions.verify(&other, "daily", NOW),
            None,
            "another server's"
        );
    }

    #[test]
    fn anything_else_claims_nothing() {
        let sessions = Sessions::new("secret");
        for bad in [
            "",
            ".",
            "..",
            "a.b.c",
            "web-x.1800000000.",
            "a.18446744073709551616.x",
            &"x".repeat(300),
        ] {
            assert_eq!(sessions.verify(bad, "daily", NOW), None, "{bad:?}");
        }
    }
}
