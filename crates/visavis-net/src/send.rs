//! Sending many datagrams with one system call, and runs of equal ones to one
//! receiver as one message that the kernel or the network card cuts apart.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;

use crate::address::RawAddress;
use crate::control::Control;
use crate::socket::UdpSocket;

/// Longest datagram: an Ethernet frame's payload.
pub const MAX_DATAGRAM: usize = 1_500;
/// Memory of a batch: half a millisecond at 4 Gbit/s.
const BYTES: usize = 256 << 10;
/// Messages per system call.
const MESSAGES: usize = 64;
/// The kernel's limits of one message (`UDP_MAX_SEGMENTS`, IP length).
const MAX_SEGMENTS: usize = 64;
const MAX_RUN: usize = 65_000;

/// What became of what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SendCounters {
    /// Datagrams that the kernel took.
    pub sent: u64,
    /// Datagrams dropped because the kernel's buffer was full.
    pub dropped_full: u64,
    /// Datagrams that could not be sent to their address.
    pub failed: u64,
    /// System calls made.
    pub calls: u64,
}

#[derive(Debug, Clone, Copy)]
struct Run {
    destination: SocketAddr,
    source: Option<IpAddr>,
    start: usize,
    len: usize,
    segment: usize,
    count: usize,
    /// A shorter datagram ends a run.
    closed: bool,
}

/// Datagrams that wait to be sent, in the memory where they were written.
pub struct SendBatch {
    bytes: Vec<u8>,
    used: usize,
    runs: Vec<Run>,
    open: Option<(SocketAddr, Option<IpAddr>)>,
    segmentation: bool,
    counters: SendCounters,
}

impl Default for SendBatch {
    fn default() -> Self {
        Self::new(true)
    }
}

impl SendBatch {
    /// An empty batch. Without `segmentation` every datagram is its own message.
    #[must_use]
    pub fn new(segmentation: bool) -> Self {
        Self {
            bytes: vec![0; BYTES],
            used: 0,
            runs: Vec::with_capacity(BYTES / 64),
            open: None,
            segmentation,
            counters: SendCounters::default(),
        }
    }

    /// The counters so far.
    #[must_use]
    pub fn counters(&self) -> SendCounters {
        self.counters
    }

    /// Whether [`begin`](Self::begin) would say `None`.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.used + MAX_DATAGRAM > self.bytes.len() || self.runs.len() == self.runs.capacity()
    }

    /// Memory to write a datagram to `destination` into; [`commit`](Self::commit)
    /// says how long it became. `None` when the batch is full: flush it first.
    pub fn begin(
        &mut self,
        destination: SocketAddr,
        source: Option<IpAddr>,
    ) -> Option<&mut [u8; MAX_DATAGRAM]> {
        if self.is_full() {
            return None;
        }
        self.open = Some((destination, source));
        self.bytes[self.used..].first_chunk_mut()
    }

    /// Ends the datagram that was begun. Nothing happens when `len` is 0 or too
    /// long, or none was begun.
    pub fn commit(&mut self, len: usize) {
        let Some((destination, source)) = self.open.take() else {
            return;
        };
        if !(1..=MAX_DATAGRAM).contains(&len) {
            return;
        }
        let start = self.used;
        self.used += len;
        let segmentation = self.segmentation;
        let fits = |run: &&mut Run| {
            segmentation
                && !run.closed
                && run.destination == destination
                && run.source == source
                && len <= run.segment
                && run.count < MAX_SEGMENTS
                && run.len + len <= MAX_RUN
        };
        if let Some(run) = self.runs.last_mut().filter(fits) {
            run.len += len;
            run.count += 1;
            run.closed = len < run.segment;
            return;
        }
        let run = Run {
            destination,
            source,
            start,
            len,
            segment: len,
            count: 1,
            closed: false,
        };
        self.runs.push(run);
    }

    /// Sends everything. What the kernel has no room for is dropped and
    /// counted: media that waits is worth less than media that follows.
    pub fn flush(&mut self, socket: &UdpSocket) {
        let mut at = 0;
        while at < self.runs.len() {
            let end = self.runs.len().min(at + MESSAGES);
            match self.send(socket, at..end) {
                Ok(sent) => at += sent,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let dropped = self.runs[at..]
                        .iter()
                        .map(|run| run.count as u64)
                        .sum::<u64>();
                    self.counters.dropped_full += dropped;
                    break;
                }
                Err(error) => {
                    self.handle_failure(at, &error);
                    at += 1;
                }
            }
        }
        self.runs.clear();
        self.used = 0;
    }

    /// The message at `at` was refused. Where that may be because the path
    /// can't cut runs, they are cut here from now on; the run is sent again.
    fn handle_failure(&mut self, at: usize, error: &io::Error) {
        let run = self.runs[at];
        let unsupported = matches!(
            error.raw_os_error(),
            Some(libc::EINVAL | libc::EIO | libc::ENOPROTOOPT | libc::EMSGSIZE)
        );
        if run.count == 1 || !unsupported {
            self.counters.failed += run.count as u64;
            return;
        }
        self.segmentation = false;
        let singles = (0..run.count).map(|n| {
            let start = run.start + n * run.segment;
            let len = run.segment.min(run.start + run.len - start);
            Run {
                start,
                len,
                segment: len,
                count: 1,
                closed: true,
                ..run
            }
        });
        // In place of the refused run's successor: order is kept. This happens
        // once per run that was batched before segmentation was switched off.
        let singles: Vec<Run> = singles.collect();
        self.runs.splice(at + 1..at + 1, singles);
    }

    fn send(&mut self, socket: &UdpSocket, range: std::ops::Range<usize>) -> io::Result<usize> {
        let runs = &self.runs[range];
        let v6 = socket.is_v6();
        let mut names = [RawAddress::zeroed(); MESSAGES];
        let mut controls = [Control::new(); MESSAGES];
        let mut vectors: [libc::iovec; MESSAGES] = std::array::from_fn(|_| libc::iovec {
            iov_base: std::ptr::null_mut(),
            iov_len: 0,
        });
        // SAFETY: mmsghdr is integers and pointers, for which zero is valid.
        let mut headers: [libc::mmsghdr; MESSAGES] = unsafe { std::mem::zeroed() };
        for (at, run) in runs.iter().enumerate() {
            let (name, name_len) = RawAddress::write(run.destination, v6);
            names[at] = name;
            if let Some(source) = run.source {
                controls[at].push_source(source, v6);
            }
            if run.count > 1 {
                controls[at].push_segment(run.segment as u16);
            }
            let bytes = &self.bytes[run.start..run.start + run.len];
            // The kernel only reads through this pointer.
            vectors[at] = libc::iovec {
                iov_base: bytes.as_ptr().cast_mut().cast(),
                iov_len: bytes.len(),
            };
            let header = &mut headers[at].msg_hdr;
            header.msg_name = (&raw mut names[at]).cast();
            header.msg_namelen = name_len;
            header.msg_iov = &raw mut vectors[at];
            header.msg_iovlen = 1;
            if controls[at].len() > 0 {
                header.msg_control = controls[at].as_mut_ptr();
                header.msg_controllen = controls[at].len() as _;
            }
        }
        self.counters.calls += 1;
        // SAFETY: the first `runs.len()` headers point to names, vectors,
        // controls and bytes that outlive the call and are not touched meanwhile.
        let sent = unsafe {
            libc::sendmmsg(
                socket.as_raw_fd(),
                headers.as_mut_ptr(),
                runs.len() as libc::c_uint,
                libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL,
            )
        };
        let sent = usize::try_from(sent).map_err(|_| io::Error::last_os_error())?;
        self.counters.sent += runs[..sent].iter().map(|run| run.count as u64).sum::<u64>();
        Ok(sent)
    }
}
