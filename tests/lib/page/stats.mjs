// The few numbers of getStats that tests look at.

/** The reader of a track by identity and source. */
export function pick(readers, identity, source) {
  const found = [...readers.values()].find((reader) => reader.identity === identity && reader.source === source);
  if (!found) throw new Error(`nothing plays of ${identity} ${source}`);
  return found;
}

const codecOf = (report, stats) => report.get(stats.codecId)?.mimeType ?? null;

/** Of a remote track: codec, frame size, frames decoded, freezes, packets lost; empty before the first packet. */
export async function receivedStats(track) {
  const report = await track.getRTCStatsReport();
  const stats = [...report.values()].find(({ type }) => type === 'inbound-rtp') ?? {};
  return {
    codec: codecOf(report, stats),
    frameWidth: stats.frameWidth,
    frameHeight: stats.frameHeight,
    framesDecoded: stats.framesDecoded,
    freezeCount: stats.freezeCount,
    packetsLost: stats.packetsLost,
    packetsReceived: stats.packetsReceived,
  };
}

/** Of a local track: codec, the browser's estimate of the uplink in bit/s, bytes sent, layers. */
export async function sentStats(track) {
  const report = await track.sender.getStats();
  const values = [...report.values()];
  const sent = values.filter(({ type }) => type === 'outbound-rtp');
  const pair = values.find(({ type, nominated, state }) =>
    type === 'candidate-pair' && nominated && state === 'succeeded');
  return {
    codec: codecOf(report, sent[0]),
    availableOutgoingBitrate: pair?.availableOutgoingBitrate ?? 0,
    bytesSent: sent.reduce((sum, { bytesSent }) => sum + bytesSent, 0),
    layers: sent.map(({ rid, frameHeight, active }) => ({ rid, frameHeight, active })),
    localAddress: report.get(pair?.localCandidateId)?.address,
    remoteAddress: report.get(pair?.remoteCandidateId)?.address,
  };
}
