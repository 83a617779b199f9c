//! Access tokens: JSON Web Tokens (RFC 7519) signed with HS256, as LiveKit's
//! SDKs make them.

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use visavis_rooms::{Grants, ParticipantKind, Source};

/// Longest token that is looked at: metadata and attributes at their limits
/// (512,000 and 64,000 octets) in base64, and some.
const MAX_LENGTH: usize = 1 << 20;
/// How far two clocks may be apart, seconds; as LiveKit allows.
const LEEWAY: u64 = 60;

/// Why a token is refused. What the token says is in none of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TokenError {
    /// Not a JWT, or not one of this kind.
    #[error("the token is malformed")]
    Malformed,
    /// Signed otherwise than with HS256.
    #[error("the token must be signed with HS256")]
    Algorithm,
    /// The issuer is no API key of this server.
    #[error("the token's API key is unknown")]
    UnknownKey,
    /// The signature is not that of the issuer's secret.
    #[error("the token's signature is wrong")]
    Signature,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the token is not valid yet")]
    NotYet,
}

/// What a valid token says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claims {
    /// Who holds it.
    pub identity: String,
    /// A name for people.
    pub name: String,
    /// Free text of the application.
    pub metadata: String,
    /// Free pairs of the application.
    pub attributes: BTreeMap<String, String>,
    /// What sort of participant it makes.
    pub kind: ParticipantKind,
    /// What it allows.
    pub grants: Grants,
    /// Until when, seconds since 1970.
    pub expires: u64,
}

#[derive(Deserialize, Serialize)]
struct Header<'a> {
    alg: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    typ: Option<&'a str>,
}

/// The claims as they are written. Unknown ones are passed over: tokens carry
/// those of other services too.
#[derive(Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Wire {
    iss: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    sub: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    jti: String,
    exp: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nbf: Option<u64>,
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    kind: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    metadata: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<String, String>,
    video: Video,
}

#[derive(Deserialize, Serialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Video {
    room_join: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    room: String,
    room_create: bool,
    room_list: bool,
    room_record: bool,
    room_admin: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    can_publish: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    can_subscribe: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    can_publish_data: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    can_publish_sources: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    can_update_own_metadata: Option<bool>,
    hidden: bool,
    recorder: bool,
}

const SOURCES: [(Source, &str); 4] = [
    (Source::Camera, "camera"),
    (Source::Microphone, "microphone"),
    (Source::ScreenShare, "screen_share"),
    (Source::ScreenShareAudio, "screen_share_audio"),
];

/// A person's client is what a token without a kind makes.
const KINDS: [(ParticipantKind, &str); 7] = [
    (ParticipantKind::Standard, "standard"),
    (ParticipantKind::Ingress, "ingress"),
    (ParticipantKind::Egress, "egress"),
    (ParticipantKind::Sip, "sip"),
    (ParticipantKind::Agent, "agent"),
    (ParticipantKind::Connector, "connector"),
    (ParticipantKind::Bridge, "bridge"),
];

/// Checks a token at `now` (seconds since 1970); `secret_of` gives the secret of
/// an API key.
///
/// # Errors
/// When it is not valid now, for us.
pub fn verify<'a>(
    token: &str,
    secret_of: impl FnOnce(&str) -> Option<&'a str>,
    now: u64,
) -> Result<Claims, TokenError> {
    if token.len() > MAX_LENGTH {
        return Err(TokenError::Malformed);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
    let (header, claims) = signed.split_once('.').ok_or(TokenError::Malformed)?;
    let header = decode(header)?;
    let header: Header<'_> = serde_json::from_slice(&header).map_err(|_| TokenError::Malformed)?;
    if header.alg != "HS256" {
        return Err(TokenError::Algorithm);
    }
    let wire: Wire = serde_json::from_slice(&decode(claims)?).map_err(|_| TokenError::Malformed)?;
    let secret = secret_of(&wire.iss).ok_or(TokenError::UnknownKey)?;
    // In constant time.
    hmac::verify(&key(secret), signed.as_bytes(), &decode(signature)?)
        .map_err(|_| TokenError::Signature)?;
    let expires = wire.exp.ok_or(TokenError::Malformed)?;
    if now > expires.saturating_add(LEEWAY) {
        return Err(TokenError::Expired);
    }
    if wire
        .nbf
        .is_some_and(|from| now.saturating_add(LEEWAY) < from)
    {
        return Err(TokenError::NotYet);
    }
    Ok(from_wire(wire, expires))
}

/// Makes a token that is valid from `now` on.
///
/// # Errors
/// [`TokenError::Malformed`] when the claims can't be written as JSON.
pub fn mint(claims: &Claims, api_key: &str, secret: &str, now: u64) -> Result<String, TokenError> {
    let header = Header {
        alg: "HS256",
        typ: Some("JWT"),
    };
    let header = serde_json::to_vec(&header).map_err(|_| TokenError::Malformed)?;
    let wire = to_wire(claims, api_key, now);
    let wire = serde_json::to_vec(&wire).map_err(|_| TokenError::Malformed)?;
    let mut token = URL_SAFE_NO_PAD.encode(header) + "." + &URL_SAFE_NO_PAD.encode(wire);
    let signature = hmac::sign(&key(secret), token.as_bytes());
    token.push('.');
    token.push_str(&URL_SAFE_NO_PAD.encode(signature));
    Ok(token)
}

fn key(secret: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes())
}

fn decode(part: &str) -> Result<Vec<u8>, TokenError> {
    // Some libraries pad although RFC 7515 section 2 says not to.
    URL_SAFE_NO_PAD
        .decode(part.trim_end_matches('='))
        .map_err(|_| TokenError::Malformed)
}

fn from_wire(wire: Wire, expires: u64) -> Claims {
    let video = wire.video;
    let source = |name: &String| {
        SOURCES
            .iter()
            .find(|(_, known)| known == name)
            .map_or(Source::Unknown, |(source, _)| *source)
    };
    Claims {
        identity: if wire.sub.is_empty() {
            wire.jti
        } else {
            wire.sub
        },
        name: wire.name,
        metadata: wire.metadata,
        attributes: wire.attributes,
        kind: KINDS
            .iter()
            .find(|(_, known)| *known == wire.kind)
            .map_or(ParticipantKind::Standard, |(kind, _)| *kind),
        expires,
        grants: Grants {
            room_join: video.room_join,
            room: video.room,
            room_create: video.room_create,
            room_list: video.room_list,
            room_record: video.room_record,
            room_admin: video.room_admin,
            can_publish: video.can_publish,
            can_subscribe: video.can_subscribe,
            can_publish_data: video.can_publish_data,
            // A source that we do not know must not become "all sources".
            can_publish_sources: video.can_publish_sources.iter().map(source).collect(),
            can_update_own_metadata: video.can_update_own_metadata,
            hidden: video.hidden,
            recorder: video.recorder,
        },
    }
}

fn to_wire(claims: &Claims, api_key: &str, now: u64) -> Wire {
    let grants = &claims.grants;
    let sources = grants.can_publish_sources.iter().map(|source| {
        let known = SOURCES.iter().find(|(other, _)| other == source);
        known.map_or("unknown", |(_, name)| name).to_owned()
    });
    let kind = KINDS.iter().find(|(kind, _)| *kind == claims.kind);
    let kind = kind.map_or("", |(_, name)| name);
    Wire {
        kind: kind.to_owned(),
        iss: api_key.to_owned(),
        sub: claims.identity.clone(),
        jti: String::new(),
        exp: Some(claims.expires),
        nbf: Some(now),
        name: claims.name.clone(),
        metadata: claims.metadata.clone(),
        attributes: claims.attributes.clone(),
        video: Video {
            room_join: grants.room_join,
            room: grants.room.clone(),
            room_create: grants.room_create,
            room_list: grants.room_list,
            room_record: grants.room_record,
            room_admin: grants.room_admin,
            can_publish: grants.can_publish,
            can_subscribe: grants.can_subscribe,
            can_publish_data: grants.can_publish_data,
            can_publish_sources: sources.collect(),
            can_update_own_metadata: grants.can_update_own_metadata,
            hidden: grants.hidden,
            recorder: grants.recorder,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn secret_of(key: &str) -> Option<&'static str> {
        (key == "devkey").then_some("secret")
    }

    fn claims() -> Claims {
        Claims {
            identity: "anna".into(),
            name: "Anna Ü.".into(),
            metadata: "{}".into(),
            attributes: BTreeMap::from([("a".into(), "1".into())]),
            kind: ParticipantKind::Agent,
            expires: NOW + 600,
            grants: Grants {
                room_join: true,
                room: "daily".into(),
                can_publish: Some(false),
                can_publish_sources: vec![Source::Microphone],
                hidden: true,
                ..Grants::default()
            },
        }
    }

    /// Signs any text as claims.
    fn signed(header: &str, claims: &str) -> String {
        let signed = URL_SAFE_NO_PAD.encode(header) + "." + &URL_SAFE_NO_PAD.encode(claims);
        let signature = hmac::sign(&key("secret"), signed.as_bytes());
        signed + "." + &URL_SAFE_NO_PAD.encode(signature)
    }

    #[test]
    fn a_token_says_what_was_put_in() {
        let token = mint(&claims(), "devkey", "secret", NOW).unwrap();
        assert_eq!(verify(&token, secret_of, NOW), Ok(claims()));
    }

    #[test]
    fn a_token_of_another_hand_is_refused() {
        let token = mint(&claims(), "devkey", "other", NOW).unwrap();
        assert_eq!(verify(&token, secret_of, NOW), Err(TokenError::Signature));
        let token = mint(&claims(), "unknown", "secret", NOW).unwrap();
        assert_eq!(verify(&token, secret_of, NOW), Err(TokenError::UnknownKey));
        let token = mint(&claims(), "devkey", "secret", NOW).unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let other = mint(
            &Claims {
                identity: "ben".into(),
                ..claims()
            },
            "devkey",
            "secret",
            NOW,
        );
        let other = other.unwrap();
        let forged = format!("{}.{signature}", other.rsplit_once('.').unwrap().0);
        assert_eq!(verify(&forged, secret_of, NOW), Err(TokenError::Signature));
        assert_eq!(
            verify(&format!("{signed}."), secret_of, NOW),
            Err(TokenError::Signature)
        );
    }

    #[test]
    fn time_counts_with_a_minute_of_leeway() {
        let token = mint(&claims(), "devkey", "secret", NOW).unwrap();
        assert!(verify(&token, secret_of, NOW + 660).is_ok());
        assert_eq!(
            verify(&token, secret_of, NOW + 661),
            Err(TokenError::Expired)
        );
        assert!(verify(&token, secret_of, NOW - 60).is_ok());
        assert_eq!(verify(&token, secret_of, NOW - 61), Err(TokenError::NotYet));
    }

    #[test]
    fn only_hs256_and_only_whole_tokens_count() {
        let body = r#"{"iss":"devkey","sub":"a","exp":1900000000}"#;
        for (header, error) in [
            (r#"{"alg":"none"}"#, TokenError::Algorithm),
            (r#"{"alg":"HS512"}"#, TokenError::Algorithm),
            ("{}", TokenError::Malformed),
        ] {
            assert_eq!(verify(&signed(header, body), secret_of, NOW), Err(error));
        }
        let header = r#"{"alg":"HS256","typ":"JWT","kid":"x"}"#;
        assert!(verify(&signed(header, body), secret_of, NOW).is_ok());
        let endless = r#"{"iss":"devkey","sub":"a"}"#;
        assert_eq!(
            verify(&signed(header, endless), secret_of, NOW),
            Err(TokenError::Malformed)
        );
        for bad in [
            "",
            ".",
            "..",
            "a.b",
            "a.b.c",
            "ä.ö.ü",
            &"x".repeat(MAX_LENGTH + 1),
        ] {
            assert_eq!(
                verify(bad, secret_of, NOW),
                Err(TokenError::Malformed),
                "{}",
                bad.len()
            );
        }
    }

    #[test]
    fn defaults_and_strange_claims_are_livekits() {
        let header = r#"{"alg":"HS256"}"#;
        let body = r#"{"iss":"devkey","jti":"old","exp":1900000000,"kind":"standard","sip":{"admin":true},
            "video":{"roomJoin":true,"room":"daily","canPublishSources":["hologram"],"future":[1]}}"#;
        let claims = verify(&signed(header, body), secret_of, NOW).unwrap();
        assert_eq!(
            (&*claims.identity, claims.kind),
            ("old", ParticipantKind::Standard)
        );
        let grants = &claims.grants;
        assert!(grants.may_join("daily") && grants.may_subscribe() && grants.may_publish_data());
        assert!(
            !grants.may_publish_source(Source::Camera),
            "an unknown source opens no other"
        );
        assert!(!grants.may_update_own_metadata());
    }
}
