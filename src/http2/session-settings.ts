/**
 * What one stream may send before it waits for us: a usual batch goes through without a round trip.
 */
export const STREAM_WINDOW_BYTES = 4 * 1_048_576;
/** What all streams of a connection may send together before they wait. */
export const CONNECTION_WINDOW_BYTES = 16 * 1_048_576;
export const MAX_FRAME_BYTES = 1_048_576;
/**
 * In megabytes, for node:http2. Its default of 10 refuses streams with ENHANCE_YOUR_CALM under
 * load; memory is bounded by the windows above and by what the handler admits.
 */
export const MAX_SESSION_MEMORY_MB = 1_024;
/** How long a peer may go on with a request that was answered, and how long it may pause in it. */
export const REST_MS = 5_000;
export const REST_PAUSE_MS = 1_000;
/** What a connection takes of such requests in a second. */
export const DROPPED_BYTES_PER_SECOND = 16 * 1_048_576;
