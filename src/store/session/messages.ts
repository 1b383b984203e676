import { type ErrorCode, reasonOf, RouterError } from "../../core/errors.ts";
import type { SessionLoss, StoreCallOutcome, StoreOperation, StoreSettings } from "../store.ts";

/** To who renews, which may be another thread. Ids are of the process, and not used again. */
export type ToRenewal =
  | OpenMessage
  /** Ends it in the store within so long; told with `closed` in any case. */
  | { readonly kind: "close"; readonly id: number; readonly deadlineMs: number }
  /** The store has no sessions any more, and will have none; told with `left`. */
  | { readonly kind: "leave"; readonly store: number };

export interface OpenMessage {
  readonly kind: "open";
  readonly id: number;
  readonly store: number;
  readonly settings: StoreSettings;
  readonly ttlMs: number;
  readonly deadlineMs: number;
  /** Of its SessionCell. */
  readonly memory: SharedArrayBuffer;
}

export type FromRenewal =
  | { readonly kind: "opened"; readonly id: number; readonly lease: { readonly id: string; readonly ttlMs: number } }
  | { readonly kind: "refused"; readonly id: number; readonly error: ErrorMessage }
  | { readonly kind: "renewed"; readonly id: number; readonly marginMs: number }
  | { readonly kind: "lost"; readonly id: number; readonly why: SessionLoss; readonly reason: string }
  | { readonly kind: "closed"; readonly id: number }
  | { readonly kind: "left" }
  /** What the library that speaks with the store says by itself. */
  | { readonly kind: "said"; readonly text: string }
  | {
      readonly kind: "called";
      readonly operation: StoreOperation;
      readonly outcome: StoreCallOutcome;
      readonly tookMs: number;
    };

/** What an error is between threads. */
interface ErrorMessage {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | undefined;
}

export function toMessage(cause: unknown): ErrorMessage {
  if (!(cause instanceof RouterError)) return { code: "INTERNAL", message: reasonOf(cause), hint: undefined };
  return { code: cause.code, message: cause.message, hint: cause.hint };
}

export function fromMessage({ code, message, hint }: ErrorMessage): RouterError {
  return new RouterError(code, message, hint === undefined ? {} : { hint });
}
