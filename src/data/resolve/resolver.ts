import type { Cancel } from "../../core/clock.ts";

/** What is behind a name at a moment. */
export type Answer =
  | {
      readonly kind: "found";
      /** Addresses of both families, at least one. */
      readonly addresses: readonly string[];
      /** So long it holds; undefined where nobody says, as for names of the hosts file. */
      readonly ttlMs: number | undefined;
    }
  | { readonly kind: "failed"; readonly reason: string };

/** Asks what is behind a name. */
export interface Resolver {
  /** `done` is called once, never from within; after cancelling not at all. */
  resolve(name: string, done: (answer: Answer) => void): Cancel;
}
