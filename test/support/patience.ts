/**
 * How long a test waits for what has to happen: only so that it fails with words before its own
 * time is up (test/run.ts). It is no claim about speed: a busy machine may take as long.
 */
export const PATIENCE_MS = 100_000;
