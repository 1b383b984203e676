import { z } from "zod";
import { compareEpochs, parseEpoch } from "../../store/recipes/epoch.ts";
import { readJson, type Shaped } from "../../store/recipes/json-value.ts";
import { checkedPart, checkedPrefix } from "../../store/recipes/keys.ts";
import { DigestSchema, type DirectiveMark, DirectiveMarkSchema, ScopeSchema } from "../fleet/directive.ts";

/** What stands at `<prefix>/directives/<scope>`, whole: fields are only ever added. */
const StoredDirectiveSchema = DirectiveMarkSchema.extend({
  schema: z.int().min(1).default(1),
  scope: ScopeSchema,
  /** From its writing: it is written anew, with another seq, before it is over. */
  valid_for_ms: z.int().min(0),
  digest: DigestSchema,
  body: z.string(),
  written_at: z.string().default(""),
  /** The global leader's id. */
  by: z.string().default(""),
});
export type StoredDirective = z.output<typeof StoredDirectiveSchema>;

export function directivesPrefix(prefix: string): string {
  return `${checkedPrefix(prefix)}/directives/`;
}

/** Fails with `STORE_REFUSED` for what cannot be a key. */
export function directiveKey(prefix: string, scope: string): string {
  return directivesPrefix(prefix) + checkedPart(scope, "a scope of directives");
}

export function decodeStoredDirective(bytes: Uint8Array): Shaped<StoredDirective> {
  return readJson(bytes, StoredDirectiveSchema);
}

/** Positive: `a` was decided later. Only those of one scope compare. */
export function compareMarks(a: DirectiveMark, b: DirectiveMark): number {
  return compareEpochs(epochOf(a), epochOf(b)) || a.seq - b.seq;
}

function epochOf({ epoch }: DirectiveMark): { readonly generation: number; readonly revision: bigint } {
  return parseEpoch(epoch) ?? { generation: 0, revision: 0n };
}
