import type { Sink } from "./sink.ts";
import { OK } from "./sink-script.ts";

/** Sinks keep what they have got until they are let go on. */
export function holdAll(sinks: readonly Sink[]): { readonly arrived: Promise<void>; readonly release: () => void } {
  const gate = Promise.withResolvers<void>();
  const first = Promise.withResolvers<void>();
  for (const sink of sinks) {
    sink.script = ({ items }) => {
      if (items === 0) return OK;
      first.resolve();
      return { kind: "held", until: gate.promise, next: OK };
    };
  }
  return { arrived: first.promise, release: gate.resolve };
}
