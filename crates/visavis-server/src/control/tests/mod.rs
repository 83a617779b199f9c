//! The control plane, driven by hand: real descriptions, no sockets, time as we
//! say it is.

mod data;
mod joining;
mod misfortunes;
mod publishing;
mod random;
mod resuming;
mod sdp;
mod subscribing;
mod task;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use visavis_rooms::{
    Grants, IdSource, NewTrack, ParticipantInfo, ParticipantSid, Source, TrackInfo, TrackKind,
    TrackSid,
};
use visavis_shard::{MediaCommand, MediaEvent, TransportId};
use visavis_signal::request::{AddTrack, Description};
use visavis_signal::response::{Join, ServerDescription};
use visavis_signal::token::Claims;
use visavis_signal::{JoinParams, Request, Response};
use visavis_transport::Channel;

use super::{Control, ControlConfig, ControlOutput, Hello, Moment, SessionId};
use sdp::ClientSdp;

/// The control plane with all that it has said.
struct World {
    control: Control,
    now: Moment,
    told: HashMap<SessionId, Vec<Response>>,
    media: Vec<MediaCommand>,
    closed: Vec<SessionId>,
}

/// A client that has joined.
struct Client {
    session: SessionId,
    sid: ParticipantSid,
    /// The transport that it offers on, once there is one.
    publisher: Option<TransportId>,
    /// The transport that we offer on, in dual mode.
    subscriber: Option<TransportId>,
    sdp: ClientSdp,
    offers: u32,
    welcome: Vec<Response>,
}

fn ids() -> IdSource {
    let mut count = 0u8;
    IdSource::new(move |octets| {
        count += 1;
        octets.fill(0);
        octets[0] = count % 32;
        octets[1] = count / 32;
    })
}

fn config() -> ControlConfig {
    let mut config = ControlConfig::new([0xab; 32]);
    config.addresses = vec!["192.0.2.1:7880".parse().unwrap()];
    config.keys.insert("devkey".into(), "secret".into());
    config
}

fn hello(identity: &str, params: JoinParams) -> Hello {
    Hello {
        claims: Claims {
            identity: identity.into(),
            expires: 1_800_000_060,
            grants: Grants {
                room_join: true,
                room: "daily".into(),
                ..Grants::default()
            },
            ..Claims::default()
        },
        api_key: "devkey".into(),
        room: "daily".into(),
        params,
    }
}

fn single() -> JoinParams {
    JoinParams {
        single_peer_connection: true,
        auto_subscribe: true,
        publisher_offer: Some(Description {
            id: 1,
            sdp: ClientSdp::single().offer(),
        }),
        ..JoinParams::default()
    }
}

fn dual() -> JoinParams {
    JoinParams {
        auto_subscribe: true,
        ..JoinParams::default()
    }
}

fn camera(cid: &str) -> NewTrack {
    NewTrack {
        cid: cid.into(),
        kind: TrackKind::Video,
        source: Source::Camera,
        width: 1280,
        height: 720,
        ..NewTrack::default()
    }
}

fn microphone(cid: &str) -> NewTrack {
    NewTrack {
        cid: cid.into(),
        kind: TrackKind::Audio,
        source: Source::Microphone,
        ..NewTrack::default()
    }
}

impl World {
    fn new() -> Self {
        Self::with(config())
    }

    fn with(config: ControlConfig) -> Self {
        Self {
            control: Control::new(config, ids()),
            now: Moment {
                instant: Instant::now(),
                unix_ms: 1_800_000_000_000,
            },
            told: HashMap::new(),
            media: Vec::new(),
            closed: Vec::new(),
        }
    }

    /// Collects what the control plane has said.
    fn drain(&mut self) {
        while let Some(output) = self.control.poll_output() {
            match output {
                ControlOutput::Respond(session, response) => {
                    self.told.entry(session).or_default().push(response);
                }
                ControlOutput::Media(command) => self.media.push(command),
                ControlOutput::Close(session) => self.closed.push(session),
            }
        }
    }

    /// What a session was told since it was last asked.
    fn told(&mut self, session: SessionId) -> Vec<Response> {
        self.drain();
        self.told.remove(&session).unwrap_or_default()
    }

    /// What the media threads were told since they were last asked.
    fn media(&mut self) -> Vec<MediaCommand> {
        self.drain();
        std::mem::take(&mut self.media)
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now.instant + time;
        while let Some(at) = self.control.poll_timeout().filter(|at| *at <= end) {
            self.now.unix_ms += u64::try_from((at - self.now.instant).as_millis()).unwrap();
            self.now.instant = self.now.instant.max(at);
            self.control.handle_timeout(self.now);
        }
        self.now.unix_ms += u64::try_from((end - self.now.instant).as_millis()).unwrap();
        self.now.instant = end;
        self.drain();
    }

    fn join(&mut self, identity: &str, params: JoinParams) -> Client {
        self.join_as(hello(identity, params))
    }

    fn join_as(&mut self, hello: Hello) -> Client {
        let single = hello.params.single_peer_connection;
        self.drain();
        let before = self.media.len();
        let session = self.control.join(hello, self.now).expect("may join");
        let welcome = self.told(session);
        let sid = join_of(&welcome).joined.participant.sid.clone();
        let opened = self.media[before..]
            .iter()
            .find_map(|command| match command {
                MediaCommand::Open { transport, .. } => Some(*transport),
                _ => None,
            });
        Client {
            session,
            sid,
            publisher: opened.filter(|_| single),
            subscriber: opened.filter(|_| !single),
            sdp: match single {
                true => ClientSdp::single(),
                false => ClientSdp::dual(),
            },
            offers: u32::from(single),
            welcome,
        }
    }

    fn ask(&mut self, client: &Client, request: Request) {
        self.control
            .handle_request(client.session, request, self.now);
        self.drain();
    }

    /// The client offers what its description says now; the answer.
    fn offer(&mut self, client: &mut Client) -> ServerDescription {
        client.offers += 1;
        let offer = Description {
            id: client.offers,
            sdp: client.sdp.offer(),
        };
        self.drain();
        let before = self.media.len();
        self.ask(client, Request::Offer(offer));
        for command in &self.media[before..] {
            if let MediaCommand::Open { transport, .. } = command {
                client.publisher = Some(*transport);
            }
        }
        let told = self.told.get_mut(&client.session).expect("told something");
        let at = told.iter().position(|r| matches!(r, Response::Answer(_)));
        match told.remove(at.expect("an answer")) {
            Response::Answer(answer) => answer,
            _ => unreachable!(),
        }
    }

    /// The client answers our offers until there are no more; the last one.
    fn answer_offers(&mut self, client: &Client) -> Option<ServerDescription> {
        let mut last = None;
        loop {
            let told = self.told(client.session);
            let offer = told.into_iter().find_map(|response| match response {
                Response::Offer(offer) => Some(offer),
                _ => None,
            });
            let Some(offer) = offer else { return last };
            let answer = Description {
                id: offer.id,
                sdp: sdp::answer(&offer.sdp),
            };
            last = Some(offer);
            self.ask(client, Request::Answer(answer));
        }
    }

    fn add_track(&mut self, client: &Client, track: NewTrack) {
        self.ask(
            client,
            Request::AddTrack(Box::new(AddTrack { sid: None, track })),
        );
    }

    fn event(&mut self, event: MediaEvent) {
        self.control.handle_media(event, self.now);
        self.drain();
    }

    /// Its transport and channels stand.
    fn connect(&mut self, client: &Client) {
        let transport = client.subscriber.or(client.publisher).expect("a transport");
        self.event(MediaEvent::Connected(transport));
        self.event(MediaEvent::ChannelOpen(transport, Channel::Reliable));
        self.event(MediaEvent::ChannelOpen(transport, Channel::Lossy));
    }

    /// Announces and sends a camera; its name and its section.
    fn publish_camera(&mut self, client: &mut Client, cid: &str) -> (TrackSid, String) {
        self.add_track(client, camera(cid));
        let mid = client.sdp.camera(cid);
        self.offer(client);
        let told = self.told(client.session);
        (published(&told).expect("published").sid.clone(), mid)
    }
}

fn join_of(told: &[Response]) -> &Join {
    match told.first() {
        Some(Response::Join(join)) => join,
        other => panic!("not welcomed: {other:?}"),
    }
}

fn answer_of(told: &[Response]) -> Option<&ServerDescription> {
    told.iter().find_map(|response| match response {
        Response::Answer(answer) => Some(answer),
        _ => None,
    })
}

/// The track that was last published.
fn published(told: &[Response]) -> Option<&TrackInfo> {
    told.iter().rev().find_map(|response| match response {
        Response::TrackPublished { track, .. } => Some(track),
        _ => None,
    })
}

/// What was last said about a participant.
fn info_of<'a>(told: &'a [Response], sid: &ParticipantSid) -> Option<&'a ParticipantInfo> {
    let infos = told.iter().filter_map(|response| match response {
        Response::Update(infos) => Some(infos),
        _ => None,
    });
    infos.flatten().rfind(|info| info.sid == *sid)
}
