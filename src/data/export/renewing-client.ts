import type { Cancel } from "../../core/clock.ts";
import type { TargetPlan, TargetTlsPlan } from "../../plan/plan.ts";
import type { Batch, SendDone, TargetClient } from "./target-client.ts";

/**
 * A client of a target whose certificates and keys may be renewed: with the first send after that
 * it is opened anew, and the one before closes when its calls have ended. Window and health of the
 * target are not touched. `open` must not throw for a plan that runs.
 */
export function openRenewingClient(
  current: () => TargetPlan,
  open: (current: () => TargetPlan) => TargetClient,
): TargetClient {
  const closing = new Set<Promise<void>>();
  const retiring = new Set<ClientGeneration>();
  let { tls } = current();
  let newest = new ClientGeneration(open(current));
  const close = (generation: ClientGeneration): void => {
    retiring.delete(generation);
    const closed = Promise.resolve(generation.client[Symbol.asyncDispose]()).finally(() => closing.delete(closed));
    closing.add(closed);
  };
  const renew = (): void => {
    const before = newest;
    newest = new ClientGeneration(open(current));
    if (before.underWay === 0) return close(before);
    retiring.add(before);
    before.emptied = () => close(before);
  };
  return {
    send(batch, timeoutMs, done) {
      const wanted = current().tls;
      if (wanted !== tls) {
        const isRenewed = !isSame(wanted, tls);
        tls = wanted;
        if (isRenewed) renew();
      }
      return newest.send(batch, timeoutMs, done);
    },
    async [Symbol.asyncDispose]() {
      for (const generation of retiring) close(generation); // ends what is under way
      await Promise.all([...closing, newest.client[Symbol.asyncDispose]()]);
    },
  };
}

/** A client and its calls. */
class ClientGeneration {
  readonly client: TargetClient;
  underWay = 0;
  emptied: () => void = () => undefined;

  constructor(client: TargetClient) {
    this.client = client;
  }

  send(batch: Batch, timeoutMs: number, done: SendDone): Cancel {
    this.underWay++;
    return this.client.send(batch, timeoutMs, (outcome, loadReport) => {
      done(outcome, loadReport);
      if (--this.underWay === 0) this.emptied();
    });
  }
}

function isSame(a: TargetTlsPlan | undefined, b: TargetTlsPlan | undefined): boolean {
  return a === b || (a?.ca === b?.ca && a?.cert === b?.cert && a?.key === b?.key);
}
