//! Waiting for a socket, a wake-up from another thread, or a time.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

/// Events taken per wait; there are a handful of sockets.
const EVENTS: usize = 16;
/// The token of the waker; sockets have smaller ones.
const WAKER: u64 = u64::MAX;

/// What is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ready {
    /// The socket that was added with this token can be read.
    Socket(u64),
    /// A [`Waker`] was used.
    Woken,
}

/// Waits for several descriptors (epoll).
#[derive(Debug)]
pub struct Poller {
    epoll: OwnedFd,
    event: Arc<OwnedFd>,
}

/// Wakes a [`Poller`] from any thread.
#[derive(Debug, Clone)]
pub struct Waker {
    event: Arc<OwnedFd>,
}

impl Poller {
    /// A poller with its waker.
    ///
    /// # Errors
    /// When the system is out of descriptors.
    pub fn new() -> io::Result<Self> {
        // SAFETY: the call takes no pointers.
        let epoll = owned(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: the call takes no pointers.
        let event = owned(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) })?;
        let poller = Self {
            epoll,
            event: Arc::new(event),
        };
        poller.register(poller.event.as_raw_fd(), WAKER)?;
        Ok(poller)
    }

    /// Watches `socket` for being readable. `token` names it.
    ///
    /// # Errors
    /// As the system says.
    pub fn add(&self, socket: &impl AsRawFd, token: u64) -> io::Result<()> {
        self.register(socket.as_raw_fd(), token)
    }

    fn register(&self, descriptor: RawFd, token: u64) -> io::Result<()> {
        let mut event = libc::epoll_event {
            events: libc::EPOLLIN as u32,
            u64: token,
        };
        // SAFETY: both descriptors are open, the event lives on this stack frame.
        let result = unsafe {
            libc::epoll_ctl(
                self.epoll.as_raw_fd(),
                libc::EPOLL_CTL_ADD,
                descriptor,
                &raw mut event,
            )
        };
        if result == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }

    /// A handle that wakes this poller.
    #[must_use]
    pub fn waker(&self) -> Waker {
        Waker {
            event: Arc::clone(&self.event),
        }
    }

    /// Waits until something is ready or `timeout` has passed (`None`: for
    /// ever), and calls `each` with what is.
    ///
    /// # Errors
    /// As the system says; a signal only ends the wait.
    pub fn wait(&self, timeout: Option<Duration>, mut each: impl FnMut(Ready)) -> io::Result<()> {
        // Rounded up: waking a little late beats spinning until it is time.
        let millis = timeout.map_or(-1, |timeout| {
            libc::c_int::try_from(timeout.as_nanos().div_ceil(1_000_000))
                .unwrap_or(libc::c_int::MAX)
        });
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; EVENTS];
        // SAFETY: the pointer and the count describe the array above.
        let count = unsafe {
            libc::epoll_wait(
                self.epoll.as_raw_fd(),
                events.as_mut_ptr(),
                EVENTS as libc::c_int,
                millis,
            )
        };
        let Ok(count) = usize::try_from(count) else {
            let error = io::Error::last_os_error();
            return if error.kind() == io::ErrorKind::Interrupted {
                Ok(())
            } else {
                Err(error)
            };
        };
        for event in &events[..count] {
            match event.u64 {
                WAKER => {
                    self.drain();
                    each(Ready::Woken);
                }
                token => each(Ready::Socket(token)),
            }
        }
        Ok(())
    }

    /// Takes the wake-ups back, so that the next wait waits.
    fn drain(&self) {
        let mut count = 0u64;
        // SAFETY: an eventfd gives exactly eight octets, which `count` has room for.
        let _ = unsafe { libc::read(self.event.as_raw_fd(), (&raw mut count).cast(), 8) };
    }
}

impl Waker {
    /// Ends the poller's wait, or its next one. It can't fail: a full counter
    /// means that a wake-up is pending already.
    pub fn wake(&self) {
        let one = 1u64;
        // SAFETY: the pointer and the length describe one u64 on this stack frame.
        let _ = unsafe { libc::write(self.event.as_raw_fd(), (&raw const one).cast(), 8) };
    }
}

fn owned(descriptor: libc::c_int) -> io::Result<OwnedFd> {
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor was just made for us and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}
