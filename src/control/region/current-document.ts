import { type Clock, sleep } from "../../core/clock.ts";
import { RouterError } from "../../core/errors.ts";
import { FLEET_BOUNDS } from "../fleet/bounds.ts";
import { readConfigDirective } from "../fleet/config-reconciler.ts";
import { CONFIG_SCOPE, type ConfigDirective } from "../fleet/directive.ts";
import type { BroughtDocument } from "../fleet/messages.ts";
import type { DirectiveSource, LiveDirective } from "./directive-source.ts";

/** A body that is no directive's: a document of the fleet's config. Undefined: there is none. */
export type FetchBody = (digest: string, signal: AbortSignal) => Promise<string | undefined>;

interface CurrentDocumentOptions {
  readonly clock: Clock;
  readonly directives: Pick<DirectiveSource, "newest">;
  readonly fetchBody: FetchBody;
}

/** Directives do not wait longer for it: whoever gets none fetches it. */
const PATIENCE_MS = 500;

/**
 * The document that most collectors want when there is another config: it goes with the directive
 * that names it, so that they need not all ask for it once more.
 */
export class CurrentDocument {
  readonly #options: CurrentDocumentOptions;
  #body: string | undefined;
  #directive: ConfigDirective | undefined;
  #digest: string | undefined;
  #document: BroughtDocument | undefined;

  constructor(options: CurrentDocumentOptions) {
    this.#options = options;
  }

  /** Has it brought, if there is another one. Rejects only when the signal ends it. */
  async bring(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const digest = this.#read();
    if (digest === undefined || digest === this.#digest) return;
    this.#digest = digest;
    this.#document = undefined;
    const over = new AbortController();
    const late = sleep(clock, PATIENCE_MS, AbortSignal.any([signal, over.signal])).catch(() => undefined);
    await Promise.race([this.#fetch(digest, signal), late]);
    over.abort(new RouterError("INTERRUPTED", "it is there"));
  }

  /** What goes with these to somebody who has that one. */
  goesWith(news: readonly LiveDirective[], has: string | undefined): BroughtDocument | undefined {
    const document = this.#document;
    if (has === undefined || document === undefined || has === document.digest) return undefined;
    // One of the nodes that try a config has that one.
    if (has === this.#directive?.candidate?.sha256) return undefined;
    return news.some(({ directive: { scope, body } }) => scope === CONFIG_SCOPE && body === this.#body)
      ? document
      : undefined;
  }

  /** The digest of what most are to run. */
  #read(): string | undefined {
    const newest = this.#options.directives.newest.find(({ scope }) => scope === CONFIG_SCOPE);
    if (newest === undefined) return undefined;
    if (newest.body !== this.#body) {
      this.#body = newest.body;
      this.#directive = readConfigDirective(newest.body);
    }
    return this.#directive && mostWant(this.#directive);
  }

  /** It may come too late for the first who are told, and in time for others. */
  async #fetch(digest: string, signal: AbortSignal): Promise<void> {
    const text = await this.#options.fetchBody(digest, signal).catch(() => undefined);
    if (digest !== this.#digest) return;
    if (text === undefined) this.#digest = undefined;
    else if (Buffer.byteLength(text) <= FLEET_BOUNDS.documentBytes) this.#document = { digest, text };
  }
}

/** As `wantedOf` has it for each; some nodes that try another one fetch that. */
function mostWant({ version, sha256, candidate }: ConfigDirective): string {
  const isForAll = candidate !== undefined && candidate.nodes === undefined && (candidate.base ?? version) === version;
  return isForAll ? candidate.sha256 : sha256;
}
