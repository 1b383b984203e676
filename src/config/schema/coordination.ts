import { z } from "zod";
import { EndpointSchema } from "./address.ts";
import { choice, SecretSchema, TextSchema } from "./values.ts";

/** As `store/recipes/keys.ts` takes it. */
const PREFIX = /^(?:\/[A-Za-z0-9._-]+)+$/u;
const NOT_A_PREFIX =
  "is not a prefix of keys\nbegin with /, end without, and use letters, digits, . _ - and / between: /signalbox";

const StoreTlsSchema = z.strictObject({
  ca: TextSchema.optional().describe("Certificates to trust instead of the system's: a file, or PEM."),
  cert: TextSchema.optional().describe("Client certificate: a file, or PEM."),
  key: SecretSchema.optional().describe("Key of the client certificate: a file, or PEM."),
  server_name: TextSchema.optional().describe(
    "Name to expect in the store's certificate; default: the endpoint's host.",
  ),
});

export const CoordinationSchema = z.strictObject({
  type: choice(["embedded", "etcd", "consul"]).describe(
    "Where the fleet's config and elections live; embedded: in the node's data_dir.",
  ),
  file: TextSchema.optional().describe(
    "For embedded: its file, from data_dir on; default: store.sqlite. Nodes of one machine may share it.",
  ),
  endpoints: z
    .array(EndpointSchema)
    .max(16)
    .default([])
    .describe("Addresses of the store, for etcd and consul: http:// or https://, host and port."),
  prefix: z
    .string()
    .max(256)
    .regex(PREFIX, NOT_A_PREFIX)
    .default("/signalbox")
    .describe("All keys are below this: one for each fleet that shares a store."),
  tls: StoreTlsSchema.optional().describe("For https endpoints."),
  username: TextSchema.optional().describe("For etcd, with password."),
  password: SecretSchema.optional().describe("For etcd."),
  token: SecretSchema.optional().describe("For consul: the secret id of an ACL token."),
  compact: z
    .boolean()
    .default(false)
    .describe("For etcd: whoever leads compacts its history. Only for an etcd that nobody else uses."),
});

export type CoordinationDocument = z.output<typeof CoordinationSchema>;
