import type { Clock } from "../../core/clock.ts";
import type { Random } from "../../core/random.ts";
import { type Format, type Prepared, prepare } from "../../generate/prepared.ts";
import { stamp } from "../../generate/stamp.ts";
import type { Signal } from "../../otlp/signal.ts";
import type { SendOptions } from "./options.ts";

const MAX_RESOURCES = 10;

/** Requests to send, each with ids and times of its own. Keeps at most as many as were under way at the same time. */
export class Requests {
  readonly #options: SendOptions;
  readonly #env: { readonly clock: Clock; readonly random: Random };
  readonly #format: Format;
  readonly #free: Record<Signal, Prepared[]> = { traces: [], metrics: [], logs: [] };
  readonly #source: number;
  #made = 0;
  #nextNumber = 0;

  constructor(options: SendOptions, env: { readonly clock: Clock; readonly random: Random }) {
    this.#options = options;
    this.#env = env;
    this.#format = options.protocol === "http/json" ? "json" : "protobuf";
    this.#source = 1 + Math.floor(env.random.next() * 65_535);
  }

  /** One with items that were not sent before; `giveBack` it when nothing reads its bytes any more. */
  take(signal: Signal, items: number): Prepared {
    const free = this.#free[signal].pop();
    const request = free?.items === items ? free : this.#make(signal, items);
    const wallMs = this.#env.clock.wallMs();
    stamp(request, { source: this.#source, firstNumber: this.#nextNumber, wallMs });
    this.#nextNumber += items;
    return request;
  }

  giveBack(request: Prepared): void {
    this.#free[request.signal].push(request);
  }

  #make(signal: Signal, items: number): Prepared {
    const { services } = this.#options;
    const resources = Math.min(items, services.length, MAX_RESOURCES);
    const at = this.#made++;
    return prepare(signal, this.#format, {
      items,
      resources,
      services,
      firstService: at * resources,
      seed: at,
      wallMs: this.#env.clock.wallMs(),
    });
  }
}
