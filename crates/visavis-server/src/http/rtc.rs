//! LiveKit's paths: joining by WebSocket, and asking why joining fails.

use axum::Extension;
use axum::extract::State as Shared;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};

use super::State;
use super::access::{Refusal, hello};
use super::socket::{self, MAX_MESSAGE, READ_BUFFER};
use crate::listen::Place;

type Upgrade = Result<WebSocketUpgrade, WebSocketUpgradeRejection>;

/// `GET /rtc`.
pub(super) async fn join_v0(
    Shared(state): Shared<State>,
    Extension(place): Extension<Place>,
    uri: Uri,
    headers: HeaderMap,
    upgrade: Upgrade,
) -> Response {
    join(state, place, uri, headers, upgrade, false).await
}

/// `GET /rtc/v1`.
pub(super) async fn join_v1(
    Shared(state): Shared<State>,
    Extension(place): Extension<Place>,
    uri: Uri,
    headers: HeaderMap,
    upgrade: Upgrade,
) -> Response {
    join(state, place, uri, headers, upgrade, true).await
}

/// `GET /rtc/validate`.
pub(super) async fn validate_v0(
    Shared(state): Shared<State>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    validate(state, uri, headers, false).await
}

/// `GET /rtc/v1/validate`.
pub(super) async fn validate_v1(
    Shared(state): Shared<State>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    validate(state, uri, headers, true).await
}

/// Joins first and upgrades then, so that who is refused learns why by status.
async fn join(
    state: State,
    place: Place,
    uri: Uri,
    headers: HeaderMap,
    upgrade: Upgrade,
    v1: bool,
) -> Response {
    let Ok(upgrade) = upgrade else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let hello = match hello(&state, &headers, uri.query().unwrap_or_default(), v1) {
        Ok(hello) => hello,
        Err(refusal) => return refusal.into_response(),
    };
    match state.control.join(hello).await {
        Ok(link) => upgrade
            .read_buffer_size(READ_BUFFER)
            .max_message_size(MAX_MESSAGE)
            .max_frame_size(MAX_MESSAGE)
            .on_upgrade(move |socket| async move {
                socket::run(socket, link).await;
                // The connection's place is free only now.
                drop(place);
            }),
        Err(refused) => Refusal::from(refused).into_response(),
    }
}

/// What a client asks after a failed upgrade, whose answer it can't read.
async fn validate(state: State, uri: Uri, headers: HeaderMap, v1: bool) -> Response {
    let hello = match hello(&state, &headers, uri.query().unwrap_or_default(), v1) {
        Ok(hello) => hello,
        Err(refusal) => return refusal.into_response(),
    };
    match state.control.validate(hello).await {
        Ok(()) => "success".into_response(),
        Err(refused) => Refusal::from(refused).into_response(),
    }
}
