import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCommandLine } from "./args.ts";
import type { Args, Command } from "./command.ts";

const command: Command = {
  name: "try",
  summary: "",
  usage: [],
  details: "",
  options: {
    rate: { short: "r", default: "10", help: "" },
    header: { multiple: true, help: "" },
    must: { help: "" },
    fast: { flag: true, short: "f", help: "" },
  },
  run: async () => 0,
};

function parse(...argv: string[]): Args {
  const parsed = parseCommandLine(command, argv);
  assert.ok(parsed !== "help");
  return parsed;
}

test("options in all their forms, among positionals", () => {
  const args = parse("a", "-f", "--rate=5", "b", "--header", "x=1", "--header=-y", "--", "--fast");
  assert.deepEqual([...args.positionals], ["a", "b", "--fast"]);
  assert.deepEqual([args.flag("fast"), args.number("rate", 0), args.list("header")], [true, 5, ["x=1", "-y"]]);
});

test("what is not given: the default, or nothing", () => {
  const args = parse("-");
  assert.deepEqual(
    [args.flag("fast"), args.number("rate", 0), args.list("header"), args.text("must")],
    [false, 10, [], undefined],
  );
  assert.deepEqual([...args.positionals], ["-"]);
});

test("the last one counts when one is given again", () => {
  assert.equal(parse("-r", "1", "-r", "2").text("rate"), "2");
});

test("--help wins over what else is right", () => {
  assert.deepEqual(parseCommandLine(command, ["a", "--rate", "1", "-h"]), "help");
});

const mistakes: [string, () => unknown, RegExp][] = [
  [
    "a number that is none",
    () => parse("--rate=fast").number("rate", 0),
    /--rate must be a number, 0 or more; got "fast"/u,
  ],
  ["a number below the least", () => parse("--rate=-1").number("rate", 0), /0 or more/u],
  ["an empty number", () => parse("--rate=").number("rate", 0), /must be a number/u],
  ["an option that must be given", () => parse().required("must"), /try needs --must/u],
  ["an unknown short option", () => parse("-x"), /unknown option -x/u],
  ["a name of every object", () => parse("--constructor"), /unknown option --constructor/u],
  ["a value that looks like an option", () => parse("--rate", "--fast"), /--rate needs a value/u],
];
for (const [name, run, message] of mistakes) {
  test(`a usage error: ${name}`, () => {
    assert.throws(run, { code: "USAGE", message });
  });
}

test("asking for an option that was not declared is a fault of the command", () => {
  assert.throws(() => parse().flag("other"), { code: "INTERNAL" });
});
