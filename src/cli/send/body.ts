import { RouterError } from "../../core/errors.ts";
import { gzip } from "../../otlp/compress.ts";

/** The body as it goes over the wire; with `none` the same bytes. */
export function encodeBody(body: Uint8Array, compression: "none" | "gzip"): Promise<Uint8Array> {
  if (compression === "none") return Promise.resolve(body);
  return new Promise((resolve, reject) => {
    gzip([body], (result) => {
      if (result.ok) resolve(result.bytes);
      else reject(new RouterError("INTERNAL", `gzip: ${result.message}`));
    });
  });
}
