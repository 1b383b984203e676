import { LISTENER_KINDS, type ListenerKind } from "../core/listener-kinds.ts";
import type { ListenerAddresses } from "../plan/listen-options.ts";
import type { SamplingListenerName } from "./remote-sampling/answers.ts";

/**
 * Bound addresses as `host:port`, by the names of the config in camel case: `otlpGrpc`, `otlpHttp`,
 * `admin`, `samplingHttp`, `samplingGrpc`; undefined where nothing listens.
 */
export type NodeAddresses = Readonly<Record<CamelCase<ListenerKind | OwnListener>, string | undefined>>;

/** Of those that are not the data plane's. */
type OwnListener = "admin" | SamplingListenerName;

type CamelCase<Name extends string> = Name extends `${infer First}_${infer Rest}`
  ? `${First}${Capitalize<CamelCase<Rest>>}`
  : Name;

export function nodeAddresses(
  addresses: ListenerAddresses,
  own: Readonly<Record<OwnListener, string | undefined>>,
): NodeAddresses {
  const bound = [...LISTENER_KINDS.map((kind) => [kind, addresses[kind]] as const), ...Object.entries(own)];
  return Object.fromEntries(bound.map(([name, address]) => [camelCase(name), address])) as NodeAddresses; // oxlint-disable-line typescript/no-unsafe-type-assertion -- of all kinds
}

function camelCase(name: string): string {
  return name.replaceAll(/_(?<letter>[a-z])/gu, (_, letter: string) => letter.toUpperCase());
}
