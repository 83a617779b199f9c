//! Feedback to publishers, and one clock for what belongs together.

use std::time::Duration;

use str0m::rtp::rtcp::Rtcp;
use visavis_rtp::MediaKind;
use visavis_sfu::TrackId;

use crate::meeting::Meeting;
use crate::network::Link;
use crate::sources::Mark;

const CAMERA: TrackId = TrackId(1);
const MICROPHONE: TrackId = TrackId(2);

#[test]
fn a_publisher_is_told_when_each_of_its_packets_arrived() {
    let mut meeting = Meeting::new(21);
    let publisher = meeting.join();
    meeting.publish_camera(publisher, CAMERA, &[]);
    meeting.publish_microphone(publisher, MICROPHONE);
    meeting.clients[publisher].up = Link::LOSSY;
    meeting.connect();
    meeting.run(Duration::from_secs(10));
    let client = &meeting.clients[publisher];
    let (mut reports, mut statuses, mut next) = (0u32, 0u32, None);
    for (_, rtcp) in &client.rtcp {
        if let Rtcp::Twcc(twcc) = rtcp {
            reports += 1;
            statuses += u32::from(twcc.status_count);
            assert!(
                next.is_none_or(|next| next == twcc.base_seq),
                "each number once"
            );
            next = Some(twcc.base_seq.wrapping_add(twcc.status_count));
        }
    }
    assert!((100..=220).contains(&reports), "{reports}");
    // 240 video and 50 audio packets a second, and what was sent again.
    assert!((2_700..3_500).contains(&statuses), "{statuses}");
    assert!(!client.estimates.is_empty(), "its estimator works with it");
}

#[test]
fn a_receiver_report_says_what_was_lost() {
    let mut meeting = Meeting::new(22);
    let publisher = meeting.join();
    meeting.publish_camera(publisher, CAMERA, &[]);
    meeting.connect();
    meeting.run(Duration::from_secs(3));
    let ssrc = meeting.clients[publisher].cameras[0].layers[0].ssrc;
    let blocks = |meeting: &Meeting| {
        let mut blocks = Vec::new();
        for (_, rtcp) in &meeting.clients[0].rtcp {
            let reports = match rtcp {
                Rtcp::ReceiverReport(report) => &report.reports,
                Rtcp::SenderReport(report) => &report.reports,
                _ => continue,
            };
            blocks.extend(reports.iter().filter(|block| block.ssrc == ssrc).copied());
        }
        blocks
    };
    let calm = blocks(&meeting);
    assert!(calm.len() >= 2 && calm.iter().all(|block| block.fraction_lost == 0));
    let last = calm.last().unwrap();
    assert!(last.last_sr_time != 0, "it answers the sender report");
    meeting.clients[publisher].up = Link {
        loss: 50,
        ..Link::GOOD
    };
    meeting.run(Duration::from_secs(2));
    let worst = blocks(&meeting)
        .iter()
        .map(|block| block.fraction_lost)
        .max();
    assert!(worst > Some(20), "{worst:?}");
}

#[test]
fn sound_and_picture_of_a_publisher_are_told_on_one_clock() {
    let mut meeting = Meeting::new(23);
    let publisher = meeting.join();
    meeting.publish_camera(publisher, CAMERA, &["q", "h", "f"]);
    meeting.publish_microphone(publisher, MICROPHONE);
    let receiver = meeting.join();
    let video = meeting.subscribe(receiver, CAMERA, MediaKind::Video);
    let audio = meeting.subscribe(receiver, MICROPHONE, MediaKind::Audio);
    meeting.connect();
    meeting.run(Duration::from_secs(4));
    meeting.want(receiver, CAMERA, crate::meeting::SIZES[0]);
    meeting.run(Duration::from_secs(4));
    let client = &meeting.clients[receiver];
    // Our time at which each report says that what it was captured with plays.
    let offset = |ssrc: u32, rate: f64, mark: fn(&[u8]) -> Mark| {
        let got = client.media(ssrc);
        let newest = got.last().unwrap();
        let captured = f64::from(mark(&newest.payload).captured) / 1_000.0;
        let reports = client.sender_reports(ssrc);
        assert!(reports.len() >= 6, "{}", reports.len());
        let last = reports.last().unwrap();
        let ntp = last.ntp_time.duration_since(std::time::UNIX_EPOCH).unwrap();
        let ticks = newest.timestamp.wrapping_sub(last.rtp_time.numer() as u32) as i32;
        ntp.as_secs_f64() + f64::from(ticks) / rate - captured
    };
    let picture = offset(video, 90_000.0, |payload| Mark::of_video(payload).0);
    let sound = offset(audio, 48_000.0, Mark::of_audio);
    let apart = (picture - sound).abs();
    assert!(apart < 0.003, "{apart} s apart");
    assert_eq!(
        client.sections.sends[0].cname,
        client.sections.sends[1].cname
    );
}
