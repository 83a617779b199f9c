//! What the control plane keeps of one participant.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::time::Instant;

use visavis_rooms::{ParticipantInfo, ParticipantSid, ParticipantState, TrackSid};
use visavis_sdp::{Answerer, LocalTransport, Offerer, RemoteFingerprint, Section, WantedSend};
use visavis_sfu::{Appetite, TrackId};
use visavis_shard::TransportId;
use visavis_signal::join::Sdk;
use visavis_signal::response::LeaveAction;
use visavis_signal::{JoinParams, Response};
use visavis_transport::IceCredentials;

use super::config::ControlConfig;
use super::core::SessionId;
use super::data::PeerData;

/// Largest data channel message that our descriptions promise to take; the
/// media threads take as much, SDKs send at most 64,000.
const MAX_MESSAGE: u32 = 64 << 10;
/// Participants that may leave while one has no session. Beyond, it joins anew.
const MAX_DEPARTED: usize = 256;
/// Source numbers begin here: below, libwebrtc has some of its own.
const FIRST_SSRC: u32 = 1 << 16;
/// Source numbers that one participant may use up: the media threads remember
/// each, and take some more.
const MAX_SSRCS: u32 = 16_000;

/// A participant's signaling connection, while it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Session {
    pub(super) id: SessionId,
    /// When its client last said anything; a client pings when it has nothing to
    /// say.
    pub(super) last_heard: Instant,
    /// When its next token is due.
    pub(super) refresh_at: Instant,
}

/// What matters to us of what a client is.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClientTraits {
    /// Says at which size it shows each track.
    pub(super) adaptive_stream: bool,
    /// Only answer its ICE checks.
    pub(super) ice_lite: bool,
    /// Takes streams that hold several tracks: see [`Peer::stream_id`].
    pub(super) sync_streams: bool,
}

impl From<&JoinParams> for ClientTraits {
    fn from(params: &JoinParams) -> Self {
        let client = &params.client;
        // LiveKit gives Firefox full ICE.
        let firefox = client.browser.to_ascii_lowercase().contains("firefox");
        Self {
            adaptive_stream: params.adaptive_stream,
            ice_lite: !params.disable_ice_lite && !firefox,
            sync_streams: params.single_peer_connection && client.sdk == Sdk::Js && !firefox,
        }
    }
}

/// The transport on which the client offers; the only one in single mode.
#[derive(Debug)]
pub(super) struct Publisher {
    /// Its number, once the client has shown that it wants it.
    pub(super) transport: Option<TransportId>,
    pub(super) local: LocalTransport,
    pub(super) answerer: Answerer,
    /// The client's side, once it has offered.
    pub(super) remote: Option<Remote>,
    /// Sections on which the client could receive, in its last offer.
    pub(super) receiving: (u32, u32),
    /// Sections that the client was asked for and has not offered yet.
    pub(super) asked: Option<Asked>,
    /// When it last offered.
    pub(super) offered: Option<Instant>,
    /// The client is about to offer of its own accord, or busy with an answer:
    /// until then it is not asked to offer.
    pub(super) quiet_until: Option<Instant>,
}

/// What identifies a client's transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Remote {
    pub(super) ufrag: String,
    pub(super) fingerprint: RemoteFingerprint,
}

/// An unanswered wish for media sections.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) audios: u32,
    pub(super) videos: u32,
    pub(super) at: Instant,
}

/// The transport on which we offer, in dual mode.
#[derive(Debug)]
pub(super) struct Subscriber {
    pub(super) transport: TransportId,
    pub(super) local: LocalTransport,
    pub(super) offerer: Offerer,
    /// Number of the last offer.
    pub(super) offer_id: u32,
    /// The last offer is not answered.
    pub(super) outstanding: bool,
}

/// A track that the client publishes, by the section it comes on.
#[derive(Debug, Clone)]
pub(super) struct Publication {
    pub(super) id: TrackId,
    pub(super) sid: TrackSid,
    /// Its name in the description.
    pub(super) cid: String,
    /// Its name when it was announced, mostly the same.
    pub(super) announced: String,
}

/// One participant.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) sid: ParticipantSid,
    pub(super) room: String,
    /// What its tokens are signed with.
    pub(super) api_key: String,
    /// When its own token ends, seconds since 1970.
    pub(super) token_expires: u64,
    pub(super) client: ClientTraits,
    pub(super) single: bool,
    pub(super) session: Option<Session>,
    pub(super) publisher: Publisher,
    pub(super) subscriber: Option<Subscriber>,

    /// What it publishes, by mid.
    pub(super) publications: BTreeMap<String, Publication>,
    /// Sections that it sends on, but did not announce (yet).
    pub(super) unmatched: Vec<Section>,
    /// Announced tracks that have not ended, with the client's names for them.
    pub(super) announced: BTreeMap<TrackSid, String>,
    /// Tracks of further codecs, which are not used: their sections are nobody's.
    pub(super) backups: BTreeSet<String>,

    /// What it should get.
    pub(super) sends: Vec<WantedSend>,
    /// What it is getting: negotiated.
    pub(super) sending: BTreeSet<TrackId>,
    /// How it wants each track.
    pub(super) appetites: HashMap<TrackId, Appetite>,
    last_ssrc: u32,

    pub(super) data: PeerData,
    /// Who has gone while it had no session: clients keep whom they are not told
    /// of.
    pub(super) departed: Vec<ParticipantInfo>,
    /// When it is given up, because its media has ended.
    pub(super) ends: Option<Instant>,
    /// What it is told to do when it is removed, where the reason alone does not
    /// say it.
    pub(super) farewell: Option<LeaveAction>,
    /// A disturbance that it has ordered for its next resume.
    pub(super) cut_on_resume: Option<Cut>,
}

/// When to cut a resumed signaling connection, as clients order it for tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// After the first message.
    AfterFirst,
    /// Before any.
    BeforeAny,
}

/// Who joins: what makes a [`Peer`].
pub(super) struct Newcomer {
    pub(super) sid: ParticipantSid,
    pub(super) room: String,
    pub(super) api_key: String,
    pub(super) token_expires: u64,
    pub(super) session: Session,
    pub(super) data: PeerData,
    /// Our side of the transport that its client offers on.
    pub(super) local: LocalTransport,
}

impl Peer {
    pub(super) fn new(newcomer: Newcomer, params: &JoinParams) -> Self {
        Self {
            sid: newcomer.sid,
            room: newcomer.room,
            api_key: newcomer.api_key,
            token_expires: newcomer.token_expires,
            client: ClientTraits::from(params),
            single: params.single_peer_connection,
            session: Some(newcomer.session),
            publisher: Publisher {
                transport: None,
                answerer: Answerer::new(newcomer.local.clone()),
                local: newcomer.local,
                remote: None,
                receiving: (0, 0),
                asked: None,
                offered: None,
                quiet_until: None,
            },
            subscriber: None,
            publications: BTreeMap::new(),
            unmatched: Vec::new(),
            announced: BTreeMap::new(),
            backups: BTreeSet::new(),
            sends: Vec::new(),
            sending: BTreeSet::new(),
            appetites: HashMap::new(),
            last_ssrc: FIRST_SSRC,
            data: newcomer.data,
            departed: Vec::new(),
            ends: None,
            farewell: None,
            cut_on_resume: None,
        }
    }

    /// The transport whose connection makes the participant active, and on which
    /// it gets media and data: LiveKit calls it primary.
    pub(super) fn primary(&self) -> Option<TransportId> {
        match &self.subscriber {
            Some(subscriber) => Some(subscriber.transport),
            None => self.publisher.transport,
        }
    }

    pub(super) fn transports(&self) -> impl Iterator<Item = TransportId> {
        let subscriber = self.subscriber.as_ref().map(|side| side.transport);
        self.publisher.transport.into_iter().chain(subscriber)
    }

    /// Remembers of news that can't be told what must not be missed.
    pub(super) fn note_missed(&mut self, news: &Response) {
        let Response::Update(participants) = news else {
            return;
        };
        let gone = participants
            .iter()
            .filter(|info| info.state == ParticipantState::Disconnected);
        self.departed.extend(gone.cloned());
        self.departed.truncate(MAX_DEPARTED);
    }

    /// Whether more has happened than it can be told when it comes back.
    pub(super) fn missed_too_much(&self) -> bool {
        self.departed.len() >= MAX_DEPARTED
    }

    /// A source number that this participant never had. A number that came back
    /// would come back with other packets under old indices, which SRTP forbids.
    /// It need not be random (RFC 3550 section 8 guards against collisions among
    /// equals; here one side gives all numbers).
    pub(super) fn next_ssrc(&mut self) -> u32 {
        self.last_ssrc += 1;
        self.last_ssrc
    }

    /// Whether it has used up its source numbers: it must join anew.
    pub(super) fn is_used_up(&self) -> bool {
        self.last_ssrc - FIRST_SSRC > MAX_SSRCS
    }

    /// First part of the msid of a track that this participant gets.
    ///
    /// `PA_x|TR_y` is understood by every SDK. `PA_x|camera` lets a browser play
    /// the tracks of one stream in sync, but then the track's name can't be read
    /// from the stream and must be looked up by mid. `livekit-client` does that
    /// with the map that comes with each answer in single mode; Firefox does not
    /// play in sync by stream; other SDKs expect the first form.
    pub(super) fn stream_id(
        &self,
        publisher: &ParticipantSid,
        track: &str,
        stream: &str,
    ) -> String {
        let second = if self.client.sync_streams {
            stream
        } else {
            track
        };
        format!("{publisher}|{second}")
    }
}

/// Our side of a new transport.
pub(super) fn local_transport(
    config: &ControlConfig,
    number: u64,
    ice_lite: bool,
) -> LocalTransport {
    let IceCredentials { ufrag, pwd } = IceCredentials::generate();
    LocalTransport {
        ice_ufrag: ufrag,
        ice_pwd: pwd,
        ice_lite,
        fingerprint_sha256: config.fingerprint_sha256,
        candidates: candidates(&config.addresses),
        session_id: number,
        max_message_size: MAX_MESSAGE,
    }
}

/// New credentials for an ICE restart.
pub(super) fn renew(local: &mut LocalTransport) -> IceCredentials {
    let credentials = IceCredentials::generate();
    local.ice_ufrag.clone_from(&credentials.ufrag);
    local.ice_pwd.clone_from(&credentials.pwd);
    credentials
}

/// The credentials that a description shows.
pub(super) fn credentials(local: &LocalTransport) -> IceCredentials {
    IceCredentials {
        ufrag: local.ice_ufrag.clone(),
        pwd: local.ice_pwd.clone(),
    }
}

/// Host candidates (RFC 8839 section 5.1), the first one with the highest
/// priority (RFC 8445 section 5.1.2.1).
fn candidates(addresses: &[SocketAddr]) -> Vec<String> {
    const HOST: u32 = 126;
    const RTP: u32 = 1;
    let candidate = |(at, address): (usize, &SocketAddr)| {
        let preference = u32::from(u16::MAX).saturating_sub(u32::try_from(at).unwrap_or(u32::MAX));
        let priority = HOST << 24 | preference << 8 | (256 - RTP);
        let (ip, port) = (address.ip(), address.port());
        format!(
            "candidate:{} {RTP} udp {priority} {ip} {port} typ host",
            at + 1
        )
    };
    addresses.iter().enumerate().map(candidate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_name_every_address_and_prefer_the_first() {
        let addresses = ["192.0.2.1:7880", "[2001:db8::1]:7880"].map(|a| a.parse().unwrap());
        assert_eq!(
            candidates(&addresses),
            [
                "candidate:1 1 udp 2130706431 192.0.2.1 7880 typ host",
                "candidate:2 1 udp 2130706175 2001:db8::1 7880 typ host",
            ]
        );
    }

    #[test]
    fn firefox_gets_full_ice_and_streams_of_one_track() {
        let mut params = JoinParams {
            single_peer_connection: true,
            ..JoinParams::default()
        };
        params.client.sdk = Sdk::Js;
        params.client.browser = "Chrome".into();
        let traits = ClientTraits::from(&params);
        assert!(traits.ice_lite && traits.sync_streams);
        params.client.browser = "Firefox".into();
        let traits = ClientTraits::from(&params);
        assert!(!traits.ice_lite && !traits.sync_streams);
        params.client.browser = "Chrome".into();
        params.disable_ice_lite = true;
        params.single_peer_connection = false;
        let traits = ClientTraits::from(&params);
        assert!(!traits.ice_lite && !traits.sync_streams);
    }
}
