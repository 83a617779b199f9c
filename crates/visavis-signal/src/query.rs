//! The parameters of the signaling connection's address.

use std::collections::BTreeMap;
use std::io::Read as _;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use flate2::read::GzDecoder;
use livekit_protocol as proto;
use prost::Message as _;
use proto::wrapped_join_request::Compression;
use visavis_rooms::ClientFeatures;

use crate::join::{ClientInfo, JoinParams, JoinParamsError, Sdk};
use crate::wire::{self, fields};

/// Longest `join_request` after inflation, as LiveKit has it.
const MAX_INFLATED: usize = 1 << 20;
/// Longest before: the same in base64.
const MAX_ENCODED: usize = MAX_INFLATED / 3 * 4 + 64;

/// SDKs differ in padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl JoinParams {
    /// Reads the decoded query parameters of `/rtc`, or with `v1` of `/rtc/v1`.
    /// Check the token first: what a stranger says need not be inflated.
    ///
    /// # Errors
    /// When they can't be understood; all are HTTP's 400.
    pub fn parse<'a>(
        v1: bool,
        parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, JoinParamsError> {
        let parameters = Parameters(parameters.into_iter().collect());
        match parameters.text("join_request") {
            "" if v1 => Err(JoinParamsError::Missing),
            "" => from_parameters(&parameters),
            encoded => from_join_request(encoded),
        }
    }
}

struct Parameters<'a>(BTreeMap<&'a str, &'a str>);

impl Parameters<'_> {
    fn text(&self, name: &str) -> &str {
        self.0.get(name).copied().unwrap_or_default()
    }

    fn flag(&self, name: &str) -> Option<bool> {
        match self.text(name) {
            "" => None,
            text => Some(text == "1" || text == "true"),
        }
    }

    fn number(&self, name: &'static str) -> Result<i32, JoinParamsError> {
        match self.text(name) {
            "" => Ok(0),
            text => text.parse().map_err(|_| JoinParamsError::Parameter(name)),
        }
    }
}

fn from_parameters(parameters: &Parameters<'_>) -> Result<JoinParams, JoinParamsError> {
    let capabilities = parameters.text("capabilities").split(',');
    let capable = |name: &str| capabilities.clone().any(|capability| capability == name);
    let text = |name| parameters.text(name).to_owned();
    let client = ClientInfo {
        sdk: Sdk::from_parameter(parameters.text("sdk")),
        version: text("version"),
        protocol: parameters.number("protocol")?,
        os: text("os"),
        os_version: text("os_version"),
        device_model: text("device_model"),
        browser: text("browser"),
        browser_version: text("browser_version"),
        features: ClientFeatures {
            client_protocol: parameters.number("client_protocol")?,
            packet_trailer: capable("CAP_PACKET_TRAILER"),
            deflate_raw: capable("CAP_COMPRESSION_DEFLATE_RAW"),
        },
    };
    let resume = if parameters.flag("reconnect") == Some(true) {
        let sid = parameters.text("sid");
        let reason = parameters.number("reconnect_reason")?;
        Some(wire::join::read_resume(sid, reason))
    } else {
        None
    };
    Ok(JoinParams {
        client,
        auto_subscribe: parameters.flag("auto_subscribe").unwrap_or(true),
        adaptive_stream: parameters.flag("adaptive_stream").unwrap_or(false),
        subscriber_allow_pause: parameters.flag("subscriber_allow_pause"),
        disable_ice_lite: parameters.flag("disable_ice_lite").unwrap_or(false),
        resume,
        attributes: match parameters.text("attributes") {
            "" => BTreeMap::new(),
            encoded => attributes(encoded).ok_or(JoinParamsError::Parameter("attributes"))?,
        },
        ..JoinParams::default()
    })
}

fn attributes(encoded: &str) -> Option<BTreeMap<String, String>> {
    serde_json::from_slice(&decode(encoded)?).ok()
}

fn from_join_request(encoded: &str) -> Result<JoinParams, JoinParamsError> {
    if encoded.len() > MAX_ENCODED {
        return Err(JoinParamsError::TooLarge);
    }
    let wrapped = decode(encoded).ok_or(JoinParamsError::Base64)?;
    let wrapped = proto::WrappedJoinRequest::decode(&*wrapped);
    let wrapped = wrapped.map_err(|_| JoinParamsError::Malformed)?;
    let request = match wrapped.compression() {
        Compression::None => wrapped.join_request,
        Compression::Gzip => inflate(&wrapped.join_request)?,
    };
    if request.len() > MAX_INFLATED || !fields::is_modest(&request) {
        return Err(JoinParamsError::TooLarge);
    }
    let request = proto::JoinRequest::decode(&*request);
    Ok(wire::join::read_join(
        request.map_err(|_| JoinParamsError::Malformed)?,
    ))
}

/// Stops as soon as it is too much.
fn inflate(compressed: &[u8]) -> Result<Vec<u8>, JoinParamsError> {
    let mut inflated = Vec::new();
    GzDecoder::new(compressed)
        .take(MAX_INFLATED as u64 + 1)
        .read_to_end(&mut inflated)
        .map_err(|_| JoinParamsError::Malformed)?;
    if inflated.len() > MAX_INFLATED {
        return Err(JoinParamsError::TooLarge);
    }
    Ok(inflated)
}

/// Takes the alphabet for addresses (RFC 4648 section 5) and the usual one, whose
/// plus may have become a space.
fn decode(encoded: &str) -> Option<Vec<u8>> {
    let letter = |octet: u8| match octet {
        b'+' | b' ' => b'-',
        b'/' => b'_',
        other => other,
    };
    BASE64
        .decode(encoded.bytes().map(letter).collect::<Vec<u8>>())
        .ok()
}

impl Sdk {
    fn from_parameter(name: &str) -> Self {
        match name {
            "js" => Self::Js,
            "swift" | "ios" => Self::Swift,
            "android" => Self::Android,
            "flutter" => Self::Flutter,
            "go" => Self::Go,
            "unity" => Self::Unity,
            "reactnative" => Self::ReactNative,
            "rust" => Self::Rust,
            "python" => Self::Python,
            "cpp" => Self::Cpp,
            "unityweb" => Self::UnityWeb,
            "node" => Self::Node,
            "unreal" => Self::Unreal,
            "esp32" => Self::Esp32,
            "dotnet" => Self::DotNet,
            _ => Self::Unknown,
        }
    }
}
