//! What a token allows. The only place where a permission is decided.

use crate::track::Source;

/// The `video` grants of a LiveKit token. `None` is "not said", with LiveKit's
/// defaults behind the methods.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grants {
    /// May join [`room`](Self::room).
    pub room_join: bool,
    /// The room that the token is for.
    pub room: String,
    /// May create and delete rooms.
    pub room_create: bool,
    /// May list rooms.
    pub room_list: bool,
    /// May record.
    pub room_record: bool,
    /// May moderate [`room`](Self::room).
    pub room_admin: bool,
    /// May publish tracks; yes by default.
    pub can_publish: Option<bool>,
    /// May receive tracks; yes by default.
    pub can_subscribe: Option<bool>,
    /// May send data; as [`can_publish`](Self::can_publish) by default.
    pub can_publish_data: Option<bool>,
    /// Sources that may be published; empty means all.
    pub can_publish_sources: Vec<Source>,
    /// May change its own name, metadata and attributes; no by default.
    pub can_update_own_metadata: Option<bool>,
    /// Is not announced to others.
    pub hidden: bool,
    /// Records the room.
    pub recorder: bool,
}

impl Grants {
    /// Whether the holder may enter `room`.
    #[must_use]
    pub fn may_join(&self, room: &str) -> bool {
        self.room_join && !room.is_empty() && self.room == room
    }

    /// Whether the holder may publish anything.
    #[must_use]
    pub fn may_publish(&self) -> bool {
        self.can_publish.unwrap_or(true)
    }

    /// Whether the holder may publish from `source`.
    #[must_use]
    pub fn may_publish_source(&self, source: Source) -> bool {
        let listed =
            self.can_publish_sources.is_empty() || self.can_publish_sources.contains(&source);
        self.may_publish() && listed
    }

    /// Whether the holder may receive tracks.
    #[must_use]
    pub fn may_subscribe(&self) -> bool {
        self.can_subscribe.unwrap_or(true)
    }

    /// Whether the holder may send data.
    #[must_use]
    pub fn may_publish_data(&self) -> bool {
        self.can_publish_data.unwrap_or_else(|| self.may_publish())
    }

    /// Whether the holder may change its own name, metadata and attributes.
    #[must_use]
    pub fn may_update_own_metadata(&self) -> bool {
        self.can_update_own_metadata.unwrap_or(false)
    }
}
