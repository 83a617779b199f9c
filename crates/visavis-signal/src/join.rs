//! What a client says when it opens its signaling connection.

use std::collections::BTreeMap;

use thiserror::Error;
use visavis_rooms::{ClientFeatures, ParticipantSid};

use crate::request::{AddTrack, Description, SyncState};

/// Which SDK a client is built with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sdk {
    /// Not said, or unknown to us.
    #[default]
    Unknown,
    /// `livekit-client` in a browser.
    Js,
    /// Apple's systems.
    Swift,
    /// Android.
    Android,
    /// Flutter.
    Flutter,
    /// Go.
    Go,
    /// Unity.
    Unity,
    /// React Native.
    ReactNative,
    /// Rust.
    Rust,
    /// Python.
    Python,
    /// C++.
    Cpp,
    /// Unity in a browser.
    UnityWeb,
    /// Node.
    Node,
    /// Unreal.
    Unreal,
    /// ESP32.
    Esp32,
    /// .NET.
    DotNet,
}

/// What a client says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClientInfo {
    /// What it is built with.
    pub sdk: Sdk,
    /// The SDK's version.
    pub version: String,
    /// Highest level of the protocol that it speaks.
    pub protocol: i32,
    /// Operating system.
    pub os: String,
    /// Its version.
    pub os_version: String,
    /// Device.
    pub device_model: String,
    /// Browser.
    pub browser: String,
    /// Its version.
    pub browser_version: String,
    /// What other clients may send it.
    pub features: ClientFeatures,
}

/// Why a client comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReconnectReason {
    /// Not said.
    #[default]
    Unknown,
    /// The signaling connection was lost.
    SignalDisconnected,
    /// The publisher's PeerConnection failed.
    PublisherFailed,
    /// The subscriber's PeerConnection failed.
    SubscriberFailed,
    /// The server asked it to change its way.
    SwitchCandidate,
}

/// A session to be resumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resume {
    /// Whose; `None` from clients that trust in their identity.
    pub participant: Option<ParticipantSid>,
    /// Why.
    pub reason: ReconnectReason,
}

/// All that a client says when it connects, but for its token.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JoinParams {
    /// Uses one PeerConnection, on which it always offers.
    pub single_peer_connection: bool,
    /// What it is.
    pub client: ClientInfo,
    /// Wants every track without asking for each.
    pub auto_subscribe: bool,
    /// Will say at which size it shows each track.
    pub adaptive_stream: bool,
    /// Bears it when video is held back because bandwidth is short. `None`: not
    /// said.
    pub subscriber_allow_pause: Option<bool>,
    /// Needs full ICE (RFC 8445 section 2.5) from the server.
    pub disable_ice_lite: bool,
    /// Comes back.
    pub resume: Option<Resume>,
    /// Free text of the application.
    pub metadata: String,
    /// Free pairs of the application.
    pub attributes: BTreeMap<String, String>,
    /// Tracks to publish at once.
    pub add_tracks: Vec<AddTrack>,
    /// Its first offer.
    pub publisher_offer: Option<Description>,
    /// What it believes, when it comes back.
    pub sync_state: Option<Box<SyncState>>,
}

/// Why a client's first words are not understood. All are bad requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum JoinParamsError {
    /// `/rtc/v1` without `join_request`.
    #[error("join_request is missing")]
    Missing,
    /// Not base64.
    #[error("join_request is not base64")]
    Base64,
    /// Not what a `join_request` looks like.
    #[error("join_request is malformed")]
    Malformed,
    /// Too large, before or after inflation.
    #[error("join_request is too large")]
    TooLarge,
    /// A parameter is not of its kind.
    #[error("the parameter {0} is malformed")]
    Parameter(&'static str),
}
