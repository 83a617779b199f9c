//! Meetings in which anything happens at any time.

use visavis_rooms::{RemovalReason, RoomsConfig};
use visavis_shard::CloseReason;
use visavis_signal::join::{ReconnectReason, Resume};
use visavis_signal::request::{Subscription, TrackSettings};

use super::*;

/// xorshift: the same meeting for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }
}

fn offer(world: &mut World, client: &mut Client) {
    client.offers += 1;
    let offer = Description {
        id: client.offers,
        sdp: client.sdp.offer(),
    };
    world.ask(client, Request::Offer(offer));
}

fn resume(world: &mut World, client: &mut Client, identity: &str) {
    let params = JoinParams {
        single_peer_connection: client.subscriber.is_none(),
        auto_subscribe: true,
        resume: Some(Resume {
            participant: Some(client.sid.clone()),
            reason: ReconnectReason::SignalDisconnected,
        }),
        ..JoinParams::default()
    };
    client.session = world
        .control
        .join(hello(identity, params), world.now)
        .unwrap();
    world.ask(client, Request::SyncState(Box::default()));
    client.sdp.restart(&format!("ufrag{}", client.offers));
    offer(world, client);
}

/// Any track that was ever published.
fn any_track(world: &World, dice: &mut Dice) -> Vec<TrackSid> {
    let told = world.told.values().flatten();
    let infos = told.filter_map(|response| match response {
        Response::Update(infos) => Some(infos),
        _ => None,
    });
    let tracks: Vec<_> = infos.flatten().flat_map(|info| &info.tracks).collect();
    match tracks.is_empty() {
        true => Vec::new(),
        false => vec![tracks[dice.roll(tracks.len())].sid.clone()],
    }
}

fn happen(world: &mut World, client: &mut Client, identity: &str, dice: &mut Dice) {
    let tracks = any_track(world, dice);
    let transport = client.subscriber.or(client.publisher).unwrap();
    match dice.roll(14) {
        0 => {
            let cid = format!("cam{}", dice.roll(3));
            world.add_track(client, camera(&cid));
            client.sdp.camera(&cid);
            offer(world, client);
        }
        1 => {
            let cid = format!("cam{}", dice.roll(3));
            client.sdp.camera(&cid);
            offer(world, client);
            world.add_track(client, camera(&cid));
        }
        2 => {
            let mid = dice.roll(12).to_string();
            client.sdp.turn(&mid, "sendonly", "inactive");
            offer(world, client);
        }
        3 => {
            client.sdp.video("recvonly", "");
            offer(world, client);
        }
        4 => drop(world.answer_offers(client)),
        5 => world.connect(client),
        6 => {
            let subscribe = dice.roll(2) == 0;
            let wish = Subscription { tracks, subscribe };
            world.ask(client, Request::UpdateSubscription(wish));
        }
        7 => {
            let settings = TrackSettings {
                tracks,
                disabled: dice.roll(2) == 0,
                quality: None,
                width: 0,
                height: 0,
                fps: 0,
                priority: 0,
            };
            world.ask(client, Request::UpdateTrackSettings(settings));
        }
        8 => {
            for track in tracks {
                let muted = dice.roll(2) == 0;
                world.ask(client, Request::Mute { track, muted });
            }
        }
        9 => world.control.handle_signal_lost(client.session, world.now),
        10 => resume(world, client, identity),
        11 => world.pass(Duration::from_secs(3)),
        12 if dice.roll(6) == 0 => world.ask(client, Request::Leave { reason: None }),
        13 if dice.roll(6) == 0 => {
            let reason = [CloseReason::ByPeer, CloseReason::TimedOut][dice.roll(2)];
            world.event(MediaEvent::Closed(transport, reason));
        }
        _ => world.ask(client, Request::Ping(0)),
    }
}

#[test]
fn no_meeting_panics_or_leaves_anything_behind() {
    const NAMES: [&str; 4] = ["anna", "ben", "carla", "dora"];
    let mut published = 0;
    for seed in 1..=60u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut settings = config();
        settings.rooms = RoomsConfig {
            departure_timeout: Duration::from_secs(1),
            ..RoomsConfig::default()
        };
        let mut world = World::with(settings);
        let mut clients: Vec<Option<Client>> = NAMES.iter().map(|_| None).collect();
        for _ in 0..150 {
            let who = dice.roll(NAMES.len());
            let params = [single(), dual()][dice.roll(2)].clone();
            match &mut clients[who] {
                Some(client) if dice.roll(25) > 0 => {
                    happen(&mut world, client, NAMES[who], &mut dice);
                }
                empty => *empty = Some(world.join(NAMES[who], params)),
            }
            world.drain();
            let panicked = |response: &Response| {
                let reason = RemovalReason::MediaFailure;
                matches!(response, Response::Leave { reason: r, .. } if *r == reason)
            };
            assert!(!world.told.values().flatten().any(panicked), "seed {seed}");
        }
        for client in clients.iter().flatten() {
            world.control.handle_signal_lost(client.session, world.now);
        }
        // Not from the map of transports: what is left of others there is a leak.
        let peers = world.control.peers.values();
        let open: Vec<_> = peers.flat_map(|peer| peer.transports()).collect();
        for transport in open {
            world.event(MediaEvent::Closed(transport, CloseReason::TimedOut));
        }
        world.pass(Duration::from_secs(120));
        let control = &world.control;
        let left = [
            control.peers.len(),
            control.sessions.len(),
            control.transports.len(),
            control.tracks.len(),
            control.changed.len(),
        ];
        assert_eq!(left, [0; 5], "seed {seed}");
        assert_eq!(control.poll_timeout(), None, "seed {seed}");
        published += balanced(&world, seed);
    }
    assert!(published > 200, "only {published} tracks were ever there");
}

/// What was opened for the media thread is closed, once; how many tracks it had.
fn balanced(world: &World, seed: u64) -> usize {
    let count = |kind: fn(&MediaCommand) -> bool| world.media.iter().filter(|c| kind(c)).count();
    let opened = count(|command| matches!(command, MediaCommand::Open { .. }));
    let added = count(|command| matches!(command, MediaCommand::AddTrack(..)));
    assert_eq!(
        count(|command| matches!(command, MediaCommand::Close(_))),
        opened,
        "seed {seed}"
    );
    assert_eq!(
        count(|command| matches!(command, MediaCommand::RemoveTrack(_))),
        added,
        "seed {seed}"
    );
    added
}
