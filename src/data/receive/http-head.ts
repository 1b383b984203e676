import type { Reason, Refusal } from "../../core/reason.ts";
import { SIGNAL_FACTS, SIGNALS, type Signal, signalOfHttpPath } from "../../otlp/signal.ts";
import { type Encoding, KNOWN_ENCODINGS, parseEncoding } from "../../otlp/encoding.ts";
import type { HttpRequest } from "../../http1/port.ts";
import type { Format } from "./reception.ts";

export type HttpHead =
  | {
      readonly kind: "export";
      readonly signal: Signal;
      readonly format: Format;
      readonly encoding: Encoding;
    }
  | {
      readonly kind: "refused";
      /** What the refusal is to be written in. */
      readonly format: Format;
      readonly refusal: Refusal;
      /** Headers that the refusal's status asks for (RFC 9110). */
      readonly headers: readonly string[];
    };

/** Everything that can be said of a request before its body, by itself. */
export function readHttpHead(asked: Pick<HttpRequest, "method" | "target" | "header">): HttpHead {
  const type = asked.header("content-type");
  const format = formatOf(type);
  const answer = format ?? (asked.header("accept")?.includes("application/json") === true ? "json" : "protobuf");
  const no = (reason: Reason, message: string, more: readonly string[] = []): HttpHead => {
    return { kind: "refused", format: answer, refusal: { reason, message }, headers: more };
  };
  const { target } = asked;
  const path = signalOfHttpPath(target) === undefined ? pathOf(target) : target; // as nearly all of them are
  const signal = signalOfHttpPath(path);
  if (signal === undefined)
    return no("not_found", `there is nothing at ${path.slice(0, 100)}; this is an OTLP/HTTP listener: ${PLACES}`);
  if (asked.method !== "POST") {
    return no("method_not_allowed", `${path} takes POST, not ${asked.method}`, ["Allow", "POST"]);
  }
  if (format === undefined) {
    return no(
      "unsupported_media_type",
      `content-type "${type ?? ""}" is not known; use application/x-protobuf or application/json`,
    );
  }
  const encoding = parseEncoding(asked.header("content-encoding"));
  if (encoding === undefined) {
    const message = `content-encoding "${asked.header("content-encoding") ?? ""}" is not known; use one of ${KNOWN_ENCODINGS}`;
    return no("unsupported_encoding", message, ["Accept-Encoding", KNOWN_ENCODINGS]);
  }
  return { kind: "export", signal, format, encoding };
}

const PLACES = `POST application/x-protobuf or application/json to ${SIGNALS.map((signal) => SIGNAL_FACTS[signal].httpPath).join(", ")}`;

function formatOf(type: string | undefined): Format | undefined {
  if (type === "application/x-protobuf") return "protobuf";
  if (type === undefined) return undefined;
  const semicolon = type.indexOf(";");
  const bare = (semicolon < 0 ? type : type.slice(0, semicolon)).trim().toLowerCase();
  if (bare === "application/x-protobuf") return "protobuf";
  return bare === "application/json" ? "json" : undefined;
}

/**
 * Without query, slashes at the end, and all but one at the beginning (`//v1/traces`); of the
 * absolute form, too, which proxies send (RFC 9112, 3.2.2).
 */
function pathOf(url: string): string {
  const authority = /^https?:\/\/[^/?#]*/iu.exec(url);
  const rest = authority === null ? url : url.slice(authority[0].length);
  const query = rest.search(/[?#]/u);
  let end = query < 0 ? rest.length : query;
  while (end > 1 && rest[end - 1] === "/") end--;
  let start = 0;
  while (rest[start + 1] === "/" && start + 1 < end) start++;
  return rest.slice(rest[start] === "/" ? start : 0, end) || "/";
}
