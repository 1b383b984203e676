import { fork, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { connect } from "node:net";
import { systemClock } from "../src/core/clock.ts";
import type { LoadArguments, LoadReport, LoadRequest, SinkArguments, SinkReport, SinkRequest } from "./messages.ts";

/** What a child wrote last, for the case that it fails. */
const MAX_OUTPUT_CHARS = 4_000;
const ANSWER_MS = 60_000;
const STOP_MS = 10_000;

/** Ended with this process, whatever ends it. */
const living = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of living) child.kill("SIGKILL");
});

/** A process that was started here and ends with its scope. */
export interface Child extends AsyncDisposable {
  readonly pid: number;
  /** The end of what it wrote to its standard streams. */
  output(): string;
  readonly exited: boolean;
}

/** A process of the benchmark's own, which answers each message with one. */
export interface Talker<Request, Report> extends Child {
  /** Its first message. */
  readonly hello: Report;
  ask(request: Request): Promise<Report>;
}

export type LoadProcess = Talker<LoadRequest, LoadReport>;
export type SinkProcess = Talker<SinkRequest, SinkReport>;

export function openLoad(options: LoadArguments): Promise<LoadProcess> {
  return openTalker<LoadRequest, LoadReport>("load.ts", options);
}

export function openSink(options: SinkArguments): Promise<SinkProcess> {
  return openTalker<SinkRequest, SinkReport>("sink.ts", options);
}

/** Starts a measured system; it must be listened for with `untilListening`. */
export function startChild(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Child {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
  return childOf(child);
}

/**
 * Resolves when something accepts connections there; rejects when the process ends or `withinMs`
 * passes.
 */
export async function untilListening(child: Child, port: number, withinMs = 20_000): Promise<void> {
  const endMs = systemClock.nowMs() + withinMs;
  while (!(await accepts(port))) {
    if (child.exited) throw new Error(`it ended before it listened:\n${child.output()}`);
    if (systemClock.nowMs() > endMs) throw new Error(`it did not listen within ${withinMs} ms:\n${child.output()}`);
    await new Promise<void>((resolve) => systemClock.after(50, resolve));
  }
}

/** Starts a file of this folder with `options` as its argument, and waits for its first message. */
export async function openTalker<Request extends object, Report>(
  file: string,
  options: object,
): Promise<Talker<Request, Report>> {
  const started = fork(`${import.meta.dirname}/${file}`, [JSON.stringify(options)], {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const child = childOf(started);
  const hello = await nextMessage<Report>(started, child);
  return {
    pid: child.pid,
    output: () => child.output(),
    get exited() {
      return child.exited;
    },
    hello,
    ask(request) {
      started.send(request);
      return nextMessage<Report>(started, child);
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}

function childOf(started: ChildProcess): Child {
  let output = "";
  let exited = false;
  living.add(started);
  const ended = new Promise<void>((resolve) => {
    const end = (): void => {
      exited = true;
      living.delete(started);
      resolve();
    };
    started.once("exit", end);
    started.once("error", (error) => {
      output += error.message;
      end();
    });
  });
  for (const stream of [started.stdout, started.stderr]) {
    stream?.setEncoding("utf8");
    stream?.on("data", (text: string) => (output = (output + text).slice(-MAX_OUTPUT_CHARS)));
  }
  return {
    pid: started.pid ?? 0,
    output: () => output,
    get exited() {
      return exited;
    },
    async [Symbol.asyncDispose]() {
      if (exited) return;
      started.kill("SIGTERM");
      const cancel = systemClock.after(STOP_MS, () => started.kill("SIGKILL"));
      await ended;
      cancel();
    },
  };
}

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the other end is a file of this folder
function nextMessage<Report>(started: ChildProcess, child: Child): Promise<Report> {
  return new Promise((resolve, reject) => {
    const fail = (): void => finish(() => reject(new Error(`a process of the benchmark failed:\n${child.output()}`)));
    const take = (message: unknown): void => finish(() => resolve(message as Report));
    const cancel = systemClock.after(ANSWER_MS, fail);
    const finish = (then: () => void): void => {
      cancel();
      started.off("message", take);
      started.off("exit", fail);
      then();
    };
    started.once("message", take);
    started.once("exit", fail);
  });
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
