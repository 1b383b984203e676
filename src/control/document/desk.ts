import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { compareDocuments, type DocumentDiff } from "./compare.ts";
import type { Edit } from "./element.ts";
import {
  type DocumentPlace,
  type Preparation,
  prepareEdit,
  type Prepared,
  prepareText,
  prepareWanted,
  rootOf,
  type Wanted,
} from "./prepare.ts";
import { redactText } from "./secrets.ts";
import { unpackSecrets } from "./secrets-packed.ts";

/** What is done with whole documents, by name: its arguments and results can be sent to another thread. */
export const DOCUMENT_WORK = {
  prepareText,
  prepareEdit,
  prepareWanted,
  rootOf,
  redactText,
  compareDocuments,
} as const;
export type DocumentWork = typeof DOCUMENT_WORK;

/**
 * Work with documents that never holds up the data plane: what is large is done in a thread that is started for it, since
 * reading 10,000 rules takes a second or more.
 */
export interface DocumentDesk {
  prepareText(text: string, running: string, place: DocumentPlace): Promise<Prepared>;
  prepareEdit(running: string, edit: Edit, place: DocumentPlace): Promise<Preparation>;
  prepareWanted(running: string, wanted: Wanted, place: DocumentPlace): Promise<Preparation>;
  rootOf(text: string): Promise<unknown>;
  redactText(text: string): Promise<string>;
  compareDocuments(...documents: Parameters<typeof compareDocuments>): Promise<DocumentDiff>;
}

export interface DeskOptions {
  /** Work on texts that are together longer than this is done in a thread. */
  readonly aside: number;
}

/** Documents of this length are read in some ten milliseconds. */
const ASIDE = 65_536;

export function openDocumentDesk({ aside }: DeskOptions = { aside: ASIDE }): DocumentDesk {
  const run = async <Name extends keyof DocumentWork>(
    name: Name,
    args: Parameters<DocumentWork[Name]>,
    length: number,
  ): Promise<ReturnType<DocumentWork[Name]>> => {
    const work = DOCUMENT_WORK[name] as (...args: Parameters<DocumentWork[Name]>) => ReturnType<DocumentWork[Name]>; // oxlint-disable-line typescript/no-unsafe-type-assertion -- the types lose which of the functions it is
    return length <= aside ? work(...args) : runAside(name, args);
  };
  return {
    prepareText: (text, running, place) =>
      run("prepareText", [text, running, copy(place)], text.length + running.length),
    prepareEdit: (running, edit, place) => run("prepareEdit", [running, edit, copy(place)], running.length),
    prepareWanted: (running, wanted, place) =>
      run("prepareWanted", [running, wanted, copy(place)], running.length + wanted.text.length),
    rootOf: (text) => run("rootOf", [text], text.length),
    redactText: (text) => run("redactText", [text], text.length),
    compareDocuments: (from, to) => run("compareDocuments", [from, to], from.text.length + to.text.length),
  };
}

/** The environment as it is now: the process's own is no plain data. */
function copy({ name, folder, env }: DocumentPlace): DocumentPlace {
  return { name, folder, env: { ...env } };
}

/** The thread ends with its work. It has its own heap, which goes with it. */
async function runAside<Name extends keyof DocumentWork>(
  name: Name,
  args: Parameters<DocumentWork[Name]>,
): Promise<ReturnType<DocumentWork[Name]>> {
  const module = import.meta.url.endsWith(".ts") ? "./desk-thread.ts" : "./desk-thread.js";
  const worker = new Worker(new URL(module, import.meta.url), { workerData: { name, args } });
  try {
    const [result] = (await once(worker, "message")) as [unknown]; // oxlint-disable-line typescript/no-unsafe-type-assertion -- as below
    return unpackSecrets(result) as ReturnType<DocumentWork[Name]>; // oxlint-disable-line typescript/no-unsafe-type-assertion -- what the function of this name returned
  } finally {
    await worker.terminate();
  }
}
