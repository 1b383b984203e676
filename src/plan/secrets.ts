import type { SecretSource } from "../core/secret-source.ts";

/** What secrets of a plan may stand for, in the process that runs it. */
export interface SecretReader {
  /** The environment, which also says which proxies there are. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The text itself: only for the place that sends or uses it. */
export function reveal({ literal }: SecretSource, _reader: SecretReader): string {
  return literal;
}
