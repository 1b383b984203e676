import { RouterError } from "../../core/errors.ts";
import { compress } from "../../otlp/compress.ts";

/** The body as it goes over the wire; with `none` the same bytes. */
export function encodeBody(body: Uint8Array, compression: "none" | "gzip"): Promise<Uint8Array> {
  if (compression === "none") return Promise.resolve(body);
  return new Promise((resolve, reject) => {
    compress(compression, [body], (result) => {
      if (result.ok) resolve(result.bytes);
      else reject(new RouterError("INTERNAL", `${compression}: ${result.message}`));
    });
  });
}
