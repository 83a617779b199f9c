//! What the table keeps per transport.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use visavis_rtp::srtp::{SrtpRx, SrtpTx};

use crate::api::{Appetite, PayloadCodec, PeerId, Sections, TrackId};
use crate::arrivals::ArrivalLog;
use crate::clock::ClockOffset;
use crate::downlink::Downlink;
use crate::layers::DownlinkGuard;

/// Steps of the downlink guard: two lower layers, and none.
pub(crate) const GUARD_STEPS: u8 = 3;
/// Round trip until one was measured.
const FIRST_RTT: Duration = Duration::from_millis(80);
/// Packets sent again per second and transport: a tenth of a busy receiver's.
/// Beyond, a keyframe repairs cheaper, and a liar gains nothing.
const RESENDS_PER_SECOND: u32 = 1_000;

/// Where the packets of an SSRC belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Binding {
    pub(crate) track: usize,
    pub(crate) layer: usize,
    pub(crate) retransmission: bool,
}

#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) id: PeerId,
    pub(crate) srtp: Option<(SrtpTx, SrtpRx)>,
    pub(crate) sections: Sections,
    pub(crate) bindings: HashMap<u32, Binding>,
    /// Tracks it publishes.
    pub(crate) tracks: Vec<usize>,
    /// Subscriptions it has.
    pub(crate) subscriptions: Vec<usize>,
    /// Subscriptions by our media SSRC.
    pub(crate) sends: HashMap<u32, usize>,
    /// Every SSRC we ever sent from: one whose numbers began again would use an
    /// SRTP index twice.
    pub(crate) used_ssrcs: HashSet<u32>,
    pub(crate) appetites: HashMap<TrackId, Appetite>,
    pub(crate) arrivals: ArrivalLog,
    pub(crate) feedback_timer: bool,
    pub(crate) downlink: Downlink,
    pub(crate) guard: DownlinkGuard,
    pub(crate) rtt: Duration,
    pub(crate) clock: Option<ClockOffset>,
    /// When something authentic came last.
    pub(crate) last_received: Option<Instant>,
    /// Octets sent since the last report, for comparing with REMB.
    pub(crate) sent_octets: u64,
    pub(crate) reported: Instant,
    pub(crate) bitrate: u64,
    resends: (Instant, u32),
}

impl Peer {
    pub(crate) fn new(id: PeerId, now: Instant) -> Self {
        Self {
            id,
            srtp: None,
            sections: Sections::default(),
            bindings: HashMap::new(),
            tracks: Vec::new(),
            subscriptions: Vec::new(),
            sends: HashMap::new(),
            used_ssrcs: HashSet::new(),
            appetites: HashMap::new(),
            arrivals: ArrivalLog::new(now),
            feedback_timer: false,
            downlink: Downlink::default(),
            guard: DownlinkGuard::new(GUARD_STEPS),
            rtt: FIRST_RTT,
            clock: None,
            last_received: None,
            sent_octets: 0,
            reported: now,
            bitrate: 0,
            resends: (now, 0),
        }
    }

    /// Whether one more packet may be sent again now.
    pub(crate) fn may_resend(&mut self, now: Instant) -> bool {
        let (since, count) = &mut self.resends;
        if now >= *since + Duration::from_secs(1) {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        *count <= RESENDS_PER_SECOND
    }

    /// The section named `mid` on which it sends.
    pub(crate) fn receive_section(&self, mid: &str) -> Option<&crate::api::ReceiveSection> {
        self.sections.receives.iter().find(|s| s.mid == mid)
    }

    /// What `payload_type` carries on the section `mid`, and whether it is a
    /// retransmission.
    pub(crate) fn codec(&self, mid: &str, payload_type: u8) -> Option<(PayloadCodec, bool)> {
        let section = self.receive_section(mid)?;
        section.codecs.iter().find_map(|codec| {
            if codec.payload_type == payload_type {
                return Some((*codec, false));
            }
            (codec.rtx == Some(payload_type)).then_some((*codec, true))
        })
    }
}
