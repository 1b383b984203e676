import { absenceOf, findProgram } from "../../set-up/programs.ts";
import { EtcdServer } from "../../support/etcd-server.ts";
import { programTests } from "../recipes/page-programs.ts";
import { recipeContract } from "../recipes/recipe-contract.ts";
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

recipeContract("etcd", etcd);
programTests("etcd", etcd);
