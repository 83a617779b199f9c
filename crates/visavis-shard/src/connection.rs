//! One transport as its thread keeps it: with its addresses and its lifetime.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use visavis_transport::{Path, Transmit, Transport};

use crate::datagram::Incoming;

/// Addresses kept per transport: a laptop has a handful of interfaces, and a
/// symmetric NAT makes one more for each of ours.
const MAX_REMOTES: usize = 16;
/// A connected transport from which nothing authentic came for so long is dead:
/// clients check consent every few seconds (RFC 7675), and give up themselves
/// after 10 to 15 s.
const SILENCE: Duration = Duration::from_secs(15);

pub(crate) struct Connection {
    pub(crate) transport: Transport,
    /// Our username fragments: the first one, and one per ICE restart.
    pub(crate) ufrags: Vec<String>,
    /// Where its packets come from and which of our addresses they go to, oldest
    /// first.
    remotes: VecDeque<(SocketAddr, Option<IpAddr>)>,
}

impl Connection {
    pub(crate) fn new(transport: Transport, ufrag: String) -> Self {
        Self {
            transport,
            ufrags: vec![ufrag],
            remotes: VecDeque::new(),
        }
    }

    pub(crate) fn handle_stun(
        &mut self,
        now: Instant,
        local: SocketAddr,
        datagram: &Incoming<'_>,
    ) -> bool {
        let path = Path {
            local,
            remote: datagram.source,
        };
        // The path may be selected at once: its way back must be known by then.
        let known = self
            .remotes
            .iter()
            .any(|(remote, _)| *remote == path.remote);
        if !known {
            self.remotes.push_back((path.remote, datagram.local_ip));
        }
        let authentic = self.transport.handle_stun(now, path, datagram.payload);
        if !authentic && !known {
            self.remotes.pop_back();
        }
        authentic
    }

    /// Notes where the peer is; gives an address that is forgotten instead.
    pub(crate) fn learn(
        &mut self,
        remote: SocketAddr,
        local_ip: Option<IpAddr>,
    ) -> Option<SocketAddr> {
        if let Some(known) = self.remotes.iter_mut().find(|(known, _)| *known == remote) {
            known.1 = local_ip.or(known.1);
        } else {
            self.remotes.push_back((remote, local_ip));
        }
        if self.remotes.len() <= MAX_REMOTES {
            return None;
        }
        let in_use = self.transport.path().map(|path| path.remote);
        let oldest = self
            .remotes
            .iter()
            .position(|(known, _)| Some(*known) != in_use)?;
        self.remotes.remove(oldest).map(|(forgotten, _)| forgotten)
    }

    /// Which of our addresses a datagram to `remote` must leave from.
    pub(crate) fn source_for(&self, remote: SocketAddr) -> Option<IpAddr> {
        let mut known = self.remotes.iter();
        known
            .find(|(known, _)| *known == remote)
            .and_then(|(_, local)| *local)
    }

    pub(crate) fn remotes(&self) -> impl Iterator<Item = SocketAddr> {
        self.remotes.iter().map(|(remote, _)| *remote)
    }

    /// Whether this is a check of ours to an address that nothing came from yet.
    pub(crate) fn is_new_check(&self, transmit: &Transmit) -> bool {
        let is_stun = transmit.payload.first().is_some_and(|first| *first <= 3);
        is_stun && !self.remotes().any(|remote| remote == transmit.path.remote)
    }

    /// Whether nothing came for too long; `media` says when media came last.
    pub(crate) fn is_dead(&self, media: Option<Instant>, now: Instant) -> bool {
        let last = self.transport.last_authentic().max(media);
        last.is_some_and(|last| now >= last + SILENCE)
    }

    /// When to come back: for the transport, and to see whether it is dead.
    pub(crate) fn poll_timeout(&mut self, now: Instant) -> Instant {
        let look = now + SILENCE / 5;
        self.transport
            .poll_timeout()
            .map_or(look, |due| due.min(look))
    }
}
