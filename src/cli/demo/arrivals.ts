import { tallyItems } from "../../generate/read-back.ts";
import type { Tally } from "../../generate/tally.ts";
import { viewResource } from "../../otlp/resource.ts";
import { Envelope, scanEnvelope } from "../../otlp/scan.ts";
import { SIGNAL_FACTS, SIGNALS, type Signal } from "../../otlp/signal.ts";

/** Services beyond this many are counted together: anybody may send to the demo. */
const MAX_SERVICES = 100;

/** What one target has received, by service and signal: spans, data points, log records. */
export class Arrivals {
  #items = 0;
  readonly #byService = new Map<string, Float64Array>();
  readonly #envelope = new Envelope();
  readonly #tallyOf: (signal: Signal) => Tally;

  /** `tallyOf` gives what remembers the running numbers of generated items. */
  constructor(tallyOf: (signal: Signal) => Tally) {
    this.#tallyOf = tallyOf;
  }

  get items(): number {
    return this.#items;
  }

  /** Counts an Export request. False, and nothing counted, when it is malformed. */
  take(signal: Signal, bytes: Uint8Array): boolean {
    const envelope = this.#envelope;
    if (!scanEnvelope(signal, bytes, envelope)) return false;
    for (let r = 0; r < envelope.resources; r++) {
      const resource = bytes.subarray(envelope.resourceStart[r], envelope.resourceEnd[r]);
      this.#count(signal, String(viewResource(resource).attributes.get("service.name")), envelope.points[r] ?? 0);
    }
    tallyItems(signal, bytes, this.#tallyOf(signal));
    return true;
  }

  visit(each: (service: string, signal: Signal, items: number) => void): void {
    for (const [service, counts] of this.#byService) {
      for (const signal of SIGNALS) each(service, signal, counts[SIGNAL_FACTS[signal].index] ?? 0);
    }
  }

  #count(signal: Signal, service: string, items: number): void {
    const known = this.#byService.has(service) || this.#byService.size < MAX_SERVICES;
    const name = known ? service : "other";
    const counts = this.#byService.get(name) ?? new Float64Array(SIGNALS.length);
    this.#byService.set(name, counts);
    const { index } = SIGNAL_FACTS[signal];
    counts[index] = (counts[index] ?? 0) + items;
    this.#items += items;
  }
}
