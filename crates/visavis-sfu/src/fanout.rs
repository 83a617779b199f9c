//! The end of a batch: each track's new packets to each of its receivers, one
//! receiver after the other, so that its packets leave together.

use std::time::Instant;

use crate::sfu::Sfu;
use crate::subscription::{Outlet, PacketSink};
use crate::track::MAX_LAYERS;

impl Sfu {
    /// Sends what the packets since the last call are for, and asks publishers
    /// for the keyframes that are missing.
    pub fn flush(&mut self, now: Instant, sink: &mut impl PacketSink) {
        let mut dirty = std::mem::take(&mut self.dirty);
        for &at in &dirty {
            self.forward_track(at, now, sink);
        }
        dirty.clear();
        self.dirty = dirty;
        self.request_keyframes(now, sink);
    }

    fn forward_track(&mut self, at: usize, now: Instant, sink: &mut impl PacketSink) {
        let Some(track) = self.tracks.get(at) else {
            return;
        };
        let mut waits = [false; MAX_LAYERS];
        for &place in &track.subscriptions {
            let Some(subscription) = self.subscriptions.get_mut(place) else {
                continue;
            };
            let Some(peer) = self.peers.get_mut(subscription.peer) else {
                continue;
            };
            let Some((tx, _)) = &peer.srtp else {
                continue;
            };
            let mut outlet = Outlet {
                peer: peer.id,
                tx,
                downlink: &mut peer.downlink,
                sent_octets: &mut peer.sent_octets,
            };
            subscription.forward_batch(track, &mut outlet, sink, now);
            if let Some(layer) = subscription.waits() {
                waits[layer] = true;
            }
        }
        if let Some(track) = self.tracks.get_mut(at) {
            track.pending.clear();
        }
        for (layer, _) in waits.iter().enumerate().filter(|(_, waits)| **waits) {
            self.want_keyframe(at, layer);
        }
    }
}
