import { z } from "zod";
import { duration } from "./duration.ts";

/** Scheme, host and port as browsers send them in `Origin`; `*` stands for a part of one label of the host. */
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/(?:[a-z0-9*_-]+(?:\.[a-z0-9*_-]+)*|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?$/iu;

const NOT_AN_ORIGIN =
  "is not an origin\nwrite scheme, host and port as browsers do, without a path: https://shop.example.com; " +
  "* is any text within one label of the host: https://*.dev.example.com";

const HEADER = /^(?:\*|[!#$%&'+.^_`|~0-9A-Za-z-]+)$/u;

/** Web pages of other origins that may send: the Fetch standard, "CORS protocol". */
export const CorsSchema = z.strictObject({
  allowed_origins: z
    .array(z.string().regex(ORIGIN, NOT_AN_ORIGIN))
    .min(1)
    .max(1_000)
    .describe("Origins whose pages may send, with credentials. * is any text within one label of the host."),
  allowed_headers: z
    .array(z.string().regex(HEADER, "is not a header name"))
    .max(100)
    .default([])
    .describe("Headers that pages may send besides those of OTLP and X-Requested-With; *: all that they ask for."),
  max_age: duration(0).prefault("2h").describe("How long browsers may remember what is allowed."),
});
