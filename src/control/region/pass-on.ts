import { FLEET_BOUNDS } from "../fleet/bounds.ts";
import type { Directive } from "../fleet/directive.ts";
import type { LiveDirective } from "./directive-source.ts";

/** What holds for longer is told in whole seconds, rounded down: many get the same. */
const COARSE_FROM_MS = 10_000;
const COARSE_MS = 1_000;

/**
 * A directive as a collector gets it, with what is left of its time. That counts from the sending
 * of the request, and so has what this was held for on top. `shares` of a region are to become a
 * collector's here: sampling and limits bring it with their scopes.
 */
export function passOn({ directive, remainingMs }: LiveDirective, heldMs: number): Directive {
  const { scope, epoch, seq, digest, body } = directive;
  const passed = { scope, epoch, seq, digest, valid_for_ms: validFor(remainingMs + heldMs) };
  return Buffer.byteLength(body) <= FLEET_BOUNDS.inlineBytes ? { ...passed, body } : passed;
}

function validFor(ms: number): number {
  const stepMs = ms < COARSE_FROM_MS ? 1 : COARSE_MS;
  return Math.max(0, Math.floor(ms / stepMs) * stepMs);
}
