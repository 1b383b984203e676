import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createElection } from "../../src/store/recipes/election.ts";
import { openFleetMemory } from "../../src/store/recipes/fleet-memory.ts";
import { readFleet } from "../../src/store/recipes/identity.ts";
import { createLock } from "../../src/store/recipes/lock.ts";
import { nodeFolder, testFolder } from "./node-folder.ts";
import { runCli } from "./run-cli.ts";

const { signal } = new AbortController();
const folder = testFolder();

test("a fleet is made once, shown, and adopted after its store was wiped", async () => {
  const node = nodeFolder();
  const before = await node.run("fleet show");
  assert.deepEqual([before.code, before.out], [5, ""]);
  assert.match(before.err, /there is no store yet: .*store\.sqlite\n {2}.*fleet init/u);
  const made = await node.run("fleet init --id blue");
  assert.deepEqual([made.code, made.out], [0, "fleet blue is made\n"]);
  const again = await node.run("fleet init --id green");
  assert.equal(again.code, 6);
  assert.match(again.err, /^there is a fleet: blue\n {2}one prefix is one fleet/u);
  const shown = await node.run("fleet show -o json");
  assert.equal(shown.code, 0);
  assert.deepEqual(JSON.parse(shown.out), {
    kind: "ok",
    message: "fleet blue, generation 1, from epoch 1.0 on",
    fleet: { id: "blue", generation: 1, min_epoch: "1.0" },
    remembered: null,
  });

  // The node remembers it; then its store is wiped.
  await using opened = await node.open();
  const memory = await openFleetMemory(join(node.dataDir, "fleet.json"));
  await memory.check(await readFleet(opened.place, { signal }));
  await opened.place.store.txn({ if: [], then: [{ kind: "delete", key: "/signalbox/fleet" }] }, { signal });
  const isolated = await node.run("fleet show");
  assert.equal(isolated.code, 6);
  assert.match(isolated.err, /this node belongs to blue \(generation 1\): it was wiped\n {2}.*signalbox fleet adopt/u);
  const adopted = await node.run("fleet adopt");
  assert.deepEqual([adopted.code, adopted.err], [0, ""]);
  assert.match(adopted.out, /fleet blue's, from generation 2 on/u);
  assert.match((await node.run("fleet show")).out, /generation 2, .*, which this node will follow/u);
  assert.match((await node.run("fleet adopt --generation 7")).out, /from generation 8 on/u);
});

test("a store that nothing is known against is not adopted, unless by force", async () => {
  const node = nodeFolder();
  await node.run("fleet init --id blue");
  for (const command of ["fleet adopt", "fleet adopt --id blue", "fleet adopt --id blue --generation 1"]) {
    const again = await node.run(command);
    assert.deepEqual([again.code, again.err], [0, ""], command);
    assert.match(again.out, /^nothing to adopt: .* fleet blue's, generation 1\n {2}.*--force\n$/u);
  }
  assert.match((await node.run("fleet show")).out, /generation 1,/u);
  assert.match((await node.run("fleet adopt --force")).out, /fleet blue's, from generation 2 on/u);
  assert.match((await node.run("fleet adopt --id green")).out, /fleet green's, from generation 3 on/u);
});

test("the store of a fleet that this node is of is made another fleet's by force alone", async () => {
  const node = nodeFolder();
  await node.run("fleet init --id blue");
  const memory = await openFleetMemory(join(node.dataDir, "fleet.json"));
  await using store = await node.open();
  await memory.check(await readFleet(store.place, { signal: new AbortController().signal }));
  const other = await node.run("fleet adopt --id green --generation 1");
  assert.deepEqual([other.code, other.out], [6, ""]);
  assert.match(other.err, /fleet blue's, and so is this node.*isolated\n {2}nothing was written; --force/u);
  assert.match((await node.run("fleet show")).out, /blue.*generation 1,/u);
  assert.match((await node.run("fleet adopt --id green --force")).out, /fleet green's, from generation 2 on/u);
});

test("a file that names a store is looked at before that is asked", async () => {
  const cwd = mkdtempSync(join(tmpdir(), "signalbox-apply-"));
  const node = "node: { coordination: { type: etcd, endpoints: [http://127.0.0.1:1] } }\n";
  const files: readonly (readonly [text: string, err: RegExp])[] = [
    [`${node}---\n${node}`, /fleet\.yaml:2:1: error: there is more than one document/u],
    [`${node}targets: [{ id: a, endpoint: "ftp://x" }]\n`, /not published:\n.*endpoint/u],
  ];
  for (const [text, err] of files) {
    writeFileSync(join(cwd, "fleet.yaml"), text);
    const applied = await runCli(["config", "apply", "fleet.yaml", "--timeout", "1ms"], { cwd });
    assert.deepEqual([applied.code, applied.out], [3, ""], applied.err);
    assert.match(applied.err, err);
  }
  rmSync(cwd, { recursive: true });
});

test("adopting an empty store needs a fleet that somebody knows", async () => {
  const node = nodeFolder();
  const unknown = await node.run("fleet adopt");
  assert.equal(unknown.code, 5);
  assert.match(unknown.err, /neither the store nor this node knows a fleet/u);
  assert.equal((await node.run("fleet adopt --generation 3")).code, 2);
  assert.match((await node.run("fleet adopt --id blue --generation 3")).out, /fleet blue's, from generation 4 on/u);
});

test("an id that no fleet can have is a mistake of whoever wrote it, and no store is made for it", async () => {
  const node = nodeFolder();
  for (const command of ["init", "adopt"]) {
    const { code, err } = await node.run(`fleet ${command} --id a/b`);
    assert.equal(code, 2);
    assert.match(err, /--id: "a\/b" cannot be the id of a fleet\n {2}use letters/u);
  }
  assert.match((await node.run("fleet show")).err, /there is no store yet/u);
});

test("locks and leaders of a node's store, while a program holds them", async () => {
  const node = nodeFolder();
  await node.run("fleet init");
  await using opened = await node.open();
  assert.equal((await node.run("locks -o json")).out, "[]\n");
  assert.equal((await node.run("locks backup")).code, 5);
  assert.equal((await node.run("leader global")).code, 5);
  await using guard = await createLock(opened.place, "backup", { holder: "job-1" }).acquire({ signal });
  await using region = await createElection(opened.place, "region.eu-1").campaign("10.0.0.7:4321", {
    signal,
    id: "n7",
  });
  const [lock] = JSON.parse((await node.run("locks backup -o json")).out) as Record<string, unknown>[];
  assert.deepEqual(
    [lock!["name"], lock!["holder"], lock!["epoch"], lock!["waiting"]],
    ["backup", "job-1", `1.${guard.epoch}`, 0],
  );
  assert.match(
    (await node.run("locks")).out,
    /^NAME +HOLDER +EPOCH +SINCE +WAITING +NEXT\nbackup +job-1 +1\.\d+ +\d+s +0/u,
  );
  const leaders = JSON.parse((await node.run("leader -o json")).out) as Record<string, Record<string, unknown>>;
  assert.equal(leaders["global"], null);
  assert.deepEqual(Object.keys(leaders["regions"] ?? {}), ["eu-1"]);
  const one = JSON.parse((await node.run("leader eu-1 -o json")).out) as Record<string, unknown>;
  assert.deepEqual([one["id"], one["epoch"], one["value"]], ["n7", `1.${region.epoch}`, "10.0.0.7:4321"]);
  assert.match(
    (await node.run("leader")).out,
    /^ELECTION +LEADER +EPOCH +SINCE +VALUE\neu-1 +n7 +1\.\d+ +\d+s +10\.0\.0\.7:4321\n/u,
  );
  await region.proclaim('{"schema":1,"id":"n7","address":"10.0.0.7:4322","tls":true}', { signal });
  assert.match((await node.run("leader")).out, /\neu-1 +n7 +1\.\d+ +\d+s +10\.0\.0\.7:4322\n/u);
  await region.proclaim(`{"rows":[${"1,".repeat(4_000)}1]}`, { signal });
  assert.match((await node.run("leader")).out, /\neu-1 +n7 +1\.\d+ +\d+s +JSON: see -o json\n/u);
  await using program = await createElection(opened.place, "eu-1").campaign("", { signal, id: "n8" });
  assert.match((await node.run("leader")).out, /^ELECTION .*\neu-1 +n7 .*\neu-1 +n8 /u, `at ${program.epoch}`);
});

test("a store that cannot be reached is told with 7, by every command", async () => {
  const server = createServer();
  const port = await new Promise<number>((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
  });
  await new Promise((resolve) => server.close(resolve));
  for (const command of ["locks", "leader", "fleet show", "fleet init", "fleet adopt --id a", "doctor"]) {
    const options = ["--store", "consul", "--endpoint", `http://127.0.0.1:${port}`, "--timeout", "2s"];
    const ran = await runCli([...command.split(" "), ...options]);
    assert.equal(ran.code, 7, `${command}: ${ran.err}`);
  }
});

test("a store's endpoint where another program listens is told with 7, whatever the kind", async () => {
  const other = createHttpServer((_, response) => response.writeHead(404).end("<html>"));
  const port = await new Promise<number>((resolve) => {
    other.listen(0, "127.0.0.1", () => resolve((other.address() as { port: number }).port));
  });
  for (const kind of ["etcd", "consul"]) {
    const store = ["--store", kind, "--endpoint", `http://127.0.0.1:${port}`, "--timeout", "60s"];
    const ran = await runCli(["locks", ...store]);
    assert.equal(ran.code, 7, `${kind}: ${ran.err}`);
    assert.match(ran.err, /is it (?:etcd|Consul).* that listens there/u);
    const doctor = await runCli(["doctor", ...store]);
    assert.equal(doctor.code, 7, `${kind}: ${doctor.out}`);
  }
  other.closeAllConnections();
  await new Promise((resolve) => other.close(resolve));
});

test("with -o json what went wrong is one document, whatever it is", async () => {
  const node = nodeFolder();
  const errorOf = async (line: string, code: number): Promise<Record<string, unknown>> => {
    const ran = await node.run(line);
    assert.equal(ran.code, code, `${line}: ${ran.err}`);
    assert.notEqual(ran.err, "", "people read it, too");
    const { error } = JSON.parse(ran.out) as { error: Record<string, unknown> };
    assert.equal(error["exit_code"], code);
    return error;
  };
  const missing = await errorOf("locks -o json", 5);
  assert.equal(missing["code"], "CONFIG_UNREADABLE");
  assert.match(`${String(missing["detail"])} ${String(missing["hint"])}`, /there is no store yet.*fleet init/u);
  await node.run("fleet init --id blue");
  assert.deepEqual(await errorOf("leader global --output=json", 5), {
    code: "NOT_FOUND",
    detail: "global: nobody leads there",
    exit_code: 5,
  });
  assert.equal((await errorOf("locks backup -o json", 5))["code"], "NOT_FOUND");
  assert.equal((await errorOf("locks a b -o json", 2))["code"], "USAGE");
  assert.equal((await errorOf("locks --nonsense -o json", 2))["code"], "USAGE");
  const there = JSON.parse((await runCli(["fleet", "init", "-o", "json", ...node.named])).out) as object;
  assert.deepEqual(Object.keys(there), ["kind", "message", "hint", "fleet", "remembered", "error"]);
  const yaml = await node.run("leader global -o yaml");
  assert.equal(yaml.out, 'error:\n  code: NOT_FOUND\n  detail: "global: nobody leads there"\n  exit_code: 5\n');
  assert.equal((await node.run("leader global")).out, "", "people are told on stderr alone");
});

test("a config with problems is one document, with the problems", async () => {
  writeFileSync(join(folder, "wrong.yaml"), "targets: 7\n");
  const ran = await runCli("locks -c wrong.yaml -o json".split(" "), { cwd: folder });
  const { error } = JSON.parse(ran.out) as { error: { code: string; problems: { message: string }[] } };
  assert.deepEqual([ran.code, error.code, error.problems.length > 0], [3, "CONFIG_INVALID", true]);
});

const mistakes = [
  { line: "locks", want: /which store\?\n {2}-c node\.yaml/u },
  { line: "locks --store embedded", want: /the embedded store is in a directory/u },
  { line: "locks --store etcd", want: /: etcd needs an --endpoint\n {2}--endpoint http:/u },
  {
    line: "locks --store etcd --endpoint 127.0.0.1:2379",
    want: /--endpoint 127\.0\.0\.1:2379: has no scheme\n {2}\S/u,
  },
  {
    line: "locks --store consul --endpoint http://a:1 --username u",
    want: /username: is for etcd, and this store is cons/u,
  },
  {
    line: "locks --store consul --endpoint http://a:1 --prefix a",
    want: /--prefix: is not a prefix of keys\n {2}begin with \//u,
  },
  {
    line: "locks --store etcd --endpoint http://a:1 --username u",
    want: /--username: needs --password-file\n {2}add --/u,
  },
  { line: "locks --store etcd --endpoint http://a:1 --ca none.pem", want: /--ca: ENOENT/u },
  { line: "doctor -c node.yaml --prefix /a", want: /--prefix is in the config/u },
  { line: "doctor -c node.yaml x", want: /takes options alone/u },
  { line: "locks a b -c node.yaml", want: /one name, or none/u },
  { line: "locks --store etcd --endpoint http://a:1 --timeout x", want: /--timeout takes a time/u },
  { line: "locks --store etcd --endpoint http://a:1 --timeout 30d", want: /--timeout takes at most 24d/u },
];
for (const { line, want } of mistakes) {
  test(`signalbox ${line}: what is wrong is told, and what to write`, async () => {
    const ran = await runCli(line.split(" "), { cwd: folder });
    assert.equal(ran.code, 2, ran.err);
    assert.match(ran.err, want);
  });
}

test("a certificate for http:// is told by the option that names it", async () => {
  writeFileSync(join(folder, "own.pem"), "of no matter");
  const ran = await runCli("locks --store etcd --endpoint http://a:1 --cert own.pem".split(" "), { cwd: folder });
  assert.equal(ran.code, 2);
  assert.match(ran.err, /--cert: no endpoint is https:\/\/\n {2}.*leave it out/u);
});

test("a password comes from a file, and is told nowhere", async () => {
  writeFileSync(join(folder, "password"), "hunter2\n");
  const options = "--store etcd --endpoint http://127.0.0.1:1 --username u --password-file password --timeout 1s";
  const ran = await runCli(["doctor", ...options.split(" ")], { cwd: folder });
  assert.equal(ran.code, 7);
  assert.ok(!`${ran.out}${ran.err}`.includes("hunter2"));
  assert.equal(readFileSync(join(folder, "password"), "utf8"), "hunter2\n");
});
