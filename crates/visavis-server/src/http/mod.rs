//! What is served over HTTP: LiveKit's paths for SDKs, `/api` for our pages, and
//! the pages themselves.

mod access;
mod api;
mod cors;
mod pages;
mod people;
mod rtc;
mod session;
mod socket;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::http::uri::{PathAndQuery, Uri};
use axum::http::{HeaderValue, Method, Request, Response, StatusCode, header};
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use hyper::body::Incoming;
use tower_service::Service as _;

use crate::config::Config;
use crate::control::ControlHandle;
use crate::keys::ApiKeys;
use crate::listen::Place;

/// Answers requests; cheap to clone.
#[derive(Clone)]
pub(crate) struct Web {
    router: Router,
}

/// What the handlers need.
#[derive(Clone)]
struct State {
    control: ControlHandle,
    keys: Arc<ApiKeys>,
    /// Participants per room; 0 means any number.
    max_participants: usize,
    /// Only answer connectivity checks, where clients allow it.
    use_ice_lite: bool,
}

impl Web {
    pub(crate) fn new(control: ControlHandle, keys: ApiKeys, config: &Config) -> Self {
        let state = State {
            control,
            keys: Arc::new(keys),
            max_participants: config.room.max_participants,
            use_ice_lite: config.rtc.use_ice_lite,
        };
        let router = Router::new()
            .route("/rtc", get(rtc::join_v0))
            .route("/rtc/v1", get(rtc::join_v1))
            .route("/rtc/validate", get(rtc::validate_v0))
            .route("/rtc/v1/validate", get(rtc::validate_v1))
            .route("/api/rooms/{room}", get(api::room))
            .route("/api/rooms/{room}/join", post(api::join))
            .route("/", get(pages::home))
            .route("/m/{room}", get(pages::app))
            .fallback(pages::file)
            .with_state(state);
        Self { router }
    }

    /// Answers a request. The query is in no log: it holds tokens.
    pub(crate) async fn respond(&self, request: Request<Incoming>, place: Place) -> Response<Body> {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(place);
        merge_slashes(&mut request);
        // Our own pages' interface is for our own pages.
        let shared = !request.uri().path().starts_with("/api/");
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let answer = if shared {
            cors::Answer::to(&request)
        } else {
            cors::Answer::none()
        };
        let mut response = if shared && method == Method::OPTIONS {
            StatusCode::NO_CONTENT.into_response()
        } else {
            // Infallible, and always ready.
            match self.router.clone().call(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            }
        };
        answer.add(response.headers_mut());
        let nosniff = HeaderValue::from_static("nosniff");
        response
            .headers_mut()
            .insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
        tracing::debug!(%method, path, status = response.status().as_u16(), "request");
        response
    }
}

/// Clients that append "/rtc" to a URL with a slash at its end ask for "//rtc".
fn merge_slashes(request: &mut Request<Body>) {
    let path = request.uri().path();
    if !path.starts_with("//") {
        return;
    }
    let path = format!("/{}", path.trim_start_matches('/'));
    let merged = match request.uri().query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    if let Ok(merged) = PathAndQuery::try_from(merged) {
        *request.uri_mut() = Uri::from(merged);
    }
}

/// The answer to a plain request where HTTPS is served.
pub(crate) fn redirect_to_https(request: &Request<Incoming>) -> Response<Body> {
    let host = host(request.headers());
    let target = request
        .uri()
        .path_and_query()
        .map_or("/", PathAndQuery::as_str);
    let location =
        host.and_then(|host| HeaderValue::try_from(format!("https://{host}{target}")).ok());
    let text = "This server speaks HTTPS.\n";
    match location {
        Some(location) => {
            let location = [(header::LOCATION, location)];
            (StatusCode::TEMPORARY_REDIRECT, location, text).into_response()
        }
        None => (StatusCode::BAD_REQUEST, text).into_response(),
    }
}

/// The host that was asked for, with its port; only if it looks like one.
fn host(headers: &axum::http::HeaderMap) -> Option<&str> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-_:[]".contains(c);
    (!host.is_empty() && host.chars().all(plain)).then_some(host)
}

/// Seconds since 1970.
fn now() -> u64 {
    // A clock before 1970 is a clock that makes every token invalid.
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs())
}
