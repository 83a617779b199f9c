//! visavis-sdp
