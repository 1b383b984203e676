import { z } from "zod";
import { SecretSchema, TextSchema } from "./values.ts";

/** A certificate to listen with, and whether clients need one, too. */
export const ListenerTlsSchema = z.strictObject({
  cert: TextSchema.describe("Certificate and its chain: a file, or PEM."),
  key: SecretSchema.describe("Key of the certificate: a file, or PEM."),
  client_ca: TextSchema.optional().describe("Ask clients for a certificate signed by these: a file, or PEM."),
});

/** In the place of a listener. */
export const OFF = z
  .union([z.literal(false, "expected a mapping, or false to switch it off"), z.null()])
  .transform((): false => false);
