//! Whoever leaves leaves nothing behind.

use std::time::Duration;

use visavis_rtp::MediaKind;
use visavis_sfu::TrackId;
use visavis_shard::{CloseReason, MediaCommand, MediaEvent};

use crate::meeting::Meeting;

#[test]
fn a_hundred_who_come_and_go_leave_nothing_behind() {
    let mut meeting = Meeting::new(41);
    for round in 0..50u64 {
        let (camera, microphone) = (TrackId(round * 2), TrackId(round * 2 + 1));
        let publisher = meeting.join();
        meeting.publish_camera(publisher, camera, &["q", "h", "f"]);
        meeting.publish_microphone(publisher, microphone);
        let receiver = meeting.join();
        meeting.subscribe(receiver, camera, MediaKind::Video);
        meeting.subscribe(receiver, microphone, MediaKind::Audio);
        // One that never comes.
        meeting.subscribe(receiver, TrackId(1_000_000 + round), MediaKind::Video);
        meeting.connect();
        meeting.run(Duration::from_millis(300));
        assert_eq!(meeting.core.transports(), 2);
        assert!(!meeting.core.is_empty());
        let mut ids: Vec<_> = meeting.clients.iter().map(|client| client.id).collect();
        if round % 2 == 1 {
            ids.reverse();
        }
        if round % 3 == 0 {
            meeting.command(MediaCommand::RemoveTrack(camera));
        }
        for id in ids {
            meeting.command(MediaCommand::Close(id));
        }
        meeting.clients.clear();
        meeting.sent.clear();
        meeting.arrived.clear();
        assert_eq!(meeting.core.transports(), 0);
    }
    // Timers that were set for them come, and find nobody.
    meeting.run(Duration::from_secs(5));
    assert!(meeting.core.is_empty());
}

#[test]
fn a_client_that_falls_silent_is_closed_and_told_of() {
    let mut meeting = Meeting::new(42);
    let (stays, goes) = (meeting.join(), meeting.join());
    meeting.connect();
    let (home, _) = meeting.clients[goes].addresses[0];
    meeting.clients[goes].cut = vec![home];
    let closed = MediaEvent::Closed(meeting.clients[goes].id, CloseReason::TimedOut);
    let told = |meeting: &Meeting| meeting.events.contains(&closed);
    assert!(!meeting.run_until(Duration::from_secs(10), told));
    assert!(meeting.run_until(Duration::from_secs(10), told));
    assert_eq!(meeting.core.transports(), 1);
    let other = meeting.clients[stays].id;
    let others = |event: &&MediaEvent| matches!(event, MediaEvent::Closed(id, _) if *id == other);
    assert_eq!(meeting.events.iter().filter(others).count(), 0);
}
