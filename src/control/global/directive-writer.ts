import { RouterError } from "../../core/errors.ts";
import { InTurn } from "../../core/in-turn.ts";
import { isoTime } from "../../core/iso-time.ts";
import { formatEpoch } from "../../store/recipes/epoch.ts";
import { writeJson } from "../../store/recipes/json-value.ts";
import type { Held } from "../../store/recipes/lock-hold.ts";
import type { RecipePlace } from "../../store/recipes/place.ts";
import { FLEET_BOUNDS } from "../fleet/bounds.ts";
import { digestOf } from "../fleet/directive.ts";
import { directiveKey, type StoredDirective } from "../region/stored-directive.ts";

interface DirectiveWriterOptions {
  readonly place: Pick<RecipePlace, "prefix" | "clock">;
  /** Whoever writes leads the world: it is compared in the same transaction. */
  readonly leadership: Pick<Held, "epoch" | "guarded">;
  readonly generation: number;
  readonly by: string;
}

/** A decision, as the global leader has it. */
interface Decision {
  readonly body: string;
  readonly validForMs: number;
}

interface DecidedLine extends Decision {
  readonly digest: string;
  readonly seq: number;
  readonly writtenMs: number;
}

/** So many times a directive is written within its time: a write that fails is made good. */
const WRITES_A_TIME = 3;
/** What the store takes beside what is around a body. */
const MAX_BODY_BYTES = 262_144;

/**
 * Writes the global leader's decisions to `<prefix>/directives/<scope>`, and anew while they hold.
 * With each write `seq` rises: it is by this that others see that they still do.
 */
export class DirectiveWriter {
  readonly #options: DirectiveWriterOptions;
  readonly #lines = new Map<string, DecidedLine>();
  /** Of what nobody knows what the store has: a write has failed. */
  readonly #unsure = new Set<string>();
  /** A write that took its time must not come after the next one. */
  readonly #turns = new InTurn();
  #seq = 0;

  constructor(options: DirectiveWriterOptions) {
    this.#options = options;
  }

  /**
   * Writes it at once, if it is another one than what was written last. Throws `NOT_OWNER`, or as
   * the store does: then nothing was decided.
   */
  async set(scope: string, decision: Decision, signal: AbortSignal): Promise<void> {
    const bytes = Buffer.byteLength(decision.body);
    const isNew = !this.#lines.has(scope);
    if (bytes > MAX_BODY_BYTES || (isNew && this.#lines.size >= FLEET_BOUNDS.scopes)) {
      throw new RouterError("STORE_REFUSED", `directive ${scope} of ${bytes} bytes cannot be written`, {
        hint: `there are at most ${FLEET_BOUNDS.scopes}, of ${MAX_BODY_BYTES} bytes each`,
      });
    }
    const wanted = { ...decision, digest: digestOf(decision.body) };
    await this.#inTurn(async () => {
      const last = this.#lines.get(scope);
      const isThere = last?.body === decision.body && last.validForMs === decision.validForMs;
      if (!isThere || this.#unsure.has(scope)) await this.#write(scope, wanted, signal);
    });
  }

  /** Whatever is decided no more ends with its time. */
  unset(scope: string): void {
    this.#lines.delete(scope);
  }

  /** Writes anew what is due; to be called once a second or so. Throws as `set` does. */
  async tick(signal: AbortSignal): Promise<void> {
    for (const scope of this.#lines.keys()) {
      await this.#inTurn(async () => {
        const line = this.#lines.get(scope); // what was decided while it waited for its turn
        const sinceMs = this.#options.place.clock.nowMs() - (line?.writtenMs ?? 0);
        if (line !== undefined && sinceMs >= line.validForMs / WRITES_A_TIME) await this.#write(scope, line, signal);
      });
    }
  }

  async #inTurn(work: () => Promise<void>): Promise<void> {
    const done = await this.#turns.next();
    try {
      await work();
    } finally {
      done();
    }
  }

  async #write(scope: string, line: Decision & { readonly digest: string }, signal: AbortSignal): Promise<void> {
    const { place, leadership, generation, by } = this.#options;
    const writtenMs = place.clock.nowMs();
    const seq = ++this.#seq;
    const value = writeJson({
      schema: 1,
      scope,
      epoch: formatEpoch({ generation, revision: leadership.epoch }),
      seq,
      valid_for_ms: Math.floor(line.validForMs),
      digest: line.digest,
      body: line.body,
      written_at: isoTime(place.clock.wallMs()),
      by,
    } satisfies StoredDirective);
    const key = directiveKey(place.prefix, scope);
    this.#unsure.add(scope);
    await leadership.guarded({ if: [], then: [{ kind: "put", key, value }] }, { signal });
    this.#unsure.delete(scope);
    this.#lines.set(scope, { body: line.body, validForMs: line.validForMs, digest: line.digest, seq, writtenMs });
  }
}
