//! Where log lines go.

use std::io::{IsTerminal as _, stderr};

use tracing::Level;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Starts logging to standard error. Ours is logged down to `level`; of the
/// libraries only what goes wrong, since they know no rule about tokens and
/// addresses.
pub(crate) fn start(level: Level) {
    let ours = Targets::new()
        .with_default(Level::WARN.min(level))
        .with_target("visavis", level);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal())
        .with_target(level >= Level::DEBUG)
        .with_filter(ours);
    // Fails when there is one already: the first counts.
    let _ = tracing_subscriber::registry().with(lines).try_init();
}
