import { systemClock } from "../../src/core/clock.ts";
import { seededRandom } from "../../src/core/random.ts";
import { parseCommandLine } from "../../src/cli/args.ts";
import type { ExitCode, Io } from "../../src/cli/command.ts";
import { command } from "../../src/cli/send/command.ts";

export interface Ran {
  readonly code: ExitCode;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `signalbox send` with this command line in this process. */
export async function runSend(argv: readonly string[], more: { stop?: AbortSignal; tty?: boolean } = {}): Promise<Ran> {
  const stdout: string[] = [];
  const stderr: string[] = [];
  const io: Io = {
    stdout: { write: (text) => void stdout.push(text), isTty: false, columns: 80 },
    stderr: { write: (text) => void stderr.push(text), isTty: more.tty === true, columns: 80 },
    readStdin: () => Promise.resolve(""),
    readStdinBytes: () => Promise.resolve(new Uint8Array(0)),
    env: {},
    cwd: process.cwd(),
    clock: systemClock,
    random: seededRandom(1),
    interrupted: () => more.stop ?? new AbortController().signal,
  };
  const args = parseCommandLine(command, argv);
  if (args === "help") throw new Error("help was asked for");
  const code = await command.run(args, io);
  return { code, stdout: stdout.join(""), stderr: stderr.join("") };
}
