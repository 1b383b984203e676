import { z } from "zod";
import { sha256Of } from "../../core/sha256.ts";
import { parseEpoch } from "../../store/recipes/epoch.ts";
import { FLEET_BOUNDS } from "./bounds.ts";

/**
 * `2.4711`: generation and revision, as `formatEpoch` writes them. Only those of one scope compare.
 */
export const EpochTextSchema = z.string().refine((text) => parseEpoch(text) !== undefined, "is not an epoch");

/** SHA-256 in hexadecimal digits. */
export const DigestSchema = z.string().regex(/^[0-9a-f]{64}$/u, "is not a SHA-256");

/** `config`, and whatever else is decided above a collector: letters, digits, `.`, `_`, `-`. */
export const ScopeSchema = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,127}$/u, "is not a scope");

/** Which decision of a scope: first by epoch, then by the number that its leader gave it. */
export const DirectiveMarkSchema = z.object({ epoch: EpochTextSchema, seq: z.int().min(0) });
export type DirectiveMark = z.output<typeof DirectiveMarkSchema>;

/** Digest of the body, which is text: what is larger than fits in is asked for by it (Fetch). */
export const DirectiveSchema = DirectiveMarkSchema.extend({
  scope: ScopeSchema,
  /** Counted by whoever receives it from the sending of the request that it answers. */
  valid_for_ms: z.int().min(0),
  digest: DigestSchema,
  body: z
    .string()
    .refine((text) => Buffer.byteLength(text) <= FLEET_BOUNDS.inlineBytes, "is too large: it is fetched")
    .optional(),
});

/** A decision that travels down, as the wire has it. */
export type Directive = z.output<typeof DirectiveSchema>;

/** What is newer than what a collector has, told in the reply of a Report. */
export const DirectiveNewsSchema = DirectiveMarkSchema.extend({ scope: ScopeSchema, digest: DigestSchema });
export type DirectiveNews = z.output<typeof DirectiveNewsSchema>;

/** What a collector has, by scope: Await and Report say it. */
export const KnownDirectivesSchema = z
  .record(ScopeSchema, DirectiveMarkSchema)
  .refine((all) => Object.keys(all).length <= FLEET_BOUNDS.scopes, `has more than ${FLEET_BOUNDS.scopes} scopes`);
export type KnownDirectives = z.output<typeof KnownDirectivesSchema>;

/**
 * Of scope `config`: which version all run, and the one that some try (`config apply --staged`).
 */
export const ConfigDirectiveSchema = z.object({
  version: z.int().min(1),
  /** Of the document, which is fetched by it. */
  sha256: DigestSchema,
  candidate: z
    .object({
      version: z.int().min(1),
      sha256: DigestSchema,
      stage: z.string().max(FLEET_BOUNDS.text),
      /** Ids of the nodes that run it; none: all. */
      nodes: z.array(z.string().min(1).max(FLEET_BOUNDS.text)).max(1_000).optional(),
      /** Of those nodes, in the same order: another start of one of them does not run it. */
      incarnations: z.array(z.string().max(64)).max(1_000).optional(),
      /** Where these nodes are: controllers of other regions tell of none of them. */
      region: z.string().max(FLEET_BOUNDS.text).optional(),
      /** It is tried in the place of this version, and of no other. */
      base: z.int().min(1).optional(),
      again: z.boolean().default(false),
    })
    .optional(),
});
export type ConfigDirective = z.output<typeof ConfigDirectiveSchema>;

/** The one scope that each fleet has. */
export const CONFIG_SCOPE = "config";

/** Of a body, and of a whole document. */
export const digestOf = sha256Of;
