//! Entry points for fuzzing: plain functions that must return for any input.

use std::net::{Ipv4Addr, SocketAddr};

use crate::{Message, binding_response, mapped_address};

/// A datagram that may be STUN.
pub fn fuzz_stun(data: &[u8]) {
    let Ok(message) = Message::parse(data) else {
        return;
    };
    let _ = message.username_fragments();
    let _ = binding_response(&message, SocketAddr::from((Ipv4Addr::LOCALHOST, 1)));
    let _ = mapped_address(&message, message.transaction());
}
