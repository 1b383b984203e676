import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type {
  AwaitReply,
  AwaitRequest,
  CollectorReport,
  MembersReply,
  MembersRequest,
  NotLeader,
  ReportReply,
} from "../../../src/control/fleet/messages.ts";
import type { TransferOutcome } from "../../../src/control/region/transfer-leadership.ts";
import type { StoreSettings } from "../../../src/store/store.ts";

const PROGRAM = fileURLToPath(new URL("controller-program.ts", import.meta.url));

/** The one argument of a controller's process, as JSON. */
export interface ControllerTask {
  readonly settings: StoreSettings;
  readonly prefix: string;
  readonly id: string;
  readonly region: string;
  readonly leaseMs: number;
  readonly reportIntervalMs: number;
  readonly adoptAfterMs: number;
}

export type ControllerAsk =
  | { readonly method: "report"; readonly request: CollectorReport }
  | { readonly method: "await"; readonly request: AwaitRequest }
  | { readonly method: "members"; readonly request: MembersRequest }
  | { readonly method: "leads"; readonly request?: undefined }
  | { readonly method: "log"; readonly request?: undefined }
  | { readonly method: "transfer"; readonly request: { readonly election: string; readonly to: string } };

export interface Leads {
  readonly global: boolean;
  readonly regions: readonly string[];
}

interface Replies {
  readonly report: ReportReply | NotLeader;
  readonly await: AwaitReply | NotLeader;
  readonly members: MembersReply | NotLeader;
  readonly leads: Leads;
  readonly log: readonly string[];
  readonly transfer: TransferOutcome | { readonly kind: "not_led" };
}

export type ControllerAnswer =
  | { readonly number: number; readonly reply: unknown }
  | { readonly number: number; readonly failed: string };

/** None is left behind, stopped or not, whatever ends the tests. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** A controller in a process of its own. */
export class ControllerProcess implements AsyncDisposable {
  readonly id: string;
  readonly #child: ChildProcess;
  readonly #gone: Promise<unknown>;
  readonly #asked = new Map<number, (answer: ControllerAnswer) => void>();
  #number = 0;

  constructor(task: ControllerTask) {
    this.id = task.id;
    this.#child = fork(PROGRAM, [JSON.stringify(task)], {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      // Not those of the test runner.
      execArgv: [],
    });
    running.add(this.#child);
    this.#child.on("message", (answer: ControllerAnswer) => {
      this.#asked.get(answer.number)?.(answer);
      this.#asked.delete(answer.number);
    });
    this.#gone = once(this.#child, "exit").then(() => running.delete(this.#child));
  }

  async ask<Method extends ControllerAsk["method"]>(
    method: Method,
    request?: Extract<ControllerAsk, { method: Method }>["request"],
  ): Promise<Replies[Method]> {
    const number = ++this.#number;
    const answer = await new Promise<ControllerAnswer>((resolve) => {
      this.#asked.set(number, resolve);
      this.#child.send({ method, request, number });
    });
    if ("failed" in answer) throw new Error(`${this.id}: ${answer.failed}`);
    return answer.reply as Replies[Method];
  }

  stop(): void {
    this.#child.kill("SIGSTOP");
  }

  goOn(): void {
    this.#child.kill("SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#gone;
  }
}
