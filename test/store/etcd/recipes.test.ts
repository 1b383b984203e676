import { describe } from "node:test";
import { absenceOf, findProgram } from "../../set-up/programs.ts";
import { EtcdServer } from "../../support/etcd-server.ts";
import { programTests } from "../recipes/page-programs.ts";
import { recipeContract, RECIPES } from "../recipes/recipe-contract.ts";
import { enableUsers } from "./etcd-users.ts";
import { settingsOf } from "./etcd-fixture.ts";

const skip = findProgram("etcd") === undefined ? absenceOf("etcd") : undefined;
const etcd = {
  ttlMs: 3_000,
  skip,
  async open() {
    const server = await EtcdServer.open();
    return { settings: settingsOf(server.endpoints), [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  },
};

// On a server each: what waits for the end of a session does so together.
describe("recipes on etcd", { concurrency: true }, () => {
  recipeContract("etcd", etcd);
  recipeContract("etcd, as a user with the rights of docs/coordination.md", {
    ...etcd,
    async open() {
      const server = await EtcdServer.open();
      const user = { name: "signalbox", password: "of the tests" };
      await enableUsers(server.only.endpoint, [{ ...user, prefix: `${RECIPES}/` }]);
      const settings = settingsOf(server.endpoints, { user });
      return { settings, isCutDown: true, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
    },
  });
  programTests("etcd", etcd);
});
