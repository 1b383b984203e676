import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type AddressBook, MAX_ADDRESSES, NO_ADDRESSES, type Spread, stepAddresses } from "./address-book.ts";

function after(answers: readonly (readonly string[])[], spread: Spread = "auto"): AddressBook {
  return answers.reduce((book, answer) => stepAddresses(book, answer, spread), NO_ADDRESSES);
}

function shown({ spread, known, unused }: AddressBook): string {
  const addresses = known.map(({ address, absences }) => `${address}${"?".repeat(absences)}`);
  return [spread ? "all" : "one", ...addresses, ...(unused > 0 ? [`+${unused}`] : [])].join(" ");
}

const A = "10.0.0.1";
const B = "10.0.0.2";
const PUBLIC = "192.0.2.1";
const cases: readonly { name: string; spread?: Spread; answers: readonly (readonly string[])[]; want: string }[] = [
  { name: "auto: two private addresses are both used", answers: [[B, A]], want: `all ${A} ${B}` },
  { name: "auto: a single one is left to the name", answers: [[A]], want: `one ${A}` },
  { name: "auto: the second makes both used", answers: [[A], [A, B]], want: `all ${A} ${B}` },
  { name: "auto: of two one stays, and is dialled itself", answers: [[A, B], [A], [A], [A]], want: `all ${A}` },
  { name: "auto: a public one among them leaves all to the name", answers: [[A, B, PUBLIC]], want: "one +2" },
  { name: "auto: one that becomes public ends it", answers: [[A, B], [PUBLIC]], want: "one" },
  { name: "auto: loopback is private", answers: [["127.0.0.1", "127.0.0.2"]], want: "all 127.0.0.1 127.0.0.2" },
  { name: "auto: unique local is private", answers: [["fd00::1", "fd00::2"]], want: "all fd00::1 fd00::2" },
  { name: "auto: one of each family is one", answers: [["::1", "127.0.0.1"]], want: "one 127.0.0.1" },
  { name: "all: a single one is dialled itself", spread: "all", answers: [[A]], want: `all ${A}` },
  { name: "all: public ones too", spread: "all", answers: [[PUBLIC, A]], want: `all ${A} ${PUBLIC}` },
  { name: "IPv4 where there is any", spread: "all", answers: [["fd00::1", "fd00::2", A]], want: `all ${A}` },
  {
    name: "the family stays while an address of it is left",
    spread: "all",
    answers: [["fd00::1"], ["fd00::1", A], [A]],
    want: "all fd00::1?",
  },
  {
    name: "and changes when none is",
    spread: "all",
    answers: [[A], ["::1"], ["::1"], ["::1"], ["::1"]],
    want: "all ::1",
  },
  {
    name: "the other family takes over in the answer that ends the first",
    spread: "all",
    answers: [[A], ["::1"], ["::1"], ["::1"]],
    want: "all ::1",
  },
  { name: "absent once: kept", answers: [[A, B], [B]], want: `all ${A}? ${B}` },
  { name: "absent twice, and back", answers: [[A, B], [B], [B], [A, B]], want: `all ${A} ${B}` },
  { name: "absent three times in a row: gone", answers: [[A, B], [B], [B], [B]], want: `all ${B}` },
  { name: "an answer without addresses changes nothing", answers: [[A, B], []], want: `all ${A} ${B}` },
  { name: "what is no address is none", answers: [["x", A, B]], want: `all ${A} ${B}` },
  { name: "what comes twice is one", spread: "all", answers: [[A, A]], want: `all ${A}` },
];
for (const { name, spread, answers, want } of cases) {
  test(`addresses: ${name}`, () => assert.equal(shown(after(answers, spread)), want));
}

test("addresses: never more than 64, the same ones on every node, and what is left out is told", () => {
  const many = Array.from({ length: 100 }, (_, i) => `10.0.1.${i}`);
  const book = after([many], "all");
  assert.equal(book.known.length, MAX_ADDRESSES);
  assert.equal(book.unused, 100 - MAX_ADDRESSES);
  const reversed = after([many.toReversed()], "all");
  assert.deepEqual(reversed.known, book.known);
});

test("addresses: whatever is answered, they are few, in order, of one family, and what was just answered is no stranger", () => {
  const address = fc.oneof(
    fc.nat(80).map((n) => `10.0.0.${n}`),
    fc.nat(80).map((n) => `fd00::${n.toString(16)}`),
    fc.constantFrom("192.0.2.7", "junk"),
  );
  const answers = fc.array(fc.array(address, { maxLength: 90 }), { maxLength: 8 });
  fc.assert(
    fc.property(answers, fc.constantFrom<Spread>("all", "auto"), (all, spread) => {
      let book = NO_ADDRESSES;
      for (const answer of all) {
        book = stepAddresses(book, answer, spread);
        const texts = book.known.map((one) => one.address);
        assert.ok(texts.length <= MAX_ADDRESSES);
        assert.deepEqual(texts, [...new Set(texts)].toSorted());
        assert.ok(new Set(texts.map((text) => text.includes(":"))).size <= 1);
        assert.ok(book.known.every(({ absences }) => absences < 3));
        assert.ok(!book.spread || texts.length > 0);
      }
    }),
  );
});
