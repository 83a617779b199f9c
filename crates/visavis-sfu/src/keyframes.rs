//! Asking a publisher for keyframes: many receivers want one, one request is sent.

use std::time::{Duration, Instant};

/// Least time between two requests for one layer: an encoder needs that long to
/// answer, and each keyframe costs several frames of bitrate.
const INTERVAL: Duration = Duration::from_millis(500);

/// Requests without an answer after which it is given up until somebody asks
/// anew: a muted camera sends no keyframe.
const MAX_UNANSWERED: u32 = 10;

/// The pending wish for a keyframe of one layer.
#[derive(Debug, Clone, Copy, Default)]
pub struct KeyframeRequests {
    wanted: bool,
    last_sent: Option<Instant>,
    unanswered: u32,
}

impl KeyframeRequests {
    /// Somebody needs a keyframe.
    pub fn want_keyframe(&mut self) {
        if !self.wanted {
            self.unanswered = 0;
        }
        self.wanted = true;
    }

    /// A keyframe began: the wish is fulfilled.
    pub fn handle_keyframe(&mut self) {
        self.wanted = false;
    }

    /// Whether a request must be sent now; the caller sends it.
    pub fn poll_request(&mut self, now: Instant) -> bool {
        let too_early = self.last_sent.is_some_and(|sent| now < sent + INTERVAL);
        if !self.wanted || too_early {
            return false;
        }
        self.unanswered += 1;
        self.wanted = self.unanswered < MAX_UNANSWERED;
        self.last_sent = Some(now);
        true
    }

    /// When [`poll_request`](Self::poll_request) will say yes without further
    /// input, given that it was just asked.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.last_sent
            .filter(|_| self.wanted)
            .map(|sent| sent + INTERVAL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_wishes_make_one_request_and_it_is_repeated_until_answered() {
        let mut requests = KeyframeRequests::default();
        let start = Instant::now();
        assert!(!requests.poll_request(start));
        let mut sent = Vec::new();
        for milli in 0..1_800 {
            let now = start + Duration::from_millis(milli);
            requests.want_keyframe();
            if requests.poll_request(now) {
                sent.push(milli);
            }
        }
        assert_eq!(sent, [0, 500, 1_000, 1_500]);
        assert_eq!(
            requests.poll_timeout(),
            Some(start + Duration::from_millis(2_000))
        );
        requests.handle_keyframe();
        assert_eq!(requests.poll_timeout(), None);
        assert!(!requests.poll_request(start + Duration::from_secs(9)));
    }

    #[test]
    fn an_encoder_that_never_answers_is_left_alone() {
        let mut requests = KeyframeRequests::default();
        let mut now = Instant::now();
        requests.want_keyframe();
        let mut sent = 0;
        for _ in 0..100 {
            sent += u32::from(requests.poll_request(now));
            now += INTERVAL;
        }
        assert_eq!(sent, MAX_UNANSWERED);
        requests.want_keyframe();
        assert!(requests.poll_request(now));
    }
}
