//! RTP and RTCP as bytes: reading without allocation, rewriting in place.
//!
//! This crate knows packet formats (RFC 3550, 8285, 4585, 4588, 3711, 7714 and
//! the payload descriptors of the codecs we forward) and nothing else: no
//! rooms, no sockets, no clock. Every parser takes untrusted bytes and answers
//! with a value or an error; none panics.
#![forbid(unsafe_code)]

pub mod codec;
pub mod ext;
#[doc(hidden)]
pub mod fuzz;
pub mod ntp;
mod packet;
pub mod rtcp;
pub mod seq;
pub mod srtp;

pub use codec::{Codec, MediaKind};
pub use ext::{ExtensionKind, ExtensionMap};
pub use packet::{
    Extensions, FIXED_HEADER_LEN, RtpError, RtpFields, RtpHeader, RtpWriter, write_osn,
};
