//! Enumerations.

use livekit_protocol as proto;
use visavis_rooms::{
    AudioFeature, BackupCodecPolicy, Encryption, ParticipantKind, ParticipantState, Quality,
    RemovalReason, Source, TrackKind,
};

use crate::join::{ReconnectReason, Sdk};
use crate::request::PeerConnection;
use crate::response::{ConnectionQuality, LeaveAction, RequestOutcome, SubscriptionError};

/// Reads an enumeration of ours from protobuf's number; `None` for a number that
/// we have no word for. And writes it.
pub(crate) trait Enum: Sized + 'static {
    /// What belongs together.
    const PAIRS: &'static [(Self, i32)];

    fn read(number: i32) -> Option<Self>
    where
        Self: Copy,
    {
        let pair = Self::PAIRS.iter().find(|(_, other)| *other == number);
        pair.map(|(value, _)| *value)
    }

    fn write(self) -> i32
    where
        Self: PartialEq,
    {
        let pair = Self::PAIRS.iter().find(|(value, _)| *value == self);
        pair.map_or(0, |(_, number)| *number)
    }
}

macro_rules! pairs {
    ($ours:ty, $theirs:path, { $($a:ident = $b:ident),+ $(,)? }) => {
        impl Enum for $ours {
            const PAIRS: &'static [(Self, i32)] = &{
                use $theirs as Theirs;
                [$((<$ours>::$a, Theirs::$b as i32)),+]
            };
        }
    };
}

pairs!(TrackKind, proto::TrackType, { Audio = Audio, Video = Video });
pairs!(Source, proto::TrackSource, {
    Unknown = Unknown,
    Camera = Camera,
    Microphone = Microphone,
    ScreenShare = ScreenShare,
    ScreenShareAudio = ScreenShareAudio,
});
pairs!(Quality, proto::VideoQuality, { Low = Low, Medium = Medium, High = High });
pairs!(Encryption, proto::encryption::Type, { None = None, Gcm = Gcm, Custom = Custom });
pairs!(AudioFeature, proto::AudioTrackFeature, {
    Stereo = TfStereo,
    NoDtx = TfNoDtx,
    AutoGainControl = TfAutoGainControl,
    EchoCancellation = TfEchoCancellation,
    NoiseSuppression = TfNoiseSuppression,
    EnhancedNoiseCancellation = TfEnhancedNoiseCancellation,
    PreconnectBuffer = TfPreconnectBuffer,
});
pairs!(BackupCodecPolicy, proto::BackupCodecPolicy, {
    PreferRegression = PreferRegression,
    Simulcast = Simulcast,
    Regression = Regression,
});
pairs!(ParticipantKind, proto::participant_info::Kind, {
    Standard = Standard,
    Ingress = Ingress,
    Egress = Egress,
    Sip = Sip,
    Agent = Agent,
    Connector = Connector,
    Bridge = Bridge,
});
pairs!(ParticipantState, proto::participant_info::State, {
    Joined = Joined,
    Active = Active,
    Disconnected = Disconnected,
});
pairs!(RemovalReason, proto::DisconnectReason, {
    ClientInitiated = ClientInitiated,
    DuplicateIdentity = DuplicateIdentity,
    ServerShutdown = ServerShutdown,
    ParticipantRemoved = ParticipantRemoved,
    RoomDeleted = RoomDeleted,
    StateMismatch = StateMismatch,
    JoinFailure = JoinFailure,
    SignalClosed = SignalClose,
    ConnectionLost = ConnectionTimeout,
    MediaFailure = MediaFailure,
});
pairs!(PeerConnection, proto::SignalTarget, { Publisher = Publisher, Subscriber = Subscriber });
pairs!(LeaveAction, proto::leave_request::Action, {
    Disconnect = Disconnect,
    Resume = Resume,
    Reconnect = Reconnect,
});
pairs!(RequestOutcome, proto::request_response::Reason, {
    Ok = Ok,
    NotFound = NotFound,
    NotAllowed = NotAllowed,
    LimitExceeded = LimitExceeded,
    Unclassified = UnclassifiedError,
    InvalidRequest = InvalidRequest,
});
pairs!(SubscriptionError, proto::SubscriptionError, {
    CodecUnsupported = SeCodecUnsupported,
    TrackNotFound = SeTrackNotfound,
});
pairs!(ConnectionQuality, proto::ConnectionQuality, {
    Poor = Poor,
    Good = Good,
    Excellent = Excellent,
    Lost = Lost,
});
pairs!(ReconnectReason, proto::ReconnectReason, {
    Unknown = RrUnknown,
    SignalDisconnected = RrSignalDisconnected,
    PublisherFailed = RrPublisherFailed,
    SubscriberFailed = RrSubscriberFailed,
    SwitchCandidate = RrSwitchCandidate,
});
pairs!(Sdk, proto::client_info::Sdk, {
    Unknown = Unknown,
    Js = Js,
    Swift = Swift,
    Android = Android,
    Flutter = Flutter,
    Go = Go,
    Unity = Unity,
    ReactNative = ReactNative,
    Rust = Rust,
    Python = Python,
    Cpp = Cpp,
    UnityWeb = UnityWeb,
    Node = Node,
    Unreal = Unreal,
    Esp32 = Esp32,
    DotNet = Dotnet,
});
