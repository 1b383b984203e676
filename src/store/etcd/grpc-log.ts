import { setLogger } from "@grpc/grpc-js";

type Tell = (text: string) => void;

/** Whoever has a connection to etcd open in this thread. */
const listeners = new Set<{ readonly tell: Tell }>();

/**
 * What grpc-js says by itself goes to whoever has a connection open, and not to stderr. It has one
 * log for all of a thread; while nobody listens, that is as it was.
 */
export function listenToGrpc(tell: Tell): Disposable {
  const listener = { tell };
  listeners.add(listener);
  setLogger({ error: spread });
  return { [Symbol.dispose]: () => void listeners.delete(listener) };
}

function spread(...said: readonly unknown[]): void {
  const text = said.map(String).join(" ");
  if (listeners.size === 0) console.error(`E ${text}`);
  for (const { tell } of listeners) tell(text);
}
