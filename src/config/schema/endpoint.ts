import { z } from "zod";

/** What is wrong with the text as an endpoint: a message, and a hint on a second line; undefined when it is one. */
export function endpointFault(text: string): string | undefined {
  if (text.includes("@")) return "must not contain a user or a password\nuse headers: { authorization: ... }";
  if (!/^[a-z][a-z0-9+.-]*:\/\//iu.test(text)) return `"${text}" has no scheme\n${schemeHint(text)}`;
  if (!/^https?:\/\//iu.test(text)) return `"${text}" must begin with http:// or https://\n${otherSchemeHint(text)}`;
  if (!URL.canParse(text)) return `"${text}" is not a URL\nwrite it like http://127.0.0.1:4317`;
  const url = new URL(text);
  if (url.search !== "" || url.hash !== "") return `"${text}" must not have a query or a fragment`;
  if (url.port === "0") return `"${text}" needs a port that can be connected to`;
  return undefined;
}

/** Scheme, host, port and path of a URL, without a slash at the end. */
export const EndpointSchema = z.string().transform((text, context) => {
  const fault = endpointFault(text);
  if (fault === undefined) return new URL(text).href.replace(/\/+$/u, "");
  context.issues.push({ code: "custom", input: text, message: fault });
  return z.NEVER;
});

function schemeHint(text: string): string {
  return text !== "" && URL.canParse(`http://${text}`) ? `did you mean "http://${text}"?` : "write http://host:port";
}

function otherSchemeHint(text: string): string {
  return text.startsWith("grpc://") ? `did you mean "http${text.slice(4)}"?` : "say with protocol whether it is gRPC";
}
