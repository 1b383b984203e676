import { ConsulServer } from "../../support/consul-server.ts";
import { programTests } from "../recipes/page-programs.ts";
import { recipeContract } from "../recipes/recipe-contract.ts";
import { CONSUL_ABSENCE } from "./consul-fixture.ts";

const consul = {
  ttlMs: 10_000,
  skip: CONSUL_ABSENCE,
  async open() {
    const server = await ConsulServer.open();
    return { settings: server.settings, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  },
};

recipeContract("consul", consul);
programTests("consul", consul);
