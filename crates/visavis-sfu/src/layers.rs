//! Which layer of a simulcast track a receiver gets: what it asked for, limited
//! by what its network takes.

use std::time::{Duration, Instant};

/// Loss at which a receiver's network is taken to be full, in 1/256 of the
/// packets: 10 %. Below, retransmission repairs it; random loss on radio links
/// stays below.
const TOO_MUCH: u8 = 26;
/// Loss at which it is taken to have room: 2 %.
const LITTLE: u8 = 5;
/// Time between two steps down: a step takes a round trip and a report to show.
const STEP_DOWN: Duration = Duration::from_millis(1_500);
/// Calm needed for the first step up; doubled each time going up failed.
const STEP_UP: Duration = Duration::from_secs(5);
const STEP_UP_MAX: Duration = Duration::from_secs(60);
/// A step up that is followed by loss this soon has failed.
const FAILED_WITHIN: Duration = Duration::from_secs(10);

/// The size that a layer has, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerSize {
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

/// The smallest layer that is at least as large as `wanted`, or the largest
/// there is. `layers` go from small to large; `None` when there are none.
#[must_use]
pub fn layer_for(layers: &[LayerSize], wanted: LayerSize) -> Option<usize> {
    // The encoder rounds sizes; a few missing pixels are no reason for four
    // times the bitrate. Portrait and landscape ask for the same area.
    let area = |size: &LayerSize| u64::from(size.width) * u64::from(size.height);
    let enough = area(&wanted) * 9 / 10;
    layers
        .iter()
        .position(|layer| area(layer) >= enough)
        .or(layers.len().checked_sub(1))
}

/// Steps a receiver's video down while its network loses too much, and back up
/// when it is calm. It stands in until bandwidth is estimated. Audio is never
/// asked.
#[derive(Debug, Clone, Copy)]
pub struct DownlinkGuard {
    /// Layers below what was asked for.
    steps: u8,
    most: u8,
    changed: Option<Instant>,
    calm_since: Option<Instant>,
    patience: Duration,
    went_up: bool,
}

impl DownlinkGuard {
    /// No limit. `most` is how many steps there are at most, the last one being
    /// no video at all.
    #[must_use]
    pub fn new(most: u8) -> Self {
        Self {
            steps: 0,
            most,
            changed: None,
            calm_since: None,
            patience: STEP_UP,
            went_up: false,
        }
    }

    /// Steps below what the receiver asked for.
    #[must_use]
    pub fn steps(&self) -> u8 {
        self.steps
    }

    /// Takes the share that the receiver lost since its last report, in 1/256
    /// (RFC 3550 section 6.4.1); whether [`steps`](Self::steps) changed.
    pub fn handle_loss(&mut self, fraction_lost: u8, now: Instant) -> bool {
        let before = self.steps;
        if fraction_lost >= TOO_MUCH {
            self.calm_since = None;
            self.step_down(now);
        } else if fraction_lost <= LITTLE {
            let calm_since = *self.calm_since.get_or_insert(now);
            self.step_up(calm_since, now);
        } else {
            self.calm_since = None;
        }
        self.steps != before
    }

    /// The receiver itself says that its network takes less than it is sent;
    /// whether [`steps`](Self::steps) changed.
    pub fn handle_congestion(&mut self, now: Instant) -> bool {
        self.handle_loss(TOO_MUCH, now)
    }

    fn step_down(&mut self, now: Instant) {
        let waiting = self.changed.is_some_and(|at| now < at + STEP_DOWN) && !self.went_up;
        if waiting || self.steps == self.most {
            return;
        }
        let failed = self.went_up && self.changed.is_some_and(|at| now < at + FAILED_WITHIN);
        if failed {
            self.patience = (self.patience * 2).min(STEP_UP_MAX);
        }
        self.steps += 1;
        self.changed = Some(now);
        self.went_up = false;
    }

    fn step_up(&mut self, calm_since: Instant, now: Instant) {
        let since = self.changed.map_or(calm_since, |at| at.max(calm_since));
        if self.steps == 0 {
            // A network that carries everything for long has proved itself.
            if now >= since + STEP_UP_MAX {
                self.patience = STEP_UP;
            }
            return;
        }
        if now >= since + self.patience {
            self.steps -= 1;
            self.changed = Some(now);
            self.went_up = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: [LayerSize; 3] = [
        LayerSize {
            width: 320,
            height: 180,
        },
        LayerSize {
            width: 640,
            height: 360,
        },
        LayerSize {
            width: 1280,
            height: 720,
        },
    ];

    fn size(width: u32, height: u32) -> LayerSize {
        LayerSize { width, height }
    }

    #[test]
    fn the_smallest_layer_that_is_large_enough_is_taken() {
        for (wanted, layer) in [
            (size(160, 90), 0),
            (size(320, 180), 0),
            (size(336, 180), 0),
            (size(480, 270), 1),
            (size(360, 640), 1),
            (size(1280, 720), 2),
            (size(3840, 2160), 2),
        ] {
            assert_eq!(layer_for(&SIZES, wanted), Some(layer), "{wanted:?}");
        }
        assert_eq!(layer_for(&[], size(1, 1)), None);
    }

    /// Reports every second; gives the seconds at which the steps changed, and to what.
    fn run(
        guard: &mut DownlinkGuard,
        loss: impl Fn(u64, u8) -> u8,
        seconds: u64,
    ) -> Vec<(u64, u8)> {
        let start = Instant::now();
        let mut changes = Vec::new();
        for second in 0..seconds {
            let now = start + Duration::from_secs(second);
            if guard.handle_loss(loss(second, guard.steps()), now) {
                changes.push((second, guard.steps()));
            }
        }
        changes
    }

    #[test]
    fn loss_steps_down_and_calm_steps_back_up() {
        let mut guard = DownlinkGuard::new(3);
        let lossy = |second, _| if second < 4 { 51 } else { 0 };
        let changes = run(&mut guard, lossy, 30);
        assert_eq!(changes, [(0, 1), (2, 2), (9, 1), (14, 0)]);
    }

    #[test]
    fn little_loss_changes_nothing() {
        let mut guard = DownlinkGuard::new(3);
        assert_eq!(run(&mut guard, |_, _| 20, 60), []);
    }

    #[test]
    fn a_network_that_never_has_room_is_asked_less_and_less_often() {
        let mut guard = DownlinkGuard::new(3);
        // It carries one step below what was asked for, and not more.
        let narrow = |_, steps| if steps == 0 { 60 } else { 0 };
        let changes = run(&mut guard, narrow, 300);
        let ups: Vec<u64> = changes
            .iter()
            .filter(|(_, steps)| *steps == 0)
            .map(|(second, _)| *second)
            .collect();
        assert!(ups.len() <= 7, "{ups:?}");
        let gaps: Vec<u64> = ups.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps.windows(2).all(|pair| pair[1] >= pair[0]), "{gaps:?}");
        assert!(gaps.last().is_some_and(|gap| *gap >= 60), "{gaps:?}");
    }

    #[test]
    fn the_last_step_is_the_last() {
        let mut guard = DownlinkGuard::new(2);
        run(&mut guard, |_, _| 255, 60);
        assert_eq!(guard.steps(), 2);
    }
}
