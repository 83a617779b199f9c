//! What our own pages ask: who is in a room, and a token to enter it.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State as Shared};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use visavis_rooms::{Grants, JoinError};
use visavis_signal::JoinParams;
use visavis_signal::token::{Claims, mint};

use super::session::{Sessions, new_identity};
use super::{State, host, now, people};
use crate::control::{Hello, JoinRefused};

/// Longest body: a name, a session value, and some.
const MAX_BODY: usize = 4_096;
/// How long a body may take; it fits one packet.
const BODY: Duration = Duration::from_secs(10);
/// How long a token is good for, seconds; LiveKit's SDKs say the same. While
/// somebody is connected it is renewed.
const TOKEN_LIFE: u64 = 6 * 3_600;

type Room = Result<Path<String>, PathRejection>;

/// Why a page does not get what it asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    /// The request did not come from our page, or not as our page makes it.
    Request(StatusCode, &'static str),
    Name,
    Room,
    Full,
    NotFound,
    Busy,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Told {
            code: &'static str,
            message: &'static str,
        }
        let (status, code, message) = match self {
            Self::Request(status, message) => (status, "invalid-request", message),
            Self::Name => (
                StatusCode::BAD_REQUEST,
                "invalid-name",
                "a name has 1 to 64 characters",
            ),
            Self::Room => (
                StatusCode::BAD_REQUEST,
                "invalid-room",
                "a room's name has 1 to 64 characters and no slash",
            ),
            Self::Full => (
                StatusCode::CONFLICT,
                "full",
                "every place in this room is taken",
            ),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "no room has this name"),
            Self::Busy => (
                StatusCode::SERVICE_UNAVAILABLE,
                "busy",
                "the server can't let anybody in now",
            ),
        };
        json(status, &Told { code, message })
    }
}

/// Answers here hold tokens, or are old at once: nobody may keep them.
fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    match serde_json::to_string(body) {
        Ok(body) => (status, headers, body).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[derive(Serialize)]
struct Inside {
    exists: bool,
    participants: Vec<String>,
    full: bool,
}

/// `GET /api/rooms/{room}`: what the page before a meeting shows.
pub(super) async fn room(Shared(state): Shared<State>, room: Room, headers: HeaderMap) -> Response {
    let room = match own_page(&headers).and_then(|()| read_room(room)) {
        Ok(room) => room,
        Err(refusal) => return refusal.into_response(),
    };
    let participants = state.control.participant_names(room).await;
    let places = state.max_participants;
    let inside = Inside {
        exists: !participants.is_empty(),
        full: places > 0 && participants.len() >= places,
        participants,
    };
    json(StatusCode::OK, &inside)
}

#[derive(Deserialize)]
struct Asked {
    name: String,
    #[serde(default)]
    session: Option<String>,
}

#[derive(Serialize)]
struct Given {
    token: String,
    identity: String,
    session: String,
    room: String,
}

/// `POST /api/rooms/{room}/join`: a token for somebody with a name.
pub(super) async fn join(
    Shared(state): Shared<State>,
    room: Room,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match admit(&state, room, &headers, body).await {
        Ok(given) => json(StatusCode::OK, &given),
        Err(refusal) => refusal.into_response(),
    }
}

async fn admit(
    state: &State,
    room: Room,
    headers: &HeaderMap,
    body: Body,
) -> Result<Given, Refusal> {
    own_page(headers)?;
    let room = read_room(room)?;
    let asked = read_body(headers, body).await?;
    let name = people::name(&asked.name).ok_or(Refusal::Name)?;
    let (api_key, secret) = state.keys.own();
    let sessions = Sessions::new(secret);
    let now = now();
    let own = asked.session.as_deref();
    let own = own.and_then(|value| sessions.verify(value, &room, now));
    let identity = match own {
        Some(identity) => identity.to_owned(),
        None => new_identity().ok_or(Refusal::Busy)?,
    };
    let claims = claims(&identity, name, &room, now);
    let token = mint(&claims, api_key, secret, now).map_err(|_| Refusal::Busy)?;
    let hello = Hello {
        claims,
        api_key: api_key.to_owned(),
        room: room.clone(),
        params: JoinParams::default(),
    };
    state.control.validate(hello).await.map_err(refused)?;
    Ok(Given {
        session: sessions.sign(&identity, &room, now),
        token,
        identity,
        room,
    })
}

/// What people may do until there are roles.
fn claims(identity: &str, name: String, room: &str, now: u64) -> Claims {
    Claims {
        identity: identity.to_owned(),
        name,
        expires: now + TOKEN_LIFE,
        grants: Grants {
            room_join: true,
            room: room.to_owned(),
            can_publish: Some(true),
            can_subscribe: Some(true),
            can_publish_data: Some(true),
            can_update_own_metadata: Some(true),
            ..Grants::default()
        },
        ..Claims::default()
    }
}

fn refused(why: JoinRefused) -> Refusal {
    match why {
        JoinRefused::Rooms(JoinError::Full) => Refusal::Full,
        JoinRefused::Rooms(JoinError::RoomNotFound) => Refusal::NotFound,
        JoinRefused::Rooms(JoinError::Invalid(_)) => Refusal::Room,
        JoinRefused::Rooms(JoinError::NotAllowed | JoinError::OwnMetadata)
        | JoinRefused::Unavailable => Refusal::Busy,
    }
}

fn read_room(room: Room) -> Result<String, Refusal> {
    let Path(room) = room.map_err(|_| Refusal::Room)?;
    people::room(&room).ok_or(Refusal::Room)
}

async fn read_body(headers: &HeaderMap, body: Body) -> Result<Asked, Refusal> {
    let request = |status, message| Refusal::Request(status, message);
    // Other content types can be sent across origins without asking first.
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let kind = kind
        .and_then(|kind| kind.split(';').next())
        .unwrap_or_default();
    if !kind.trim().eq_ignore_ascii_case("application/json") {
        return Err(request(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the body must be application/json",
        ));
    }
    let read = timeout(BODY, to_bytes(body, MAX_BODY)).await;
    let read = read.map_err(|_| request(StatusCode::REQUEST_TIMEOUT, "the body did not come"))?;
    let body = read.map_err(|_| request(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long"))?;
    serde_json::from_slice(&body).map_err(|_| {
        request(
            StatusCode::BAD_REQUEST,
            "the body must be {\"name\": \"...\"}",
        )
    })
}

/// Whether a request may come from our own page: browsers say where it comes
/// from; a program need not. What they say of the site is surer than what we
/// make of the origin: a proxy may have changed the host.
fn own_page(headers: &HeaderMap) -> Result<(), Refusal> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let foreign = match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => !matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => {
            let authority = origin.split_once("://").map(|(_, authority)| authority);
            authority.is_none() || authority != host(headers)
        }
        (None, None) => false,
    };
    if foreign {
        return Err(Refusal::Request(
            StatusCode::FORBIDDEN,
            "only this server's own pages may ask this",
        ));
    }
    Ok(())
}
