import type { LimitsAsk, LimitsGrant } from "../../plan/limits/limit-ask.ts";
import type { ControllerLink, OpenControllerLink } from "../fleet/controller-link.ts";
import { type ControllerAddress, FLEET_PROTOCOL } from "../fleet/messages.ts";

const CALL_MS = 3_000;

interface LeaderAskerOptions {
  /** Of the controller that asks. */
  readonly id: string;
  readonly region: string;
  readonly leader: () => ControllerAddress | undefined;
  readonly openLink: OpenControllerLink;
}

/**
 * Asks whoever leads the fleet at the moment, by a connection that stays open while it is the same.
 */
export class LeaderAsker implements AsyncDisposable {
  readonly #options: LeaderAskerOptions;
  #connection: { readonly key: string; readonly link: ControllerLink } | undefined;

  constructor(options: LeaderAskerOptions) {
    this.#options = options;
  }

  /** One call after the other. Undefined: nobody answered. Never rejects. */
  async ask(ask: LimitsAsk, signal: AbortSignal): Promise<LimitsGrant | undefined> {
    const { id, region, leader, openLink } = this.#options;
    const to = leader();
    const key = to && `${to.id} ${to.address}`;
    if (this.#connection?.key !== key) await this[Symbol.asyncDispose]();
    if (to === undefined || key === undefined) return undefined;
    const { link } = (this.#connection ??= { key, link: openLink(to) });
    const request = { protocol: FLEET_PROTOCOL, id, region, ask };
    const outcome = await link.call("limits", request, { signal, timeoutMs: CALL_MS });
    return outcome.kind === "reply" ? outcome.reply.grant : undefined;
  }

  /** Nothing is asked any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.link[Symbol.asyncDispose]();
  }
}
