import { z } from "zod";
import { AddressSchema, parseAddress } from "./address.ts";
import { ListenerTlsSchema, OFF } from "./listener.ts";
import { duration, SecretSchema, TextSchema } from "./values.ts";

/** Where controllers are reached when nothing is said: only on this machine. */
export const DEFAULT_FLEET_ADDRESS = "127.0.0.1:4321";

const LONGEST_TOPOLOGY_MS = 300_000;
const LONGEST_LEASE_MS = 300_000;
/** What a header can carry as one word. */
const VISIBLE = /^[\x21-\x7E]+$/u;
/** Of `report_interval`: it is said in each Report, and who is silent is known by it. */
const LONGEST_REPORT_MS = 60_000;

const FleetListenerSchema = z.strictObject({
  address: AddressSchema.prefault(DEFAULT_FLEET_ADDRESS).describe(
    "host:port, IPv6 in brackets; port 0 is any free one. Off this machine it needs tls, and client_ca or a token.",
  ),
  tls: ListenerTlsSchema.optional().describe(
    "Without it, plain text. With client_ca the SAN of a node's certificate has to be its id.",
  ),
});

const FleetClientTlsSchema = z.strictObject({
  ca: TextSchema.optional().describe("Certificates to trust instead of the system's: a file, or PEM."),
  cert: TextSchema.optional().describe("Certificate of this node, whose SAN is its id: a file, or PEM."),
  key: SecretSchema.optional().describe("Key of the certificate: a file, or PEM."),
  server_name: TextSchema.optional().describe(
    "Name to expect in the controllers' certificates; default: the host that is dialled.",
  ),
});

const TokenSchema = SecretSchema.refine(
  (token) => VISIBLE.test(token.reveal()),
  "has a blank, or a sign that no header can have\nuse letters, digits and signs of ASCII: openssl rand -hex 32",
);
/** One that comes and one that goes; who changes it again before that is through has one more. */
const MOST_ACCEPTED = 4;

/** How a node is part of its fleet. */
export const NodeFleetSchema = z.strictObject({
  listen: z
    .union([FleetListenerSchema, OFF])
    .optional()
    .describe(
      "Where its controller is reached; false: nowhere. Default: on this machine, with a store that nodes share.",
    ),
  token: TokenSchema.optional().describe("What all nodes of the fleet show each other: ASCII without blanks."),
  accept_tokens: z
    .array(TokenSchema)
    .max(MOST_ACCEPTED)
    .default([])
    .describe("Tokens that are believed beside it, while it is changed: see docs/fleet.md."),
  tls: FleetClientTlsSchema.optional().describe("For controllers that listen with tls."),
  advertise: z
    .string()
    .refine((text) => parseAddress(text) !== undefined, "is not an address\nwrite host:port")
    .optional()
    .describe("host:port that others dial; default: where it listens."),
  report_interval: duration(500)
    .prefault("5s")
    .refine((ms) => ms <= LONGEST_REPORT_MS, "must be 60s or less\nwho is silent for three of them is gone")
    .describe(
      "How often a node tells its controller how it is, up to 60s; at once when what is offered to it leaves +-25 %.",
    ),
  topology_interval: duration(5_000)
    .prefault("30s")
    .refine((ms) => ms <= LONGEST_TOPOLOGY_MS, "must be 5m or less")
    .describe("The latest that a region's controller tells the store anew how its region is, up to 5m."),
  lease: duration(3_000)
    .prefault("15s")
    .refine((ms) => ms <= LONGEST_LEASE_MS, "must be 5m or less\nfor so long nobody leads when a leader is killed")
    .describe("Who leads a region or the fleet and is silent for so long leads no more; 10s at least with Consul."),
  bootstrap: z
    .boolean()
    .default(false)
    .describe("Start with what stands beside `node` in this file while there is neither the store nor a copy on disk."),
});

/** What nodes of a fleet know each other by. */
export type FleetTokens = Partial<Pick<z.output<typeof NodeFleetSchema>, "accept_tokens" | "token">>;
