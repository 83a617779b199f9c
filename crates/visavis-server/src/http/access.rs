//! Who asks: the token in a request, and what it is good for.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use visavis_signal::token::{Claims, TokenError, verify};
use visavis_signal::{JoinParams, JoinParamsError};

use super::{State, now};
use crate::control::{Hello, JoinRefused};

/// Why a request is not let in, as a status and a text for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) text: String,
}

impl Refusal {
    fn unauthorized(text: impl Into<String>) -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            text: text.into(),
        }
    }
}

impl From<TokenError> for Refusal {
    fn from(error: TokenError) -> Self {
        Self::unauthorized(error.to_string())
    }
}

impl From<JoinParamsError> for Refusal {
    fn from(error: JoinParamsError) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            text: error.to_string(),
        }
    }
}

impl From<JoinRefused> for Refusal {
    fn from(refused: JoinRefused) -> Self {
        let status = StatusCode::from_u16(refused.status());
        Self {
            status: status.unwrap_or(StatusCode::SERVICE_UNAVAILABLE),
            text: refused.to_string(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, self.text).into_response()
    }
}

/// Reads what somebody at the door says; `v1` is the newer of the two paths.
pub(super) fn hello(
    state: &State,
    headers: &HeaderMap,
    query: &str,
    v1: bool,
) -> Result<Hello, Refusal> {
    let parameters: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    let parameter = |name: &str| {
        let mut all = parameters.iter().filter(|(_, text)| !text.is_empty());
        all.find(|(known, _)| known == name)
            .map(|(_, text)| &**text)
    };
    let token = parameter("access_token").or_else(|| bearer(headers));
    let token = token.ok_or_else(|| Refusal::unauthorized("a token is needed to join"))?;
    let (claims, api_key) = claims(state, token)?;
    // LiveKit's older clients name the room; the token decides.
    let room = parameter("room").unwrap_or(&claims.grants.room).to_owned();
    let pairs = parameters.iter().map(|(name, text)| (&**name, &**text));
    let mut params = JoinParams::parse(v1, pairs)?;
    params.disable_ice_lite |= !state.use_ice_lite;
    Ok(Hello {
        claims,
        api_key,
        room,
        params,
    })
}

/// What a token says, and the key that it is signed with.
pub(super) fn claims(state: &State, token: &str) -> Result<(Claims, String), TokenError> {
    let mut api_key = String::new();
    let secret_of = |key: &str| {
        key.clone_into(&mut api_key);
        state.keys.secret_of(key)
    };
    let claims = verify(token, secret_of, now())?;
    Ok((claims, api_key))
}

/// The token of `Authorization: Bearer` (RFC 6750 section 2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
