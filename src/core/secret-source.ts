/** Where a text comes from that must not be shown: plain data, so that it may be sent to another process. */
export type SecretSource = {
  /** The text itself, as the config has it in place. */
  readonly literal: string;
};

export function literal(text: string): SecretSource {
  return { literal: text };
}
