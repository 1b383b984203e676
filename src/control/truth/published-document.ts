import { parseText } from "../../config/document.ts";
import { NEWEST_SCHEMA } from "../../config/schema/fleet.ts";
import { isValues } from "../../config/values.ts";
import type { Problem } from "../../core/problem.ts";
import { MAX_CONFIG_BYTES } from "../../store/recipes/config-record.ts";
import { publishFaults, withoutNode } from "../document/publish-faults.ts";
import { rewriteKnown } from "../document/rewrite.ts";

/** What else people want of a document: what it says is told, and nothing is published. */
export type ConfigValidator = (text: string) => readonly string[] | Promise<readonly string[]>;

type Publishable =
  | {
      readonly kind: "document";
      /** Without `node`; all else is as it was, comments too. */
      readonly text: string;
      readonly schema: number;
    }
  | { readonly kind: "invalid"; readonly problems: readonly Problem[] };

/**
 * A document as it may be given to a fleet. What is wrong with its rules and targets is for whoever
 * loads it.
 */
export function publishable(text: string): Publishable {
  const parsed = parseText(text);
  if (!parsed.ok || parsed.faults.length > 0) {
    return invalid(parsed.faults.map(({ message, hint, position }) => ({ ...error(message, hint), position })));
  }
  const { root } = parsed.document;
  if (!isValues(root)) return invalid([error("is no mapping of keys and values", "see signalbox validate")]);
  const fleet = withoutNode(root);
  const stripped = fleet === root ? text : rewriteKnown(text, root, fleet);
  if (stripped === undefined) return invalid([error(ANCHORED, "write what it shares with `node` out")]);
  const bytes = Buffer.byteLength(stripped);
  const problems = [...schemaFaults(root["schema"]), ...publishFaults(fleet)];
  if (bytes > MAX_CONFIG_BYTES) problems.push(error(`has ${bytes} bytes, and may have ${MAX_CONFIG_BYTES}`, TOO_LONG));
  if (isValues(fleet) && Object.keys(fleet).length === 0) problems.push(error("says nothing of a fleet", EMPTY));
  return problems.length > 0 ? invalid(problems) : { kind: "document", text: stripped, schema: schemaOf(root) };
}

/** Of the values of a document; 1 where it says nothing. */
function schemaOf(root: unknown): number {
  const schema = isValues(root) ? root["schema"] : undefined;
  return typeof schema === "number" ? schema : 1;
}

/** What validators say of a document. Never rejects: one that fails has something against it. */
export async function validatorFaults(text: string, validators: readonly ConfigValidator[]): Promise<Problem[]> {
  const said = validators.map(async (validate) => {
    try {
      return await validate(text);
    } catch (cause) {
      return [`a validator failed: ${cause instanceof Error ? cause.message : String(cause)}`];
    }
  });
  return (await Promise.all(said)).flat().map((message) => error(message, undefined));
}

const ANCHORED = "has anchors (&name) or merges between `node` and the rest";
const TOO_LONG = "leave out what can be told by a pattern; name files or variables for what is long";
const EMPTY = "all but `node` is the fleet's: targets, pools, rules, ...";

function schemaFaults(schema: unknown): Problem[] {
  if (schema === undefined || (Number.isInteger(schema) && Number(schema) >= 1 && Number(schema) <= NEWEST_SCHEMA)) {
    return [];
  }
  const message = `${JSON.stringify(schema)} is no schema that this version of Signalbox reads: 1 to ${NEWEST_SCHEMA}`;
  return [{ ...error(message, "publish it with a newer version of Signalbox"), path: "schema" }];
}

function invalid(problems: readonly Problem[]): Publishable {
  return { kind: "invalid", problems };
}

function error(message: string, hint: string | undefined): Problem {
  return { severity: "error", path: "", message, ...(hint !== undefined && { hint }) };
}
