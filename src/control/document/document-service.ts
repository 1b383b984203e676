import type { Clock } from "../../core/clock.ts";
import { rememberTaints } from "../../config/taint.ts";
import type { compareDocuments, DocumentDiff } from "./compare.ts";
import { DocumentWorker } from "./document-worker.ts";
import { DOCUMENT_WORK, type DocumentWork } from "./document-work.ts";
import type { Edit } from "./element.ts";
import type { Beside, DocumentPlace, Preparation, Prepared, Wanted } from "./prepare.ts";
import { unpackSecrets } from "./secrets-packed.ts";

/**
 * Work with documents that never holds up the data plane: what is large, and what somebody has sent, is done in one thread, since
 * reading 10,000 rules takes a second or more, and a pattern of a few characters may, too.
 */
export interface DocumentService extends AsyncDisposable {
  /** The node's own file, which waits for nothing that came by the API. */
  prepareText(text: string, beside: Beside, place: DocumentPlace): Promise<Prepared>;
  prepareAgain(text: string, running: string, place: DocumentPlace): Promise<Prepared>;
  prepareEdit(edit: Edit, beside: Beside, place: DocumentPlace): Promise<Preparation>;
  prepareWanted(wanted: Wanted, beside: Beside, place: DocumentPlace): Promise<Preparation>;
  rootOf(text: string): Promise<unknown>;
  redactText(text: string): Promise<string>;
  compareDocuments(...documents: Parameters<typeof compareDocuments>): Promise<DocumentDiff>;
}

export interface DocumentServiceOptions {
  readonly clock: Clock;
  /** Work on texts of the node's own that are together no longer than this is done at once. */
  readonly aside?: number;
  /** Whether what somebody has sent is done in the thread, however short it is. */
  readonly sent?: "aside" | "by_length";
}

/** Documents of this length are read in some ten milliseconds. */
const ASIDE = 65_536;

export function openDocumentService({ clock, aside = ASIDE, sent = "aside" }: DocumentServiceOptions): DocumentService {
  const worker = new DocumentWorker(clock);
  const run = async <Name extends keyof DocumentWork>(
    name: Name,
    args: Parameters<DocumentWork[Name]>,
    length: number,
  ): Promise<ReturnType<DocumentWork[Name]>> => {
    const work = DOCUMENT_WORK[name] as (...args: Parameters<DocumentWork[Name]>) => ReturnType<DocumentWork[Name]>; // oxlint-disable-line typescript/no-unsafe-type-assertion -- the types lose which of the functions it is
    if (length <= aside) return work(...args);
    const result = unpackSecrets(await worker.run({ name, args }, name === "prepareText"));
    if (name.startsWith("prepare")) remember(result as Prepared | Preparation); // oxlint-disable-line typescript/no-unsafe-type-assertion -- as below
    return result as ReturnType<DocumentWork[Name]>; // oxlint-disable-line typescript/no-unsafe-type-assertion -- what the function of this name returned
  };
  const given = (length: number): number => (sent === "aside" ? Number.POSITIVE_INFINITY : length);
  return {
    prepareText: (text, beside, place) =>
      run("prepareText", [text, beside, copy(place)], text.length + beside.running.length),
    prepareAgain: (text, running, place) =>
      run("prepareAgain", [text, running, copy(place)], text.length + running.length),
    prepareEdit: (edit, beside, place) => run("prepareEdit", [edit, beside, copy(place)], given(beside.running.length)),
    prepareWanted: (wanted, beside, place) =>
      run("prepareWanted", [wanted, beside, copy(place)], given(beside.running.length + wanted.text.length)),
    rootOf: (text) => run("rootOf", [text], text.length),
    redactText: (text) => run("redactText", [text], text.length),
    compareDocuments: (from, to) => run("compareDocuments", [from, to], from.text.length + to.text.length),
    [Symbol.asyncDispose]: () => worker[Symbol.asyncDispose](),
  };
}

/** The environment as it is now: the process's own is no plain data. */
function copy({ name, folder, env }: DocumentPlace): DocumentPlace {
  return { name, folder, env: { ...env } };
}

/** What is known beside a config does not come through the thread with it. */
function remember(result: Prepared | Preparation): void {
  const prepared = !("kind" in result) ? result : result.kind === "prepared" ? result.prepared : undefined;
  if (prepared?.config !== undefined) rememberTaints(prepared.config, prepared.taints);
}
