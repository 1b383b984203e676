import assert from "node:assert/strict";
import { test } from "node:test";
import { FRAME } from "../../../src/http2/own/frames/frame-types.ts";
import { ping, type RawFrame } from "./raw.ts";
import { assertAlive, assertFailed, type Role, Scene, type SceneOptions } from "./scene.ts";

/** What a peer's frames lead to. */
export type Outcome =
  /** The connection is over. */
  | { readonly kind: "connection"; readonly code: number; readonly fault: string }
  /** The stream is reset, and everything else goes on. */
  | { readonly kind: "stream"; readonly stream: number; readonly code: number }
  /** Nothing is sent but this, and everything goes on. */
  | { readonly kind: "fine"; readonly sends: readonly number[]; readonly told?: readonly unknown[] };

/** One rule of an RFC, as a test: what came before, what the peer sends, what must follow. */
export interface Rule {
  readonly name: string;
  readonly role: Role;
  readonly scene?: SceneOptions;
  readonly before?: (scene: Scene) => void;
  readonly send: readonly Uint8Array[];
  readonly outcome: Outcome;
}

/** Each rule is tried with its bytes in one piece and byte by byte. */
export function testRules(rules: readonly Rule[]): void {
  for (const rule of rules) {
    test(rule.name, () => {
      for (const split of [false, true]) {
        const scene = new Scene(rule.role, rule.scene);
        rule.before?.(scene);
        scene.take();
        scene.told.length = 0;
        if (split) scene.sendSplit(...rule.send);
        else scene.send(...rule.send);
        check(scene, rule.outcome);
      }
    });
  }
}

export function connectionError(code: number, fault = "protocol_error"): Outcome {
  return { kind: "connection", code, fault };
}

export function streamError(stream: number, code: number): Outcome {
  return { kind: "stream", stream, code };
}

export function fine(sends: readonly number[] = [], told?: readonly unknown[]): Outcome {
  return told === undefined ? { kind: "fine", sends } : { kind: "fine", sends, told };
}

function check(scene: Scene, outcome: Outcome): void {
  if (outcome.kind === "connection") {
    assertFailed(scene, outcome.code, outcome.fault);
    scene.send(ping("again"));
    assert.equal(scene.connection.hasOutput, false, "what comes after the end is ignored");
    return;
  }
  const sent = scene.take();
  if (outcome.kind === "stream") {
    assert.deepEqual(sent.filter(isReset).map(resetOf), [[outcome.stream, outcome.code]]);
  } else {
    assert.deepEqual(
      sent.map(({ type }) => type),
      outcome.sends,
    );
    if (outcome.told !== undefined) assert.deepEqual(scene.told, outcome.told);
  }
  assertAlive(scene);
  scene.send(ping("alive?"));
  assert.deepEqual(
    scene.take().map(({ type, flags }) => [type, flags]),
    [[FRAME.PING, 1]],
  );
}

function isReset(frame: RawFrame): boolean {
  return frame.type === FRAME.RST_STREAM;
}

function resetOf(frame: RawFrame): readonly number[] {
  return [frame.stream, frame.payload.readUInt32BE(0)];
}
