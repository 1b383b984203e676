import { LISTENER_KINDS, type ListenerKind } from "../core/listener-kinds.ts";
import type { ListenerAddresses } from "../plan/listen-options.ts";

/**
 * Bound addresses as `host:port`, by the names of the config in camel case: `otlpGrpc`, `otlpHttp`,
 * `admin`; undefined where nothing listens.
 */
export type NodeAddresses = Readonly<Record<CamelCase<ListenerKind | "admin">, string | undefined>>;

type CamelCase<Name extends string> = Name extends `${infer First}_${infer Rest}`
  ? `${First}${Capitalize<CamelCase<Rest>>}`
  : Name;

export function nodeAddresses(addresses: ListenerAddresses, admin: string | undefined): NodeAddresses {
  const bound = LISTENER_KINDS.map((kind) => [camelCase(kind), addresses[kind]] as const);
  return Object.fromEntries([...bound, ["admin", admin]]) as NodeAddresses; // oxlint-disable-line typescript/no-unsafe-type-assertion -- of all kinds
}

function camelCase(name: string): string {
  return name.replaceAll(/_(?<letter>[a-z])/gu, (_, letter: string) => letter.toUpperCase());
}
