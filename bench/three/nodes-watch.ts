import { systemClock } from "../../src/core/clock.ts";
import { callApi } from "../../test/admin/api-client.ts";
import type { ThreeNodes } from "./three-nodes.ts";

const LOOK_MS = 250;
/** Around a change nodes may differ for so long, and what is sent is a moment on its way. */
const MARGIN_MS = 1_500;

interface Look {
  readonly atMs: number;
  /** What all nodes may keep, a second; undefined: one of them did not say. */
  readonly bound: number | undefined;
  /** All have the same rates, those of the look before, and none guards. */
  readonly isCalm: boolean;
}

/** Looks several times a second at what nodes keep by. */
export class NodesWatch implements AsyncDisposable {
  readonly #fleet: ThreeNodes;
  readonly #beganMs: number;
  readonly #looks: Look[] = [];
  readonly #running: Promise<void>;
  #rates = "";
  #isOver = false;

  constructor(fleet: ThreeNodes, beganMs: number) {
    this.#fleet = fleet;
    this.#beganMs = beganMs;
    this.#running = this.#run();
  }

  /**
   * In a second since the beginning: the highest, since it may change in it. 0: none has been told
   * by then.
   */
  bound(second: number): number {
    const [fromMs, toMs] = [this.#beganMs + 1_000 * second - MARGIN_MS, this.#beganMs + 1_000 * (second + 1)];
    const told = this.#looks.filter(({ atMs, bound }) => atMs <= toMs && bound !== undefined);
    const its = told.filter(({ atMs }) => atMs >= fromMs);
    // Where nobody looked in it, as it was before.
    return Math.max(0, ...(its.length > 0 ? its : told.slice(-1)).map(({ bound = 0 }) => bound));
  }

  /** Whether nothing changed around that time. */
  isCalm(wallMs: number): boolean {
    const its = this.#looks.filter(({ atMs }) => Math.abs(atMs - wallMs) <= MARGIN_MS);
    return its.length > 0 && its.every(({ isCalm }) => isCalm);
  }

  get calmPart(): number {
    return this.#looks.filter(({ isCalm }) => isCalm).length / this.#looks.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      const begunMs = systemClock.wallMs();
      const views = await Promise.all(this.#fleet.nodes.map(({ admin }) => viewOf(admin)));
      const rates = [...new Set(views.map((one) => one.rates))];
      const [first = ""] = rates;
      const isCalm = rates.length === 1 && first === this.#rates && views.every((one) => !one.isGuarding);
      this.#rates = first;
      const bounds = views.flatMap((one) => one.bound ?? []);
      const bound = bounds.length < views.length ? undefined : bounds.reduce((sum, one) => sum + one, 0);
      this.#looks.push({ atMs: begunMs, bound, isCalm });
      await new Promise<void>((resolve) => systemClock.after(LOOK_MS, resolve));
    }
  }
}

interface SampledNode {
  readonly rates: string;
  readonly bound: number | undefined;
  readonly isGuarding: boolean;
}

async function viewOf(admin: string): Promise<SampledNode> {
  const [view, { text }] = await Promise.all([callApi(admin, "/api/v1/sampling"), callApi(admin, "/metrics")]);
  const { classes, may_keep_per_second: bound } = view.json();
  const rates = (classes as { readonly class: string; readonly probability: number }[]) // oxlint-disable-line typescript/no-unsafe-type-assertion -- as the API has it
    .map((one) => `${one.class} ${one.probability}`)
    .join();
  return {
    rates,
    bound: typeof bound === "number" ? bound : undefined,
    isGuarding: /^signalbox_sampling_guard_active 1$/mu.test(text),
  };
}
