/** Tells whether the process uses more memory than it should. */
export interface RssGuard {
  above(maxBytes: number, nowMs: number): boolean;
}

/** Asking the system costs some microseconds (it reads /proc), so the answer is kept this long. */
const SAMPLE_MS = 250;

export function createRssGuard(rssBytes: () => number): RssGuard {
  let sampledMs = Number.NEGATIVE_INFINITY;
  let bytes = 0;
  return {
    above(maxBytes, nowMs) {
      if (nowMs - sampledMs >= SAMPLE_MS) {
        bytes = rssBytes();
        sampledMs = nowMs;
      }
      return bytes > maxBytes;
    },
  };
}
