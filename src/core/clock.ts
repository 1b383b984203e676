/** Cancels what was scheduled; calling it again, or after it ran, does nothing. */
export type Cancel = () => void;

/** Time as an argument: nothing outside this file asks the machine what time it is. */
export interface Clock {
  /** Monotonic milliseconds, with a fraction. Only differences mean something. */
  nowMs(): number;
  /** Milliseconds since 1970-01-01T00:00:00Z, for people and for the wire. */
  wallMs(): number;
  /**
   * As `nowMs`, and comparable between processes and threads until the machine starts again.
   * Absent: `nowMs` is, since all who compare have the same clock.
   */
  machineMs?(): number;
  /** Runs `run` once, `delayMs` from now. A pending call keeps the process alive. */
  after(delayMs: number, run: () => void): Cancel;
}

/** Looked up once: to get it of the globals takes as long as to ask it. */
const { performance: machine } = globalThis;

export const systemClock: Clock = {
  nowMs: () => machine.now(),
  wallMs: () => Date.now(),
  machineMs: () => Number(process.hrtime.bigint()) / 1e6,
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};

/** For what is written down for other processes of this machine. */
export function machineMs(clock: Clock): number {
  return clock.machineMs?.() ?? clock.nowMs();
}

/** 24.8 days: a timer of Node.js that is to be later than that runs at once. */
export const LONGEST_TIMER_MS = 2_147_483_647;

/** Resolves after `delayMs`; rejects with the signal's reason when that comes first. */
export function sleep(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(reasonOf(signal));
      return;
    }
    const cancel = clock.after(delayMs, () => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    });
    const onAbort = (): void => {
      cancel();
      reject(reasonOf(signal));
    };
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

function reasonOf({ reason }: AbortSignal): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
