//! Joining and leaving again and again, with a look at what the server keeps.

use std::time::Duration;

use tokio::time::sleep;

use crate::LoadError;
use crate::kernel::{self, Footprint};
use crate::options::Churn;
use crate::report::{Report, RoundFootprint};
use crate::room::Room;

/// How often the server's footprint is looked at until it stands still.
const LOOK: Duration = Duration::from_millis(200);
/// Looks at most: clearing up takes a server a moment, not for ever.
const LOOKS: usize = 25;

pub(crate) async fn run(room: &Room<'_>, churn: Churn) -> Result<Report, LoadError> {
    let mut report = Report::new(churn.joins.saturating_mul(churn.rounds));
    for round in 1..=churn.rounds {
        let crowd = room.join(participants(room, churn, round)?).await;
        report.note_joined(crowd.joined.values());
        let totals = room.media.collect().await?;
        report.note_generator(&totals);
        report.note_failures(crowd.leave().await);
        if let Some(pid) = room.options.server_pid {
            let footprint = settled(pid).await?;
            report.footprints.push(RoundFootprint { round, footprint });
        }
    }
    Ok(report)
}

fn participants(
    room: &Room<'_>,
    churn: Churn,
    round: u32,
) -> Result<Vec<crate::session::Participant>, LoadError> {
    let publishers = room.options.publishers;
    let make = |at: u32| {
        let publishes = at < publishers;
        // Everyone hears all others.
        let others = publishers - u32::from(publishes);
        let wants = others as usize * room.shapes.len();
        room.participant((round - 1) * churn.joins + at, publishes, wants)
    };
    (0..churn.joins).map(make).collect()
}

/// What the server holds once its threads and descriptors stand still.
async fn settled(pid: u32) -> Result<Footprint, LoadError> {
    let mut before = kernel::footprint(pid)?;
    for _ in 0..LOOKS {
        sleep(LOOK).await;
        let now = kernel::footprint(pid)?;
        let same = (now.threads, now.descriptors) == (before.threads, before.descriptors);
        before = now;
        if same {
            break;
        }
    }
    Ok(before)
}
