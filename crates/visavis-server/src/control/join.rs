//! How a participant comes in.

use visavis_rooms::{JoinRequest, ParticipantInfo, ParticipantSid};
use visavis_sdp::Offerer;
use visavis_shard::MediaCommand;
use visavis_signal::Response;
use visavis_signal::response::Join;

use super::core::{Control, ControlOutput, Moment, SessionId};
use super::data::PeerData;
use super::handle::{Hello, JoinRefused};
use super::peer::{
    ClientTraits, Newcomer, Peer, Session, Subscriber, credentials, local_transport,
};
use super::sessions::REFRESH;

impl Control {
    /// Lets somebody in, or back in. The session's first responses are among the
    /// outputs when this returns.
    ///
    /// # Errors
    /// When its token or the room does not allow it. A session that can't be
    /// resumed is no error: its client is told to join anew.
    pub fn join(&mut self, hello: Hello, now: Moment) -> Result<SessionId, JoinRefused> {
        if let Some(resume) = hello.params.resume.clone() {
            return self.resume(hello, &resume, now);
        }
        let joined = self.rooms.join(request(&hello, now), now.instant)?;
        let sid = joined.participant.sid.clone();
        let session = self.next_session();
        self.admit(&joined.participant, session, &hello, now);
        let subscribes =
            !hello.params.single_peer_connection && joined.participant.grants.may_subscribe();
        let join = Join {
            subscriber_primary: subscribes,
            fast_publish: joined.participant.grants.may_publish(),
            joined,
            ice_servers: self.config.ice_servers.clone(),
            client_configuration: None,
            server: self.config.server.clone(),
        };
        self.respond(&sid, Response::Join(Box::new(join)));
        let params = hello.params;
        self.guarded(&sid, now, |control| {
            if subscribes {
                control.open_subscriber(&sid);
            }
            // What is there already belongs into the very first answer.
            control.pass_on_all();
            for track in params.add_tracks {
                control.handle_add_track(&sid, track, now);
            }
            control.pass_on_all();
            if let Some(offer) = params.publisher_offer {
                control.handle_offer(&sid, &offer, now);
            }
            control.refresh_token(&sid, now);
        });
        self.changed.insert(sid);
        self.settle(now);
        Ok(session)
    }

    /// Whether somebody would be let in now.
    ///
    /// # Errors
    /// As [`join`](Self::join).
    pub fn validate(&self, hello: &Hello, now: Moment) -> Result<(), JoinRefused> {
        Ok(self.rooms.validate(request(hello, now))?)
    }

    fn admit(&mut self, info: &ParticipantInfo, session: SessionId, hello: &Hello, now: Moment) {
        let sid = &info.sid;
        let lite = ClientTraits::from(&hello.params).ice_lite;
        let local = local_transport(&self.config, session.0, lite);
        let newcomer = Newcomer {
            sid: sid.clone(),
            room: hello.room.clone(),
            api_key: hello.api_key.clone(),
            token_expires: hello.claims.expires,
            session: Session {
                id: session,
                last_heard: now.instant,
                refresh_at: now.instant + REFRESH,
            },
            data: PeerData::new(info, now),
            local,
        };
        self.peers
            .insert(sid.clone(), Peer::new(newcomer, &hello.params));
        self.sessions.insert(session, sid.clone());
        self.wake_sweep(now);
    }

    /// The transport that we offer on: its connection is what makes the client
    /// "connected", so it is there at once, with or without media.
    fn open_subscriber(&mut self, sid: &ParticipantSid) {
        let transport = self.next_transport();
        let Some(peer) = self.peers.get_mut(sid) else {
            return;
        };
        let local = local_transport(&self.config, transport.0, peer.client.ice_lite);
        let command = MediaCommand::Open {
            transport,
            local: credentials(&local),
            ice_lite: local.ice_lite,
            open_channels: true,
        };
        peer.subscriber = Some(Subscriber {
            transport,
            offerer: Offerer::new(local.clone()),
            local,
            offer_id: 0,
            outstanding: false,
        });
        self.transports.insert(transport, sid.clone());
        self.command(command);
    }

    /// Turns a session away with a message, because it can't be resumed.
    pub(super) fn turn_away(&mut self, response: Response) -> SessionId {
        let session = self.next_session();
        self.outputs
            .push_back(ControlOutput::Respond(session, response));
        self.outputs.push_back(ControlOutput::Close(session));
        session
    }

    /// The names of those who are announced in a room, in the order of arrival.
    #[must_use]
    pub fn participant_names(&self, room: &str) -> Vec<String> {
        let mut people: Vec<_> = self
            .peers
            .values()
            .filter(|peer| peer.room == room)
            .filter_map(|peer| self.rooms.participant(&peer.sid))
            .filter(|info| !info.grants.hidden)
            .collect();
        people.sort_by_key(|info| (info.joined_at, &info.sid));
        let name = |info: &&ParticipantInfo| match info.name.is_empty() {
            true => info.identity.clone(),
            false => info.name.clone(),
        };
        people.iter().map(name).collect()
    }
}

fn request(hello: &Hello, now: Moment) -> JoinRequest {
    let Hello {
        claims,
        room,
        params,
        ..
    } = hello;
    JoinRequest {
        room: room.clone(),
        identity: claims.identity.clone(),
        name: claims.name.clone(),
        metadata: claims.metadata.clone(),
        attributes: claims.attributes.clone(),
        own_metadata: params.metadata.clone(),
        own_attributes: params.attributes.clone(),
        grants: claims.grants.clone(),
        kind: claims.kind,
        features: params.client.features,
        auto_subscribe: params.auto_subscribe,
        joined_at: now.unix_ms,
    }
}
