import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ReceiveWindow } from "../../../src/http2/own/connection/receive-window.ts";
import { H2_ERROR as E } from "../../../src/http2/own/contract.ts";
import { FLAG, FRAME } from "../../../src/http2/own/frames/frame-types.ts";
import { creditIn, data, headers, REQUEST, SETTINGS_ACK, settings } from "./raw.ts";
import { assertAlive, assertFailed, Scene } from "./scene.ts";

const END = FLAG.END_STREAM;
const SMALL = { initialWindowBytes: 65_535, connectionWindowBytes: 131_070 };

test("a window loses nothing, never grows, and is open again by half once everything was given back", () => {
  const action = fc.tuple(fc.constantFrom("take", "take padded", "give", "update"), fc.nat(2_000));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100_000 }), fc.array(action, { maxLength: 200 }), (size, actions) => {
      const window = new ReceiveWindow(size, size);
      let peer = size;
      for (const [what, bytes] of actions) {
        if (what === "give") window.give(bytes);
        else if (what === "update") peer += window.update();
        else {
          const body = what === "take" ? bytes : Math.floor(bytes / 2);
          assert.equal(window.take(bytes, body), bytes <= peer);
          if (bytes <= peer) peer -= bytes;
        }
        assert.equal(window.left, peer, "both sides know the same");
        assert.ok(peer + window.held <= size);
      }
      window.give(Number.MAX_SAFE_INTEGER);
      peer += window.update();
      assert.equal(window.held, 0);
      assert.ok(peer * 2 >= size, `${peer} of ${size}`);
    }),
  );
});

test("a window is taken to its last byte, and not one beyond it", () => {
  const window = new ReceiveWindow(100, 100);
  assert.equal(window.take(101, 101), false);
  assert.deepEqual([window.left, window.held], [100, 0], "what is refused is not counted");
  assert.equal(window.take(60, 60), true);
  assert.equal(window.take(41, 41), false);
  assert.equal(window.take(40, 40), true);
  assert.equal(window.take(1, 1), false);
  assert.equal(window.take(0, 0), true);
});

test("what is of no use to the owner is given back by itself", () => {
  const window = new ReceiveWindow(100, 100);
  assert.equal(window.take(100, 0), true);
  assert.deepEqual([window.held, window.update(), window.left], [0, 100, 100]);
  assert.equal(window.take(100, 40), true);
  assert.deepEqual([window.held, window.update(), window.left], [40, 60, 60]);
  window.give(1_000);
  assert.deepEqual([window.held, window.update()], [0, 0], "so little is worth no frame yet");
  assert.equal(window.take(60, 0), true);
  assert.deepEqual([window.update(), window.left], [100, 100]);
});

test("credit is told in large steps, of the stream and of the connection", () => {
  const scene = new Scene("server", { limits: SMALL });
  scene.send(headers(1, REQUEST, 0));
  scene.send(data(1, 16_000), data(1, 16_000));
  scene.connection.credit(1, 32_000);
  assert.deepEqual(creditIn(scene.take()), []);
  scene.send(data(1, 16_000));
  scene.connection.credit(1, 16_000);
  assert.deepEqual(creditIn(scene.take()), [[1, 48_000]]);
  scene.send(data(1, 20_000));
  scene.connection.credit(1, 20_000);
  assert.deepEqual(creditIn(scene.take()), [[0, 68_000]]);
});

test("a peer whose bytes are held is told of credit before it runs dry", () => {
  const scene = new Scene("server", { limits: SMALL });
  scene.send(headers(1, REQUEST, 0), headers(3, REQUEST, 0));
  scene.send(data(1, 60_000), data(3, 60_000));
  scene.connection.credit(3, 20_000);
  assert.deepEqual(creditIn(scene.take()), [
    [0, 20_000],
    [3, 20_000],
  ]);
});

test("no credit is told for a stream that has ended, and that of a closed stream goes to the connection", () => {
  const scene = new Scene("server", { limits: SMALL });
  scene.send(headers(1, REQUEST, 0), data(1, 65_535, END), headers(3, REQUEST, 0), data(3, 65_000));
  scene.connection.credit(1, 65_535);
  assert.deepEqual(creditIn(scene.take()), [[0, 65_535]]);
  scene.connection.resetStream(3, E.CANCEL);
  scene.connection.credit(3, 65_000);
  assert.deepEqual(creditIn(scene.take()), []);
  scene.send(headers(5, REQUEST, 0), data(5, 1_000));
  scene.connection.credit(5, 1_000);
  assert.deepEqual(creditIn(scene.take()), [[0, 66_000]]);
});

test("credit for more than was received is not given", () => {
  const scene = new Scene("server", { limits: SMALL });
  scene.send(headers(1, REQUEST, 0), data(1, 40_000));
  scene.connection.credit(1, 1_000_000_000);
  assert.deepEqual(creditIn(scene.take()), [[1, 40_000]]);
  scene.send(data(1, 30_000));
  scene.connection.credit(1, 30_000);
  assert.deepEqual(creditIn(scene.take()), [[0, 70_000]]);
});

test("padding is given back at once", () => {
  const scene = new Scene("server", { limits: SMALL });
  scene.send(headers(1, REQUEST, 0));
  const padded = Buffer.concat([Uint8Array.of(255), Buffer.alloc(255 + 10)]);
  for (let i = 0; i < 200; i++) scene.send(data(1, padded, FLAG.PADDED));
  assertAlive(scene);
  const told = creditIn(scene.take()).filter(([stream]) => stream === 1);
  assert.ok(told.reduce((sum, [, bytes]) => sum + bytes!, 0) >= 30_000);
});

test("padding counts against the windows, and so does the byte that tells its length", () => {
  for (const [pad, body, fits] of [
    [0, 65_534, true],
    [0, 65_535, false],
    [200, 65_334, true],
    [200, 65_335, false],
  ] as const) {
    const scene = new Scene("server", { limits: SMALL });
    const payload = Buffer.concat([Uint8Array.of(pad), Buffer.alloc(body + pad)]);
    scene.send(headers(1, REQUEST, 0), data(1, payload, FLAG.PADDED));
    assert.deepEqual(
      scene.takeOf(FRAME.RST_STREAM).map(({ payload: code }) => code.readUInt32BE(0)),
      fits ? [] : [E.FLOW_CONTROL_ERROR],
    );
    assertAlive(scene);
  }
});

test("bytes dropped after a reset count against the connection, and are given back to it", () => {
  const scene = new Scene("server", { limits: SMALL });
  scene.send(headers(1, REQUEST, 0));
  scene.connection.resetStream(1, E.CANCEL);
  scene.take();
  for (let i = 0; i < 50; i++) scene.send(data(1, 10_000));
  assertAlive(scene);
  assert.ok(creditIn(scene.take()).every(([stream]) => stream === 0));
});

test("a peer that sends more than the connection's window has ended its connection", () => {
  const scene = new Scene("server", { limits: SMALL });
  scene.send(headers(1, REQUEST, 0), data(1, 65_535), headers(3, REQUEST, 0), data(3, 65_535));
  scene.send(headers(5, REQUEST, 0), data(5, 1));
  assertFailed(scene, E.FLOW_CONTROL_ERROR, "flow_control");
});

test("a peer that sends more than a stream's window has its stream reset", () => {
  const scene = new Scene("server", { limits: SMALL });
  scene.send(headers(1, REQUEST, 0), data(1, 65_535), data(1, 1));
  assert.deepEqual(
    scene.takeOf(FRAME.RST_STREAM).map(({ stream, payload }) => [stream, payload.readUInt32BE(0)]),
    [[1, E.FLOW_CONTROL_ERROR]],
  );
  assertAlive(scene);
});

test("a window below the default holds once the peer has acknowledged it, also for streams that are open", () => {
  const limits = { initialWindowBytes: 1_000 };
  const scene = new Scene("server", { limits, silent: true });
  scene.send(Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), settings(), headers(1, REQUEST, 0), data(1, 60_000));
  assertAlive(scene);
  scene.connection.credit(1, 60_000);
  scene.take();
  scene.send(SETTINGS_ACK, headers(3, REQUEST, 0), data(3, 1_000), data(3, 1));
  assert.deepEqual(
    scene.takeOf(FRAME.RST_STREAM).map(({ stream }) => stream),
    [3],
  );
});
