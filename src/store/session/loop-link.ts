import { type HostOptions, RenewalHost } from "./renewal-host.ts";
import type { OpenLink } from "./renewal-link.ts";

/**
 * Renews in this thread, for those who have a clock of their own that no other thread has. A loop
 * that stands still renews nothing.
 */
export function linkInLoop(options: Omit<HostOptions, "send">): OpenLink {
  return (_, listener) => {
    const host = new RenewalHost({
      ...options,
      send: (_store, message) => queueMicrotask(() => listener.receive(message)),
    });
    return {
      send: (message) => host.receive(message),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  };
}
