import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { runCli } from "./run-cli.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "signalbox-admin-cli-"));
after(() => rmSync(FOLDER, { recursive: true }));

function file(name: string, content: string): string {
  writeFileSync(join(FOLDER, name), content);
  return join(FOLDER, name);
}

const RULE = file("rule.yaml", "id: r # the rule\nconditions: [service_name: x]\npool: p\n");
const mistakes: { argv: string[]; err: RegExp }[] = [
  { argv: ["rules"], err: /rules needs a command\n {2}one of list, get, add, set, remove/u },
  {
    argv: ["rules", "lst"],
    err: /unknown rules command lst\n {2}did you mean "list".*\n {2}signalbox help rules tells more/u,
  },
  { argv: ["rules", "--all"], err: /rules needs a command/u },
  { argv: ["rules", "list", "x"], err: /takes no "x"\n {2}signalbox help rules list tells more/u },
  { argv: ["rules", "get"], err: /rules get needs one id/u },
  { argv: ["rules", "get", "a", "b"], err: /needs one id/u },
  { argv: ["rules", "add"], err: /needs -f, or options/u },
  { argv: ["rules", "add", "-f", RULE, "--id", "x"], err: /--id cannot stand beside -f/u },
  { argv: ["rules", "add", "--id", "x", "--pool", "p"], err: /needs --service/u },
  { argv: ["rules", "set", "x"], err: /needs --file/u },
  { argv: ["rules", "set", "x", "-f", "-"], err: /standard input is empty/u },
  { argv: ["pools", "add", "--name", "x", "--targets", "a,,b"], err: /names with commas/u },
  { argv: ["targets", "drain", "x", "--for", "soon"], err: /such as 10m/u },
  { argv: ["targets", "ready", "x", "--for", "1m"], err: /unknown option --for/u },
  { argv: ["config", "rollback", "latest"], err: /a version is a number/u },
  { argv: ["config", "diff", "1", "2", "3"], err: /two versions/u },
  { argv: ["config", "get", "--url", "ftp://x"], err: /--url takes an address/u },
  { argv: ["config", "get", "--url", "http://me:pw@x"], err: /no user or password/u },
  { argv: ["config", "get", "--token", "a b"], err: /characters that no token can have/u },
  { argv: ["config", "get", "--timeout", "0s"], err: /--timeout takes a time/u },
  { argv: ["config", "get", "--ca", "/nowhere.pem"], err: /--ca: ENOENT/u },
  { argv: ["rules", "remove", "x", "--if-match", ""], err: /--if-match takes a version/u },
  {
    argv: ["rules", "remove", "x", "--if-match", "abc"],
    err: /--if-match takes a version, such as 7\n {2}.*config history/u,
  },
  { argv: ["rules", "remove", "x", "--if-match", '"abc"'], err: /--if-match takes a version/u },
  { argv: ["config", "diff", "a"], err: /a version is a number; got "a"/u },
  { argv: ["config", "diff", "1", "b"], err: /a version is a number; got "b"/u },
  { argv: ["config", "get", "--version", "latest"], err: /a version is a number/u },
  { argv: ["targets", "drain", "x", "--for", "100d"], err: /--for takes 1s to 24d; got "100d"/u },
  { argv: ["targets", "drain", "x", "--for", "1ms"], err: /--for takes 1s to 24d/u },
  { argv: ["config", "apply", "-f", RULE, "-f", "-"], err: /--file is given more than once/u },
  { argv: ["run", "a.yaml", "--config", "b.yaml"], err: /a file and --config exclude each other/u },
  { argv: ["run", "-c", "a.yaml", "-c", "b.yaml"], err: /--config is given more than once/u },
  { argv: ["validate", "-", "-"], err: /standard input, and can be read once/u },
  {
    argv: ["explain", "x.json", "--span-name", "x", "-a", "k=v"],
    err: /--span-name, --attribute cannot stand beside a file/u,
  },
  {
    argv: ["explain", "--service", "x", "-c", "a.yaml", "--token", "t"],
    err: /--config and --token exclude each other/u,
  },
  { argv: ["limits", "set"], err: /limits set needs -f, or a setting such as --max-qps/u },
  { argv: ["limits", "set", "--max-qps=-3"], err: /--max-qps takes items a second above 0, or none; got "-3"/u },
  { argv: ["limits", "set", "--per-key", "NaN"], err: /--per-key takes items a second above 0/u },
  { argv: ["limits", "set", "--burst", "1e400"], err: /--burst takes items a second above 0/u },
  { argv: ["limits", "set", "--limit-of", "debug"], err: /--limit-of takes key=number; got "debug"/u },
  { argv: ["limits", "set", "--limit-of", "a=0"], err: /--limit-of takes items a second above 0, or none; got "0"/u },
  { argv: ["limits", "set", "--mixed", "both"], err: /--mixed takes refuse, shed; got "both"/u },
  { argv: ["limits", "set", "--mixed", "shed", "-f", RULE], err: /--mixed cannot stand beside -f/u },
];
for (const { argv, err } of mistakes) {
  test(`signalbox ${argv.join(" ").replace(RULE, "rule.yaml")}: a usage error`, async () => {
    const ran = await runCli(argv, { env: { SIGNALBOX_URL: "http://127.0.0.1:1" } });
    assert.equal(ran.code, 2, ran.err);
    assert.match(ran.err, err);
    assert.equal(ran.out, "");
  });
}

for (const argv of [["nosuch"], ["rules", "lst"], ["rules"], []]) {
  test(`signalbox ${argv.join(" ")} -o json: a usage error as JSON, whatever the command was meant to be`, async () => {
    const ran = await runCli([...argv, "-o", "json"]);
    assert.equal(ran.code, 2);
    const { error } = JSON.parse(ran.out) as { error: { code: string; exit_code: number } };
    assert.deepEqual([error.code, error.exit_code], ["USAGE", 2]);
  });
}
