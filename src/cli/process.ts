import { buffer, text } from "node:stream/consumers";
import { isatty, type WriteStream } from "node:tty";
import { systemClock } from "../core/clock.ts";
import { systemRandom } from "../core/random.ts";
import { EXIT, type Io, type Output } from "./command.ts";

/** The real world, and a way to wait until all that was written has left the process. */
interface ProcessIo extends Io {
  flush(): Promise<void>;
}

export function processIo(): ProcessIo {
  let interruption: AbortController | undefined;
  return {
    stdout: outputOn(process.stdout, 1),
    stderr: outputOn(process.stderr, 2),
    readStdin: () => text(process.stdin),
    readStdinBytes: () => buffer(process.stdin),
    env: process.env,
    cwd: process.cwd(),
    clock: systemClock,
    random: systemRandom,
    interrupted() {
      interruption ??= catchInterrupts();
      return interruption.signal;
    },
    async flush() {
      await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
    },
  };
}

/** So long a call of a file system may still take when all else has ended. */
const PATIENCE_MS = 500;
const LOOK_MS = 20;

/**
 * Ends the process with this code. While a call of a file system hangs, an exit waits for it, for
 * ever: where one does not end, the process is killed instead (its code is then 137).
 */
export async function leave(code: number, { patienceMs = PATIENCE_MS } = {}): Promise<never> {
  for (let waitedMs = 0; isInFileSystem(); waitedMs += LOOK_MS) {
    if (waitedMs >= patienceMs) process.kill(process.pid, "SIGKILL");
    // oxlint-disable-next-line no-restricted-globals -- the end of the process, where there is no clock any more
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  process.exit(code);
}

function isInFileSystem(): boolean {
  return process.getActiveResourcesInfo().some((name) => name.startsWith("FSReq"));
}

function catchInterrupts(): AbortController {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(EXIT.failure);
    controller.abort();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return controller;
}

/**
 * Types say that the streams of a process are terminals; they are files and pipes too, without
 * columns.
 */
function outputOn(stream: WriteStream, fd: 1 | 2): Output {
  let open = true;
  // The reader has gone away (`| head`): nobody wants the rest, and that is no failure.
  stream.on("error", () => {
    open = false;
  });
  return {
    write(chunk) {
      if (open) stream.write(chunk);
    },
    isTty: isatty(fd),
    get columns() {
      return isatty(fd) ? stream.columns : 80;
    },
    get rows() {
      return isatty(fd) ? stream.rows : 24;
    },
  };
}

function flushed(stream: WriteStream): Promise<void> {
  if (stream.destroyed || stream.writableLength === 0) return Promise.resolve();
  return new Promise((resolve) => {
    stream.once("error", () => resolve());
    stream.write("", () => resolve());
  });
}
