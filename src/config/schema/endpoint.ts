import { z } from "zod";

/**
 * What is wrong with the text as an endpoint: a message, and a hint on a second line; undefined when it is one. Only what can be no
 * secret is repeated: people put keys into the path, the query and the user.
 */
export function endpointFault(text: string): string | undefined {
  if (text.includes("@")) return "must not contain a user or a password\nuse headers: { authorization: ... }";
  if (!/^[a-z][a-z0-9+.-]*:\/\//iu.test(text)) return `has no scheme\n${schemeHint(text)}`;
  if (!/^https?:\/\//iu.test(text)) return `must begin with http:// or https://\n${otherSchemeHint(text)}`;
  if (!URL.canParse(text)) return "is not a URL\nwrite it like http://127.0.0.1:4317";
  const url = new URL(text);
  if (url.search !== "" || text.includes("?")) return "must not have a query\nput keys into headers: { api-key: ... }";
  if (url.hash !== "" || text.includes("#")) return "must not have a fragment\nleave out what comes after #";
  if (url.port === "0") return "needs a port that can be connected to\n0 is none";
  return undefined;
}

/** Scheme, host, port and path of a URL, without a slash at the end. */
export const EndpointSchema = z.string().transform((text, context) => {
  const fault = endpointFault(text);
  if (fault === undefined) return new URL(text).href.replace(/\/+$/u, "");
  context.issues.push({ code: "custom", input: text, message: fault });
  return z.NEVER;
});

/** A name or an address, and a port: nothing else is repeated. */
const HOST_AND_PORT = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d+)?\/?$/u;

function schemeHint(text: string): string {
  return HOST_AND_PORT.test(text) ? `did you mean "http://${text}"?` : "write http://host:port";
}

function otherSchemeHint(text: string): string {
  const rest = /^grpc(?<rest>s?:\/\/.*)$/u.exec(text)?.groups?.["rest"] ?? "";
  const isPlain = HOST_AND_PORT.test(rest.replace(/^s?:\/\//u, ""));
  return isPlain ? `did you mean "http${rest}"?` : "say with protocol whether it is gRPC";
}
