import { z } from "zod";
import { Secret } from "../../core/secret.ts";

/** A text that must not be shown; usually written as `${env:NAME}` or `${file:path}`. */
export const SecretSchema = z
  .string()
  .min(1)
  .transform((text) => new Secret(text));
