//! Tracks.

use livekit_protocol as proto;
use visavis_rooms::{
    AnnouncedCodec, AudioFeature, BackupCodecPolicy, Encryption, NewTrack, Quality, Source,
    TrackInfo, TrackKind, TrackSid, VideoLayer,
};

use super::enums::Enum;
use crate::codecs::mime_type;
use crate::request::AddTrack;

/// `None` for a kind of track that goes over no media section.
#[allow(deprecated, reason = "older clients say it only there")]
pub(crate) fn read_add_track(wire: proto::AddTrackRequest) -> Option<AddTrack> {
    let mut audio_features = read_features(&wire.audio_features);
    let disable_dtx = wire.disable_dtx || audio_features.contains(&AudioFeature::NoDtx);
    let stereo = wire.stereo || audio_features.contains(&AudioFeature::Stereo);
    for (said, feature) in [
        (disable_dtx, AudioFeature::NoDtx),
        (stereo, AudioFeature::Stereo),
    ] {
        if said && !audio_features.contains(&feature) {
            audio_features.push(feature);
        }
    }
    let codec = |codec: proto::SimulcastCodec| AnnouncedCodec {
        codec: codec.codec,
        cid: codec.cid,
        layers: read_layers(codec.layers),
    };
    let track = NewTrack {
        cid: wire.cid,
        name: wire.name,
        kind: TrackKind::read(wire.r#type)?,
        source: Source::read(wire.source).unwrap_or_default(),
        muted: wire.muted,
        width: wire.width,
        height: wire.height,
        stream: wire.stream,
        layers: read_layers(wire.layers),
        codecs: wire.simulcast_codecs.into_iter().map(codec).collect(),
        disable_dtx,
        stereo,
        disable_red: wire.disable_red,
        encryption: Encryption::read(wire.encryption).unwrap_or_default(),
        audio_features,
        backup_codec_policy: BackupCodecPolicy::read(wire.backup_codec_policy).unwrap_or_default(),
    };
    let sid = (!wire.sid.is_empty()).then(|| TrackSid::from(&*wire.sid));
    Some(AddTrack { sid, track })
}

pub(crate) fn read_features(wire: &[i32]) -> Vec<AudioFeature> {
    wire.iter()
        .filter_map(|number| AudioFeature::read(*number))
        .collect()
}

fn read_layers(wire: Vec<proto::VideoLayer>) -> Vec<VideoLayer> {
    let layer = |layer: proto::VideoLayer| {
        Some(VideoLayer {
            quality: Quality::read(layer.quality)?,
            width: layer.width,
            height: layer.height,
            bitrate: layer.bitrate,
            ssrc: layer.ssrc,
            rid: layer.rid,
        })
    };
    wire.into_iter().filter_map(layer).collect()
}

#[allow(deprecated, reason = "older clients read it only there")]
pub(crate) fn write_track(track: &TrackInfo) -> proto::TrackInfo {
    let announced = &track.announced;
    let features = announced.audio_features.iter();
    let codecs = write_codecs(track);
    proto::TrackInfo {
        sid: track.sid.to_string(),
        r#type: announced.kind.write(),
        name: announced.name.clone(),
        muted: track.muted,
        width: announced.width,
        height: announced.height,
        simulcast: announced.simulcast(),
        disable_dtx: announced.disable_dtx,
        source: announced.source.write(),
        layers: write_layers(&announced.layers),
        mime_type: codecs[0].mime_type.clone(),
        codecs,
        stereo: announced.stereo,
        disable_red: announced.disable_red,
        encryption: announced.encryption.write(),
        stream: announced.stream().to_owned(),
        audio_features: features.map(|feature| feature.write()).collect(),
        backup_codec_policy: announced.backup_codec_policy.write(),
        ..proto::TrackInfo::default()
    }
}

/// Never empty: clients read from the first which codec was accepted.
fn write_codecs(track: &TrackInfo) -> Vec<proto::SimulcastCodecInfo> {
    let announced = &track.announced;
    let info = |name: &str, cid: &str, layers: &[VideoLayer]| proto::SimulcastCodecInfo {
        mime_type: mime_type(announced.kind, name).to_owned(),
        cid: cid.to_owned(),
        layers: write_layers(if layers.is_empty() {
            &announced.layers
        } else {
            layers
        }),
        ..proto::SimulcastCodecInfo::default()
    };
    let each = announced.codecs.iter();
    let mut codecs: Vec<_> = each
        .map(|codec| info(&codec.codec, &codec.cid, &codec.layers))
        .collect();
    if codecs.is_empty() {
        codecs.push(info("", &announced.cid, &[]));
    }
    if !track.mime_type.is_empty() {
        codecs[0].mime_type.clone_from(&track.mime_type);
    }
    codecs
}

fn write_layers(layers: &[VideoLayer]) -> Vec<proto::VideoLayer> {
    let layer = |layer: &VideoLayer| proto::VideoLayer {
        quality: layer.quality.write(),
        width: layer.width,
        height: layer.height,
        bitrate: layer.bitrate,
        ssrc: layer.ssrc,
        rid: layer.rid.clone(),
        ..proto::VideoLayer::default()
    };
    layers.iter().map(layer).collect()
}
