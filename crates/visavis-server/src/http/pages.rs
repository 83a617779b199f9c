//! The web app, embedded: its pages and what they load.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};

use super::host;

/// One file of the web app.
struct Asset {
    /// Its path below `/`.
    path: &'static str,
    content_type: &'static str,
    /// Whether its name changes with its content.
    immutable: bool,
    /// Changes with its content, in quotes.
    etag: &'static str,
    plain: &'static [u8],
    /// The same compressed, where that is shorter.
    gzip: Option<&'static [u8]>,
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// What a browser gets when the program was built without its pages.
const WITHOUT_PAGES: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
    <title>Visavis</title><h1>This server was built without its pages.</h1>\
    <p>SDKs can use it. To have the pages as well, start it with <code>cargo xtask serve</code>.\n";

/// Camera, microphone and screen for our own page, and nothing else.
const PERMISSIONS: &str = "camera=(self), microphone=(self), display-capture=(self), \
    autoplay=(self), fullscreen=(self), picture-in-picture=(self), screen-wake-lock=(self), \
    speaker-selection=(self), geolocation=(), payment=(), usb=()";

/// `GET /`: the page for people, a sign of life for programs.
pub(super) async fn home(headers: HeaderMap) -> Response {
    if wants_page(&headers) {
        page(&headers, StatusCode::OK)
    } else {
        "OK".into_response()
    }
}

/// `GET /m/{room}`: the same page, whose address says what it shows.
pub(super) async fn app(headers: HeaderMap) -> Response {
    page(&headers, StatusCode::OK)
}

/// Any other path: a file of the web app, or nothing.
pub(super) async fn file(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    let known = matches!(method, Method::GET | Method::HEAD);
    match find(path) {
        Some(asset) if known && path != "index.html" => serve(asset, &headers, StatusCode::OK),
        None if known && wants_page(&headers) => page(&headers, StatusCode::NOT_FOUND),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

fn find(path: &str) -> Option<&'static Asset> {
    // Sorted by build.rs.
    let found = ASSETS.binary_search_by(|asset| asset.path.cmp(path));
    found.ok().map(|index| &ASSETS[index])
}

fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// The web app's one page, with what a page may do.
fn page(headers: &HeaderMap, status: StatusCode) -> Response {
    let mut response = match find("index.html") {
        Some(asset) => serve(asset, headers, status),
        None => {
            let html = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
            (status, html, WITHOUT_PAGES).into_response()
        }
    };
    let own = response.headers_mut();
    if let Ok(policy) = HeaderValue::try_from(content_policy(host(headers))) {
        own.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    own.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    own.insert("permissions-policy", HeaderValue::from_static(PERMISSIONS));
    response
}

/// What the page may load and whom it may ask: this server (CSP level 3). Not
/// every browser counts WebSockets of the same host as "self".
fn content_policy(host: Option<&str>) -> String {
    let sockets = host.map(|host| format!(" ws://{host} wss://{host}"));
    format!(
        "default-src 'self'; connect-src 'self'{}; img-src 'self' blob: data:; \
         media-src 'self' blob:; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; \
         form-action 'self'; frame-ancestors 'none'",
        sockets.unwrap_or_default()
    )
}

fn serve(asset: &Asset, headers: &HeaderMap, status: StatusCode) -> Response {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    let known = text(header::IF_NONE_MATCH).is_some_and(|tags| tags.contains(asset.etag));
    let zipped = text(header::ACCEPT_ENCODING).is_some_and(|all| all.contains("gzip"));
    let cache = if asset.immutable {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let mut response = match (known && status == StatusCode::OK, asset.gzip) {
        (true, _) => StatusCode::NOT_MODIFIED.into_response(),
        (false, Some(gzip)) if zipped => {
            let coding = [(header::CONTENT_ENCODING, "gzip")];
            (status, coding, Body::from(gzip)).into_response()
        }
        (false, _) => (status, Body::from(asset.plain)).into_response(),
    };
    let own = response.headers_mut();
    own.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(asset.content_type),
    );
    own.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    own.insert(header::ETAG, HeaderValue::from_static(asset.etag));
    own.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: Asset = Asset {
        path: "assets/a-1.js",
        content_type: "text/javascript; charset=utf-8",
        immutable: true,
        etag: "\"1\"",
        plain: b"plain",
        gzip: Some(b"zip"),
    };

    fn served(asset: &'static Asset, asked: &[(header::HeaderName, &'static str)]) -> Response {
        let asked = asked
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
        serve(asset, &asked.collect(), StatusCode::OK)
    }

    async fn body(response: Response) -> Vec<u8> {
        axum::body::to_bytes(response.into_body(), 100)
            .await
            .unwrap()
            .into()
    }

    #[tokio::test]
    async fn a_file_with_its_hash_in_its_name_is_kept_and_comes_compressed() {
        let zipped = served(&SCRIPT, &[(header::ACCEPT_ENCODING, "br, gzip")]);
        assert_eq!(zipped.headers()[header::CONTENT_ENCODING], "gzip");
        assert_eq!(
            zipped.headers()[header::CACHE_CONTROL],
            "public, max-age=31536000, immutable"
        );
        assert_eq!(zipped.headers()[header::VARY], "Accept-Encoding");
        assert_eq!(body(zipped).await, b"zip");
        let plain = served(&SCRIPT, &[]);
        assert_eq!(plain.headers().get(header::CONTENT_ENCODING), None);
        assert_eq!(body(plain).await, b"plain");
    }

    #[tokio::test]
    async fn what_a_browser_has_is_not_sent_again() {
        static PAGE: Asset = Asset {
            immutable: false,
            ..SCRIPT
        };
        let again = served(&PAGE, &[(header::IF_NONE_MATCH, "\"0\", \"1\"")]);
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(again.headers()[header::CACHE_CONTROL], "no-cache");
        assert!(body(again).await.is_empty());
        let changed = served(&PAGE, &[(header::IF_NONE_MATCH, "\"0\"")]);
        assert_eq!(changed.status(), StatusCode::OK);
    }

    #[test]
    fn files_are_found_by_their_path() {
        assert!(ASSETS.is_sorted_by_key(|asset| asset.path));
        for asset in &ASSETS {
            assert_eq!(find(asset.path).map(|found| found.path), Some(asset.path));
        }
        assert!(find("../Cargo.toml").is_none());
    }
}
