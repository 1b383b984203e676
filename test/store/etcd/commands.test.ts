import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createElection, createLock, openStore } from "../../../src/index.ts";
import { runCli, type Ran } from "../../cli/run-cli.ts";
import { absenceOf, findProgram } from "../../set-up/programs.ts";
import { EtcdServer } from "../../support/etcd-server.ts";
import { settingsOf } from "./etcd-fixture.ts";
import { enableUsers } from "./etcd-users.ts";

const skip = findProgram("etcd") === undefined ? absenceOf("etcd") : false;
const { signal } = new AbortController();
const folder = mkdtempSync(join(tmpdir(), "signalbox-etcd-commands-"));
after(() => rmSync(folder, { recursive: true }));

test("commands work on etcd, with a user from a config or from options, and say when it is away", {
  skip,
}, async () => {
  await using server = await EtcdServer.open();
  const user = { name: "signalbox", password: "of the tests" };
  await enableUsers(server.only.endpoint, [{ ...user, prefix: "/otlp/" }]);
  writeFileSync(join(folder, "password"), `${user.password}\n`);
  const [endpoint = ""] = server.endpoints;
  const settings = `type: etcd, endpoints: ["${endpoint}"], prefix: /otlp, username: signalbox`;
  const node = `node: { coordination: { ${settings}, password: "\${file:password}" } }`;
  writeFileSync(join(folder, "node.yaml"), `${node}\ntargets: [{ id: a, endpoint: http://127.0.0.1:1 }]\n`);
  const run = (command: string): Promise<Ran> => runCli([...command.split(" "), "-c", "node.yaml"], { cwd: folder });

  assert.equal((await run("fleet show")).code, 5);
  assert.equal((await run("fleet init --id blue")).out, "fleet blue is made\n");
  assert.equal((await run("fleet init")).code, 6);
  await using place = await openStore(settingsOf(server.endpoints, { user }), { prefix: "/otlp" });
  await using guard = await createLock(place, "backup", { holder: "job-1" }).acquire({ signal });
  await using leader = await createElection(place, "global").campaign("", { signal, id: "n1" });
  const [lock] = JSON.parse((await run("locks -o json")).out) as Record<string, unknown>[];
  assert.deepEqual([lock?.["holder"], lock?.["epoch"]], ["job-1", `1.${guard.epoch}`]);
  assert.ok(leader.epoch > guard.epoch);
  assert.match((await run("leader global")).out, /\nglobal +n1 +1\.\d+ /u);
  const doctor = await run("doctor -o json");
  assert.equal(doctor.code, 0, doctor.out);
  assert.ok(!doctor.out.includes(user.password));

  const options = `--store etcd --endpoint ${endpoint} --prefix /otlp --username signalbox --password-file password`;
  const other = await runCli(["locks", "backup", ...options.split(" ")], { cwd: folder });
  assert.equal(other.code, 0, other.err);
  const wrong = await runCli(["locks", ...options.replace("/otlp", "/elsewhere").split(" ")], { cwd: folder });
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /role grant-permission/u);
});
