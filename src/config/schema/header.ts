import { z } from "zod";
import { HEADER_NAME } from "../../core/header-name.ts";
import { SecretSchema } from "./secret.ts";

export const HeaderNameSchema = z.string().regex(HEADER_NAME, "is not a valid header name");

/** Headers with their values, which are secrets. */
export const HeadersSchema = z.record(HeaderNameSchema, SecretSchema);
