import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { constants, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import * as fc from "fast-check";
import { Arena } from "../core/arena/arena.ts";
import type { Extent } from "../core/arena/extent.ts";
import { type Compression, type CompressResult, compress as compressPieces, COMPRESSIONS } from "./compress.ts";
import { CONTENT_ENCODINGS, type ContentEncoding } from "./encoding.ts";
import { inflate, type InflateBudget, type InflateResult } from "./inflate.ts";

const COMPRESS: Readonly<Record<ContentEncoding, (body: Uint8Array) => Buffer>> = {
  gzip: gzipSync,
  deflate: deflateSync,
  zstd: zstdCompressSync,
};
const MIB = 1024 * 1024;
const CHUNK = 65_536;
/** Of all tests: between them nothing is in it. */
const ARENA = new Arena(160 * MIB, { debug: true });

/** A budget that counts, and fails the test when more is given back than was taken. */
class Ledger implements InflateBudget {
  readonly maxBytes: number;
  readonly total: number;
  reserved = 0;
  peak = 0;
  constructor(maxBytes: number, total = Infinity) {
    this.maxBytes = maxBytes;
    this.total = total;
  }
  reserve(bytes: number): boolean {
    if (this.reserved + bytes > this.total) return false;
    this.reserved += bytes;
    this.peak = Math.max(this.peak, this.reserved);
    return true;
  }
  release(bytes: number): void {
    this.reserved -= bytes;
    assert.ok(bytes >= 0 && this.reserved >= 0);
  }
  alloc(length: number, whole: boolean): Extent | undefined {
    return ARENA.alloc(length, whole);
  }
  grow(extent: Extent, length: number, filled: number): boolean {
    return ARENA.grow(extent, length, filled);
  }
  trim(extent: Extent, length: number): void {
    ARENA.trim(extent, length);
  }
}

/** A result that keeps no place in the arena. */
type Ran = { ok: true; bytes: Buffer; placed: number } | Extract<InflateResult, { ok: false }>;

function run(encoding: ContentEncoding, body: Uint8Array, ledger: Ledger = new Ledger(64 * MIB)): Promise<Ran> {
  return new Promise((resolve) => {
    inflate(encoding, body, ledger, (result) => {
      const placed = ARENA.liveBytes;
      if (result.ok) {
        resolve({ ok: true, bytes: Buffer.from(result.body.bytes), placed });
        result.body.release();
      } else resolve(result);
      assert.equal(ARENA.liveBytes, 0, "nothing else has a place");
    });
  });
}

async function outcome(encoding: ContentEncoding, body: Uint8Array, ledger = new Ledger(64 * MIB)): Promise<string> {
  const result = await run(encoding, body, ledger);
  assert.equal(ledger.reserved, result.ok ? result.bytes.length : 0, "what stays reserved is what is held");
  return result.ok ? `${result.bytes.length} bytes` : result.kind;
}

/** Compresses about four times, like telemetry. */
function telemetry(length: number): Buffer {
  const body = Buffer.alloc(length);
  for (let i = 0, seed = 1; i < length; i++) {
    if (i % 16 === 0) seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    body[i] = i % 16 < 4 ? seed >>> (8 * (i % 4)) : i % 16;
  }
  return body;
}

for (const encoding of CONTENT_ENCODINGS) {
  const compress = COMPRESS[encoding];

  for (const length of [0, 1, 1_000, 60_000, 300_000, 5 * MIB]) {
    test(`inflate: ${length} bytes of ${encoding} come back, and only they stay reserved`, async () => {
      const body = telemetry(length);
      const ledger = new Ledger(64 * MIB);
      const result = await run(encoding, compress(body), ledger);
      assert.ok(result.ok);
      assert.ok(Buffer.from(result.bytes).equals(body));
      const most = length < 40_000 ? length + 16 : Math.ceil(length / CHUNK) * CHUNK;
      assert.ok(result.placed <= most, "and no more than they has a place");
      assert.equal(ledger.reserved, length);
    });
  }

  test(`inflate: any body of ${encoding} comes back`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2_000 }), async (body) => {
        const result = await run(encoding, compress(body));
        assert.ok(result.ok && Buffer.from(result.bytes).equals(body));
      }),
    );
  });

  for (const length of [2_000, 400_000]) {
    const whole = compress(telemetry(length));

    test(`inflate: ${encoding} of ${length} bytes that ends too early is corrupt, wherever it ends`, async () => {
      for (const kept of [1, 2, 5, 10, whole.length >> 1, whole.length - 9, whole.length - 1]) {
        assert.equal(await outcome(encoding, whole.subarray(0, kept)), "corrupt", `${kept} bytes`);
      }
    });

    test(`inflate: ${encoding} of ${length} bytes with something after it is corrupt`, async () => {
      for (const rest of ["garbage, and more of it", "\0", "\0\0\0\0\0\0\0\0\0\0"]) {
        assert.equal(await outcome(encoding, Buffer.concat([whole, Buffer.from(rest)])), "corrupt", rest);
      }
    });

    test(`inflate: ${encoding} of ${length} bytes is refused above the cap and taken at the cap`, async () => {
      assert.equal(await outcome(encoding, whole, new Ledger(length - 1)), "too_large");
      assert.equal(await outcome(encoding, whole, new Ledger(length)), `${length} bytes`);
    });
  }

  test(`inflate: an empty ${encoding} body is corrupt`, async () => {
    assert.equal(await outcome(encoding, new Uint8Array(0)), "corrupt");
  });

  test(`inflate: a bomb of ${encoding} never gets more than the cap`, async () => {
    const ledger = new Ledger(4 * MIB);
    assert.equal(await outcome(encoding, compress(Buffer.alloc(64 * MIB)), ledger), "too_large");
    assert.ok(ledger.peak <= 4 * MIB);
  });

  test(`inflate: a body that ${encoding} shrank a thousand times is taken when the cap allows it`, async () => {
    assert.equal(await outcome(encoding, compress(Buffer.alloc(4 * MIB)), new Ledger(4 * MIB)), `${4 * MIB} bytes`);
  });

  test(`inflate: without budget nothing is inflated; neither at first, nor when ${encoding} turns out larger`, async () => {
    assert.equal(await outcome(encoding, compress(Buffer.alloc(1_000)), new Ledger(4 * MIB, 1_000)), "no_memory");
    assert.equal(await outcome(encoding, compress(Buffer.alloc(2 * MIB)), new Ledger(4 * MIB, 200_000)), "no_memory");
  });

  test(`inflate: any bytes called ${encoding} give a result, and nothing stays reserved that is not held`, async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array(), async (body) => void (await outcome(encoding, body))));
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 200 }), fc.nat({ max: 255 }), async (at, value) => {
        const body = compress(telemetry(500));
        body[at % body.length] = value;
        await outcome(encoding, body);
      }),
    );
  });
}

for (const encoding of ["gzip", "zstd"] as const) {
  test(`inflate: members of ${encoding} one after the other are one body`, async () => {
    for (const length of [3, 24_650, 300_000]) {
      const body = telemetry(length);
      const member = COMPRESS[encoding](body);
      const result = await run(encoding, Buffer.concat([member, member, member]));
      assert.ok(result.ok && Buffer.from(result.bytes).equals(Buffer.concat([body, body, body])), `${length} bytes`);
    }
  });

  test(`inflate: a second member of ${encoding} that ends too early is corrupt`, async () => {
    const member = COMPRESS[encoding](telemetry(24_650));
    for (const kept of [1, 5, 20, member.length - 1]) {
      assert.equal(await outcome(encoding, Buffer.concat([member, member.subarray(0, kept)])), "corrupt");
    }
  });

  test(`inflate: members of ${encoding} share one cap`, async () => {
    const member = COMPRESS[encoding](telemetry(1_000));
    assert.equal(await outcome(encoding, Buffer.concat([member, member]), new Ledger(2_000)), "2000 bytes");
    assert.equal(await outcome(encoding, Buffer.concat([member, member]), new Ledger(1_999)), "too_large");
  });
}

/** Beside what a decoder is made of, node:zlib asks for a few bytes. */
const LITTLE = 1_024;

for (const [encoding, length, copied] of [
  ["gzip", 40_000, 0],
  ["gzip", 300_000, 0],
  ["zstd", 40_000, 0],
  ["zstd", 300_000, 0],
  ["deflate", 40_000, 40_000],
  ["deflate", 300_000, 0],
] as const) {
  const how = copied === 0 ? "written where they stay" : "copied there once";
  test(`inflate: ${length} bytes of ${encoding} are ${how}, and get no memory of their own`, async () => {
    const body = COMPRESS[encoding](telemetry(length));
    let moved = 0;
    let given = 0;
    const bytes: { set(from: ArrayLike<number>, at?: number): void } = Object.getPrototypeOf(Uint8Array.prototype);
    const set = mock.method(bytes, "set");
    const allocs = [mock.method(Buffer, "allocUnsafe"), mock.method(Buffer, "allocUnsafeSlow")];
    try {
      const result = await new Promise<InflateResult>((resolve) => {
        inflate(encoding, body, new Ledger(64 * MIB), resolve);
      });
      const ofBodies = set.mock.calls.map((call) => call.arguments[0].length).filter((size) => size > LITTLE);
      moved = ofBodies.reduce((sum, size) => sum + size, 0);
      given = allocs.flatMap((alloc) => alloc.mock.calls).reduce((sum, call) => sum + call.arguments[0], 0);
      assert.ok(result.ok);
      result.body.release();
    } finally {
      mock.restoreAll();
    }
    assert.equal(moved, copied);
    assert.ok(given <= LITTLE, `memory of ${given} bytes was asked for`);
  });
}

test("inflate: gzip that tells another length than it has is corrupt, and takes no room for it", async () => {
  for (const length of [1_000, 400_000]) {
    for (const told of [0, 1, length - 1, length + 1, 0xff_ff_ff_ff]) {
      const body = gzipSync(telemetry(length));
      body.writeUInt32LE(told, body.length - 4);
      assert.equal(await outcome("gzip", body), "corrupt", `${length} bytes that say ${told}`);
    }
  }
});

test("inflate: zstd of very many frames is corrupt", async () => {
  const empty = zstdCompressSync(Buffer.alloc(0));
  assert.equal(await outcome("zstd", Buffer.concat(Array<Buffer>(10_000).fill(empty))), "corrupt");
});

test("inflate: zstd whose window needs more than 8 MiB is corrupt", async () => {
  const params = { [constants.ZSTD_c_windowLog]: 26 };
  assert.equal(await outcome("zstd", zstdCompressSync(Buffer.alloc(20 * MIB), { params })), "corrupt");
});

test("inflate: deflate without zlib's header is understood", async () => {
  for (const length of [0, 10, 100_000]) {
    assert.equal(await outcome("deflate", deflateRawSync(telemetry(length))), `${length} bytes`);
    assert.equal(await outcome("deflate", deflateRawSync(telemetry(length), { level: 0 })), `${length} bytes`);
  }
});

for (const compression of COMPRESSIONS) {
  test(`${compression}: pieces of any size come back as one body, whatever the level`, async () => {
    for (const lengths of [[], [0], [10], [1_000, 0, 5], [20_000], [60_000, 5_000], [100_000, 300_000]]) {
      const pieces = lengths.map(telemetry);
      for (const level of [1, compression === "gzip" ? 9 : 11]) {
        const packed = await packedBy(compression, pieces, level);
        const result = await run(compression, packed);
        assert.ok(result.ok && Buffer.from(result.bytes).equals(Buffer.concat(pieces)));
      }
    }
  });

  test(`${compression}: what does not become shorter finds room, and a higher level makes shorter what does`, async () => {
    const random = Buffer.alloc(65_536);
    for (let i = 0, seed = 7; i < random.length; i++) random[i] = (seed = (Math.imul(seed, 69_069) + 1) >>> 0) >>> 24;
    const packed = await packedBy(compression, [random], 1);
    assert.ok(packed.length > random.length && packed.length < random.length + 100);
    const text = Buffer.from(Array.from({ length: 900 }, (_, i) => `span ${(i * 7_919) % 1_000} of ${i % 7}`).join());
    const lengths = await Promise.all([1, 6].map(async (level) => (await packedBy(compression, [text], level)).length));
    assert.ok(lengths[1]! < lengths[0]!, lengths.join(" "));
  });
}

function packedBy(compression: Compression, pieces: readonly Uint8Array[], level: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const done = (result: CompressResult): void => {
      if (result.ok) resolve(result.bytes);
      else reject(new Error(result.message));
    };
    compressPieces(compression, pieces, done, level);
  });
}
