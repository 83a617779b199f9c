//! Cross-origin access (the Fetch standard, section 3.3): SDKs run in anybody's
//! page and show their token, so that any origin may ask.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Request, header};

const METHODS: HeaderValue = HeaderValue::from_static("OPTIONS, HEAD, GET, POST, PATCH, DELETE");
/// A day; browsers shorten it to what they like.
const MAX_AGE: HeaderValue = HeaderValue::from_static("86400");

/// What is said to a page of another origin.
pub(super) struct Answer {
    origin: Option<HeaderValue>,
    /// The headers that a preflight asks for.
    preflight: Option<Option<HeaderValue>>,
}

impl Answer {
    /// The answer to a request; only a browser's has one.
    pub(super) fn to(request: &Request<Body>) -> Self {
        let headers = request.headers();
        // "*" does not cover Authorization, so the asked are allowed by name.
        let asked = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
        Self {
            origin: headers.get(header::ORIGIN).cloned(),
            preflight: (request.method() == Method::OPTIONS).then_some(asked),
        }
    }

    pub(super) fn none() -> Self {
        Self {
            origin: None,
            preflight: None,
        }
    }

    /// Adds the answer, to errors as well: the page can't read them otherwise.
    pub(super) fn add(self, headers: &mut HeaderMap) {
        let Some(origin) = self.origin else {
            return;
        };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        if let Some(asked) = self.preflight {
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
            if let Some(asked) = asked {
                headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked);
            }
        }
    }
}
