import { RouterError } from "../../core/errors.ts";
import type { TimeAndChance } from "../../core/time-and-chance.ts";
import type { Lease, LeaseClient } from "../lease.ts";
import { observed } from "../observed.ts";
import type { StoreCallOutcome, StoreObserver, StoreOperation, StoreOptions, StoreSettings } from "../store.ts";
import { grantLease, type LeaseRenewer } from "./lease-renewer.ts";
import { type FromRenewal, type OpenMessage, type ToRenewal, toMessage } from "./messages.ts";
import { SessionCell } from "./session-cell.ts";

type OpenLeases = (settings: StoreSettings, options: StoreOptions) => Promise<LeaseClient>;

export interface HostOptions extends TimeAndChance {
  readonly openLeases: OpenLeases;
  readonly send: (store: number, message: FromRenewal) => void;
}

/** Does what messages ask: renews the sessions of some stores, with a connection for each store. */
export class RenewalHost {
  readonly #options: HostOptions;
  readonly #clients = new Map<number, Promise<LeaseClient>>();
  readonly #sessions = new Map<number, HostedSession>();

  constructor(options: HostOptions) {
    this.#options = options;
  }

  receive(message: ToRenewal): void {
    switch (message.kind) {
      case "open":
        this.#sessions.set(message.id, new HostedSession(message, this.#options, () => this.#client(message)));
        break;
      case "close":
        void this.#close(message.id, message.deadlineMs);
        break;
      case "leave":
        void this.#leave(message.store);
        break;
      default:
        message satisfies never;
    }
  }

  #client({ store, settings }: OpenMessage): Promise<LeaseClient> {
    const known = this.#clients.get(store);
    if (known !== undefined) return known;
    const { clock, random, openLeases, send } = this.#options;
    const called = (operation: StoreOperation, outcome: StoreCallOutcome, tookMs: number): void => {
      send(store, { kind: "called", operation, outcome, tookMs });
    };
    const said = (text: string): void => send(store, { kind: "said", text });
    const opening = openLeases(settings, { clock, random, observer: { ...UNTOLD, said } }).then((client) => {
      return toldLeases(client, { clock, observer: { ...UNTOLD, called } });
    });
    this.#clients.set(store, opening);
    opening.catch(() => this.#clients.delete(store));
    return opening;
  }

  async #close(id: number, deadlineMs: number): Promise<void> {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    await session.close(deadlineMs);
    this.#sessions.delete(id);
    this.#options.send(session.store, { kind: "closed", id });
  }

  async #leave(store: number): Promise<void> {
    const left = this.#sessions.entries().filter(([, session]) => session.store === store);
    await Promise.all([...left].map(([id]) => this.#close(id, LEAVE_MS)));
    const client = this.#clients.get(store);
    this.#clients.delete(store);
    try {
      await (await client)?.[Symbol.asyncDispose]();
    } catch {
      // It was never open, or is gone.
    }
    this.#options.send(store, { kind: "left" });
  }
}

const LEAVE_MS = 1_000;

/** Leases are told of here, the same for all kinds of stores. */
const UNTOLD: StoreObserver = {
  called: ignore,
  watchLag: ignore,
  resynced: ignore,
  renewed: ignore,
  sessionLost: ignore,
};

function toldLeases(client: LeaseClient, world: Pick<StoreOptions, "clock" | "observer">): LeaseClient {
  return {
    grant: (ttlMs, options) => observed(world, "open_session", () => client.grant(ttlMs, options)),
    renew: (id, options) => observed(world, "renew", () => client.renew(id, options), renewalOutcome),
    revoke: (id, options) => observed(world, "close_session", () => client.revoke(id, options)),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

function renewalOutcome(lease: Lease | undefined): StoreCallOutcome {
  return lease === undefined ? "not_done" : "done";
}

/** From the call to open it until it is closed. */
class HostedSession {
  readonly store: number;
  readonly #stop = new AbortController();
  readonly #opened: Promise<LeaseRenewer | undefined>;

  constructor(message: OpenMessage, options: HostOptions, client: () => Promise<LeaseClient>) {
    this.store = message.store;
    this.#opened = this.#open(message, options, client);
  }

  async close(deadlineMs: number): Promise<void> {
    this.#stop.abort(new RouterError("SESSION_LOST", "the session was closed before it was open"));
    await (await this.#opened)?.close(deadlineMs);
  }

  async #open(
    { id, store, ttlMs, deadlineMs, memory }: OpenMessage,
    { clock, random, send }: HostOptions,
    client: () => Promise<LeaseClient>,
  ): Promise<LeaseRenewer | undefined> {
    try {
      const renewer = await grantLease(ttlMs, {
        clock,
        random,
        client: await client(),
        cell: new SessionCell(memory),
        call: { signal: this.#stop.signal, deadlineMs },
        renewed: (marginMs) => send(store, { kind: "renewed", id, marginMs }),
        lost: (why, reason) => send(store, { kind: "lost", id, why, reason }),
      });
      send(store, { kind: "opened", id, lease: renewer.lease });
      return renewer;
    } catch (cause) {
      send(store, { kind: "refused", id, error: toMessage(cause) });
      return undefined;
    }
  }
}

function ignore(): void {}
