import { main } from "../../src/cli/main.ts";
import type { ExitCode, Io } from "../../src/cli/command.ts";
import { type Clock, systemClock } from "../../src/core/clock.ts";
import { seededRandom } from "../../src/core/random.ts";

export interface Ran {
  readonly code: ExitCode;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly stdin?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly clock?: Clock;
  /** Of a terminal; without it stdout is none. */
  readonly columns?: number;
}

/** Runs a command line of `signalbox` in this process. */
export async function runCli(argv: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const written = { out: "", err: "" };
  const { stdin = "", env = {}, cwd = process.cwd(), clock = systemClock, columns } = options;
  const io: Io = {
    stdout: { write: (text) => void (written.out += text), isTty: columns !== undefined, columns: columns ?? 80 },
    stderr: { write: (text) => void (written.err += text), isTty: false, columns: columns ?? 80 },
    readStdin: () => Promise.resolve(Buffer.from(stdin).toString()),
    readStdinBytes: () => Promise.resolve(Buffer.from(stdin)),
    env,
    cwd,
    clock,
    random: seededRandom(1),
    interrupted: () => new AbortController().signal,
  };
  const code = await main(argv, io);
  return { code, ...written };
}
