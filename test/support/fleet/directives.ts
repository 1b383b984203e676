import { FLEET_BOUNDS } from "../../../src/control/fleet/bounds.ts";
import { digestOf, type Directive } from "../../../src/control/fleet/directive.ts";

interface DirectiveText {
  readonly scope: string;
  readonly epoch: string;
  readonly seq: number;
  readonly validForMs: number;
  readonly body: string;
}

/** A directive with its body in it, if that is small enough. */
export function writeDirective({ scope, epoch, seq, validForMs, body }: DirectiveText): Directive {
  const mark = { scope, epoch, seq, valid_for_ms: Math.max(0, Math.floor(validForMs)), digest: digestOf(body) };
  return Buffer.byteLength(body) <= FLEET_BOUNDS.inlineBytes ? { ...mark, body } : mark;
}
