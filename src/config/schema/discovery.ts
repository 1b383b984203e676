import { isIP } from "node:net";
import { z } from "zod";
import { parseAddress } from "./address.ts";
import { TargetSchema } from "./target.ts";
import { NameSchema } from "./values.ts";

/** It is the only target of its pool, and of no other one's: no weight, and no tags. */
const OF_ANY_TARGET = TargetSchema.omit({
  id: true,
  endpoint: true,
  resolve: true,
  proxy: true,
  weight: true,
  tags: true,
}).shape;

const EXAMPLE = "write name:port, such as gateways.observability.svc:4317";

/**
 * What is wrong with the text as a name whose addresses are targets: a message, and a hint on a
 * second line.
 */
export function discoveryFault(text: string): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:\/\//iu.test(text)) return `is a name and a port, without a scheme\n${EXAMPLE}`;
  const address = parseAddress(text);
  if (address === undefined || !URL.canParse(`http://${text}`)) return `is not a name with a port\n${EXAMPLE}`;
  if (address.port === 0) return "needs a port that can be connected to\n0 is none";
  // As it will be read: 1 and 0x7f.1 are addresses, too.
  const host = new URL(`http://${text}`).hostname;
  if (isIP(host) === 0 && !host.startsWith("[")) return undefined;
  return "is an address, not a name\ndefine a target with this endpoint";
}

/** The addresses behind a name, which together are one target, with the settings of a target. */
export const DnsDiscoverySchema = z.strictObject({
  dns: z
    .string()
    .superRefine((text, context) => {
      const message = discoveryFault(text);
      if (message !== undefined) context.addIssue({ code: "custom", message });
    })
    .describe("name:port. All addresses behind the name are used, with this port, at most 64; with tls over TLS."),
  id: NameSchema.optional().describe("What it is called among the targets; default: dns:name:port."),
  ...OF_ANY_TARGET,
});

/** More members of the fleet are not used by one target. */
export const MAX_MEMBERS = 64;
/** What a node asks its controller for, at most. */
export const MAX_SELECTIONS = 16;
/** What a node, or a target that looks for nodes, may say of itself in tags. */
const TAG_BOUNDS = { tags: 64, name: 128, value: 256 } as const;

/** Tags with their values, or globs over values. */
export function tagsOf(what: string): z.ZodType<Readonly<Record<string, string>>, Record<string, string>> {
  const { tags, name, value } = TAG_BOUNDS;
  return z
    .record(z.string().min(1).max(name), z.string().max(value))
    .refine((all) => Object.keys(all).length <= tags, `has more than ${tags} ${what}`);
}

const CollectorsSchema = z.strictObject({
  region: NameSchema.optional().describe("Where they are, by its name; default: where the node itself is."),
  tags: tagsOf("tags")
    .optional()
    .describe("Globs over the `node.tags` of nodes, all of which must fit; default: all nodes of the region."),
});

/** Nodes of the fleet, which together are one target. */
export const MemberDiscoverySchema = z.strictObject({
  collectors: CollectorsSchema.describe(
    "Nodes of the fleet by region and tags: those that are healthy, the first 64 by id; with tls over TLS. On a node that it selects itself the pool has no target.",
  ),
  id: NameSchema.optional().describe("What it is called among the targets; default: collectors:region,tag=value."),
  ...OF_ANY_TARGET,
});

export type DiscoveryDocument = DnsDiscoveryDocument | MemberDiscoveryDocument;
type DnsDiscoveryDocument = z.output<typeof DnsDiscoverySchema>;
type MemberDiscoveryDocument = z.output<typeof MemberDiscoverySchema>;
export type CollectorSelection = z.output<typeof CollectorsSchema>;
