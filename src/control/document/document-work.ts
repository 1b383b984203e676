import { compareDocuments } from "./compare.ts";
import { prepareAgain, prepareEdit, prepareText, prepareWanted, rootOf } from "./prepare.ts";
import { redactText } from "./secrets.ts";

/** What is done with whole documents, by name: its arguments and results can be sent to another thread. */
export const DOCUMENT_WORK = {
  prepareText,
  prepareAgain,
  prepareEdit,
  prepareWanted,
  rootOf,
  redactText,
  compareDocuments,
} as const;
export type DocumentWork = typeof DOCUMENT_WORK;
