//! Which indices were received already (RFC 3711 section 3.3.2).

/// Packets a window looks back. 64 is the RFC's least; video at 500 packets/s
/// with reordering over 200 ms needs more.
const WINDOW: u64 = 128;

/// A sliding window over packet indices.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ReplayWindow {
    newest: Option<u64>,
    /// Bit n: `newest - n` was received.
    seen: u128,
}

impl ReplayWindow {
    /// Whether `index` is new. Call [`Self::accept`] only after authentication.
    pub(super) fn is_new(&self, index: u64) -> bool {
        match self.newest {
            None => true,
            Some(newest) if index > newest => true,
            Some(newest) => newest - index < WINDOW && self.seen & (1 << (newest - index)) == 0,
        }
    }

    /// Marks `index` as received.
    pub(super) fn accept(&mut self, index: u64) {
        let newest = self.newest.unwrap_or(index);
        if index >= newest {
            let step = index - newest;
            self.seen = if step >= WINDOW { 0 } else { self.seen << step };
            self.seen |= 1;
            self.newest = Some(index);
        } else if newest - index < WINDOW {
            self.seen |= 1 << (newest - index);
        }
    }

    pub(super) fn newest(&self) -> Option<u64> {
        self.newest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_new_once_and_while_the_window_remembers() {
        let mut window = ReplayWindow::default();
        for index in [10, 12, 11, 200] {
            assert!(window.is_new(index));
            window.accept(index);
            assert!(!window.is_new(index));
        }
        assert!(!window.is_new(11) && !window.is_new(200 - WINDOW));
        assert!(window.is_new(199) && window.is_new(200 - WINDOW + 1));
        window.accept(10_000);
        assert!(!window.is_new(200) && window.is_new(9_999));
    }
}
