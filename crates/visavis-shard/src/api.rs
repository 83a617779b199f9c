//! The values that cross the thread's border.

use bytes::Bytes;
use visavis_sfu::{Appetite, PeerId, Sections, TrackId, TrackParams};
use visavis_transport::{Channel, IceCredentials, RemoteParams};

/// One PeerConnection, by its owner's number; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TransportId(pub u64);

impl From<TransportId> for PeerId {
    fn from(transport: TransportId) -> Self {
        Self(transport.0)
    }
}

/// What a media thread is told to do. Commands about transports or tracks that
/// are gone are passed over: both sides may end them.
#[derive(Debug, Clone, PartialEq)]
pub enum MediaCommand {
    /// Wait for a client.
    Open {
        /// Its number.
        transport: TransportId,
        /// Our credentials, as our description shows them.
        local: IceCredentials,
        /// Only answer checks.
        ice_lite: bool,
        /// Open `_reliable` and `_lossy` ourselves, as on a subscriber transport.
        open_channels: bool,
    },
    /// The client's description, after each negotiation.
    SetRemote(TransportId, RemoteParams),
    /// The client restarts ICE: our new credentials.
    RestartIce(TransportId, IceCredentials),
    /// A trickled candidate of the client, with `candidate:`.
    AddCandidate(TransportId, String),
    /// All media sections after a negotiation.
    SetSections(TransportId, Sections),
    /// A track is published; it begins to flow to those whose sections name it.
    AddTrack(TrackId, TrackParams),
    /// Its mute state.
    SetMuted(TrackId, bool),
    /// It ends.
    RemoveTrack(TrackId),
    /// What a receiver wants of a track.
    Want(TransportId, TrackId, Appetite),
    /// A message for a data channel.
    SendData(TransportId, Channel, Bytes),
    /// The end of a transport; there is no event for it.
    Close(TransportId),
}

/// Why a transport ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReason {
    /// The client closed it.
    ByPeer,
    /// Nothing came for too long.
    TimedOut,
    /// DTLS or its certificate failed, or our own code did: it is only this
    /// transport's end.
    Failed,
}

/// What a media thread tells.
#[derive(Debug, Clone, PartialEq)]
pub enum MediaEvent {
    /// ICE and DTLS are up.
    Connected(TransportId),
    /// A data channel can be written.
    ChannelOpen(TransportId, Channel),
    /// A message came over a data channel.
    Data(TransportId, Channel, Bytes),
    /// A message could not be queued: the receiver takes too little.
    DataDropped(TransportId, Channel),
    /// The transport is over and forgotten.
    Closed(TransportId, CloseReason),
    /// How loud an audio track is, 0 to 127; told when it changes.
    Level(TrackId, u8),
    /// The first packet of a track arrived.
    TrackFlows(TrackId),
}
