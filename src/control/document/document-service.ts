import { rememberTaints } from "../../config/taint.ts";
import { isValues, textOf } from "../../config/values.ts";
import type { Clock } from "../../core/clock.ts";
import { DOCUMENT_WORK, type DocumentWork, unpackSecrets } from "./document-work.ts";
import { DocumentWorker } from "./document-worker.ts";
import type { Preparation, Prepared } from "./prepare.ts";

/**
 * Work with documents that never holds up the data plane: what is large, and what somebody has
 * sent, is done aside: in one thread, or process when it is large, since reading 10,000 rules takes
 * a second or more, and a pattern of a few characters may, too.
 */
export type DocumentService = AsyncDisposable & {
  readonly [Name in keyof DocumentWork]: (
    ...args: Parameters<DocumentWork[Name]>
  ) => Promise<ReturnType<DocumentWork[Name]>>;
};

export interface DocumentServiceOptions {
  readonly clock: Clock;
  /** Work on texts of the node's own that are together no longer than this is done at once. */
  readonly aside?: number;
  /** Whether what somebody has sent is done aside, however short it is. */
  readonly sent?: "aside" | "by_length";
}

/** Documents of this length are read in some ten milliseconds. */
const ASIDE = 65_536;

export function openDocumentService({ clock, aside = ASIDE, sent = "aside" }: DocumentServiceOptions): DocumentService {
  const worker = new DocumentWorker(clock);
  const run = async (name: keyof DocumentWork, args: readonly unknown[]): Promise<unknown> => {
    const isSent = name === "prepareEdit" || name === "prepareWanted";
    const isLarge = lengthOf(args) > aside;
    if (!(isSent && sent === "aside") && !isLarge) {
      const work = DOCUMENT_WORK[name] as (...args: readonly unknown[]) => unknown; // oxlint-disable-line typescript/no-unsafe-type-assertion -- the arguments are those of the name
      return work(...args);
    }
    // The node's own file waits for nothing that came by the API.
    const work = { name, args: args.map(plain) };
    const result = unpackSecrets(await worker.run(work, isLarge ? "process" : "thread", name === "prepareText"));
    if (name.startsWith("prepare")) remember(result as Prepared | Preparation); // oxlint-disable-line typescript/no-unsafe-type-assertion -- what the functions of these names return
    return result;
  };
  const names = Object.keys(DOCUMENT_WORK) as (keyof DocumentWork)[]; // oxlint-disable-line typescript/no-unsafe-type-assertion -- it has these keys
  const methods = names.map((name) => [name, (...args: readonly unknown[]) => run(name, args)]);
  const end = (): Promise<void> => worker[Symbol.asyncDispose]();
  return { ...Object.fromEntries(methods), [Symbol.asyncDispose]: end } as DocumentService; // oxlint-disable-line typescript/no-unsafe-type-assertion -- each of its names is there
}

/** Of the texts among the arguments, and in them. */
function lengthOf(args: readonly unknown[]): number {
  const texts = args.flatMap((arg) => (isValues(arg) ? [arg["text"], arg["running"]] : [arg]));
  return texts.reduce<number>((length, text) => length + (textOf(text)?.length ?? 0), 0);
}

/** The environment as it is now: the process's own is no plain data. */
function plain(arg: unknown): unknown {
  return isValues(arg) && isValues(arg["env"]) ? { ...arg, env: { ...arg["env"] } } : arg;
}

/** What is known beside a config does not come along with it. */
function remember(result: Prepared | Preparation): void {
  const prepared = !("kind" in result) ? result : result.kind === "prepared" ? result.prepared : undefined;
  if (prepared?.config !== undefined) rememberTaints(prepared.config, prepared.taints);
}
