use bytes::Bytes;
use visavis_signal::request::SyncState;

use super::*;

/// A protobuf field of octets.
fn field(number: u32, octets: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut key = number << 3 | 2;
    while key >= 0x80 {
        out.push(key as u8 | 0x80);
        key >>= 7;
    }
    out.push(key as u8);
    out.push(octets.len() as u8);
    out.extend_from_slice(octets);
    out
}

/// A packet with a text: numbered, and to one identity unless that is empty.
fn packet(text: &str, sequence: u8, to: &str) -> Bytes {
    let mut packet = field(2, &field(2, text.as_bytes()));
    packet.extend(field(4, b"mallory"));
    if !to.is_empty() {
        packet.extend(field(5, to.as_bytes()));
    }
    if sequence > 0 {
        packet.extend([0x80, 0x01, sequence]);
    }
    packet.into()
}

fn sent(media: &[MediaCommand], to: TransportId) -> Vec<Bytes> {
    let sent = media.iter().filter_map(|command| match command {
        MediaCommand::SendData(transport, Channel::Reliable, packet) if *transport == to => {
            Some(packet.clone())
        }
        _ => None,
    });
    sent.collect()
}

fn contains(packet: &Bytes, text: &str) -> bool {
    packet
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

fn say(world: &mut World, client: &Client, packet: Bytes) {
    let transport = client.publisher.unwrap();
    world.event(MediaEvent::Data(transport, Channel::Reliable, packet));
}

#[test]
fn messages_go_to_whom_they_name_with_the_senders_true_name() {
    let mut world = World::new();
    let anna = world.join("anna", single());
    let ben = world.join("ben", single());
    let carla = world.join("carla", dual());
    for client in [&anna, &ben, &carla] {
        world.connect(client);
    }
    world.media();
    say(&mut world, &anna, packet("hello all", 1, ""));
    let media = world.media();
    assert_eq!(sent(&media, anna.publisher.unwrap()).len(), 0);
    let received = sent(&media, ben.publisher.unwrap());
    assert!(contains(&received[0], "hello all") && contains(&received[0], "anna"));
    assert!(!contains(&received[0], "mallory"));
    assert_eq!(sent(&media, carla.subscriber.unwrap()).len(), 1);
    say(&mut world, &anna, packet("hello carla", 2, "carla"));
    let media = world.media();
    assert_eq!(sent(&media, ben.publisher.unwrap()).len(), 0);
    assert_eq!(sent(&media, carla.subscriber.unwrap()).len(), 1);
    say(&mut world, &anna, packet("hello carla", 2, "carla"));
    assert_eq!(world.media(), [], "repeated");
    say(&mut world, &anna, Bytes::from_static(b"\xff\xff"));
    assert_eq!(world.media(), [], "nonsense");
}

#[test]
fn who_may_not_send_data_is_not_heard() {
    let mut world = World::new();
    let mut hello = hello("anna", single());
    hello.claims.grants.can_publish_data = Some(false);
    let anna = world.join_as(hello);
    let ben = world.join("ben", single());
    world.connect(&ben);
    world.media();
    say(&mut world, &anna, packet("hello", 1, ""));
    assert_eq!(world.media(), []);
}

#[test]
fn what_is_sent_while_a_channel_opens_is_held_for_a_moment() {
    let mut world = World::new();
    let anna = world.join("anna", single());
    world.connect(&anna);
    say(&mut world, &anna, packet("too early", 1, ""));
    world.pass(Duration::from_millis(500));
    let ben = world.join("ben", single());
    say(&mut world, &anna, packet("for ben", 2, ""));
    say(&mut world, &anna, packet("for carla", 3, "carla"));
    world.media();
    world.connect(&ben);
    let received = sent(&world.media(), ben.publisher.unwrap());
    assert_eq!(received.len(), 1);
    assert!(contains(&received[0], "for ben"));
    world.connect(&ben);
    assert_eq!(world.media(), [], "only once");
}

#[test]
fn a_client_that_comes_back_gets_what_it_missed() {
    let mut world = World::new();
    let anna = world.join("anna", single());
    let ben = world.join("ben", single());
    world.connect(&anna);
    world.connect(&ben);
    for number in 1..=3 {
        say(&mut world, &anna, packet("tick", number, ""));
    }
    world.media();
    let state = SyncState {
        received: vec![(anna.sid.clone(), 1)],
        ..SyncState::default()
    };
    world.ask(&ben, Request::SyncState(Box::new(state)));
    assert_eq!(sent(&world.media(), ben.publisher.unwrap()).len(), 2);
    // And a sender that comes back learns what arrived.
    let resume = visavis_signal::join::Resume {
        participant: Some(anna.sid.clone()),
        reason: Default::default(),
    };
    let params = JoinParams {
        resume: Some(resume),
        publisher_offer: None,
        ..single()
    };
    let session = world
        .control
        .join(hello("anna", params), world.now)
        .unwrap();
    let Response::Reconnect(reconnect) = &world.told(session)[0] else {
        panic!("not welcomed back");
    };
    assert_eq!(reconnect.last_message_seq, 3);
}
