import type { Clock } from "../core/clock.ts";

/**
 * So long a file system may take for one call; a network file system that does not answer takes for
 * ever.
 */
const PATIENCE_MS = 3_000;

/**
 * The work's result; rejects when there is none in time. What hangs goes on hanging, and nobody
 * waits for it.
 */
export async function inTime<Result>(clock: Clock, work: Promise<Result>): Promise<Result> {
  const late = Promise.withResolvers<never>();
  const cancel = clock.after(PATIENCE_MS, () => {
    late.reject(new Error(`the file system does not answer within ${PATIENCE_MS / 1_000} s`));
  });
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    cancel();
  }
}
