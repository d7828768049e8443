/** Settings as the rooms take them: which setting is which bound of the edge and of forwarding. */
import type { BodyLimits } from '../shared/http1/limits.ts';
import type { Reserve } from '../shared/mux/window.ts';
import type { ProxySettings } from './config.ts';
import type { EdgeLimits } from './edge/limits.ts';
import type { ForwardLimits } from './forward/limits.ts';
import type { WaitingRoomLimits } from './forward/waiting-room.ts';

export function edgeLimits(settings: ProxySettings): EdgeLimits {
  return {
    head: {
      headBytes: settings.maxHeaderBytes,
      lineBytes: settings.maxHeaderLineBytes ?? settings.maxHeaderBytes,
      fields: settings.maxHeaderFields,
    },
    body: bodyLimits(settings, settings.maxBodyBytes === 0 ? Infinity : settings.maxBodyBytes),
    firstByteTimeoutMs: settings.firstByteTimeoutMs,
    headerTimeoutMs: settings.headerTimeoutMs,
    keepAliveTimeoutMs: settings.keepAliveTimeoutMs,
    bodyTimeoutMs: settings.bodyTimeoutMs,
    minBodyBytesPerSecond: settings.minBodyRate,
    sendTimeoutMs: settings.sendTimeoutMs,
    minSendBytesPerSecond: settings.minSendRate,
    maxRequestsPerConnection: settings.maxRequestsPerConnection,
    maxPipelinedBytes: settings.maxPipelinedBytes,
    maxConnections: settings.maxConnections,
    // One address alone cannot keep the others out, and an office behind one address still fits.
    maxConnectionsPerAddress: settings.maxConnectionsPerAddress ?? Math.ceil(settings.maxConnections / 4),
    refusalDrain: { bytes: settings.refusalDrainBytes, ms: settings.refusalDrainTimeoutMs },
    earlyAnswerDrain: { bytes: settings.earlyAnswerDrainBytes, ms: settings.earlyAnswerDrainTimeoutMs },
  };
}

export function forwardLimits(settings: ProxySettings): ForwardLimits {
  return {
    responseHead: {
      headBytes: settings.maxResponseHeaderBytes,
      lineBytes: settings.maxResponseHeaderBytes,
      fields: settings.maxResponseHeaderFields,
    },
    responseBody: bodyLimits(settings, Infinity),
    queueTimeoutMs: settings.queueTimeoutMs,
    maxInterimAnswers: settings.maxInterimResponses,
    responseTimeoutMs: settings.responseTimeoutMs,
    idleTimeoutMs: settings.idleTimeoutMs,
  };
}

export function waitingLimits(settings: ProxySettings, memory: Reserve): WaitingRoomLimits {
  return { maxRequests: settings.maxQueuedRequests, maxBytes: settings.maxQueuedBytes, memory };
}

function bodyLimits(settings: ProxySettings, bodyBytes: number): BodyLimits {
  return {
    bodyBytes,
    chunkExtensionLineBytes: settings.maxChunkExtensionLineBytes,
    chunkExtensionBytes: settings.maxChunkExtensionBytes,
    trailerBytes: settings.maxTrailerBytes,
    trailerFields: settings.maxTrailerFields,
  };
}
