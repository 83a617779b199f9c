//! Real datagrams over loopback.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop")]

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use visavis_net::{Poller, Ready, RecvBatch, SendBatch, UdpSocket};

/// Longest that loopback may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(10);

fn bind(address: &str) -> UdpSocket {
    UdpSocket::bind(address.parse().unwrap()).unwrap()
}

type Got = (SocketAddr, Option<IpAddr>, Vec<u8>);

/// Receives until there are `count` datagrams.
fn receive(socket: &UdpSocket, count: usize) -> Vec<Got> {
    let poller = Poller::new().unwrap();
    poller.add(socket, 7).unwrap();
    let mut batch = RecvBatch::default();
    let mut got = Vec::new();
    let start = Instant::now();
    while got.len() < count {
        assert!(
            start.elapsed() < DEADLINE,
            "{} of {count} datagrams",
            got.len()
        );
        poller
            .wait(Some(Duration::from_millis(100)), |_| ())
            .unwrap();
        batch.receive(socket).unwrap();
        batch.for_each(|d| got.push((d.source, d.local_ip, d.payload.to_vec())));
    }
    got
}

fn put(batch: &mut SendBatch, to: SocketAddr, from: Option<IpAddr>, payload: &[u8]) {
    batch.begin(to, from).unwrap()[..payload.len()].copy_from_slice(payload);
    batch.commit(payload.len());
}

/// Frames as a video sender makes them: equal packets and a shorter last one.
fn frames() -> Vec<Vec<u8>> {
    (0..40u8)
        .map(|n| {
            vec![
                n;
                if n % 8 == 7 {
                    300 + usize::from(n)
                } else {
                    1_200
                }
            ]
        })
        .collect()
}

#[test]
fn runs_arrive_as_the_datagrams_they_were_written_as() {
    for segmentation in [true, false] {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let (sender, receiver) = (bind(address), bind(address));
            let mut batch = SendBatch::new(segmentation);
            let sent = frames();
            for payload in &sent {
                put(&mut batch, receiver.local_addr(), None, payload);
            }
            batch.flush(&sender);
            let counters = batch.counters();
            assert_eq!(
                (counters.sent, counters.failed, counters.dropped_full),
                (40, 0, 0)
            );
            assert_eq!(counters.calls, 1);
            let got = receive(&receiver, sent.len());
            for ((source, local_ip, payload), sent) in got.iter().zip(&sent) {
                assert_eq!(payload, sent);
                assert_eq!(*source, sender.local_addr());
                assert_eq!(*local_ip, Some(receiver.local_addr().ip()));
            }
        }
    }
}

#[test]
fn one_wildcard_socket_speaks_both_families_from_the_address_it_was_spoken_to() {
    let server = bind("[::]:0");
    let port = server.local_addr().port();
    for (client, local) in [("127.0.0.1:0", "127.0.0.2"), ("[::1]:0", "::1")] {
        let client = bind(client);
        let local: IpAddr = local.parse().unwrap();
        let mut batch = SendBatch::default();
        put(&mut batch, SocketAddr::new(local, port), None, b"hello");
        batch.flush(&client);
        let (source, local_ip, _) = receive(&server, 1).remove(0);
        assert_eq!((source, local_ip), (client.local_addr(), Some(local)));
        put(&mut batch, source, local_ip, b"back");
        batch.flush(&server);
        let (source, _, payload) = receive(&client, 1).remove(0);
        assert_eq!(
            (source, &payload[..]),
            (SocketAddr::new(local, port), &b"back"[..])
        );
    }
}

#[test]
fn what_cannot_be_sent_is_counted_and_the_rest_goes_on() {
    let (sender, receiver) = (bind("127.0.0.1:0"), bind("127.0.0.1:0"));
    let mut batch = SendBatch::default();
    put(&mut batch, receiver.local_addr(), None, b"first");
    // No socket of ours has that address.
    put(
        &mut batch,
        receiver.local_addr(),
        Some("192.0.2.1".parse().unwrap()),
        b"never",
    );
    put(&mut batch, receiver.local_addr(), None, b"last");
    batch.flush(&sender);
    assert_eq!((batch.counters().sent, batch.counters().failed), (2, 1));
    let got = receive(&receiver, 2);
    assert_eq!(
        (&got[0].2[..], &got[1].2[..]),
        (&b"first"[..], &b"last"[..])
    );
}

#[test]
fn a_batch_is_bounded_and_takes_no_nonsense() {
    let (sender, receiver) = (bind("127.0.0.1:0"), bind("127.0.0.1:0"));
    let mut batch = SendBatch::default();
    batch.commit(5);
    let mut count = 0;
    while let Some(slot) = batch.begin(receiver.local_addr(), None) {
        slot[0] = 1;
        batch.commit(1_200);
        count += 1;
        assert!(count < 10_000);
    }
    assert!(batch.is_full());
    batch.begin(receiver.local_addr(), None);
    batch.flush(&sender);
    assert!(!batch.is_full());
    let counters = batch.counters();
    assert_eq!(counters.sent + counters.dropped_full, count);
}

#[test]
fn a_waker_ends_the_wait_once() {
    let poller = Poller::new().unwrap();
    let waker = poller.waker();
    let thread = std::thread::spawn(move || {
        waker.wake();
        waker.wake();
    });
    let mut ready = Vec::new();
    poller
        .wait(Some(DEADLINE), |what| ready.push(what))
        .unwrap();
    assert_eq!(ready, [Ready::Woken]);
    thread.join().unwrap();
    poller.wait(Some(Duration::ZERO), |_| ()).unwrap();
    poller
        .wait(Some(Duration::ZERO), |what| panic!("{what:?}"))
        .unwrap();
}
