import type { Moment } from "../../store/session/moment.ts";
import type { ControllerMethod, ControllerReply, ControllerRequest } from "./controller-calls.ts";
import type { ControllerAddress } from "./messages.ts";

/** What became of a call to a controller. */
export type CallOutcome<Reply> =
  | {
      readonly kind: "reply";
      readonly reply: Reply;
      /** When the request was about to be sent: what is valid for some time is so from then on. */
      readonly sent: Moment;
    }
  /** It leads no more, or never did. */
  | { readonly kind: "not_leader"; readonly leader: ControllerAddress | undefined }
  /** It is there, and does not want this: asking again changes nothing. */
  | { readonly kind: "refused"; readonly why: RefusedCall; readonly reason: string }
  /** Nobody answered, or nobody in time: it may have been done. */
  | { readonly kind: "unreachable"; readonly reason: string };

/** Why a controller refuses a call. */
const REFUSED_CALLS = ["unauthenticated", "not_allowed", "invalid", "too_large", "unknown_call", "fault"] as const;
export type RefusedCall = (typeof REFUSED_CALLS)[number];

export interface LinkCallOptions {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/**
 * The way to one controller, over HTTP/2 or within one process. Calls never reject: not even when
 * the signal ends them, which is `unreachable`.
 */
export interface ControllerLink extends AsyncDisposable {
  readonly controller: ControllerAddress;
  call<Method extends ControllerMethod>(
    method: Method,
    request: ControllerRequest<Method>,
    options: LinkCallOptions,
  ): Promise<CallOutcome<ControllerReply<Method>>>;
}

/** Opens the way to a controller; nothing is dialled before the first call. */
export type OpenControllerLink = (controller: ControllerAddress) => ControllerLink;
