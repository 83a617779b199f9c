//! ICE (RFC 8445) by `is`, as the controlled side; and the choice of the path
//! that media takes.

use std::net::SocketAddr;
use std::time::Instant;

use is::stun::{StunMessage, StunPacket};
use is::{Candidate, IceAgent, IceAgentEvent, IceCreds, Protocol};

use crate::transport::{Path, Transmit};

/// Remote candidates kept per transport. Browsers offer a dozen; each costs
/// checks when we are not lite.
const MAX_REMOTE_CANDIDATES: usize = 64;

/// A username fragment and the password that authenticates checks.
#[derive(Clone, PartialEq, Eq)]
pub struct IceCredentials {
    /// `a=ice-ufrag`
    pub ufrag: String,
    /// `a=ice-pwd`
    pub pwd: String,
}

impl std::fmt::Debug for IceCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IceCredentials")
            .field("ufrag", &self.ufrag)
            .finish_non_exhaustive()
    }
}

impl IceCredentials {
    /// Random credentials of the least entropy that RFC 8445 section 5.3 asks for, and more.
    #[must_use]
    pub fn generate() -> Self {
        let IceCreds { ufrag, pass } = IceCreds::new();
        Self { ufrag, pwd: pass }
    }

    fn to_agent(&self) -> IceCreds {
        IceCreds {
            ufrag: self.ufrag.clone(),
            pass: self.pwd.clone(),
        }
    }
}

/// The ICE agent of one transport.
pub(crate) struct Ice {
    agent: IceAgent,
    remote: Option<IceCredentials>,
    remote_candidates: usize,
    selected: Option<Path>,
}

impl Ice {
    pub(crate) fn new(local: &IceCredentials, lite: bool, addresses: &[SocketAddr]) -> Self {
        let mut agent = IceAgent::new(local.to_agent());
        agent.set_ice_lite(lite);
        agent.set_controlling(false);
        for address in addresses {
            match Candidate::host(*address, Protocol::Udp) {
                Ok(candidate) => _ = agent.add_local_candidate(candidate),
                Err(error) => tracing::debug!(%error, "an advertised address is no candidate"),
            }
        }
        Self {
            agent,
            remote: None,
            remote_candidates: 0,
            selected: None,
        }
    }

    /// New local credentials: the peer restarts ICE. The path stays in use
    /// until a check with the new credentials selects one.
    pub(crate) fn restart(&mut self, local: &IceCredentials) {
        self.agent.ice_restart(local.to_agent(), true);
        self.remote = None;
        self.remote_candidates = 0;
    }

    pub(crate) fn set_remote(&mut self, remote: &IceCredentials, candidates: &[String]) {
        if self.remote.as_ref() != Some(remote) {
            self.agent.set_remote_credentials(remote.to_agent());
            self.remote = Some(remote.clone());
        }
        for candidate in candidates {
            self.add_remote_candidate(candidate);
        }
    }

    /// Candidates that we can't use (TCP, mDNS names, nonsense) are no error:
    /// a check from the peer tells us its address all the same.
    pub(crate) fn add_remote_candidate(&mut self, candidate: &str) {
        if self.remote_candidates >= MAX_REMOTE_CANDIDATES {
            return;
        }
        let candidate = candidate.trim().trim_start_matches("a=");
        if let Ok(candidate) = Candidate::from_sdp_string(candidate)
            && candidate.proto() == Protocol::Udp
        {
            self.remote_candidates += 1;
            self.agent.add_remote_candidate(candidate);
        }
    }

    /// Takes one STUN message; whether it was authentic. `path` says where it
    /// came from.
    pub(crate) fn handle_stun(&mut self, now: Instant, path: Path, bytes: &[u8]) -> bool {
        let Ok(message) = StunMessage::parse(bytes) else {
            return false;
        };
        let request = message.is_binding_request();
        let nominates = request && message.use_candidate();
        let packet = StunPacket {
            proto: Protocol::Udp,
            source: path.remote,
            destination: path.local,
            message,
        };
        if !self.agent.handle_packet(now, packet) {
            return false;
        }
        // The newest authenticated nomination wins at once: `is` would keep the
        // old pair for many seconds when a client moves. A check without one
        // only serves while there is no path at all.
        if nominates || request && self.selected.is_none() {
            self.selected = Some(path);
        }
        true
    }

    /// Where media goes.
    pub(crate) fn selected(&self) -> Option<Path> {
        self.selected
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.agent.handle_timeout(now);
        while let Some(event) = self.agent.poll_event() {
            // Path selection is ours, above; states are for show.
            if let IceAgentEvent::IceConnectionStateChange(state) = event {
                tracing::debug!(?state, "ICE");
            }
        }
    }

    pub(crate) fn poll_timeout(&mut self) -> Option<Instant> {
        self.agent.poll_timeout()
    }

    pub(crate) fn poll_transmit(&mut self) -> Option<Transmit> {
        let sent = self.agent.poll_transmit()?;
        Some(Transmit {
            path: Path {
                local: sent.source,
                remote: sent.destination,
            },
            payload: sent.contents.to_vec(),
        })
    }
}
