import { sleep } from "../../core/clock.ts";
import { RouterError } from "../../core/errors.ts";
import { pauseMs } from "../../store/pauses.ts";
import { checkShape } from "../../store/recipes/json-value.ts";
import type { Env } from "../../telemetry/env.ts";
import { type ConfigDirective, ConfigDirectiveSchema, digestOf } from "./directive.ts";

/** A version of the fleet's config that a node is to run. */
export interface WantedVersion {
  readonly version: number;
  readonly sha256: string;
  /** It is tried here, and others run another one: which is this. */
  readonly triedFor?: number | undefined;
}

export interface ConfigReconcilerOptions extends Pick<Env, "clock" | "log" | "random"> {
  /** The id of this node: a candidate may be for some nodes only. */
  readonly id: string;
  /** This start of it: one that was asked to try a candidate is asked for this start alone. */
  readonly incarnation: string;
  /** The document with this digest; undefined: nobody has it at the moment. */
  readonly fetch: (digest: string, signal: AbortSignal) => Promise<string | undefined>;
  /** Takes it over, or refuses it for good; `again`: it could do neither now. Never rejects. */
  readonly follow: (wanted: WantedVersion, text: string) => Promise<"again" | "done">;
}

/** Undefined: what a directive says cannot be read. */
export function readConfigDirective(body: string): ConfigDirective | undefined {
  try {
    const read = checkShape(JSON.parse(body), ConfigDirectiveSchema);
    return read.ok ? read.value : undefined;
  } catch {
    return undefined;
  }
}

/** Which of its versions a node is to run. */
export function wantedOf(
  { version, sha256, candidate }: ConfigDirective,
  { id, incarnation }: Pick<ConfigReconcilerOptions, "id" | "incarnation">,
): WantedVersion {
  if (candidate === undefined || (candidate.base ?? version) !== version) return { version, sha256 };
  const { nodes, incarnations } = candidate;
  const at = nodes?.indexOf(id);
  const isCanary = at === undefined || (at >= 0 && (incarnations?.[at] ?? incarnation) === incarnation);
  return isCanary ? { version: candidate.version, sha256: candidate.sha256, triedFor: version } : { version, sha256 };
}

/**
 * Brings the document of the version that is wanted, and hands it on; whatever is wanted next takes
 * its place. Once a directive is over, its candidate is wanted no more.
 */
export class ConfigReconciler implements AsyncDisposable {
  readonly #options: ConfigReconcilerOptions;
  readonly #closing = new AbortController();
  #wanted: WantedVersion | undefined;
  #next = Promise.withResolvers<void>();
  readonly #ended: Promise<void>;

  constructor(options: ConfigReconcilerOptions) {
    this.#options = options;
    this.#ended = this.#run();
  }

  /** The body of a directive of scope `config`, as long as it holds. */
  applied(body: string): void {
    const directive = readConfigDirective(body);
    if (directive === undefined) {
      this.#options.log
        .limited("fleet-config-directive", 60_000)
        ?.error("what is said of the fleet's config cannot be read", {
          kind: "config",
          hint: "this node may be older than its controllers",
        });
    } else this.#want(wantedOf(directive, this.#options));
  }

  /** It holds no more: what all run is run here, too. */
  expired(body: string): void {
    const directive = readConfigDirective(body);
    if (directive !== undefined) this.#want({ version: directive.version, sha256: directive.sha256 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new RouterError("SHUTDOWN", "the fleet's config is followed no more"));
    this.#next.resolve();
    await this.#ended;
  }

  #want(wanted: WantedVersion): void {
    const { version, sha256, triedFor } = this.#wanted ?? {};
    const isSame = version === wanted.version && sha256 === wanted.sha256;
    // What was tried, and is what all run now, is applied as that.
    if (isSame && triedFor === wanted.triedFor) return;
    this.#wanted = wanted;
    this.#next.resolve();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await this.#next.promise;
      this.#next = Promise.withResolvers<void>();
      const wanted = this.#wanted;
      if (wanted !== undefined) await this.#bring(wanted);
    }
  }

  /** Until it is done, or another one is wanted. */
  async #bring(wanted: WantedVersion): Promise<void> {
    for (let attempt = 0; this.#isWanted(wanted); attempt++) {
      if ((await this.#take(wanted)) === "done") return;
      await this.#pause(attempt);
    }
  }

  #isWanted(wanted: WantedVersion): boolean {
    return this.#wanted === wanted && !this.#closing.signal.aborted;
  }

  async #take(wanted: WantedVersion): Promise<"again" | "done"> {
    const { fetch, follow, log } = this.#options;
    const text = await fetch(wanted.sha256, this.#closing.signal);
    if (text === undefined || wanted !== this.#wanted) return "again";
    if (digestOf(text) === wanted.sha256) return follow(wanted, text);
    log
      .limited("fleet-config-digest", 60_000)
      ?.error("a document of the fleet's config is not the one with its digest", {
        kind: "config",
        version: wanted.version,
      });
    return "again";
  }

  async #pause(attempt: number): Promise<void> {
    const { clock, random } = this.#options;
    const over = new AbortController();
    const signal = AbortSignal.any([this.#closing.signal, over.signal]);
    const waiting = sleep(clock, pauseMs("config", attempt, random), signal).catch(() => undefined);
    await Promise.race([waiting, this.#next.promise]);
    over.abort(new RouterError("INTERRUPTED", "something else is wanted"));
    await waiting;
  }
}
