import { prepare } from "../../generate/generate.ts";
import { type PreparedRequest, stamp } from "../../generate/prepared.ts";
import type { Signal } from "../../otlp/signal.ts";
import type { SendEnv, SendPlan } from "./run-send.ts";

const MAX_RESOURCES = 10;
/** So many are made before one is sent again, so that not all say the same. */
const LEAST_DIFFERENT = 4;

/**
 * Requests to send, each with ids and times of its own. Keeps at most as many as were under way at
 * the same time.
 */
export class Requests {
  readonly #plan: SendPlan;
  readonly #env: Pick<SendEnv, "clock" | "random" | "source">;
  readonly #format: PreparedRequest["format"];
  readonly #free: Record<Signal, PreparedRequest[]> = { traces: [], metrics: [], logs: [] };
  readonly #source: number;
  #made = 0;
  #nextNumber = 0;

  constructor(plan: SendPlan, env: Pick<SendEnv, "clock" | "random" | "source">) {
    this.#plan = plan;
    this.#env = env;
    this.#format = plan.protocol === "http/json" ? "json" : "protobuf";
    this.#source = env.source ?? 1 + Math.floor(env.random.next() * 65_535);
  }

  /**
   * One with items that were not sent before; `giveBack` it when nothing reads its bytes any more.
   */
  take(signal: Signal, items: number): { readonly request: PreparedRequest; readonly firstNumber: number } {
    const free = this.#made < LEAST_DIFFERENT ? undefined : this.#free[signal].shift();
    const request = free?.items === items ? free : this.#make(signal, items);
    const firstNumber = this.#nextNumber;
    this.#nextNumber += items;
    stamp(request, { source: this.#source, firstNumber, wallMs: this.#env.clock.wallMs() });
    return { request, firstNumber };
  }

  giveBack(request: PreparedRequest): void {
    this.#free[request.signal].push(request);
  }

  #make(signal: Signal, items: number): PreparedRequest {
    const { services } = this.#plan;
    const resources = Math.min(items, services.length, MAX_RESOURCES);
    const at = this.#made++;
    return prepare(signal, this.#format, {
      items,
      resources,
      services,
      firstService: at * resources,
      seed: (this.#env.source ?? 0) * 1_000 + at,
      wallMs: this.#env.clock.wallMs(),
    });
  }
}
