//! A steady meeting: some publish, many receive, and every packet is counted.

use std::io;
use std::time::{Duration, Instant};

use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::LoadError;
use crate::kernel;
use crate::media::Command;
use crate::report::{Report, Spread, Steady};
use crate::room::Room;

/// How long publishers are silent before what they send is measured: time for
/// packets on the way to arrive, so that an independent count can begin.
const SILENCE: Duration = Duration::from_millis(500);
/// How long after the last measured packet was sent others are awaited: time
/// for retransmissions to give up.
const GRACE: Duration = Duration::from_millis(1_500);

pub(crate) async fn run(room: &Room<'_>) -> Result<Report, LoadError> {
    let options = room.options;
    let publishers = 0..options.publishers;
    let subscribers = options.publishers..options.publishers + options.subscribers;
    let streams = room.shapes.len() * options.publishers as usize;
    let publishers: Result<_, _> = publishers.map(|id| room.participant(id, true, 0)).collect();
    let subscribers: Result<_, _> = subscribers
        .map(|id| room.participant(id, false, streams))
        .collect();
    let publishers = room.join(publishers?).await;
    let crowd = room.join(subscribers?).await;

    room.media.tell(Command::Pause).await?;
    sleep(SILENCE).await;
    if let Some(command) = &options.before_window {
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", command]);
        let ran = spawn_blocking(move || shell.status()).await;
        let status = ran.map_err(io::Error::other)??;
        if !status.success() {
            return Err(LoadError::BeforeWindow(status));
        }
    }

    let cpu = || {
        options
            .server_pid
            .and_then(|pid| kernel::cpu_time(pid).ok())
    };
    let (start, cpu_before) = (Instant::now(), cpu());
    room.media.tell(Command::OpenWindow).await?;
    sleep(Duration::from_secs(options.seconds.into())).await;
    room.media.tell(Command::CloseWindow).await?;
    let (duration, cpu_after) = (start.elapsed(), cpu());
    sleep(GRACE).await;
    let totals = room.media.collect().await?;

    let mut report = Report::new(options.publishers + options.subscribers);
    report.note_joined(publishers.joined.values().chain(crowd.joined.values()));
    report.note_failures(crowd.leave().await);
    report.note_failures(publishers.leave().await);
    let all =
        |pick: fn(&crate::tally::Counted) -> u64| Spread::of(totals.receivers.values().map(pick));
    report.steady = Some(Steady {
        duration_ms: duration.as_millis() as u64,
        published: totals.published,
        receivers: totals.receivers.len() as u32,
        expected: all(|counted| counted.expected),
        received: all(|counted| counted.received),
        lost: all(|counted| counted.lost()),
        duplicate: all(|counted| counted.duplicate),
        late: all(|counted| counted.late),
        latency_us: [0.5, 0.95, 0.99].map(|share| {
            let latency = totals.latency.quantile(share);
            latency.map_or(0, |latency| latency.as_micros() as u64)
        }),
        server_cpu_ms: cpu_before
            .zip(cpu_after)
            .map(|(before, after)| after.saturating_sub(before).as_millis() as u64),
    });
    report.note_generator(&totals);
    Ok(report)
}
