import { absenceOf, findProgram } from "../../set-up/programs.ts";
import { EtcdServer } from "../../support/etcd-server.ts";
import { renewalSuite } from "../renewal/renewal.ts";
import { settingsOf } from "./etcd-fixture.ts";

renewalSuite("etcd", {
  ttlMs: 6_000,
  skip: findProgram("etcd") === undefined ? absenceOf("etcd") : undefined,
  open: async () => {
    const server = await EtcdServer.open();
    return { settings: settingsOf(server.endpoints), [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  },
});
