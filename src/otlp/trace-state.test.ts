import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MOST_ADDED, TraceState } from "./trace-state.ts";

function read(text: string): TraceState {
  const state = new TraceState();
  const bytes = Buffer.from(`<<${text}>>`);
  state.read(bytes, 2, bytes.length - 2);
  return state;
}

function write(text: string, th: string, random?: { hi: number; lo: number }): string | undefined {
  const into = Buffer.alloc(Buffer.byteLength(text) + MOST_ADDED);
  const end = read(text).write(Buffer.from(th), random, into, 0);
  return end < 0 ? undefined : into.toString("utf8", 0, end);
}

const rewritten = [
  { name: "there was none", text: "", want: "ot=th:c" },
  { name: "others stay as they are, behind it", text: "rojo=00f0,congo=t6-1", want: "ot=th:c,rojo=00f0,congo=t6-1" },
  {
    name: "a threshold yields in its place",
    text: "ot=rv:01020304050607;th:8;x:1",
    want: "ot=rv:01020304050607;th:c;x:1",
  },
  { name: "what changed comes first", text: "a=1, ot=th:08 ,b=2", want: "ot=th:c,a=1,b=2" },
  { name: "unknown members of it stay", text: "ot=p:8;q2:_.-Z", want: "ot=th:c;p:8;q2:_.-Z" },
  { name: "empty members of the list go", text: ",a=1,,", want: "ot=th:c,a=1" },
  {
    name: "another key that begins alike is another key",
    text: "otx=1,tenant@ot=2",
    want: "ot=th:c,otx=1,tenant@ot=2",
  },
];
for (const { name, text, want } of rewritten) {
  test(`trace state: ${name}`, () => {
    assert.equal(write(text, "c"), want);
  });
}

test("trace state: a randomness is written where there is none, and never over one", () => {
  const random = { hi: 0x0a_0b0c, lo: 0xf1_02_03_04 };
  assert.equal(write("a=1", "8", random), "ot=th:8;rv:0a0b0cf1020304,a=1");
  assert.equal(write("ot=rv:00000000000001", "8", random), "ot=th:8;rv:00000000000001");
});

test("trace state: thresholds and randomness are read", () => {
  const state = read("a=1,ot=x:1;th:08;rv:fffffffffffffe");
  assert.deepEqual([state.hasThreshold, state.thresholdHi, state.thresholdLo], [true, 0x08_0000, 0]);
  assert.deepEqual([state.hasRandomness, state.randomnessHi, state.randomnessLo], [true, 0xff_ffff, 0xffff_fffe]);
});

const unreadable = [
  "ot=",
  "ot=th",
  "ot=th:",
  "ot=th:0123456789abcde",
  "ot=th:C",
  "ot=th:8;th:8",
  "ot=rv:1234",
  "ot=th:8;",
  "ot=;th:8",
  "ot=Th:8",
  "ot=th:8;x:a b",
  "ot=th:8,ot=th:8",
  `ot=x:${"a".repeat(255)}`,
];
for (const text of unreadable) {
  test(`trace state: ${text.slice(0, 24)} is not to be touched`, () => {
    const state = read(text);
    assert.deepEqual([state.readable, state.hasThreshold, state.hasRandomness], [false, false, false]);
  });
}

test("trace state: its value never becomes longer than 256, and the list has at most 32 members", () => {
  assert.equal(write(`ot=x:${"a".repeat(254)}`, "fd70a4"), undefined);
  const many = Array.from({ length: 32 }, (_, i) => `k${i}=1`);
  assert.equal(write(many.join(","), "8"), ["ot=th:8", ...many.slice(0, 31)].join(","));
});

test("trace state: what is written is read as what was written, and all else stays", () => {
  const members = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,4}=[a-z0-9:;]{1,6}$/u), {
    maxLength: 5,
    selector: (member) => member.split("=")[0],
  });
  const th = fc.stringMatching(/^[0-9a-f]{1,14}$/u);
  fc.assert(
    fc.property(members, fc.option(th, { nil: undefined }), th, fc.nat(5), (others, before, after, place) => {
      const list = others.filter((member) => !member.startsWith("ot="));
      const all = before === undefined ? list : list.toSpliced(place, 0, `ot=q:1;th:${before}`);
      const out = write(all.join(","), after) ?? "";
      assert.deepEqual(out.split(",").slice(1), list);
      assert.equal(out.split(",")[0], before === undefined ? `ot=th:${after}` : `ot=q:1;th:${after}`);
      assert.ok(read(out).hasThreshold);
    }),
  );
});
