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
export const DiscoverySchema = z.strictObject({
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

export type DiscoveryDocument = z.output<typeof DiscoverySchema>;
