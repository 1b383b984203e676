import { isPlain, isQuickToRead, rulePlacesOf } from "../../config/document.ts";
import type { Config } from "../../config/schema/config.ts";
import { rememberTaints } from "../../config/taint.ts";
import { isValues, textOf } from "../../config/values.ts";
import type { Clock } from "../../core/clock.ts";
import { DOCUMENT_WORK, type DocumentWork, unpackSecrets } from "./document-work.ts";
import { DocumentWorker } from "./document-worker.ts";
import { warmUpChange } from "./warm-up.ts";
import {
  type Beside,
  type DocumentPlace,
  type Preparation,
  type Prepared,
  prepareFewLines,
  readBeside,
} from "./prepare.ts";

/**
 * Work with documents that never holds up the data plane: what is large, and what somebody has
 * sent, is done aside: in one thread, or process when it is large, since reading 10,000 rules takes
 * a second or more, and a pattern of a few characters may, too.
 */
export type DocumentService = AsyncDisposable & {
  readonly [Name in keyof DocumentWork]: (
    ...args: Parameters<DocumentWork[Name]>
  ) => Promise<ReturnType<DocumentWork[Name]>>;
} & {
  /**
   * Reads a document as `prepareText` does, now and here: what is made of it then is there for the
   * `prepareText` that may follow. Undefined, and nothing is done, for all but a long document that
   * differs in a few rules from what was read last, and has no patterns.
   */
  readAhead(...args: Parameters<DocumentWork["prepareText"]>): Config | undefined;
};

export interface DocumentServiceOptions {
  readonly clock: Clock;
  /** Work on texts of the node's own that are together no longer than this is done at once. */
  readonly aside?: number;
  /** Whether what somebody has sent is done aside, however short it is. */
  readonly sent?: "aside" | "by_length";
  /** Whether this process carries no data, so that it may take a second for a long document. */
  readonly unhurried?: boolean;
  /**
   * What is to run: what its first change needs is compiled here and now, before anything waits for
   * this thread. That takes some 50 ms for 10,000 rules.
   */
  readonly running?: { readonly text: string; readonly place: DocumentPlace };
}

export function openDocumentService(options: DocumentServiceOptions): DocumentService {
  const { clock, aside = LONG, sent = "aside", unhurried = false, running } = options;
  const worker = new DocumentWorker(clock);
  if (running !== undefined && running.text.length > aside && isQuick(running.text, unhurried)) warmUp(running);
  const run = async (name: keyof DocumentWork, args: readonly unknown[]): Promise<unknown> => {
    const isSent = name === "prepareEdit" || name === "prepareWanted";
    const isLong = lengthOf(args) > aside;
    const isShortHere = !(isSent && sent === "aside") || isShortEdit(name, args, unhurried);
    if (isLong ? isDoneHere(name, args, unhurried) : isShortHere) {
      const work = DOCUMENT_WORK[name] as (...args: readonly unknown[]) => unknown; // oxlint-disable-line typescript/no-unsafe-type-assertion -- the arguments are those of the name
      if (!(isLong && name === "prepareEdit")) return work(...args);
      const edited = prepareFewLines(...(args as Parameters<typeof prepareFewLines>)); // oxlint-disable-line typescript/no-unsafe-type-assertion -- as above
      if (edited !== undefined) return edited;
    }
    // The node's own file waits for nothing that came by the API.
    const work = { name, args: args.map(plain) };
    const result = unpackSecrets(await worker.run(work, isLong ? "process" : "thread", name === "prepareText"));
    if (name.startsWith("prepare")) remember(result as Prepared | Preparation); // oxlint-disable-line typescript/no-unsafe-type-assertion -- what the functions of these names return
    return result;
  };
  const names = Object.keys(DOCUMENT_WORK) as (keyof DocumentWork)[]; // oxlint-disable-line typescript/no-unsafe-type-assertion -- it has these keys
  const methods = names.map((name) => [name, (...args: readonly unknown[]) => run(name, args)]);
  const end = (): Promise<void> => worker[Symbol.asyncDispose]();
  return { ...Object.fromEntries(methods), readAhead, [Symbol.asyncDispose]: end } as DocumentService; // oxlint-disable-line typescript/no-unsafe-type-assertion -- each of its names is there
}

function readAhead(text: string, beside: Beside, place: DocumentPlace): Config | undefined {
  const isLittle = [beside.running, text].every((each) => each.length > LONG && isQuick(each, false));
  return isLittle ? readBeside(text, beside, place).config : undefined;
}

function warmUp({ text, place }: NonNullable<DocumentServiceOptions["running"]>): void {
  try {
    warmUpChange(text, place);
  } catch {
    // Whoever makes such a change is told.
  }
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

/** Documents of this length are read in some ten milliseconds. */
const LONG = 65_536;
/** Of a rule that has a pattern, all of it. */
const MOST_WITH_PATTERN = 1_024;
/** Which is read and checked in two seconds: 10,000 rules are 1.7 MB. */
const LONGEST_HERE = 4 * 1_024 * 1_024;

/** Of the texts among the arguments, and in them. */
function lengthOf(args: readonly unknown[]): number {
  return textsIn(args).reduce((length, text) => length + text.length, 0);
}

function textsIn(args: readonly unknown[]): string[] {
  const texts = args.flatMap((arg) => (isValues(arg) ? [arg["text"], arg["running"]] : [arg]));
  return texts.flatMap((text) => textOf(text) ?? []);
}

/**
 * Whether work with long documents takes less here than to tell somebody else: a change of one that
 * was read here before and differs in a few rules, since what was made of all others is there. So
 * the first one is read here, before the node carries data. `unhurried`: this process never does.
 */
function isDoneHere(name: keyof DocumentWork, args: readonly unknown[], unhurried: boolean): boolean {
  const texts = textsIn(args).filter((text) => text.length > LONG);
  const isSo = (is: (text: string) => boolean): boolean => texts.length > 0 && texts.every(is);
  switch (name) {
    case "prepareFirst":
      return isSo(isReadHere);
    case "prepareEdit":
      return isQuickEdit(args[0], unhurried) && isSo((text) => isEditedHere(text, unhurried));
    case "prepareText":
    case "prepareAgain":
      return isSo((text) => isQuick(text, unhurried));
    case "rootOf":
      return isSo(isQuickToRead);
    default:
      return false;
  }
}

/**
 * A change of one rule of a short document, where no data waits: a thread takes half a second of
 * the processor to begin. Not what refers to anything outside, which may be slow to read.
 */
function isShortEdit(name: keyof DocumentWork, args: readonly unknown[], unhurried: boolean): boolean {
  if (!unhurried || name !== "prepareEdit" || !isQuickEdit(args[0], unhurried)) return false;
  return [...textsIn(args), JSON.stringify(args[0], asText)].every((text) => !text.includes("${"));
}

/** Thousands of patterns take ten seconds to compare, which a node that runs does not have. */
function isEditedHere(text: string, unhurried: boolean): boolean {
  const isRead = isQuick(text, unhurried) || (unhurried && !text.includes("regex") && isReadHere(text));
  return isRead && rulePlacesOf(text) !== undefined;
}

/**
 * Patterns are compared with all others once more: 10,000 of them take more than a second, in which
 * a process that carries data would carry none.
 */
function isQuick(text: string, unhurried: boolean): boolean {
  return isQuickToRead(text) && (unhurried || !(text.includes("regex") || text.includes("*")));
}

function isReadHere(text: string): boolean {
  return text.length <= LONGEST_HERE && isPlain(text);
}

/**
 * Of one rule. Whoever sends it may mean harm with its pattern: a count (`{1000}`) multiplies what
 * compiling it takes. Without one, no pattern of this length that was tried takes more than some
 * 120 ms: too long for a process that carries data, and for no other.
 */
function isQuickEdit(edit: unknown, unhurried: boolean): boolean {
  if (!isValues(edit) || edit["section"] !== "rules") return false;
  const written = JSON.stringify(edit, asText);
  if (!written.includes("regex")) return written.length <= LONG;
  return unhurried && written.length <= MOST_WITH_PATTERN && !/\{\d/u.test(written);
}

/** JSON has no whole numbers beyond 2^53. */
function asText(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}
