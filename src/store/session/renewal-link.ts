import type { FromRenewal, ToRenewal } from "./messages.ts";

/** How a store talks to who renews its sessions. */
export interface RenewalLink extends AsyncDisposable {
  send(message: ToRenewal): void;
}

export interface RenewalListener {
  receive(message: FromRenewal): void;
  /** Nobody renews any more, and nothing is answered. */
  died(reason: string): void;
}

export type OpenLink = (store: number, listener: RenewalListener) => RenewalLink;
