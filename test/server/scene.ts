import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, systemClock } from "../../src/core/clock.ts";
import type { Rest } from "../../src/core/collect.ts";
import { seededRandom } from "../../src/core/random.ts";
import { RouterError } from "../../src/core/errors.ts";
import { formatProblem } from "../../src/core/problem.ts";
import { bindPlan } from "../../src/plan/bind.ts";
import { fileSource } from "../../src/server/config-source.ts";
import type { OpenDataPlane, RunningNode } from "../../src/server/running-node.ts";
import { startNode } from "../../src/server/start.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { ScriptedDataPlane } from "./scripted-data-plane.ts";

/** A directory with a config in it, and a node on a scripted data plane started from it. */
export class Scene implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), "signalbox-node-"));
  readonly file = join(this.directory, "signalbox.yaml");
  /** The log, one object for each line. */
  readonly lines: Record<string, unknown>[] = [];
  readonly planes: ScriptedDataPlane[] = [];
  env: Record<string, string> = {};
  /** Told when what a change took is not needed any more. */
  settled: (rest: Rest) => void = () => undefined;
  #node: RunningNode | undefined;
  #waiting: { msg: string; resolve: () => void }[] = [];

  write(text: string): void {
    writeFileSync(this.file, text);
  }

  async start(text: string, open = this.openScripted, clock: Clock = systemClock): Promise<RunningNode> {
    this.write(text);
    const source = fileSource(this.file, this.env);
    const { config, problems } = source.load(text);
    if (config === undefined) throw new RouterError("CONFIG_INVALID", problems.map(formatProblem).join("\n"));
    const write = (line: string): void => this.#onLine(line);
    const log = createLog({ clock, write, level: "info", format: "json", colour: false });
    this.#node = await startNode(config, {
      clock,
      random: seededRandom(1),
      log,
      source,
      openDataPlane: open,
      settled: (rest) => this.settled(rest),
    });
    return this.#node;
  }

  readonly openScripted: OpenDataPlane = async (plan, _listen, env, { secrets }) => {
    const plane = new ScriptedDataPlane(await bindPlan(plan, secrets), secrets, env);
    this.planes.push(plane);
    return plane;
  };

  get plane(): ScriptedDataPlane {
    const plane = this.planes.at(-1);
    if (plane === undefined) throw new Error("no data plane was opened");
    return plane;
  }

  /** Resolves at the next line of the log with this message. */
  logged(msg: string): Promise<void> {
    return new Promise((resolve) => void this.#waiting.push({ msg, resolve }));
  }

  get messages(): unknown[] {
    return this.lines.map((line) => line["msg"]);
  }

  #onLine(line: string): void {
    const told: Record<string, unknown> = JSON.parse(line);
    this.lines.push(told);
    const reached = this.#waiting.filter(({ msg }) => msg === told["msg"]);
    this.#waiting = this.#waiting.filter((one) => !reached.includes(one));
    for (const { resolve } of reached) resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#node?.[Symbol.asyncDispose]();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** A config on free ports, with the log for machines; `more` is put below. */
export function configText(more = "targets: [{ id: a, endpoint: http://127.0.0.1:14317 }]", node = ""): string {
  return `node:
  id: n1
  region: eu
  listen: { otlp_grpc: { address: "127.0.0.1:0" }, otlp_http: false, admin: { address: "127.0.0.1:0" } }
${node}
${more}
`;
}
